// What a service manager hears of us, and what it says: a datagram socket and real signals.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/systemd/notify.hpp"
#include "common/systemd/stop_signal.hpp"

namespace tocsin::systemd {
namespace {

class Manager : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-notify-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = name + "/notify";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  void TearDown() override {
    ::close(socket_);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    std::filesystem::remove_all(dir_);
  }
  std::string heard() const {
    char buffer[512];
    const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
    return n < 0 ? "" : std::string(buffer, static_cast<std::size_t>(n));
  }
  std::filesystem::path dir_;
  int socket_ = -1;
};

TEST_F(Manager, HearsEachState) {
  notify_ready();
  EXPECT_EQ(heard(), "READY=1");
  notify_watchdog();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  notify_stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
  notify_status("3 agents\nREADY=1");
  EXPECT_EQ(heard(), "STATUS=3 agents\\x0aREADY=1") << "a line of text stays one line";
}

TEST_F(Manager, SetsThePaceOfTheWatchdog) {
  EXPECT_EQ(watchdog_interval(), 0s);
  ::setenv("WATCHDOG_USEC", "20000000", 1);
  EXPECT_EQ(watchdog_interval(), 10s);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval(), 0s) << "it is meant for another process";
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), 10s);
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(watchdog_interval(), 0s);
}

// systemd's containers and user managers may name a socket that is in no folder.
TEST(WithAnAbstractSocket, TheManagerHears) {
  const std::string name = "tocsin-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), length), 0);
  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  notify_ready();
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[64];
  const ssize_t n = ::recv(socket, buffer, sizeof buffer, 0);
  ::close(socket);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(n)), "READY=1");
}

TEST(WithoutAManager, NothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready();
  EXPECT_EQ(watchdog_interval(), 0s);
}

TEST(StopSignals, EachRequestsAStop) {
  for (const int number : {SIGTERM, SIGINT}) {
    StopSignal stop;
    EXPECT_FALSE(stop.token().stop_requested());
    ASSERT_EQ(::kill(::getpid(), number), 0);
    stop.wait();
    EXPECT_TRUE(stop.token().stop_requested());
  }
}

TEST(StopSignals, AProgramMayStopItself) {
  StopSignal stop;
  stop.request_stop();
  stop.wait();
  EXPECT_TRUE(stop.token().stop_requested());
}

TEST(StopSignals, AHangupAsksToReadAgainAndIsToldOnce) {
  StopSignal stop;
  EXPECT_EQ(stop.wait_for(0s), StopSignal::Event::nothing);
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_EQ(stop.wait_for(10s), StopSignal::Event::reload);
  EXPECT_EQ(stop.wait_for(0s), StopSignal::Event::nothing);
  EXPECT_FALSE(stop.token().stop_requested());
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(stop.wait_for(10s), StopSignal::Event::stop);
}

}  // namespace
}  // namespace tocsin::systemd
