#include "collector/ctl/export_folder.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/evidence/seal.hpp"

namespace tocsin::ctl {
namespace {

bool is_ours(std::string_view name) {
  return name == evidence::kManifestFile || name == evidence::kSignatureFile ||
         name == evidence::kPublicKeyFile || name == "custody.txt" || evidence::is_file_name(name);
}

}  // namespace

Result<ExportFolder> ExportFolder::create(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) return fail(system_error("make " + path, errno));
  return ExportFolder(path);
}

ExportFolder::ExportFolder(ExportFolder&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)) {}

ExportFolder::~ExportFolder() {
  if (fd_ >= 0) ::close(fd_);
}

void ExportFolder::discard() { ::rmdir(path_.c_str()); }

Status ExportFolder::begin(const std::string& name) {
  if (!is_ours(name)) return fail(ErrorCode::invalid_argument, "the collector named an odd file");
  name_ = path_ + "/" + name;
  fd_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return fail(system_error("make " + name_, errno));
  return {};
}

Status ExportFolder::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("write " + name_, errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status ExportFolder::end() {
  const bool synced = ::fsync(fd_) == 0;
  const int error = errno;
  ::close(std::exchange(fd_, -1));
  if (!synced) return fail(system_error("sync " + name_, error));
  return {};
}

}  // namespace tocsin::ctl
