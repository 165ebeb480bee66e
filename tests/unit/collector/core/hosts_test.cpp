// Stage 1 by stories: what agents saw becomes findings.
#include "collector/core/hosts.hpp"

#include <set>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "collector/core/correlate.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kProgram = "/usr/bin/nc";
const model::CheckRef kSockets{model::CheckKind::sockets, ""};

std::vector<model::Finding> findings(const Story& story, const std::string& host,
                                     const model::CheckRef& check) {
  std::vector<model::Finding> found;
  for (const FindingId id : story.world().findings_of(agent_of(host), check)) {
    found.push_back(*story.world().finding(id));
  }
  return found;
}

TEST(Hosts, AFindingExistsAtFirstSightAndClosesWhenItIsGone) {
  Story story;
  story.admit("web1");
  story.at(1min).sees("web1",
                      ports_are({listener(22, "/usr/sbin/sshd"), listener(4444, kProgram)}));
  ASSERT_THAT(findings(story, "web1", kSockets), SizeIs(1));
  EXPECT_EQ(findings(story, "web1", kSockets)[0].code, "port.unexpected");
  EXPECT_EQ(findings(story, "web1", kSockets)[0].since, kStoryBegins + 1min);
  story.at(2min).sees("web1", ports_are({listener(22, "/usr/sbin/sshd")}));
  EXPECT_EQ(findings(story, "web1", kSockets)[0].closed, kStoryBegins + 2min);
}

TEST(Hosts, ALookThatCouldNotSeeClosesNothing) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.at(1min).sees("web1", cannot_see(kSockets));
  EXPECT_FALSE(findings(story, "web1", kSockets)[0].closed);
  const model::Host& host = *story.world().hosts.find(agent_of("web1"));
  ASSERT_THAT(host.checks, SizeIs(1));
  EXPECT_EQ(host.checks[0].verdict, model::Verdict::cannot_tell);
}

TEST(Hosts, TheSameFindingComesBackAsTheSameRow) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.at(1min).sees("web1", ports_are({}));
  story.at(2min).sees("web1", ports_are({listener(4444, kProgram)}));
  const auto found = findings(story, "web1", kSockets);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].recurrences, 1U);
  EXPECT_FALSE(found[0].closed);
  EXPECT_EQ(found[0].since, kStoryBegins + 2min);
}

TEST(Hosts, AClockThatRunsAheadOrWasNeverSetMakesNoLongOutage) {
  Story story;
  story.admit("web1");
  story.at(1h);
  model::Observation ahead = ports_are({listener(4444, kProgram)});
  story.sees("web1", ahead, -2h);
  EXPECT_EQ(findings(story, "web1", kSockets)[0].since, story.now());
  story.admit("web2");
  model::Observation unset = ports_are({listener(4444, kProgram)});
  unset.at = Instant{0};
  story.fact("web2", unset);
  EXPECT_EQ(findings(story, "web2", kSockets)[0].since, story.now() - 24h * 7);
}

TEST(Hosts, TimeNeverGoesBackWithinACheck) {
  Story story;
  story.admit("web1");
  story.at(10min).sees("web1", ports_are({}));
  story.at(11min).sees("web1", ports_are({listener(4444, kProgram)}), 8min);
  EXPECT_EQ(findings(story, "web1", kSockets)[0].since, kStoryBegins + 10min);
}

TEST(Hosts, FactsOfAgentsThatAreNotAdmittedChangeNothingAndAreCounted) {
  Story story;
  story.sees("stranger", ports_are({listener(4444, kProgram)}));
  EXPECT_EQ(story.world().hosts.find(agent_of("stranger")), nullptr);
  EXPECT_EQ(story.world().number("counter/facts_of_unknown_agents"), 1U);
}

// A host that is in other hands knows the names of what the collector found about it.
TEST(Hosts, AHostCannotCloseWhatTheCollectorFoundAboutIt) {
  Story story;
  story.admit("web1");
  story.presence("web1", model::Presence::clone_suspected);
  story.push(model::CertificateSeen{model::CertificateHolder::agent, agent_of("web1").hex,
                                    kStoryBegins - 29 * 24h, kStoryBegins + 24h, "f"});
  const auto own_findings = [&] {
    std::vector<std::string> open;
    for (const std::string& name :
         {std::string("agent"), "certificate/agent/" + agent_of("web1").hex}) {
      for (const auto& one : findings(story, "web1", {model::CheckKind::collector, name})) {
        if (!one.closed) open.push_back(one.code);
      }
    }
    return open;
  };
  ASSERT_THAT(own_findings(), ElementsAre("agent.clone_suspected", "certificate.agent"));

  for (const std::string& name :
       {std::string("agent"), "certificate/agent/" + agent_of("web1").hex}) {
    story.sees("web1", ping_of(name, 5));
    story.sees("web1", ping_of(name, 0));
    story.sees("web1", ping_of(name, 5));
  }
  EXPECT_THAT(own_findings(), ElementsAre("agent.clone_suspected", "certificate.agent"));
  EXPECT_EQ(story.world().number("counter/reports_refused"), 0U) << "pings they are";

  // Under the kind itself it is refused, and everybody is told.
  story.told();
  model::Observation claim;
  claim.check = collector::agent_check();
  story.sees("web1", claim);
  claim.outcome = model::Outcome::not_applicable;
  model::RequestResult result;
  result.observations = {claim};
  story.fact("web1", result);
  EXPECT_THAT(own_findings(),
              ElementsAre("agent.clone_suspected", "agent.false_report", "certificate.agent"));
  EXPECT_EQ(story.world().number("counter/reports_refused"), 2U);
  EXPECT_TRUE(story.world().hosts.find(agent_of("web1"))->checks.size() == 2U);  // the pings
  story.heard("web1");
  EXPECT_THAT(own_findings(), Contains("agent.false_report"));
}

std::vector<std::string> open_codes(const Story& story, const std::string& host,
                                    const model::CheckRef& check) {
  std::vector<std::string> open;
  for (const model::Finding& one : findings(story, host, check)) {
    if (!one.closed) open.push_back(one.code);
  }
  return open;
}

// A server that is down says nothing about its backups: the old one is still old.
TEST(Hosts, WhatALookDidNotSeeStaysOpenBesideWhatItFound) {
  const model::CheckRef kBackup{model::CheckKind::backup_job, "tsm1"};
  Story story;
  story.admit("tsm1");
  const auto backup = [&](model::Tristate reachable, Duration age) {
    model::BackupJobFacts facts;
    facts.job = "tsm1";
    facts.tool = "tsm";
    facts.reachable = reachable;
    facts.last_database_backup = story.now();
    facts.sources = {{"WEB1 /SRV", story.now() - age}};
    if (reachable == model::Tristate::no) facts.sources.clear();
    story.sees("tsm1", observation(kBackup, facts));
  };
  backup(model::Tristate::yes, 100h);
  EXPECT_THAT(open_codes(story, "tsm1", kBackup), ElementsAre("backup.rpo"));
  story.at(1h);
  backup(model::Tristate::no, 0h);
  EXPECT_THAT(open_codes(story, "tsm1", kBackup), ElementsAre("backup.rpo", "backup.unreachable"));
  story.at(2h);
  backup(model::Tristate::yes, 102h);
  EXPECT_THAT(open_codes(story, "tsm1", kBackup), ElementsAre("backup.rpo"));
  story.at(3h);
  backup(model::Tristate::yes, 1h);
  EXPECT_THAT(open_codes(story, "tsm1", kBackup), IsEmpty());
}

// Where nothing is approved the rest cannot be told; what was seen to be gone is gone.
TEST(Hosts, WhatIsGoneClosesThoughTheRestCannotBeTold) {
  const model::CheckRef kProcesses{model::CheckKind::processes, ""};
  Story story;
  story.admit("web1");
  model::ProcessesFacts facts;
  facts.hidden_searched = model::Tristate::yes;
  facts.preload_file = true;
  story.sees("web1", observation(kProcesses, facts));
  EXPECT_THAT(open_codes(story, "web1", kProcesses), ElementsAre("process.preload_file"));
  facts.preload_file = false;
  story.at(1min).sees("web1", observation(kProcesses, facts));
  EXPECT_THAT(open_codes(story, "web1", kProcesses), IsEmpty());
  const model::Host& host = *story.world().hosts.find(agent_of("web1"));
  EXPECT_EQ(host.checks[0].verdict, model::Verdict::cannot_tell);
}

// Ports open and close while scans see all, a part or nothing: what is known of a port is what the
// last look at it saw.
TEST(HostsProperty, OnlyALookAtItsSubjectClosesAFinding) {
  const model::CheckRef kScan{model::CheckKind::port_scan, "10.0.0.7"};
  EXPECT_TRUE(rc::check("closed by a look", [&] {
    model::SitePolicy policy = story_policy();
    policy.hosts[1].address = "10.0.0.7";
    Story story(policy);
    story.admit("web1");
    std::set<std::string> known;
    Duration since{};
    for (int step = *rc::gen::inRange(1, 20); step > 0; --step) {
      story.at(since += 1min);
      if (*rc::gen::inRange(0, 4) == 0) {
        story.sees("web1", cannot_see(kScan));
      } else {
        model::PortScanFacts facts;
        facts.address = "10.0.0.7";
        facts.closed = 100;
        facts.complete = *rc::gen::arbitrary<bool>();
        if (facts.complete) known.clear();
        for (const std::uint16_t port : {std::uint16_t{4444}, std::uint16_t{31337}}) {
          if (!*rc::gen::arbitrary<bool>()) continue;
          facts.open.push_back(port);
          known.insert("10.0.0.7 tcp " + std::to_string(port));
        }
        story.sees("web1", observation(kScan, facts));
      }
      std::set<std::string> open;
      for (const model::Finding& one : findings(story, "web1", kScan)) {
        if (!one.closed) open.insert(one.subject);
      }
      RC_ASSERT(open == known);
    }
  }));
}

TEST(Hosts, LossesAreCountedAndShown) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.push(model::FactRangeLost{agent_of("web1"), {1}, {5}, {9}, {"loss.disk", {}}});
  model::SpoolLoss loss;
  loss.count = 3;
  story.fact("web1", loss);
  EXPECT_EQ(story.world().hosts.find(agent_of("web1"))->facts_lost, 8U);
  EXPECT_EQ(story.world().number("counter/facts_lost"), 8U);
  EXPECT_EQ(story.world().number(collector::kFactsMissing), 5U)
      << "a full spool told of the others";
  EXPECT_GE(story.world().number(collector::kFactsMissingSince),
            static_cast<std::uint64_t>(kStoryBegins.ns));
  EXPECT_THAT(story.timeline(story.incident().id), ::testing::Contains("facts.lost"));
}

TEST(Hosts, KindsOfALaterVersionAreCounted) {
  Story story;
  story.admit("web1");
  story.fact("web1", std::monostate{});
  story.push(std::monostate{});
  EXPECT_EQ(story.world().number("counter/unknown_facts"), 1U);
  EXPECT_EQ(story.world().number("counter/unknown_entries"), 1U);
}

TEST(Hosts, AHostThatFindsTooMuchIsBoundedAndCounted) {
  Story story;
  story.admit("web1");
  // As many processes as it likes: the rules cap one look, the host caps all of them together.
  for (std::uint16_t round = 0; round < 40; ++round) {
    std::vector<model::Listener> many;
    for (std::uint16_t i = 0; i < 200; ++i) {
      many.push_back(listener(static_cast<std::uint16_t>(1000 + i), kProgram));
    }
    model::SocketsFacts facts;
    facts.listeners = many;
    story.sees("web1",
               observation({model::CheckKind::sockets, "t" + std::to_string(round)}, facts));
  }
  EXPECT_EQ(story.world().open_findings(agent_of("web1")), 256U);
  EXPECT_GT(story.world().number("counter/findings_over_limit"), 0U);
}

TEST(Hosts, AnApprovalInThePolicyClosesWhatItApproves) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  model::SitePolicy approved = story_policy();
  model::ListenerRule rule;
  rule.port = 4444;
  approved.baselines[0].listeners.push_back(rule);
  story.at(5min).policy(approved);
  EXPECT_EQ(findings(story, "web1", kSockets)[0].closed, kStoryBegins + 5min);
}

TEST(Hosts, APolicyThatCannotBeReadLeavesTheOneBefore) {
  Story story;
  story.admit("web1");
  story.push(model::PolicyChange{"site", "d", "77", {}});
  EXPECT_EQ(story.world().value("policy/problem"), "no such policy");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  EXPECT_THAT(findings(story, "web1", kSockets), SizeIs(1));
}

// ---- New epochs ----

model::AgentFact fact_of(const std::string& host, Epoch epoch, decltype(model::Fact::body) body) {
  static std::uint64_t seq = 0;
  model::AgentFact fact;
  fact.agent = agent_of(host);
  fact.epoch = epoch;
  fact.seq = Seq{++seq};
  fact.fact.body = std::move(body);
  return fact;
}

model::Observation ssh_at(const std::string& state, Duration since_begin) {
  model::Observation seen = service_is("ssh.service", state);
  seen.at = kStoryBegins + since_begin;
  return seen;
}

TEST(Hosts, WhatAnEpochCarriesOverTakesNoEffectTwice) {
  const model::CheckRef ssh{model::CheckKind::service, "ssh.service"};
  Story story;
  story.admit("web1");
  const Epoch old{1};
  const Epoch fresh{2};
  story.at(1min).push(fact_of("web1", old, ssh_at("failed", 1min)));
  story.at(2min).push(fact_of("web1", old, ssh_at("active", 2min)));
  ASSERT_TRUE(findings(story, "web1", ssh)[0].closed);
  story.at(10min).push(
      fact_of("web1", fresh, model::AgentEvent{{"spool.epoch_begun", {{"carried", "3"}}}}));
  story.push(fact_of("web1", fresh, ssh_at("failed", 1min)));
  EXPECT_TRUE(findings(story, "web1", ssh)[0].closed) << "it had taken effect before";
  EXPECT_EQ(findings(story, "web1", ssh)[0].recurrences, 0U);
  story.push(fact_of("web1", fresh, ssh_at("active", 2min)));
  EXPECT_EQ(story.world().number("counter/facts_repeated"), 2U);
  story.push(fact_of("web1", fresh, ssh_at("failed", 5min)));
  EXPECT_FALSE(findings(story, "web1", ssh)[0].closed) << "carried over, and new";
  EXPECT_EQ(story.world().number("counter/facts_repeated"), 2U);
}

TEST(Hosts, WhatComesAfterTheCarriedFactsIsJudgedWhateverItsTime) {
  const model::CheckRef ssh{model::CheckKind::service, "ssh.service"};
  Story story;
  story.admit("web1");
  story.at(5min).push(fact_of("web1", Epoch{1}, ssh_at("active", 5min)));
  story.push(
      fact_of("web1", Epoch{2}, model::AgentEvent{{"spool.epoch_begun", {{"carried", "1"}}}}));
  story.push(fact_of("web1", Epoch{2}, ssh_at("active", 5min)));
  story.push(fact_of("web1", Epoch{2}, ssh_at("failed", 4min)));  // the host's clock went back
  ASSERT_THAT(findings(story, "web1", ssh), SizeIs(1));
  // Another epoch: what the one before carried is of no interest any more.
  story.push(
      fact_of("web1", Epoch{3}, model::AgentEvent{{"spool.epoch_begun", {{"carried", "9"}}}}));
  story.push(fact_of("web1", Epoch{4}, ssh_at("active", 3min)));
  EXPECT_TRUE(findings(story, "web1", ssh)[0].closed);
}

// Found by the simulation: what is lost on the way is no later fact's to be taken for.
TEST(Hosts, ACarriedFactThatWasLostMakesNoLaterOneARepetition) {
  const model::CheckRef ssh{model::CheckKind::service, "ssh.service"};
  Story story;
  story.admit("web1");
  story.at(5min).push(fact_of("web1", Epoch{1}, ssh_at("active", 5min)));
  model::AgentFact begun =
      fact_of("web1", Epoch{2}, model::AgentEvent{{"spool.epoch_begun", {{"carried", "2"}}}});
  begun.seq = Seq{1};
  story.push(begun);
  model::AgentFact later = fact_of("web1", Epoch{2}, ssh_at("failed", 4min));
  later.seq = Seq{4};  // 2 and 3 were carried, and lost
  story.push(later);
  EXPECT_THAT(findings(story, "web1", ssh), SizeIs(1));
}

TEST(Hosts, ARestoredSpoolIsAFindingUntilTheAgentIsHeardAgain) {
  Story story;
  story.admit("web1");
  model::AgentPresence seen;
  seen.agent = agent_of("web1");
  seen.state = model::Presence::clone_suspected;
  seen.detail = {"link.epoch_required", {}};
  story.at(1min).push(seen);
  const auto* finding = story.world().finding_by_key(
      collector::dedup_key(agent_of("web1"), collector::agent_check(), "agent.spool_restored", ""));
  ASSERT_NE(finding, nullptr);
  EXPECT_FALSE(finding->closed);
  story.at(11min).heard("web1");
  EXPECT_TRUE(story.world().finding(finding->id)->closed);
}

}  // namespace
}  // namespace tocsin::tests
