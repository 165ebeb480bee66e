// Writing TOML by hand, for starter files and --print-config. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tocsin::config {

// The text as a TOML basic string, quotation marks included; any bytes that are valid UTF-8.
std::string toml_text(std::string_view text);
// ["a", "b"]
std::string toml_list(std::span<const std::string> texts);

}  // namespace tocsin::config
