// A number that a text is, whole: of files of /proc, of what the agent wrote down before.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace tocsin::agent::os {

// False where the text is anything else, also where it is empty or does not fit; `into` is then not
// to be used.
template <class T>
bool read_number(std::string_view text, T& into, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace tocsin::agent::os
