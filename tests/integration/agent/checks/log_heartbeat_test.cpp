// The agent's own record through a log daemon (procedure M-05), which is a small one of this test.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/fake_time.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using model::LogHeartbeat;

// Writes what comes to root/dev/log into root/var/log/syslog, and may be told to drop it.
class LogDaemon {
 public:
  explicit LogDaemon(std::string root) : root_(std::move(root)) {
    std::filesystem::create_directories(root_ + "/dev");
    std::filesystem::create_directories(root_ + "/var/log");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = root_ + "/dev/log";
    std::copy(path.begin(), path.end(), address.sun_path);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~LogDaemon() { stop(); }
  LogDaemon(const LogDaemon&) = delete;
  LogDaemon& operator=(const LogDaemon&) = delete;

  void stop() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // Takes all that waits; the last record, as it came.
  std::string take(bool write = true) {
    std::string last;
    char bytes[1024];
    for (ssize_t n; (n = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) {
      last.assign(bytes, static_cast<std::size_t>(n));
      const std::string text = last.substr(last.find('>') + 1);
      if (write) append("Nov 23 04:00:00 host " + text);
    }
    return last;
  }
  void append(const std::string& line) {
    std::ofstream(root_ + "/var/log/syslog", std::ios::app) << line << "\n";
  }

 private:
  std::string root_;
  int socket_ = -1;
};

class LogHeartbeats : public testing::Test {
 protected:
  LogHeartbeats() : daemon_(folder_.path()) {
    definition_.check = {model::CheckKind::audit_log, "/var/log/syslog"};
    daemon_.append("Nov 23 03:59:59 host kernel: booted");
    look(0s);
  }
  model::AuditLogFacts look(Duration later) {
    time_.advance(later);
    if (context_.new_cursor) context_.cursor = std::move(context_.new_cursor);
    context_.new_cursor.reset();
    auto seen = catalog_entry(model::CheckKind::audit_log).run(definition_, context_);
    EXPECT_EQ(seen.outcome, model::Outcome::seen);
    return std::get<model::AuditLogFacts>(seen.facts);
  }

  tests::TempDir folder_;
  LogDaemon daemon_;
  tests::FakeTime time_;
  model::CheckDefinition definition_;
  CheckContext context_{time_, {}, folder_.path(), {}, {}, {}, {}};
};

TEST_F(LogHeartbeats, AreWrittenAtTheSecondLookAndFound) {
  EXPECT_EQ(daemon_.take(), "");
  EXPECT_EQ(look(30s).heartbeat, LogHeartbeat::waiting);
  const std::string record = daemon_.take();
  EXPECT_TRUE(record.starts_with("<30>tocsin-agent: heartbeat ")) << record;
  const auto facts = look(30s);
  EXPECT_EQ(facts.heartbeat, LogHeartbeat::returned);
  EXPECT_TRUE(facts.heartbeat_worked);
  EXPECT_EQ(daemon_.take(), "");
  EXPECT_EQ(look(5min).heartbeat, LogHeartbeat::returned);
  EXPECT_NE(daemon_.take(), record);
}

TEST_F(LogHeartbeats, ThatADaemonSwallowsAreMissed) {
  look(30s);
  daemon_.take();
  look(30s);
  look(5min);
  daemon_.take(false);
  EXPECT_EQ(look(30s).heartbeat, LogHeartbeat::returned);
  const auto facts = look(30s);
  EXPECT_EQ(facts.heartbeat, LogHeartbeat::missing);
  EXPECT_TRUE(facts.heartbeat_worked);
  EXPECT_FALSE(facts.shrunk || facts.replaced || facts.content_changed);
}

TEST_F(LogHeartbeats, OfAStoppedDaemonAreNotWritten) {
  daemon_.stop();
  const auto facts = look(30s);
  EXPECT_EQ(facts.heartbeat, LogHeartbeat::not_written);
  EXPECT_FALSE(facts.heartbeat_worked);
}

TEST_F(LogHeartbeats, ThatWentWithARotationAreForgotten) {
  look(30s);
  daemon_.take();
  std::filesystem::rename(folder_.file("var/log/syslog"), folder_.file("var/log/syslog.1"));
  daemon_.append("new");
  EXPECT_EQ(look(30s).heartbeat, LogHeartbeat::waiting);
  EXPECT_NE(look(5min).heartbeat, LogHeartbeat::missing);
  EXPECT_NE(daemon_.take(), "");
  EXPECT_EQ(look(30s).heartbeat, LogHeartbeat::returned);
}

TEST_F(LogHeartbeats, AreTurnedOffByTheHostsOwnFile) {
  context_.settings.audit.heartbeat = 0s;
  EXPECT_EQ(look(30s).heartbeat, LogHeartbeat::none);
  EXPECT_EQ(daemon_.take(), "");
}

}  // namespace
}  // namespace tocsin::agent
