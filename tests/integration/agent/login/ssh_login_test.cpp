// Logins over SSH to a real sshd, and to what only pretends to be one (procedure M-02).
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/integration/agent/login/ssh_server.hpp"
#include "tests/support/silent_port.hpp"

namespace tocsin::agent {
namespace {

using model::LoginFacts;
using model::LoginOutcome;
using testing::HasSubstr;
using testing::StartsWith;

class SshLogin : public testing::Test {
 protected:
  // A check of `server`'s address, with the server's own keys.
  CheckRun check_of(const tests::SshServer& server) { return check_of(server, server.address()); }
  CheckRun check_of(const tests::SshServer& server, const std::string& address) {
    CheckRun check(model::CheckKind::login, "ssh://" + address);
    check.definition.deadline = 10s;
    LoginSettings& login = check.context.settings.login;
    login.program = TOCSIN_LOGIN_PROGRAM;
    login.least_interval = 0s;
    login.hold = 0s;
    login.targets = {{address, server.account(), server.file("key"), server.host_key()}};
    return check;
  }
  static LoginFacts facts_of(CheckRun& check) {
    const model::Observation seen = check.run();
    const auto* facts = std::get_if<LoginFacts>(&seen.facts);
    EXPECT_NE(facts, nullptr) << model::to_string(seen.outcome) << ' ' << seen.detail.code << ' '
                              << (seen.detail.parameters.empty()
                                      ? ""
                                      : seen.detail.parameters.front().value);
    return facts == nullptr ? LoginFacts{} : *facts;
  }
  static LoginFacts facts_of(CheckRun&& check) { return facts_of(check); }
  // How many its log tells of. It goes on writing about the end of one for a while.
  static std::size_t connections(const tests::SshServer& server) {
    const std::string log = server.read("log");
    std::size_t count = 0;
    for (auto at = log.find("Connection from"); at != log.npos;
         at = log.find("Connection from", at + 1)) {
      ++count;
    }
    return count;
  }
};

TEST_F(SshLogin, WorksWhereTheForcedCommandAnswersTheNonce) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  CheckRun check = check_of(server);
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::succeeded) << facts.said << server.read("log");
  EXPECT_THAT(facts.banner, StartsWith("SSH-2.0-OpenSSH"));
  EXPECT_THAT(facts.own_end, StartsWith("127.0.0.1:"));
  EXPECT_TRUE(facts.worked_before);
  // One login leaves one accepted key in the server's log, from the end that we said.
  const std::string port = facts.own_end.substr(facts.own_end.find(':') + 1);
  EXPECT_THAT(server.read("log"), HasSubstr("from 127.0.0.1 port " + port));
}

TEST_F(SshLogin, IsRefusedWhereTheServerIsStoppedAndWorksWhenItIsBack) {
  tests::SshServer server(TOCSIN_PROBE_ANSWER);
  CheckRun check = check_of(server);
  EXPECT_EQ(facts_of(check).outcome, LoginOutcome::succeeded);
  server.stop();
  const LoginFacts stopped = facts_of(check);
  EXPECT_EQ(stopped.outcome, LoginOutcome::refused);
  EXPECT_TRUE(stopped.worked_before);
  EXPECT_FALSE(stopped.held);
  server.start();
  EXPECT_EQ(facts_of(check).outcome, LoginOutcome::succeeded);
}

TEST_F(SshLogin, IsRejectedWithAnotherKey) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  const tests::SshServer other(TOCSIN_PROBE_ANSWER);
  CheckRun check = check_of(server);
  check.context.settings.login.targets[0].key_file = other.file("key");
  check.context.settings.login.hold = 15min;
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::rejected);
  EXPECT_TRUE(facts.held);
  EXPECT_FALSE(facts.worked_before);
  // It is left alone then, until the key is another file.
  const std::size_t asked = connections(server);
  EXPECT_EQ(facts_of(check).outcome, LoginOutcome::rejected);
  EXPECT_EQ(connections(server), asked);
  check.context.settings.login.targets[0].key_file = server.file("key");
  EXPECT_EQ(facts_of(check).outcome, LoginOutcome::succeeded);
}

TEST_F(SshLogin, TellsAnotherHostNothing) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  const tests::SshServer other(TOCSIN_PROBE_ANSWER);
  CheckRun check = check_of(server);
  check.context.settings.login.targets[0].host_key = other.host_key();
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::host_key_changed);
  EXPECT_THAT(facts.said, StartsWith("SHA256:"));
  EXPECT_EQ(server.read("log").find("publickey"), std::string::npos) << server.read("log");
}

TEST_F(SshLogin, SeesAHostThatHasNoKeyOfTheKindThatWasAgreed) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  const tests::SshServer other(TOCSIN_PROBE_ANSWER);
  tests::must_run({"/usr/bin/ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", other.file("ec")});
  CheckRun check = check_of(server);
  std::string line = other.read("ec.pub");
  check.context.settings.login.targets[0].host_key = line.substr(0, line.find('\n'));
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::host_key_changed) << facts.said;
}

TEST_F(SshLogin, GetsNoSessionWhereTheCommandSaysSomethingElse) {
  const tests::SshServer nologin("/usr/sbin/nologin");
  LoginFacts facts = facts_of(check_of(nologin));
  EXPECT_EQ(facts.outcome, LoginOutcome::session_failed);
  EXPECT_EQ(facts.said, "This account is currently not available.");
  const tests::SshServer silent("exit 1");
  facts = facts_of(check_of(silent));
  EXPECT_EQ(facts.outcome, LoginOutcome::session_failed);
  EXPECT_EQ(facts.said, "no answer");
  const tests::SshServer full("echo tocsin-probe-answer full");
  facts = facts_of(check_of(full));
  EXPECT_EQ(facts.disk_full, model::Tristate::yes);
}

// A shell that hangs: the deadline holds, and what was reached is known.
TEST_F(SshLogin, EndsAtItsDeadlineWhereTheSessionHangs) {
  const tests::SshServer server("sleep 40");
  CheckRun check = check_of(server);
  check.definition.deadline = 2s;
  const MonoTime began = check.clock.steady();
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::session_failed);
  EXPECT_LT(check.clock.steady() - began, 30s);  // and not when the session ends
}

// Runs `talk` with the first connection to a port of loopback.
class Impostor {
 public:
  explicit Impostor(std::string words) : words_(std::move(words)) {
    thread_ = std::thread([this] {
      const int one = ::accept(port_.fd(), nullptr, nullptr);
      if (one < 0) return;
      TOCSIN_CHECK(::send(one, words_.data(), words_.size(), MSG_NOSIGNAL) >= 0);
      for (char byte = 0; ::recv(one, &byte, 1, 0) > 0;) {
      }
      ::close(one);
    });
  }
  ~Impostor() {
    ::shutdown(port_.fd(), SHUT_RDWR);
    thread_.join();
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;
  std::string address() const { return "127.0.0.1:" + port_.port(); }

 private:
  std::string words_;
  tests::SilentPort port_;
  std::thread thread_;
};

// What check_ssh of the plugins would call OK.
TEST_F(SshLogin, SeesABannerAndNothingBehindIt) {
  const tests::SshServer keys(TOCSIN_PROBE_ANSWER);
  for (const char* words : {"SSH-2.0-OpenSSH_9.2p1\r\n", "220 mail.example ESMTP\r\n",
                            "SSH-2.0-half a line without an end"}) {
    const Impostor impostor(words);
    CheckRun check = check_of(keys, impostor.address());
    check.definition.deadline = 1500ms;
    const LoginFacts facts = facts_of(check);
    EXPECT_EQ(facts.outcome, LoginOutcome::banner_only) << words << facts.said;
    EXPECT_EQ(facts.banner, std::string(words).substr(0, std::string(words).find('\r')));
  }
}

// A server's list of what it can do (RFC 4253, 7.1), with keys of one kind only.
std::string key_exchange_of(const std::string& host_keys) {
  const auto number = [](std::size_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
    return bytes;
  };
  std::string payload = "\x14" + std::string(16, 'c');
  for (const std::string& list :
       {std::string("curve25519-sha256"), host_keys, std::string("aes256-ctr"),
        std::string("aes256-ctr"), std::string("hmac-sha2-256"), std::string("hmac-sha2-256"),
        std::string("none"), std::string("none"), std::string(), std::string()}) {
    payload += number(list.size()) + list;
  }
  payload += std::string(5, '\0');
  const std::size_t padding = 8 + (8 - (payload.size() + 5) % 8);
  return number(payload.size() + 1 + padding) + static_cast<char>(padding) + payload +
         std::string(padding, 'p');
}

// As on a busy machine: banner and list come at once, and the library has not sent its own yet when
// it sees that there is no key for it. Then it closes the socket, and its last error is another.
TEST_F(SshLogin, SeesAKeyOfAnotherKindHoweverSoonTheHostSaysIt) {
  const tests::SshServer keys(TOCSIN_PROBE_ANSWER);
  tests::must_run({"/usr/bin/ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", keys.file("ec")});
  const std::string line = keys.read("ec.pub");
  for (const char* kind : {"ssh-ed25519", "rsa-sha2-512,rsa-sha2-256"}) {
    const Impostor hasty("SSH-2.0-OpenSSH_9.2p1\r\n" + key_exchange_of(kind));
    CheckRun check = check_of(keys, hasty.address());
    check.context.settings.login.targets[0].host_key = line.substr(0, line.find('\n'));
    const LoginFacts facts = facts_of(check);
    EXPECT_EQ(facts.outcome, LoginOutcome::host_key_changed) << facts.said;
    EXPECT_THAT(facts.said, StartsWith("no match for method server host key"));
    EXPECT_THAT(facts.said, HasSubstr(kind));
  }
}

TEST_F(SshLogin, TimesOutWhereNobodySpeaks) {
  const tests::SshServer keys(TOCSIN_PROBE_ANSWER);
  const tests::SilentPort silent;
  CheckRun check = check_of(keys, "127.0.0.1:" + silent.port());
  check.definition.deadline = 1s;
  const LoginFacts facts = facts_of(check);
  EXPECT_EQ(facts.outcome, LoginOutcome::timed_out);
  EXPECT_EQ(facts.said, "connected, then silence");
}

TEST_F(SshLogin, SurvivesGarbage) {
  const tests::SshServer keys(TOCSIN_PROBE_ANSWER);
  std::string garbage = "SSH-2.0-x\r\n";
  for (int i = 0; i < 4096; ++i) garbage += static_cast<char>(i * 37);
  const Impostor impostor(garbage);
  CheckRun check = check_of(keys, impostor.address());
  check.definition.deadline = 2s;
  EXPECT_EQ(facts_of(check).outcome, LoginOutcome::banner_only);
}

TEST_F(SshLogin, HasNoWayToANameThatNobodyKnows) {
  const tests::SshServer keys(TOCSIN_PROBE_ANSWER);
  EXPECT_EQ(facts_of(check_of(keys, "no-such-host.invalid:22")).outcome, LoginOutcome::unreachable);
}

TEST_F(SshLogin, IsNotTriedWithAKeyThatOthersMayRead) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  ASSERT_EQ(::chmod(server.file("key").c_str(), 0644), 0);
  const auto seen = check_of(server).run();
  EXPECT_EQ(seen.outcome, model::Outcome::not_permitted);
  EXPECT_EQ(server.read("log").find("Connection"), std::string::npos);
}

TEST_F(SshLogin, IsNotTriedWhereTheHostsOwnFileDoesNotNameTheTarget) {
  const tests::SshServer server(TOCSIN_PROBE_ANSWER);
  CheckRun check = check_of(server);
  check.context.settings.login.targets.clear();
  const auto seen = check.run();
  EXPECT_EQ(seen.outcome, model::Outcome::not_applicable);
  EXPECT_EQ(seen.detail.code, "login.off");
  EXPECT_EQ(server.read("log").find("Connection"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::agent
