#include "agent/spool/bell.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

constexpr mode_t kMode = 0660;

}  // namespace

std::string spool_bell(const std::string& spool_file, Bell bell) {
  return spool_file + (bell == Bell::up ? ".bell" : ".bell-down");
}

net::Fd open_bell(const std::string& spool_file, Bell bell, const struct stat& spool) {
  const std::string path = spool_bell(spool_file, bell);
  net::Fd opened(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  const bool good = opened.valid() &&
                    (::geteuid() != 0 || (::fchown(opened.get(), spool.st_uid, spool.st_gid) == 0 &&
                                          ::fchmod(opened.get(), spool.st_mode & kMode) == 0));
  if (!good)
    log::warning("spool.no_bell", {{"error", system_error("open " + path, errno).message}});
  return opened;
}

void ring(const net::Fd& bell) {
  constexpr char kAny = '\n';
  static_cast<void>(!bell.valid() || ::pwrite(bell.get(), &kAny, 1, 0));
}

Result<net::Fd> listen_to_bell(const std::string& spool_file, Bell bell) {
  net::Fd ears(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!ears.valid()) return fail(system_error("inotify", errno));
  const std::string path = spool_bell(spool_file, bell);
  if (::inotify_add_watch(ears.get(), path.c_str(), IN_MODIFY) < 0) {
    return fail(system_error("watch " + path, errno));
  }
  return ears;
}

void take_rings(const net::Fd& ears) {
  char events[4096];
  while (::read(ears.get(), events, sizeof events) > 0) {
  }
}

}  // namespace tocsin::agent
