// What the local login refuses and how it is asked. That it works is seen on real hosts
// (tests/e2e/login.sh): it needs an account, and this machine gets none for a test.
#include "agent/login/local_login.hpp"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/os/local_socket.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using testing::HasSubstr;

constexpr Instant kNow{1'795'300'000'000'000'000};

class LocalLogin : public testing::Test {
 protected:
  std::string password_file(mode_t mode = 0600) {
    const std::string file = folder_.file("password");
    std::ofstream(file) << "not a secret\n";
    EXPECT_EQ(::chmod(file.c_str(), mode), 0);
    return file;
  }
  tests::TempDir folder_;
};

TEST_F(LocalLogin, NeverTriesAPersonOrRoot) {
  const auto root = log_in_here({"root", password_file()}, kNow);
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(log_in_here({"nobody", password_file()}, kNow));
  EXPECT_FALSE(log_in_here({"", password_file()}, kNow));
}

TEST_F(LocalLogin, NeedsAPasswordFileThatNobodyElseReads) {
  const auto open = log_in_here({"tocsin-none", password_file(0640)}, kNow);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(open.error().message, HasSubstr("chmod 600"));
  EXPECT_EQ(log_in_here({"tocsin-none", folder_.file("none")}, kNow).error().code,
            ErrorCode::not_found);
}

TEST_F(LocalLogin, IsRejectedWhereTheAccountIsGone) {
  const auto answer = log_in_here({"tocsin-none", password_file()}, kNow);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, LoginOutcome::rejected);
  EXPECT_EQ(answer->said, "no such account");
}

// A unit's socket that gives every caller one text.
class Answering {
 public:
  Answering(const std::string& path, std::string text) : text_(std::move(text)) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    TOCSIN_CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    TOCSIN_CHECK(::listen(fd_, 8) == 0);
    thread_ = std::thread([this] {
      for (int one = 0; (one = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(one)) {
        if (text_.empty()) {  // It lets the caller wait.
          for (char byte = 0; ::recv(one, &byte, 1, 0) > 0;) {
          }
        }
        TOCSIN_CHECK(::send(one, text_.data(), text_.size(), MSG_NOSIGNAL) >= -1);
      }
    });
  }
  ~Answering() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

 private:
  std::string text_;
  int fd_ = -1;
  std::thread thread_;
};

class AskedLogin : public LocalLogin {
 protected:
  AskedLogin() : check_(model::CheckKind::login, "local") {
    LoginSettings& login = check_.context.settings.login;
    login.account = "tocsin-probe";
    login.password_file = password_file();
    login.socket = folder_.file("socket");
    login.program = folder_.file("no-program");
    login.least_interval = 0s;
    login.hold = 0s;
  }
  CheckRun check_;
};

TEST_F(AskedLogin, IsWhatTheUnitAnswers) {
  const Answering unit(folder_.file("socket"),
                       "outcome locked\nsaid Authentication failure\nno_logins no\n");
  const auto facts = check_.facts<model::LoginFacts>();
  EXPECT_EQ(facts.outcome, LoginOutcome::locked);
  EXPECT_EQ(facts.said, "Authentication failure");
  EXPECT_EQ(facts.account, "tocsin-probe");
  EXPECT_EQ(facts.no_logins, model::Tristate::no);
}

TEST_F(AskedLogin, TimesOutWherePamHangs) {
  const Answering unit(folder_.file("socket"), "");
  check_.definition.deadline = 800ms;
  EXPECT_EQ(check_.facts<model::LoginFacts>().outcome, LoginOutcome::timed_out);
}

TEST_F(AskedLogin, SaysThatItCouldNotBeTried) {
  const Answering unit(folder_.file("socket"), "error permission_denied\nmessage no\n");
  EXPECT_EQ(check_.run().outcome, model::Outcome::not_permitted);
}

TEST_F(AskedLogin, IsUnseenWhereThereIsNeitherUnitNorProgram) {
  EXPECT_EQ(check_.run().outcome, model::Outcome::failed);
}

// The file is the only place that enables it.
TEST_F(AskedLogin, IsOffWithoutAnAccountInTheHostsOwnFile) {
  check_.context.settings.login.account.clear();
  const auto seen = check_.run();
  EXPECT_EQ(seen.outcome, model::Outcome::not_applicable);
  EXPECT_EQ(seen.detail.code, "login.off");
}

TEST_F(AskedLogin, DoesNotReadMoreThanAnAnswer) {
  const Answering unit(folder_.file("socket"), std::string(100'000, 'x'));
  const auto seen = check_.run();
  EXPECT_NE(seen.outcome, model::Outcome::seen);
}

}  // namespace
}  // namespace tocsin::agent
