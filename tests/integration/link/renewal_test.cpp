// Certificates that end: renewal before, and what happens when it does not come.
#include "agent/link/renewal.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "common/rpc/credentials.hpp"
#include "tests/integration/link/room.hpp"

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
  EXPECT_FALSE(std::filesystem::exists(agent.folder + "/certificate.pem.new"));
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

TEST(LinkRenewal, AStreamEndsWithItsCertificate) {
  Room room;
  const TestAgent agent = agent_with(room, 1h, 1h + 3s);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 0; }));
  EXPECT_GE(room.time.wall(), certificate_of(room, agent).not_after);
}

TEST(LinkRenewal, AFileIsReplacedAsAWhole) {
  Room room;
  const std::string path = room.folder("files") + "/certificate.pem";
  ASSERT_TRUE(agent::replace_file(path, "first"));
  ASSERT_TRUE(agent::replace_file(path, "second"));
  EXPECT_EQ(rpc::read_file(path).value(), "second");
  EXPECT_EQ(agent::replace_file("/nowhere/certificate.pem", "x").error().code,
            ErrorCode::not_found);
}

}  // namespace
}  // namespace tocsin::tests
