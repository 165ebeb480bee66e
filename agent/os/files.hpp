// Files as the agent reads them: bounded, by descriptor, without following what it should not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/net/fd.hpp"

namespace tocsin::agent::os {

using net::Fd;

// "/srv" + "/etc/passwd" -> "/srv/etc/passwd"; root "/" changes nothing.
std::string under(std::string_view root, std::string_view path);
// The root below which the host's folders and mounts are. This agent's sandbox has a /tmp of its
// own, which nobody else ever writes to: the host's first process sees what the host sees. Where
// that may not be looked into, or `root` is not the host's, `root` itself.
std::string files_of_host(const std::string& root);

// At most `limit` bytes from the start. Errors: not_found, permission_denied, as the system says.
Result<std::string> read_start(const std::string& path, std::size_t limit);
// At most `limit` bytes from `offset` of an open file.
Result<std::string> read_at(const Fd& file, std::uint64_t offset, std::size_t limit);

// Whoever owns a file says when it was written, the year 2400 too: the last or first that an
// Instant can say stands for what is beyond.
Instant instant_of(const timespec& time);

// What tells one file from another and from its own past.
struct FileStat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  Instant modified;
  Instant changed{};  // its name, owner or length too; cannot be set back
  friend bool operator==(const FileStat&, const FileStat&) = default;
};
struct OpenedFile {
  Fd fd;
  FileStat stat;
};
// Opens a regular file for reading; never a symbolic link (its last part), a pipe or a device.
// Errors: not_found, permission_denied, invalid_argument (not a regular file).
Result<OpenedFile> open_regular(const std::string& path);
// The program behind /proc/PID/exe, also where its file is deleted. Errors: as above.
Result<OpenedFile> open_executable(const std::string& link);
// The same, only looked at. Errors: as the system says.
Result<FileStat> stat_of_executable(const std::string& link);
Result<FileStat> stat_of(const std::string& path);

// Which of the files that had the same inode number one after the other this is, as the file system
// counts them; a symbolic link is itself. 0: it does not say.
std::uint64_t generation_of(const std::string& path);
std::uint64_t generation_of(const Fd& file);

// What lies at a path, looked at only; a link is itself, not what it points to. Errors: as the
// system says.
enum class EntryKind : std::uint8_t { file = 1, folder, other };
struct Entry {
  EntryKind kind = EntryKind::other;
  FileStat stat;
};
Result<Entry> entry_of(const std::string& path);

// Names in a folder, sorted, at most `limit`. Errors: as the system says.
Result<std::vector<std::string>> list_folder(const std::string& path, std::size_t limit);
// The same, and how many more there are, of which at most `more` are counted.
struct FolderNames {
  std::vector<std::string> names;
  std::size_t over_limit = 0;
};
Result<FolderNames> names_in(const std::string& path, std::size_t limit, std::size_t more);

// Makes a folder that only its owner may enter, or finds it. Errors: as the system says.
Status make_folder(const std::string& path);
Status remove_file(const std::string& path);

// True where no block or no inode is left on the file system that holds `path`.
Result<bool> file_system_full(const std::string& path);

}  // namespace tocsin::agent::os
