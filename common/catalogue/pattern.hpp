// How the message catalogue describes a record: pieces of text that stand in it in this order, with
// "*" for whatever lies between: "Failed password for * from *". A "^" at the start ties the first
// piece to the start of the record. Pure.
//
// No regular expressions: a site's pattern must not be able to stop an agent, records are hostile,
// and pieces in order say everything that the catalogue needs. The first place where a piece fits
// is always good enough, so nothing is ever tried twice: the time is that of one search a piece.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::catalogue {

class Pattern {
 public:
  // Errors: invalid_argument (no text, text over 256 bytes, control characters).
  static Result<Pattern> parse(std::string_view text);

  bool fits(std::string_view record) const;

 private:
  bool at_start_ = false;
  std::vector<std::string> pieces_;
};

}  // namespace tocsin::catalogue
