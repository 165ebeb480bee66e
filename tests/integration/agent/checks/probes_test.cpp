// Port scan and answer probe against real sockets of this machine (procedure M-07, M-03).
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "common/net/fd.hpp"
#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

// Listens on a free port of the loopback; answers one connection with `reply`.
class Server {
 public:
  explicit Server(std::string reply = {}, bool accepts = false)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_.get(), 4), 0);
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (accepts) {
      thread_ = std::jthread([this, reply = std::move(reply)] {
        const net::Fd peer(::accept(fd_.get(), nullptr, nullptr));
        char bytes[2048];
        if (reply.starts_with("HTTP")) {
          EXPECT_GT(::recv(peer.get(), bytes, sizeof bytes, 0), 0);
        }
        EXPECT_GE(::send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL), 0);
      });
    }
  }
  std::uint16_t port() const { return port_; }

 private:
  net::Fd fd_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

CheckRun probe(model::CheckKind kind, std::string target) {
  CheckRun run(kind, std::move(target));
  run.definition.deadline = 3s;
  run.context.settings.probe_targets = {"127.0.0.0/8"};
  return run;
}

model::AnswerFacts answer_of(const std::string& url) {
  CheckRun run = probe(model::CheckKind::answer, url);
  return run.facts<model::AnswerFacts>();
}

TEST(PortScan, FindsThePortThatListens) {
  const Server server;
  CheckRun run = probe(model::CheckKind::port_scan, "127.0.0.1");
  run.definition.ports = fmt::format("1-3,{}", server.port());
  const auto facts = run.facts<model::PortScanFacts>();
  EXPECT_EQ(facts.open, std::vector{server.port()});
  EXPECT_EQ(facts.closed, 3U);
  EXPECT_TRUE(facts.complete);
}

TEST(PortScan, KeepsItsDeadlineAndSaysThatItIsNotWhole) {
  CheckRun run = probe(model::CheckKind::port_scan, "127.0.0.1");
  run.definition.ports = "1-4096";
  run.definition.deadline = 500ms;
  const auto seen = run.run();
  EXPECT_LT(seen.took, Duration(6s));  // all of them: eight
  EXPECT_FALSE(std::get<model::PortScanFacts>(seen.facts).complete);
}

TEST(Probes, AskNobodyThatTheHostsFileDoesNotName) {
  for (const auto& [kind, target] : {std::pair{model::CheckKind::port_scan, "127.0.0.1"},
                                     std::pair{model::CheckKind::answer, "tcp://127.0.0.1:22"}}) {
    CheckRun run(kind, target);
    run.context.settings.probe_targets = {"10.0.0.0/8"};
    const auto seen = run.run();
    EXPECT_EQ(seen.outcome, model::Outcome::not_permitted);
    EXPECT_EQ(seen.detail.code, "probe.not_allowed");
  }
}

TEST(Answer, TellsAnsweringFromRefusingAndSilence) {
  const Server silent;
  EXPECT_EQ(answer_of(fmt::format("tcp://127.0.0.1:{}", silent.port())).outcome,
            model::AnswerOutcome::answered);
  EXPECT_EQ(answer_of(fmt::format("banner://127.0.0.1:{}", silent.port())).outcome,
            model::AnswerOutcome::no_answer);
  EXPECT_EQ(answer_of("tcp://127.0.0.1:1").outcome, model::AnswerOutcome::refused);
}

TEST(Answer, ReadsABannerAndAStatus) {
  const Server ssh("SSH-2.0-OpenSSH_9.2\r\n", true);
  EXPECT_EQ(answer_of(fmt::format("banner://127.0.0.1:{}", ssh.port())).said,
            "SSH-2.0-OpenSSH_9.2");
  const Server http("HTTP/1.1 503 Busy\r\n\r\n", true);
  EXPECT_EQ(answer_of(fmt::format("http://127.0.0.1:{}/", http.port())).status, 503U);
}

}  // namespace
}  // namespace tocsin::agent
