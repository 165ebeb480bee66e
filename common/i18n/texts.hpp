// The generated table of texts: sorted by code, both languages in one row.
#pragma once

#include <span>
#include <string_view>

namespace tocsin::i18n {

struct TextRow {
  std::string_view code;
  std::string_view en;
  std::string_view zh_tw;
};

// Sorted by code, each code once. Defined in the generated file.
std::span<const TextRow> text_rows();

}  // namespace tocsin::i18n
