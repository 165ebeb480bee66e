// A number that a text is, whole: of files of /proc, of what the agent wrote down before.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

#include "common/base/instant.hpp"

namespace tocsin::agent::os {

// False where the text is anything else, also where it is empty or does not fit; `into` is then not
// to be used.
template <class T>
bool read_number(std::string_view text, T& into, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// A stamp of this host's own clock, as the agent wrote it down: Linux's clock is never before 1970,
// and the difference of any two such stamps fits a Duration.
inline bool read_stamp(std::string_view text, Instant& into) {
  return read_number(text, into.ns) && into >= Instant{};
}

}  // namespace tocsin::agent::os
