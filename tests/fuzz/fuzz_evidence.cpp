// A manifest that arrives from a host: no text may crash its reader, and what it accepts has
// exactly that one form.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/evidence/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = evidence::parse_manifest(text)) {
    TOCSIN_CHECK(evidence::print_manifest(*manifest) == text);
    for (const evidence::Item& item : manifest->items) {
      TOCSIN_CHECK(item.file.empty() || evidence::is_file_name(item.file));
    }
  }
  static_cast<void>(evidence::is_file_name(text));
  TOCSIN_CHECK(evidence::is_file_name(evidence::file_name(size % 1000, text)));
  return 0;
}
