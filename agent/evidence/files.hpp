// Files as evidence: opened step by step from the root without following any symbolic link, so that
// what is hashed is what its path says, and only what may be read without harm.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/os/files.hpp"

namespace tocsin::agent {

// An open file or folder, or why not.
struct Opened {
  os::Fd fd;
  std::uint64_t size = 0;
  Instant modified;
  std::string reason;  // empty: opened. not_found, not_permitted, symbolic_link, not_a_file, failed
  std::string detail;  // what the system said
};

// `path` is absolute; "root" + path is walked. A regular file; nothing else is ever opened.
Opened open_file(const std::string& root, std::string_view path);
// A terminal's memory: a character device of the kernel's vcs driver, and no other.
Opened open_console(const std::string& root, std::string_view path);

// Regular files in a folder and below it, at most four deep, sorted by path, without those that a
// name of `but` begins; what is of another kind has its reason. At most `limit` entries.
struct Found {
  std::string path;    // absolute, under the root
  std::string reason;  // empty: a regular file
  std::string detail;
};
struct Listing {
  std::vector<Found> files;
  bool whole = true;  // no limit was reached
};
Listing list_files(const std::string& root, const std::string& folder,
                   const std::vector<std::string>& but, std::size_t limit);

}  // namespace tocsin::agent
