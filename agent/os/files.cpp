#include "agent/os/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tocsin::agent::os {
namespace {

FileStat from_stat(const struct stat& raw) {
  FileStat file;
  file.device = raw.st_dev;
  file.inode = raw.st_ino;
  file.size = static_cast<std::uint64_t>(raw.st_size);
  file.modified = instant_of(raw.st_mtim);
  file.changed = instant_of(raw.st_ctim);
  return file;
}

}  // namespace

Instant instant_of(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kLast = INT64_MAX / kSecond - 1;
  return Instant{std::clamp<std::int64_t>(time.tv_sec, -kLast, kLast) * kSecond + time.tv_nsec};
}

std::string under(std::string_view root, std::string_view path) {
  while (!root.empty() && root.back() == '/') root.remove_suffix(1);
  return std::string(root).append(path);
}

std::string files_of_host(const std::string& root) {
  constexpr const char* kOfFirstProcess = "/proc/1/root";
  return root == "/" && list_folder(kOfFirstProcess, 1) ? kOfFirstProcess : root;
}

// Files of /proc do not say how long they are, and most are short: a small piece on the stack keeps
// them from costing fresh pages each time.
Result<std::string> read_at(const Fd& file, std::uint64_t offset, std::size_t limit) {
  std::array<char, 16384> piece;  // NOLINT(*-member-init): filled before it is read
  std::string bytes;
  while (bytes.size() < limit) {
    const ssize_t n =
        ::pread(file.get(), piece.data(), std::min(piece.size(), limit - bytes.size()),
                static_cast<off_t>(offset + bytes.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("read", errno));
    if (n == 0) break;
    bytes.append(piece.data(), static_cast<std::size_t>(n));
  }
  return bytes;
}

Result<std::string> read_start(const std::string& path, std::size_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return fail(system_error("open " + path, errno));
  return read_at(file, 0, limit);
}

Result<OpenedFile> open_regular(const std::string& path) {
  OpenedFile opened;
  // O_NONBLOCK: opening a pipe that somebody put there must not wait for its writer.
  opened.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!opened.fd.valid()) return fail(system_error("open " + path, errno));
  struct stat raw {};
  if (::fstat(opened.fd.get(), &raw) != 0) return fail(system_error("stat " + path, errno));
  if (!S_ISREG(raw.st_mode)) {
    return fail(ErrorCode::invalid_argument, path + " is not a regular file");
  }
  opened.stat = from_stat(raw);
  return opened;
}

namespace {
std::uint64_t generation_at(int folder, const char* path, int flags) {
  // The kernel's handle of a file holds its inode and its generation, in a form of the file
  // system's.
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + MAX_HANDLE_SZ> bytes{};
  auto* handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(folder, path, handle, &mount, flags) != 0) return 0;
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  const std::size_t end =
      std::min<std::size_t>(offsetof(file_handle, f_handle) + handle->handle_bytes, bytes.size());
  for (std::size_t i = offsetof(file_handle, f_handle); i < end; ++i) {
    hash = (hash ^ bytes[i]) * 1099511628211U;
  }
  return std::max<std::uint64_t>(hash, 1);
}
}  // namespace

std::uint64_t generation_of(const std::string& path) {
  return generation_at(AT_FDCWD, path.c_str(), 0);
}
std::uint64_t generation_of(const Fd& file) { return generation_at(file.get(), "", AT_EMPTY_PATH); }

Result<OpenedFile> open_executable(const std::string& link) {
  OpenedFile opened;
  opened.fd = Fd(::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened.fd.valid()) return fail(system_error("open " + link, errno));
  struct stat raw {};
  if (::fstat(opened.fd.get(), &raw) != 0) return fail(system_error("stat " + link, errno));
  opened.stat = from_stat(raw);
  return opened;
}

Result<FileStat> stat_of_executable(const std::string& link) {
  struct stat raw {};
  if (::stat(link.c_str(), &raw) != 0) return fail(system_error("stat " + link, errno));
  return from_stat(raw);
}

Result<FileStat> stat_of(const std::string& path) {
  struct stat raw {};
  if (::lstat(path.c_str(), &raw) != 0) return fail(system_error("stat " + path, errno));
  return from_stat(raw);
}

Result<Entry> entry_of(const std::string& path) {
  struct stat raw {};
  if (::lstat(path.c_str(), &raw) != 0) return fail(system_error("stat " + path, errno));
  const EntryKind kind = S_ISREG(raw.st_mode)   ? EntryKind::file
                         : S_ISDIR(raw.st_mode) ? EntryKind::folder
                                                : EntryKind::other;
  return Entry{kind, from_stat(raw)};
}

Result<FolderNames> names_in(const std::string& path, std::size_t limit, std::size_t more) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return fail(system_error("open " + path, errno));
  FolderNames found;
  while (found.names.size() + found.over_limit < limit + more) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr && errno != 0) return fail(system_error("read " + path, errno));
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (found.names.size() < limit) {
      found.names.emplace_back(name);
    } else {
      ++found.over_limit;
    }
  }
  std::sort(found.names.begin(), found.names.end());
  return found;
}

Result<std::vector<std::string>> list_folder(const std::string& path, std::size_t limit) {
  auto found = names_in(path, limit, 0);
  if (!found) return fail(found.error());
  return std::move(found->names);
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(system_error("make " + path, errno));
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return {};
  return fail(system_error("remove " + path, errno));
}

Result<bool> file_system_full(const std::string& path) {
  struct statvfs raw {};
  if (::statvfs(path.c_str(), &raw) != 0) return fail(system_error("statvfs " + path, errno));
  return raw.f_bavail == 0 || (raw.f_files > 0 && raw.f_favail == 0);
}

}  // namespace tocsin::agent::os
