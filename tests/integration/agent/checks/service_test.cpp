#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/os/files.hpp"
#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

// procedure M-03
class ServiceCheck : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "serviceXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void boot_systemd() { std::filesystem::create_directories(root_ / "run/systemd/system"); }

  std::filesystem::path root_;
};

TEST_F(ServiceCheck, DoesNotApplyWithoutSystemd) {
  CheckRun check(model::CheckKind::service, "ssh.service", root_);
  const auto seen = check.run();
  EXPECT_EQ(seen.outcome, model::Outcome::not_applicable);
  EXPECT_EQ(seen.detail.code, "run.no_systemd");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(seen.facts));
}

TEST_F(ServiceCheck, FailsWhereSystemdRunsAndItsBusIsAway) {
  boot_systemd();
  CheckRun check(model::CheckKind::service, "ssh.service", root_);
  const auto seen = check.run();
  EXPECT_EQ(seen.outcome, model::Outcome::failed);
  EXPECT_EQ(seen.detail.code, "run.error");
}

// A bus that accepts and never speaks: what hung other agents for minutes.
TEST_F(ServiceCheck, ABusThatNeverAnswersCostsItsDeadlineOnly) {
  boot_systemd();
  std::filesystem::create_directories(root_ / "run/dbus");
  const os::Fd bus(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = root_ / "run/dbus/system_bus_socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(bus.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(bus.get(), 1), 0);
  CheckRun check(model::CheckKind::service, "ssh.service", root_);
  check.definition.deadline = 300ms;
  const auto seen = check.run();
  EXPECT_EQ(seen.outcome, model::Outcome::timed_out);
  EXPECT_LT(seen.took, Duration(15s));  // the library itself gives up after 25
}

TEST_F(ServiceCheck, TakesUnitNamesOnly) {
  CheckRun check(model::CheckKind::service, "../../x", root_);
  EXPECT_EQ(check.run().outcome, model::Outcome::failed);
}

}  // namespace
}  // namespace tocsin::agent
