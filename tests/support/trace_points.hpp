// The kernel's trace points under a folder of the test's own, as systemd mounts them on a host.
#pragma once

#include <filesystem>
#include <future>
#include <string>

#include <sched.h>
#include <sys/mount.h>

#include "agent/os/listen_events.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {

// Opens the events of listeners in a mount namespace that ends with it. Needs root. `mounted`:
// whether this kernel has trace points at all; where it has none the result is the error of a host
// like that.
inline Result<agent::os::ListenEvents> open_listen_events(bool& mounted) {
  const TempDir root;
  const std::string folder = root.file("sys/kernel/tracing");
  std::filesystem::create_directories(folder);
  return std::async(
             std::launch::async,
             [&] {
               TOCSIN_CHECK(::unshare(CLONE_NEWNS) == 0);
               TOCSIN_CHECK(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
               mounted = ::mount("none", folder.c_str(), "tracefs", MS_RDONLY, nullptr) == 0;
               auto events = agent::os::ListenEvents::open(root.path());
               if (mounted) TOCSIN_CHECK(::umount2(folder.c_str(), MNT_DETACH) == 0);
               return events;
             })
      .get();
}

}  // namespace tocsin::tests
