// Asks the real kernel whether it audits. Changes nothing: the machine has one audit for everybody.
#include "agent/os/kernel_audit.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tocsin::agent::os {
namespace {

// The capabilities of this thread that hold now.
class Capabilities {
 public:
  Capabilities() { ::syscall(SYS_capget, &header_, kept_); }
  ~Capabilities() { ::syscall(SYS_capset, &header_, kept_); }
  Capabilities(const Capabilities&) = delete;
  Capabilities& operator=(const Capabilities&) = delete;
  bool has(unsigned one) const { return (kept_[one / 32].effective >> one % 32 & 1U) != 0; }
  void drop(unsigned one) {
    __user_cap_data_struct now[2] = {kept_[0], kept_[1]};
    now[one / 32].effective &= ~(1U << one % 32);
    ASSERT_EQ(::syscall(SYS_capset, &header_, now), 0);
  }

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct kept_[2]{};
};

// The kernel answers only those of the first process and user namespaces, whose numbers never
// change (linux/proc_ns.h); and a kernel without auditing answers nobody.
bool kernel_would_answer() {
  constexpr std::array kFirst{std::pair{"/proc/self/ns/pid", "pid:[4026531836]"},
                              std::pair{"/proc/self/ns/user", "user:[4026531837]"}};
  for (const auto& [path, first] : kFirst) {
    if (std::filesystem::read_symlink(path) != first) return false;
  }
  return std::filesystem::exists("/proc/self/loginuid");
}

TEST(KernelAudit, AnswersWhoMayAskAndRefusesOthers) {
  Capabilities capabilities;
  const bool allowed = capabilities.has(CAP_AUDIT_CONTROL);
  const auto asked = audit_status();
  if (allowed && kernel_would_answer()) {
    ASSERT_TRUE(asked) << asked.error().message;
  }
  if (asked) {
    EXPECT_TRUE(allowed);
    EXPECT_LE(asked->failure, 2U);
  } else {
    EXPECT_NE(asked.error().code, ErrorCode::invalid_argument) << asked.error().message;
  }
  capabilities.drop(CAP_AUDIT_CONTROL);
  const auto refused = audit_status();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code == ErrorCode::permission_denied ||
              refused.error().code == ErrorCode::not_found)
      << refused.error().message;
}

TEST(KernelAudit, ARecordTakesItsOwnCapability) {
  Capabilities capabilities;
  capabilities.drop(CAP_AUDIT_WRITE);
  const auto written = write_audit_record("tocsin-agent heartbeat 0000000000000000");
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().code == ErrorCode::permission_denied ||
              written.error().code == ErrorCode::not_found)
      << written.error().message;
}

}  // namespace
}  // namespace tocsin::agent::os
