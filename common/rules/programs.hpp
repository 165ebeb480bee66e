// What the path of a program and its user say about it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/model/facts.hpp"

namespace tocsin::rules {

// Without the " (deleted)" that the kernel appends, so that a subject stays the same.
inline std::string_view program_path(std::string_view executable) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (executable.ends_with(kDeleted)) executable.remove_suffix(kDeleted.size());
  return executable;
}

// Where packages install; only the administrator writes there.
inline bool in_system_folder(std::string_view path) {
  for (const std::string_view folder :
       {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/", "/snap/"}) {
    if (path.starts_with(folder)) return true;
  }
  return false;
}

// "root"; "uid:1234" where the number has no name.
inline std::string user_text(const std::string& name, std::uint32_t uid) {
  return name.empty() ? "uid:" + std::to_string(uid) : name;
}

inline bool is_memory_file(std::string_view path) { return path.starts_with("/memfd:"); }

// Is the program's file the one that was approved, by its package or by its hash? Empty: any is. A
// file that an upgrade replaced while it ran is still of its package, which then says no more.
enum class FileMatch { changed, unknown, same };
inline FileMatch file_match(std::string_view package, std::string_view sha256,
                            const model::ProgramFile& file) {
  const bool nothing_known = file.package.empty() && file.sha256.empty();
  if (!package.empty()) {
    if (nothing_known) return FileMatch::unknown;
    const bool same = file.package == package && file.intact != model::Tristate::no;
    return same ? FileMatch::same : FileMatch::changed;
  }
  if (sha256.empty() || sha256 == file.sha256) return FileMatch::same;
  return nothing_known ? FileMatch::unknown : FileMatch::changed;
}

}  // namespace tocsin::rules
