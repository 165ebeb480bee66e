// What the path of a program says about it. Pure.
#pragma once

#include <string_view>

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

inline bool is_memory_file(std::string_view path) { return path.starts_with("/memfd:"); }

}  // namespace tocsin::rules
