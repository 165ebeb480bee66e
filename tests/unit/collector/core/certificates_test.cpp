// Certificates that end, with a clock that runs as fast as the test.
#include "collector/core/certificates.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "collector/core/commands.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::certificate_level;
using collector::certificate_worse_at;
using collector::CertificateLevel;
using model::CertificateHolder;
using model::CertificateSeen;
using model::Severity;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Duration kDay = 24h;

CertificateSeen certificate(CertificateHolder holder, std::string name, Duration from,
                            Duration life) {
  return {holder, std::move(name), kStoryBegins + from, kStoryBegins + from + life, "f"};
}
CertificateSeen of_server(Duration from = {}) {
  return certificate(CertificateHolder::server, "", from, 825 * kDay);
}
CertificateSeen of_operator(Duration from = {}, Duration life = 365 * kDay) {
  return certificate(CertificateHolder::operator_, "wang", from, life);
}
CertificateSeen of_agent(Duration from = {}) {
  return certificate(CertificateHolder::agent, agent_of("web1").hex, from, 30 * kDay);
}

std::string why_of(Story& story) {
  const model::Incident incident = story.incident();
  return story.world().finding(incident.findings.front())->message.parameters.at(2).value;
}

TEST(Certificates, TheServersIsAnIncidentThatGetsWorseUntilItIsRenewed) {
  Story story;
  story.push(of_server());
  story.at(795 * kDay - 1s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(795 * kDay);
  EXPECT_EQ(story.incident().live, Severity::e);
  EXPECT_EQ(story.incident().host_name, "story") << "it is the site's own";
  EXPECT_EQ(story.incident().title.code, "certificate.server");
  story.resume();
  story.at(818 * kDay);
  EXPECT_EQ(story.incident().live, Severity::d);
  EXPECT_EQ(why_of(story), "@why.certificate_soon");
  story.at(825 * kDay);
  EXPECT_EQ(story.incident().live, Severity::c) << "nobody gets in any more";
  EXPECT_THAT(story.told(), Contains("worse C officer@example.tw"));
  story.push(of_server(825 * kDay));
  story.at(826 * kDay);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Certificates, TheAuthoritysIsWatchedToo) {
  Story story;
  story.push(certificate(CertificateHolder::authority, "", {}, 3650 * kDay));
  story.at(3620 * kDay);
  EXPECT_EQ(story.incident().title.code, "certificate.authority");
}

TEST(Certificates, AnOperatorsThatEndedIsNoWorseThanAGradeD) {
  Story story;
  story.push(of_operator());
  story.at(335 * kDay - 1s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(335 * kDay);
  EXPECT_EQ(story.incident().live, Severity::e);
  EXPECT_EQ(story.incident().title.code, "certificate.operator");
  story.at(400 * kDay);
  EXPECT_EQ(story.incident().live, Severity::d);
  EXPECT_EQ(why_of(story), "@why.certificate_expired");
}

// Somebody who left: revoking ends the warning, as renewing does.
TEST(Certificates, ARevokedOperatorsIsNobodysBusiness) {
  Story story;
  story.push(of_operator());
  story.at(350 * kDay);
  ASSERT_THAT(story.incidents(), SizeIs(1));
  const auto answer = story.asks({"revoke-wang",
                                  {"root", model::Role::admin, ""},
                                  0,
                                  "has left",
                                  model::RevokeOperator{"wang"}});
  EXPECT_EQ(answer.detail.code, "command.operator_revoked");
  // And what was made by a wall clock that is a little ahead of the journal's.
  EXPECT_EQ(story.world().value(collector::revoked_operator_key("wang")),
            std::to_string((kStoryBegins + 350 * kDay + 2s).ns));
  story.at(351 * kDay);
  EXPECT_TRUE(story.incident().recovered);
  EXPECT_FALSE(story.world().timers.due("certificate/operator/wang"));
}

TEST(Certificates, AnOlderOneOfTheSamePersonTakesNoPlace) {
  Story story;
  story.push(of_operator(200 * kDay));
  story.push(of_operator());
  story.at(400 * kDay);
  EXPECT_THAT(story.incidents(), IsEmpty());
}

// It renews by itself from the 20th day on; a warning says that this has not worked for five days.
TEST(Certificates, AnAgentsIsSaidWhenItsRenewalFails) {
  Story story;
  story.admit("web1");
  story.push(of_agent());
  story.at(25 * kDay - 1s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(25 * kDay);
  EXPECT_EQ(story.incident().host_name, "web1");
  EXPECT_EQ(story.incident().live, Severity::e);
  story.at(28 * kDay);
  EXPECT_EQ(story.incident().live, Severity::d);
  story.push(of_agent(28 * kDay));
  story.at(29 * kDay);
  EXPECT_TRUE(story.incident().recovered);
  story.at(52 * kDay);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Certificates, OfAnAgentThatIsNotAdmittedOrRevokedChangeNothing) {
  Story story;
  story.push(of_agent());
  story.admit("web1");
  story.push(of_agent());
  story.asks({"c", {"root", model::Role::admin, ""}, 0, "", model::RevokeAgent{agent_of("web1")}});
  story.push(of_agent());
  story.at(60 * kDay);
  EXPECT_THAT(story.incidents(), IsEmpty());
  EXPECT_EQ(story.world().number("counter/certificates_of_unknown_agents"), 2U);
}

TEST(Certificates, AShortLifeIsWarnedOfInItsLastThird) {
  const CertificateSeen seen = of_operator({}, 3 * kDay);
  EXPECT_EQ(certificate_level(seen, kStoryBegins + 2 * kDay - 1s), CertificateLevel::good);
  EXPECT_EQ(certificate_level(seen, kStoryBegins + 2 * kDay), CertificateLevel::expiring);
  EXPECT_EQ(certificate_level(seen, kStoryBegins + 3 * kDay - 6h), CertificateLevel::soon);
  EXPECT_EQ(certificate_level(seen, kStoryBegins + 3 * kDay), CertificateLevel::expired);
}

RC_GTEST_PROP(CertificatesProperty, GetWorseWithTimeAndExactlyWhenTheySay, ()) {
  const auto holder = *rc::gen::element(CertificateHolder::server, CertificateHolder::authority,
                                        CertificateHolder::operator_, CertificateHolder::agent);
  const Duration life = std::chrono::seconds(*rc::gen::inRange<std::int64_t>(60, 400'000'000));
  const CertificateSeen seen = certificate(holder, "x", {}, life);
  const Instant now =
      kStoryBegins + std::chrono::seconds(*rc::gen::inRange<std::int64_t>(-60, 500'000'000));
  const auto level = certificate_level(seen, now);
  const auto next = certificate_worse_at(seen, now);
  RC_ASSERT(next.has_value() == (level != CertificateLevel::expired));
  if (!next) return;
  RC_ASSERT(certificate_level(seen, *next - Duration(1)) == level);
  RC_ASSERT(certificate_level(seen, *next) > level);
}

}  // namespace
}  // namespace tocsin::tests
