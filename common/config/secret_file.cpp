#include "common/config/secret_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/durable.hpp"

namespace tocsin::config {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

enum class Readers { anyone, owner };

Result<std::string> read_regular(const std::string& path, std::size_t max_bytes, Readers readers) {
  // Without O_NONBLOCK a named pipe would hold us here for ever.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about {};
  if (file.fd() < 0 || ::fstat(file.fd(), &about) != 0) return fail(system_error(path, errno));
  if (!S_ISREG(about.st_mode)) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not a regular file", path));
  }
  if (readers == Readers::owner && (about.st_mode & 077) != 0) {
    return fail(ErrorCode::permission_denied,
                fmt::format("{}: holds a secret and its mode is {:04o}; group and others must have "
                            "no access (chmod 600)",
                            path, about.st_mode & 07777));
  }
  std::string bytes;
  for (char buffer[4096];;) {
    const ssize_t n = ::read(file.fd(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error(path, errno));
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(n));
    if (bytes.size() > max_bytes) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: larger than {} bytes", path, max_bytes));
    }
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_and_sync(int fd, std::string_view bytes) {
  if (const int error = write_all(fd, bytes)) return fail(system_error("write", error));
  if (::fsync(fd) != 0) return fail(system_error("fsync", errno));
  return {};
}

// The new content in a file beside `path`; returns its name.
Result<std::string> write_beside(const std::string& path, std::string_view bytes, unsigned mode,
                                 const struct stat* owner = nullptr) {
  std::string name = path + ".XXXXXX";
  const File file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.fd() < 0) return fail(system_error(path, errno));
  Status written = write_and_sync(file.fd(), bytes);
  if (written && owner != nullptr && ::fchown(file.fd(), owner->st_uid, owner->st_gid) != 0) {
    written = fail(system_error("chown", errno));
  }
  if (written && ::fchmod(file.fd(), static_cast<mode_t>(mode)) != 0) {
    written = fail(system_error("chmod", errno));
  }
  if (!written) {
    ::unlink(name.c_str());
    return fail(written.error().code, fmt::format("{}: {}", path, written.error().message));
  }
  return name;
}

}  // namespace

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  return read_regular(path, max_bytes, Readers::anyone);
}

Result<std::string> read_secret_file(const std::string& path) {
  return read_regular(path, kSecretBytes, Readers::owner);
}

Status write_file(const std::string& path, std::string_view bytes, unsigned mode) {
  struct stat before {};
  const bool keep = ::geteuid() == 0 && ::lstat(path.c_str(), &before) == 0;
  const auto beside = write_beside(path, bytes, mode, keep ? &before : nullptr);
  if (!beside) return fail(beside.error());
  if (::rename(beside->c_str(), path.c_str()) != 0) {
    const Error error = system_error(path, errno);
    ::unlink(beside->c_str());
    return fail(error);
  }
  return sync_folder(folder_of(path));
}

Status create_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const auto beside = write_beside(path, bytes, mode);
  if (!beside) return fail(beside.error());
  // A link, unlike a rename, never replaces.
  const int linked = ::link(beside->c_str(), path.c_str());
  const int why = errno;
  ::unlink(beside->c_str());
  if (linked != 0) return fail(system_error(path, why));
  return sync_folder(folder_of(path));
}

Status give_to_folder_owner(const std::string& path) {
  if (::geteuid() != 0) return {};
  struct stat folder {};
  if (::stat(folder_of(path).c_str(), &folder) == 0 &&
      ::lchown(path.c_str(), folder.st_uid, folder.st_gid) == 0) {
    return {};
  }
  return fail(system_error(path, errno));
}

}  // namespace tocsin::config
