#include "agent/login/shut_in.hpp"

#include <cstdint>

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/os/files.hpp"

namespace tocsin::agent {
namespace {

// Every right of Landlock's first version; newer kernels know them too.
constexpr std::uint64_t kEveryFileRight = (std::uint64_t{1} << 13) - 1;

}  // namespace

bool give_up_files() {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kEveryFileRight;
  // Rights are handled and none is granted.
  const os::Fd rules(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0)));
  if (!rules.valid() || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return ::syscall(SYS_landlock_restrict_self, rules.get(), 0) == 0;
}

}  // namespace tocsin::agent
