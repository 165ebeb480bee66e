// Asks the real kernel whether it audits. Changes nothing: the machine has one audit for everybody.
#include "agent/os/kernel_audit.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/socket.h>
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
  const time::SystemTime time;
  const bool allowed = capabilities.has(CAP_AUDIT_CONTROL);
  const auto asked = audit_status(time, time.steady() + 1s);
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
  const auto refused = audit_status(time, time.steady() + 1s);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code == ErrorCode::permission_denied ||
              refused.error().code == ErrorCode::not_found)
      << refused.error().message;
}

TEST(KernelAudit, ARecordTakesItsOwnCapability) {
  Capabilities capabilities;
  capabilities.drop(CAP_AUDIT_WRITE);
  const time::SystemTime time;
  const auto written =
      write_audit_record("tocsin-agent heartbeat 0000000000000000", time, time.steady() + 1s);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().code == ErrorCode::permission_denied ||
              written.error().code == ErrorCode::not_found)
      << written.error().message;
}

net::Fd user_netlink(std::uint32_t& port) {
  net::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK));
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  socklen_t size = sizeof own;
  auto* raw = reinterpret_cast<sockaddr*>(&own);
  EXPECT_EQ(::bind(socket.get(), raw, size), 0);
  EXPECT_EQ(::getsockname(socket.get(), raw, &size), 0);
  port = own.nl_pid;
  return socket;
}

// Another process that talks to the socket is neither taken for the kernel nor waited for.
TEST(KernelAudit, OneLimitHoldsWhateverOthersSend) {
  std::uint32_t port = 0;
  std::uint32_t other_port = 0;
  const net::Fd socket = user_netlink(port);
  const net::Fd other = user_netlink(other_port);
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  to.nl_pid = port;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(::sendto(other.get(), "forged", 6, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
              6);
  }
  const time::SystemTime time;
  const MonoTime begun = time.steady();
  const auto answer = receive_from_kernel(socket, time, begun + 60ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_GE(time.steady() - begun, 59ms);
  EXPECT_LT(time.steady() - begun, 1s);
}

TEST(KernelAudit, AFullQueueHasNoRoom) {
  AuditStatus status;
  EXPECT_TRUE(has_room(status));  // No limit.
  status.backlog_limit = 64;
  status.backlog = 63;
  EXPECT_TRUE(has_room(status));
  status.backlog = 64;
  EXPECT_FALSE(has_room(status));
}

}  // namespace
}  // namespace tocsin::agent::os
