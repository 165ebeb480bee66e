#include "agent/evidence/files.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/base/result.hpp"

namespace tocsin::agent {
namespace {

constexpr int kDepth = 4;
constexpr unsigned kConsoleMajor = 7;  // of the kernel's vcs driver

std::string_view reason_of(int error) {
  switch (error) {
    case ENOENT:
      return "not_found";
    case EACCES:
    case EPERM:
      return "not_permitted";
    case ELOOP:
      return "symbolic_link";
    default:
      return "failed";
  }
}

Opened not_opened(int error, std::string_view path) {
  Opened opened;
  opened.reason = reason_of(error);
  opened.detail = system_error(path, error).message;
  return opened;
}

bool is_link(int folder, const char* name) {
  struct stat raw {};
  return ::fstatat(folder, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(raw.st_mode);
}

// One step down. O_DIRECTORY makes another error of a link than O_NOFOLLOW alone: asked for again.
Opened step(int folder, const std::string& name, int flags, std::string_view path) {
  Opened opened;
  opened.fd = os::Fd(::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (opened.fd.valid()) return opened;
  const int error = errno;
  return not_opened(is_link(folder, name.c_str()) ? ELOOP : error, path);
}

// The folder that holds the last part of the path; `last` becomes its name.
Opened walk(const std::string& root, std::string_view path, std::string& last) {
  Opened at;
  at.fd = os::Fd(::open(root.empty() ? "/" : root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at.fd.valid()) return not_opened(errno, root);
  std::string_view rest = path;
  for (;;) {
    while (rest.starts_with('/')) rest.remove_prefix(1);
    const std::size_t slash = rest.find('/');
    last = std::string(rest.substr(0, slash));
    if (last == ".." || last == ".") return not_opened(EINVAL, path);
    if (slash == std::string_view::npos) return at;
    rest.remove_prefix(slash + 1);
    at = step(at.fd.get(), last, O_PATH | O_DIRECTORY, path);
    if (!at.reason.empty()) return at;
  }
}

void measure(Opened& opened, bool (*wanted)(const struct stat&), std::string_view path) {
  struct stat raw {};
  if (::fstat(opened.fd.get(), &raw) != 0) {
    opened = not_opened(errno, path);
    return;
  }
  if (!wanted(raw)) {
    opened = Opened{};
    opened.reason = "not_a_file";
    opened.detail = std::string(path) + " is not a regular file";
    return;
  }
  opened.size = static_cast<std::uint64_t>(raw.st_size);
  opened.modified = os::instant_of(raw.st_mtim);
}

// What it is, is asked before it is opened: opening a device may do something.
Opened open_as(const std::string& root, std::string_view path, bool (*wanted)(const struct stat&)) {
  std::string name;
  Opened folder = walk(root, path, name);
  if (!folder.reason.empty()) return folder;
  struct stat raw {};
  if (::fstatat(folder.fd.get(), name.c_str(), &raw, AT_SYMLINK_NOFOLLOW) != 0) {
    return not_opened(errno, path);
  }
  if (S_ISLNK(raw.st_mode)) return not_opened(ELOOP, path);
  if (!wanted(raw)) {
    Opened refused;
    refused.reason = "not_a_file";
    refused.detail = std::string(path) + " is not a regular file";
    return refused;
  }
  Opened opened = step(folder.fd.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY, path);
  if (opened.reason.empty()) measure(opened, wanted, path);
  return opened;
}

bool is_regular(const struct stat& raw) { return S_ISREG(raw.st_mode); }
bool is_console(const struct stat& raw) {
  return S_ISCHR(raw.st_mode) && major(raw.st_rdev) == kConsoleMajor;
}

class Lister {
 public:
  Lister(const std::vector<std::string>& but, std::size_t limit) : but_(but), limit_(limit) {}

  void look(os::Fd folder, const std::string& path, int depth) {
    const int copy = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(copy < 0 ? nullptr : ::fdopendir(copy),
                                                   ::closedir);
    if (!open) return add(path, reason_of(errno), system_error(path, errno).message);
    for (const std::string& name : names(open.get())) visit(folder, path + "/" + name, name, depth);
  }

  Listing listing;

 private:
  std::vector<std::string> names(DIR* folder) {
    std::vector<std::string> found;
    while (const dirent* entry = ::readdir(folder)) {
      const std::string_view name(entry->d_name);
      if (name == "." || name == "..") continue;
      if (found.size() == limit_) {
        listing.whole = false;
        break;
      }
      found.emplace_back(name);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  void visit(const os::Fd& folder, const std::string& path, const std::string& name, int depth) {
    const bool left_out = std::any_of(but_.begin(), but_.end(), [&](const std::string& prefix) {
      return path == prefix || path.starts_with(prefix + "/");
    });
    if (left_out) return;
    struct stat raw {};
    if (::fstatat(folder.get(), name.c_str(), &raw, AT_SYMLINK_NOFOLLOW) != 0) {
      return add(path, reason_of(errno), system_error(path, errno).message);
    }
    if (S_ISDIR(raw.st_mode)) return descend(folder, path, name, depth);
    if (S_ISREG(raw.st_mode)) return add(path, {}, {});
    add(path, S_ISLNK(raw.st_mode) ? "symbolic_link" : "not_a_file", {});
  }

  void descend(const os::Fd& folder, const std::string& path, const std::string& name, int depth) {
    if (depth == kDepth) {
      listing.whole = false;
      return add(path, "too_deep", {});
    }
    Opened below = step(folder.get(), name, O_RDONLY | O_DIRECTORY, path);
    if (!below.reason.empty()) return add(path, below.reason, below.detail);
    look(std::move(below.fd), path, depth + 1);
  }

  void add(std::string path, std::string_view reason, std::string detail) {
    if (listing.files.size() == limit_) {
      listing.whole = false;
      return;
    }
    listing.files.push_back({std::move(path), std::string(reason), std::move(detail)});
  }

  const std::vector<std::string>& but_;
  const std::size_t limit_;
};

}  // namespace

Opened open_file(const std::string& root, std::string_view path) {
  return open_as(root, path, is_regular);
}

Opened open_console(const std::string& root, std::string_view path) {
  return open_as(root, path, is_console);
}

Listing list_files(const std::string& root, const std::string& folder,
                   const std::vector<std::string>& but, std::size_t limit) {
  Lister lister(but, limit);
  std::string name;
  Opened above = walk(root, folder, name);
  Opened top = above.reason.empty() ? step(above.fd.get(), name, O_RDONLY | O_DIRECTORY, folder)
                                    : std::move(above);
  if (!top.reason.empty()) {
    lister.listing.files.push_back({folder, top.reason, top.detail});
  } else {
    lister.look(std::move(top.fd), folder, 1);
  }
  return std::move(lister.listing);
}

}  // namespace tocsin::agent
