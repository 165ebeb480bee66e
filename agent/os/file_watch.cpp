#include "agent/os/file_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string_view>

#include <sys/inotify.h>
#include <unistd.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::uint32_t kOfFile = IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW;
constexpr std::uint32_t kOfFolder = IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kMostReads = 16;  // of one take(); the rest stays readable
constexpr int kMostTries = 4;   // while a folder comes and goes; the regular look sees the rest

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

struct FileWatch::Impl {
  struct Watched {
    int file = -1;  // its watch; -1: no such file
    std::uint64_t size = 0;
  };

  Fd inotify;
  std::map<std::string, Watched> files;
  std::map<int, std::string> by_watch;  // of files and, ending in '/', of folders
  std::set<std::string> lost;

  // The file's folder; where there is none, the nearest one above it, which tells when it comes.
  void watch_folder(const std::string& path) {
    const std::string wanted = folder_of(path);
    for (int i = 0; i < kMostTries; ++i) {
      std::string folder = wanted;
      std::string missing;
      int watch = -1;
      while ((watch = ::inotify_add_watch(inotify.get(), folder.c_str(), kOfFolder)) < 0) {
        if (folder == "/") return;
        missing = folder.substr(0, folder.size() - 1);
        folder = folder_of(missing);
      }
      by_watch[watch] = folder;
      // It may have come before its parent was watched.
      if (missing.empty() || !stat_of(missing)) return;
    }
  }

  // Begins anew with every file below, whose folder went or came.
  void watch_below(const std::string& folder) {
    for (auto& [path, watched] : files) {
      if (!path.starts_with(folder)) continue;
      forget(watched);
      watch_folder(path);
      watch_file(path, watched);
      lost.insert(path);
    }
  }

  void watch_file(const std::string& path, Watched& watched) {
    const auto stat = stat_of(path);
    watched.size = stat ? stat->size : 0;
    watched.file = ::inotify_add_watch(inotify.get(), path.c_str(), kOfFile);
    if (watched.file >= 0) by_watch[watched.file] = path;
  }

  void forget(Watched& watched) {
    if (watched.file < 0) return;
    by_watch.erase(watched.file);
    ::inotify_rm_watch(inotify.get(), watched.file);
    watched.file = -1;
  }

  void handle(const inotify_event& event, std::string_view name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return watch_below("/");
    const auto found = by_watch.find(event.wd);
    if (found == by_watch.end()) return;
    const bool folder = found->second.ends_with('/');
    if (folder && (event.mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) {
      const std::string gone = found->second;
      by_watch.erase(found);
      if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(inotify.get(), event.wd);
      return watch_below(gone);
    }
    const std::string path = folder ? found->second + std::string(name) : found->second;
    const auto file = files.find(path);
    if (file == files.end()) return watch_below(path + "/");
    if ((event.mask & IN_MODIFY) != 0) return compare(path, file->second);
    forget(file->second);
    watch_file(path, file->second);
    lost.insert(path);
  }

  void compare(const std::string& path, Watched& watched) {
    const auto stat = stat_of(path);
    const std::uint64_t size = stat ? stat->size : 0;
    if (size < watched.size) lost.insert(path);
    watched.size = size;
  }
};

FileWatch::FileWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileWatch::FileWatch(FileWatch&&) noexcept = default;
FileWatch& FileWatch::operator=(FileWatch&&) noexcept = default;
FileWatch::~FileWatch() = default;

Result<FileWatch> FileWatch::make() {
  auto impl = std::make_unique<Impl>();
  impl->inotify = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!impl->inotify.valid()) return fail(system_error("inotify", errno));
  return FileWatch(std::move(impl));
}

void FileWatch::watch(const std::vector<std::string>& paths) {
  for (auto file = impl_->files.begin(); file != impl_->files.end();) {
    const bool wanted = std::find(paths.begin(), paths.end(), file->first) != paths.end();
    if (!wanted) impl_->forget(file->second);
    file = wanted ? std::next(file) : impl_->files.erase(file);
  }
  for (const std::string& path : paths) {
    if (!path.starts_with('/') || impl_->files.contains(path)) continue;
    impl_->watch_folder(path);
    impl_->watch_file(path, impl_->files[path]);
  }
}

int FileWatch::descriptor() const { return impl_->inotify.get(); }

std::vector<std::string> FileWatch::take() {
  alignas(inotify_event) std::array<char, 1 << 14> buffer;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t n = ::read(impl_->inotify.get(), buffer.data(), buffer.size());
    if (n <= 0) break;
    std::string_view rest(buffer.data(), static_cast<std::size_t>(n));
    while (rest.size() >= sizeof(inotify_event)) {
      inotify_event event;
      std::memcpy(&event, rest.data(), sizeof event);
      rest.remove_prefix(sizeof event);
      const std::string_view name = rest.substr(0, event.len);
      impl_->handle(event, name.substr(0, name.find('\0')));
      rest.remove_prefix(name.size());
    }
  }
  std::vector<std::string> lost(impl_->lost.begin(), impl_->lost.end());
  impl_->lost.clear();
  return lost;
}

}  // namespace tocsin::agent::os
