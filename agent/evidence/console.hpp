// The text of a console as it stands on the screen (procedure M-12): the nearest to a picture of an
// abnormal message that a machine without a person in front of it can give.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::agent {

inline constexpr int kConsoles = 12;

// `head`: the first four bytes of /dev/vcsaN (lines, columns, cursor). `cells`: of /dev/vcsuN, four
// bytes a character. Lines with their trailing blanks cut; control characters are blanks. Pure.
std::string console_text(std::string_view head, std::string_view cells);

// Of console `number`, 1 to kConsoles. Errors: not_found (no such console), permission_denied.
Result<std::string> read_console(const std::string& root, int number);

}  // namespace tocsin::agent
