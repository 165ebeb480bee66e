// Files that configuration refers to. Blocks; reads regular files only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::config {

inline constexpr std::size_t kSecretBytes = 64 << 10;

bool file_exists(const std::string& path);

// The whole file, at most `max_bytes`. Errors name the path: not_found, permission_denied,
// invalid_argument (not a regular file, too large).
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// The same for a password, token or private key of at most 64 KiB: permission_denied when group or
// others may read the file. A symbolic link is followed, and the file it leads to is what counts.
Result<std::string> read_secret_file(const std::string& path);

// Replaces the file by a new one with `mode`, or leaves the old: written beside it, synced,
// renamed, and the folder synced. Where root replaces somebody's file it stays theirs. Errors: as
// the system's.
Status write_file(const std::string& path, std::string_view bytes, unsigned mode);
// The same, but already_exists when there is such a file.
Status create_file(const std::string& path, std::string_view bytes, unsigned mode);

// Root writes beside a daemon that is not root: the file becomes the folder's owner's and group's.
// Nothing happens for anybody else.
Status give_to_folder_owner(const std::string& path);

}  // namespace tocsin::config
