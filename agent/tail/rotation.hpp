// How logrotate, auditd and people name the older parts of a log, and which of them is older than
// which. Pure.
#pragma once

#include <string_view>

namespace tocsin::agent {

// What the name of a file beside the log `name` says: an older part of it, as logrotate and auditd
// name them ("auth.log.1", "auth.log-20261122", "auth-20261122.log"), also compressed.
struct RotatedName {
  bool older = false;
  bool compressed = false;   // ".gz", ".xz", ".zst", ".bz2"
  std::string_view mark;     // ".1", "-20261122"; a part of `sibling`
  std::string_view packing;  // ".gz"; a part of `sibling`
};
RotatedName rotated_name(std::string_view name, std::string_view sibling);

// True where the part with mark `a` holds older records than the one with mark `b`: a number counts
// down to the log itself, a date counts up to it. Dates are older than numbers.
bool is_older_mark(std::string_view a, std::string_view b);

}  // namespace tocsin::agent
