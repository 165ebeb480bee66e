// Text from outside made safe to keep and to show. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

// Valid UTF-8 of at most `max_bytes`, cut at a character border: invalid bytes become U+FFFD, and
// control characters (C0, DEL, C1, and the bidirectional overrides U+202A-E, U+2066-9) become
// visible escapes such as "\x1b", so that a hostile name cannot move a terminal's cursor.
std::string clean_text(std::string_view raw, std::size_t max_bytes);

std::string to_hex(std::span<const unsigned char> bytes);
std::string to_hex(std::string_view bytes);
// False where the text is not hex digits in pairs.
bool from_hex(std::string_view hex, std::string& bytes);

}  // namespace tocsin
