// Certificates that end: renewal before, and what happens when it does not come.
#include "agent/link/renewal.hpp"

#include <atomic>
#include <filesystem>

#include <gtest/gtest.h>

#include "collector/enroll/enrollment.hpp"
#include "common/config/secret_file.hpp"
#include "common/rpc/credentials.hpp"
#include "common/rpc/server_tls.hpp"
#include "tests/integration/link/room.hpp"
#include "tests/support/fake_collector.hpp"

namespace tocsin::tests {
namespace {

std::string sign(const Room& room, const KeyAndCertificate& who, Instant not_before,
                 Duration life) {
  crypto::CertificateRequest request;
  request.identity.agent = crypto::agent_id_of_key(who.key_pem).value();
  request.not_before = not_before;
  request.life = life;
  const std::string asked = crypto::make_signing_request(who.key_pem, "test").value();
  return crypto::sign_certificate(room.authority.authority(), asked, request).value();
}

// An agent whose certificate was made `ago` for `life`.
TestAgent agent_with(Room& room, Duration ago, Duration life) {
  TestAgent agent = room.add_agent();
  room.write(agent.folder, "certificate.pem",
             sign(room, agent.identity, room.time.wall() - ago, life));
  return agent;
}

crypto::CertificateInfo certificate_of(const Room& room, const TestAgent& agent) {
  return agent::own_certificate(room.config(agent)).value();
}

TEST(LinkRenewal, ACertificateIsRenewedAtTwoThirdsOfItsLife) {
  Room room;
  const TestAgent agent = agent_with(room, 21h, 30h);
  room.renew = [&](const AgentId& id,
                   std::string_view request) -> Result<collector::RenewedCertificate> {
    EXPECT_EQ(id, agent.id);
    EXPECT_EQ(crypto::agent_id_of_request(request).value(), agent.id);
    const Instant now = room.time.wall();
    return collector::RenewedCertificate{sign(room, agent.identity, now - 1min, 30h),
                                         room.authority.authority().certificate_pem, now + 30h};
  };
  const Instant old_end = certificate_of(room, agent).not_after;
  const auto spool = open_spool(agent);
  append_facts(*spool, 3);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  const crypto::CertificateInfo renewed = certificate_of(room, agent);
  EXPECT_GT(renewed.not_after, old_end);
  EXPECT_EQ(renewed.identity.agent, agent.id);
}

TEST(LinkRenewal, ARefusedRenewalDoesNotStopTheLink) {
  Room room;
  const TestAgent agent = agent_with(room, 21h, 30h);
  const Instant end = certificate_of(room, agent).not_after;
  const auto spool = open_spool(agent);
  append_facts(*spool, 3);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(certificate_of(room, agent).not_after, end);
}

TEST(LinkRenewal, ACertificateOfAnotherKeyIsNotKept) {
  Room room;
  const TestAgent agent = agent_with(room, 21h, 30h);
  const KeyAndCertificate other = room.authority.for_agent();
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    return collector::RenewedCertificate{other.certificate_pem, "", room.time.wall() + 24h};
  };
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(certificate_of(room, agent).identity.agent, agent.id);
}

TEST(LinkRenewal, AuthoritiesThatDidNotSignTheNewCertificateAreNotKept) {
  Room room;
  const TestAgent agent = agent_with(room, 21h, 30h);
  const TestAuthority stranger(room.time.wall());
  int asked = 0;
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    ++asked;
    const Instant now = room.time.wall();
    return collector::RenewedCertificate{sign(room, agent.identity, now - 1min, 30h),
                                         stranger.authority().certificate_pem, now + 30h};
  };
  const Instant old_end = certificate_of(room, agent).not_after;
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(certificate_of(room, agent).not_after, old_end);
  EXPECT_EQ(config::read_file(room.config(agent).authorities_file, 1 << 20).value(),
            room.authority.authority().certificate_pem);
}

// A connection lives on when the certificate that opened it ends.
TEST(LinkRenewal, AnExpiredCertificateGetsNothingOverAnOldConnection) {
  Room room;
  const TestAgent agent = agent_with(room, 1h, 1h + 2s);
  const std::string signing_request =
      crypto::make_signing_request(agent.identity.key_pem, "h1").value();
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    const Instant now = room.time.wall();
    return collector::RenewedCertificate{sign(room, agent.identity, now, 30h), "", now + 30h};
  };
  const auto stub = room.stub(agent);
  v1::RenewRequest request;
  request.set_signing_request(signing_request);
  const auto renew = [&] {
    grpc::ClientContext context;
    v1::CertificateReply reply;
    return stub->Renew(&context, request, &reply).error_code();
  };
  ASSERT_EQ(renew(), grpc::StatusCode::OK);
  const Instant end = certificate_of(room, agent).not_after;
  ASSERT_TRUE(eventually([&] { return room.time.wall() > end; }));
  EXPECT_EQ(renew(), grpc::StatusCode::PERMISSION_DENIED);
  grpc::ClientContext context;
  EXPECT_EQ(stub->Session(&context)->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

// Two thirds pass while the stream is up: it ends for the renewal and goes on with the new one.
TEST(LinkRenewal, AStreamThatLastsIsInterruptedForTheRenewal) {
  Room room;
  const TestAgent agent = agent_with(room, 58s, 90s);
  int asked = 0;
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    ++asked;
    const Instant now = room.time.wall();
    return collector::RenewedCertificate{sign(room, agent.identity, now - 1min, 30h), "",
                                         now + 30h};
  };
  const Instant old_end = certificate_of(room, agent).not_after;
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));
  EXPECT_EQ(asked, 0) << "two seconds are left until then";
  ASSERT_TRUE(eventually([&] { return certificate_of(room, agent).not_after > old_end; }));
  append_facts(*spool, 3);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(asked, 1);
}

// The system's clock, set wrong by an amount that the test changes.
class MovedClock final : public time::TimeSource {
 public:
  explicit MovedClock(Duration by) : by_(by.count()) {}
  Instant wall() const override {
    ++asked_;
    return system_.wall() + Duration(by_);
  }
  MonoTime steady() const override { return system_.steady() + Duration(by_ - first_); }
  // Waits until the link has looked at its certificate a few times by the new time.
  void move_to(Duration by) {
    by_ = by.count();
    const int before = asked_;
    TOCSIN_CHECK(eventually([&] { return asked_ >= before + 10; }));
  }

 private:
  const time::SystemTime system_;
  std::atomic<std::int64_t> by_;
  const std::int64_t first_ = by_;
  mutable std::atomic<int> asked_{0};
};

// Thirty days of a certificate's life before a collector that signs as the real one does. The agent
// lives up to twenty days in the past, so that its new certificate is good now.
TEST(LinkRenewal, WhenTwoThirdsArePastTheNextConnectionUsesTheNewCertificate) {
  constexpr Duration kDay = 24h;
  Room room;
  const TestAgent agent = agent_with(room, kDay * 20, kDay * 30);
  FakeJudge judge;
  judge.admissions[agent.id.hex] = {true, false, "h1"};
  const std::string& authorities = room.authority.authority().certificate_pem;
  const collector::Renewer renewer =
      collector::make_renewer({room.authority.authority(), authorities}, judge, room.time);
  std::atomic<int> asked = 0;
  room.renew = [&](const AgentId& id,
                   std::string_view request) -> Result<collector::RenewedCertificate> {
    ++asked;
    const auto issued = renewer(id, request);
    if (!issued) return fail(issued.error());
    return collector::RenewedCertificate{issued->certificate_pem, issued->authorities_pem,
                                         issued->not_after};
  };
  const crypto::CertificateInfo first = certificate_of(room, agent);
  agent::LinkConfig config = room.config(agent);
  config.look_at_certificate = 5ms;
  const auto spool = open_spool(agent);
  MovedClock clock(-kDay * 20 + 1h);  // it has had the certificate for an hour
  RunningLink link(room, agent, config, &clock);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));

  for (const Duration early : {-kDay * 10, -kDay, -Duration(1min)}) {
    clock.move_to(early);
    EXPECT_EQ(asked, 0) << "twenty days are not over";
  }
  ASSERT_EQ(room.let_in().size(), 1U);
  EXPECT_EQ(room.let_in()[0].fingerprint, first.fingerprint);

  clock.move_to(Duration(1min));
  ASSERT_TRUE(eventually([&] { return room.let_in().size() == 2; }));
  const crypto::CertificateInfo second = certificate_of(room, agent);
  EXPECT_EQ(room.let_in()[1].fingerprint, second.fingerprint);
  EXPECT_NE(second.fingerprint, first.fingerprint);
  EXPECT_EQ(second.identity.agent, agent.id);
  EXPECT_EQ(asked, 1);
  // It is used, and nothing is asked again before two thirds of its own life.
  append_facts(*spool, 3);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  clock.move_to(kDay * 19);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(room.let_in().size(), 2U);
}

// It ended while the host was off. Nothing is asked with it; what `enroll --again` writes is used
// by the running link.
TEST(LinkRenewal, AnAgentWhoseCertificateEndedComesBackWithANewOne) {
  Room room;
  const TestAgent agent = agent_with(room, 2h, 1h);
  int asked = 0;
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    ++asked;
    return fail(ErrorCode::permission_denied, "not in time");
  };
  const auto spool = open_spool(agent);
  append_facts(*spool, 3);
  agent::LinkConfig config = room.config(agent);
  config.retry_first = 50ms;
  config.retry_longest = 200ms;
  RunningLink link(room, agent, config);
  EXPECT_FALSE(eventually([&] { return room.hub().counters().sessions > 0; }, 1s));
  ASSERT_TRUE(config::write_file(config.certificate_file,
                                 sign(room, agent.identity, room.time.wall() - 1min, 30h), 0644));
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(asked, 0);
}

// While one authority takes over from another a renewal brings both.
TEST(LinkRenewal, SeveralAuthoritiesAreKeptAndAnyOfThemIsTrusted) {
  Room room;
  const TestAgent agent = agent_with(room, 21h, 30h);
  const TestAuthority next(room.time.wall());
  const std::string both =
      next.authority().certificate_pem + room.authority.authority().certificate_pem;
  room.renew = [&](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    const Instant now = room.time.wall();
    return collector::RenewedCertificate{sign(room, agent.identity, now - 1min, 30h), both,
                                         now + 30h};
  };
  const auto spool = open_spool(agent);
  append_facts(*spool, 3);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(config::read_file(room.config(agent).authorities_file, 1 << 20).value(), both);
}

// A year of renewals by the rule, with a collector that is away for a week now and then.
TEST(LinkRenewal, AYearOfRenewalsNeverComesToAnEnd) {
  const Instant begin = time::SystemTime().wall();
  crypto::CertificateInfo certificate;
  certificate.not_before = begin;
  certificate.not_after = begin + 24h * 30;
  int renewals = 0;
  for (Duration passed{}; passed < 24h * 365; passed += 10min) {
    const Instant now = begin + passed;
    ASSERT_LT(now, certificate.not_after);
    const bool away = passed / (24h * 7) % 4 == 3;
    if (now < agent::renewal_due(certificate) || away) continue;
    certificate.not_before = now;
    certificate.not_after = now + 24h * 30;
    ++renewals;
  }
  EXPECT_GE(renewals, 365 / 28);
  EXPECT_LE(renewals, 365 / 20);
}

TEST(LinkRenewal, AKeyThatOthersMayReadOpensNoConnection) {
  Room room;
  const TestAgent agent = room.add_agent();
  const agent::LinkConfig config = room.config(agent);
  const rpc::TlsFiles files{config.certificate_file, config.private_key_file,
                            config.authorities_file};
  ASSERT_TRUE(rpc::secure_channel(room.address(), files));
  ASSERT_TRUE(rpc::ServerTls::open(files));
  std::filesystem::permissions(config.private_key_file, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  for (const Status& status :
       {Status(rpc::secure_channel(room.address(), files).map([](auto&&) {})),
        Status(rpc::ServerTls::open(files).map([](auto&&) {}))}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::permission_denied);
    EXPECT_NE(status.error().message.find(config.private_key_file), std::string::npos);
  }
}

// What gRPC does with such files is to serve nobody, or to end the process.
TEST(LinkRenewal, FilesThatAreNoneAreNamedAndWhatWasGoodIsServedOn) {
  Room room;
  const TestAgent agent = room.add_agent();
  const TestAgent other = room.add_agent();
  const agent::LinkConfig config = room.config(agent);
  const rpc::TlsFiles files{config.certificate_file, config.private_key_file,
                            config.authorities_file};
  const auto tls = rpc::ServerTls::open(files);
  ASSERT_TRUE(tls) << tls.error().message;
  const std::string foreign_key = room.config(other).private_key_file;
  for (const std::string& file : {files.certificate, files.private_key, files.authorities}) {
    const std::string good = config::read_file(file, rpc::kTlsFileBytes).value();
    std::vector<std::string> contents{"", "garbage", good.substr(0, good.size() / 2),
                                      std::string(rpc::kTlsFileBytes + 1, 'x')};
    if (file == files.private_key)
      contents.push_back(config::read_secret_file(foreign_key).value());
    for (const std::string& bad : contents) {
      ASSERT_TRUE(config::write_file(file, bad, 0600));
      const Status looked = (*tls)->look();
      ASSERT_FALSE(looked) << file;
      EXPECT_NE(looked.error().message.find(file), std::string::npos) << looked.error().message;
      EXPECT_EQ((*tls)->look().error().message, looked.error().message);
      EXPECT_FALSE(rpc::ServerTls::open(files));
      EXPECT_FALSE(rpc::secure_channel(room.address(), files));
    }
    ASSERT_TRUE(config::write_file(file, good, 0600));
    EXPECT_TRUE((*tls)->look());
  }
}

TEST(LinkRenewal, AStreamEndsWithItsCertificate) {
  Room room;
  const TestAgent agent = agent_with(room, 1h, 1h + 3s);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 0; }));
  EXPECT_GE(room.time.wall(), certificate_of(room, agent).not_after);
}

}  // namespace
}  // namespace tocsin::tests
