// A baseline's life with a clock that runs as fast as the test: learned, proposed, approved by a
// second person, compared with, over (procedure M-07, M-09, M-28).
#include "collector/core/baselines.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "collector/core/learning.hpp"
#include "collector/core/proposal.hpp"
#include "common/base/limits.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using model::BaselineRecord;
using model::BaselineScope;
using model::BaselineStatus;
using model::CommandOutcome;
using model::ProposedEntry;
using model::Role;
using model::ScopeKind;
using model::Verdict;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const model::Principal kLee{"lee", Role::duty, "f1"};
const model::Principal kChen{"chen", Role::officer, "f2"};
const model::Principal kGroup{"wu", Role::working_group, "f3"};
const BaselineScope kWeb1{ScopeKind::host, "web1"};
constexpr Duration kDay = 24h;

// Nothing of its own in the policy: what is normal has to be approved.
model::SitePolicy bare_policy() {
  model::SitePolicy policy = story_policy();
  policy.baselines.clear();
  for (model::HostPolicy& host : policy.hosts) host.baseline.clear();
  return policy;
}

model::Listener packaged(std::uint16_t port, const std::string& path, const std::string& package) {
  model::Listener l = listener(port, path);
  l.file = {package, model::Tristate::yes, ""};
  return l;
}
model::Listener sshd() { return packaged(22, "/usr/sbin/sshd", "openssh-server"); }
model::Listener nginx() { return packaged(443, "/usr/sbin/nginx", "nginx-core"); }
model::Listener evil() {
  model::Listener l = listener(4444, "/tmp/x");
  l.file.sha256 = std::string(64, 'e');
  return l;
}

class Baselines : public ::testing::Test {
 protected:
  explicit Baselines(model::SitePolicy policy = bare_policy()) : story(std::move(policy)) {}

  model::CommandResult give(const model::Principal& who, decltype(model::Command::act) act,
                            const std::string& reason = "planned", std::uint64_t seen = 0) {
    return story.asks({"command-" + std::to_string(++commands), who, seen, reason, std::move(act)});
  }
  model::CommandResult propose(const BaselineScope& scope = kWeb1, Duration since = 7 * kDay,
                               std::vector<std::string> without = {}) {
    return give(kLee, model::ProposeBaseline{scope, since, std::move(without), {}});
  }
  model::CommandResult approve(std::uint64_t id, const model::Principal& who = kChen,
                               Duration valid = 30 * kDay) {
    return give(who, model::ApproveBaseline{BaselineId{id}, valid});
  }
  BaselineRecord record(std::uint64_t id) {
    collector::BaselineQuery query;
    query.id = BaselineId{id};
    return story.reader().baselines(query).value().at(0);
  }
  Verdict verdict(const std::string& host = "web1") {
    for (const model::CheckStatus& status : story.world().hosts.find(agent_of(host))->checks) {
      if (status.check.kind == model::CheckKind::sockets) return status.verdict;
    }
    return Verdict::not_run;
  }
  std::string reason(const std::string& host = "web1") {
    for (const model::CheckStatus& status : story.world().hosts.find(agent_of(host))->checks) {
      if (status.check.kind == model::CheckKind::sockets) return status.reasons.at(0).code;
    }
    return "";
  }
  // web1 for ten days: sshd and nginx.
  void watch_web1() {
    story.admit("web1");
    story.sees("web1", ports_are({sshd(), nginx()}));
    story.at(10 * kDay);
  }

  Story story;
  int commands = 0;
};

std::vector<std::string> texts(const std::vector<ProposedEntry>& entries) {
  std::vector<std::string> all;
  for (const ProposedEntry& one : entries) all.push_back(to_string(one.entry));
  return all;
}

std::vector<std::string> marks(const BaselineRecord& record, const std::string& entry) {
  std::vector<std::string> codes;
  for (const auto* entries : {&record.entries, &record.left_out}) {
    for (const ProposedEntry& one : *entries) {
      if (to_string(one.entry) != entry) continue;
      for (const model::Message& mark : one.marks) {
        codes.push_back(mark.code.substr(std::string("baseline.mark.").size()));
      }
    }
  }
  return codes;
}

TEST_F(Baselines, WindowProposeApproveDifference) {
  watch_web1();
  EXPECT_EQ(verdict(), Verdict::cannot_tell);
  EXPECT_EQ(reason(), "baseline.none");
  const auto proposed = propose();
  ASSERT_EQ(proposed.outcome, CommandOutcome::done) << proposed.detail.code;
  EXPECT_EQ(verdict(), Verdict::cannot_tell) << "a proposal is not an approval";
  EXPECT_THAT(texts(record(1).entries),
              ElementsAre("tcp any 22 /usr/sbin/sshd root", "tcp any 443 /usr/sbin/nginx root"));
  EXPECT_THAT(marks(record(1), "tcp any 443 /usr/sbin/nginx root"), IsEmpty());

  const auto own = approve(1, kLee);
  EXPECT_EQ(own.outcome, CommandOutcome::refused);
  EXPECT_EQ(own.detail.code, "command.not_permitted") << "the duty desk proposes only";
  ASSERT_EQ(approve(1).outcome, CommandOutcome::done);
  EXPECT_EQ(record(1).version, 1U);
  EXPECT_EQ(record(1).decided.by, kChen);
  EXPECT_EQ(record(1).decided.reason, "planned");
  EXPECT_EQ(verdict(), Verdict::normal) << "judged again at once, with no new fact";

  story.at(11 * kDay);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  EXPECT_EQ(verdict(), Verdict::abnormal);
  EXPECT_EQ(story.incident().title.code, "port.unexpected");
}

TEST_F(Baselines, NobodyApprovesTheirOwn) {
  watch_web1();
  const model::Principal twice{"CHEN", Role::officer, "f9"};
  const model::Principal other_name{"chen2", Role::officer, "f2"};
  ASSERT_EQ(give(kChen, model::ProposeBaseline{kWeb1, kDay, {}, {}}).outcome, CommandOutcome::done);
  for (const model::Principal& who : {kChen, twice, other_name}) {
    EXPECT_EQ(approve(1, who).detail.code, "command.four_eyes") << who.name;
  }
  EXPECT_EQ(record(1).status, BaselineStatus::proposed);
  EXPECT_EQ(approve(1, kGroup).outcome, CommandOutcome::done);
}

TEST_F(Baselines, EveryCommandNeedsAReasonAndWhatWasSeen) {
  watch_web1();
  EXPECT_EQ(give(kLee, model::ProposeBaseline{kWeb1, kDay, {}, {}}, "").detail.code,
            "command.reason_needed");
  propose();
  EXPECT_EQ(give(kChen, model::ApproveBaseline{BaselineId{1}, kDay}, "").detail.code,
            "command.reason_needed");
  const auto stale = give(kChen, model::ApproveBaseline{BaselineId{1}, kDay}, "x", 9);
  EXPECT_EQ(stale.outcome, CommandOutcome::conflict);
  EXPECT_EQ(stale.revision, 1U);
  EXPECT_EQ(give(kChen, model::ApproveBaseline{BaselineId{1}, 1s}).detail.code,
            "command.approval_out_of_range");
  EXPECT_EQ(give(kChen, model::ApproveBaseline{BaselineId{1}, kDay}, "x", 1).outcome,
            CommandOutcome::done);
  EXPECT_EQ(approve(1, kGroup).detail.code, "command.baseline_decided");
  EXPECT_EQ(approve(9).outcome, CommandOutcome::not_found);
}

TEST_F(Baselines, WhatNobodyKnowsCannotBeProposed) {
  EXPECT_EQ(propose().detail.code, "command.no_host");
  EXPECT_EQ(propose({ScopeKind::group, "web"}).detail.code, "command.no_group");
  story.admit("web1");
  EXPECT_EQ(propose().detail.code, "command.nothing_learned");
  EXPECT_EQ(propose(kWeb1, 91 * kDay).detail.code, "command.window_too_long");
}

TEST_F(Baselines, ALaterProposalReplacesAnEarlierOneAndARejectedOneIsOver) {
  watch_web1();
  propose();
  propose();
  EXPECT_EQ(record(1).status, BaselineStatus::replaced);
  EXPECT_EQ(approve(1).detail.code, "command.no_proposal");
  EXPECT_EQ(give(kChen, model::RejectBaseline{BaselineId{2}}, "no").outcome, CommandOutcome::done);
  EXPECT_EQ(record(2).status, BaselineStatus::rejected);
  EXPECT_EQ(record(2).decided.reason, "no");
  EXPECT_EQ(approve(2).detail.code, "command.no_proposal");
  EXPECT_EQ(verdict(), Verdict::cannot_tell);
}

TEST_F(Baselines, ANewVersionSupersedesAndTheOldOneStaysReadable) {
  watch_web1();
  propose();
  approve(1);
  story.sees("web1", ports_are({sshd()}));
  story.at(30 * kDay);
  propose(kWeb1, kDay);
  approve(2, kGroup);
  EXPECT_EQ(record(1).status, BaselineStatus::superseded);
  EXPECT_EQ(record(1).version, 1U);
  EXPECT_EQ(record(1).entries.size(), 2U);
  EXPECT_EQ(record(2).version, 2U);
  EXPECT_THAT(texts(record(2).entries), ElementsAre("tcp any 22 /usr/sbin/sshd root"));
  story.sees("web1", ports_are({sshd(), nginx()}));
  EXPECT_EQ(verdict(), Verdict::abnormal);
}

// Procedure M-28: past its end nothing is compared any more, and somebody is told before.
TEST_F(Baselines, AnApprovalWarnsBeforeItEndsAndThenTellsNothing) {
  watch_web1();
  propose();
  approve(1, kChen, 30 * kDay);
  story.at(10 * kDay + 23 * kDay - 1s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(10 * kDay + 23 * kDay);
  EXPECT_EQ(story.incident().title.code, "baseline.ends");
  // The collector's own, as the store writes and reads it: no address, no clause of a ping's.
  const model::Finding& ends = *story.world().finding(story.incident().findings.front());
  EXPECT_EQ(ends.check.kind, model::CheckKind::collector);
  EXPECT_EQ(story.incident().live, model::Severity::e);
  EXPECT_EQ(verdict(), Verdict::normal);
  story.resume();
  story.at(40 * kDay - 1s);
  EXPECT_EQ(verdict(), Verdict::normal);
  story.at(40 * kDay);
  EXPECT_EQ(verdict(), Verdict::cannot_tell);
  EXPECT_EQ(reason(), "baseline.expired");
  EXPECT_GT(story.incident().live, model::Severity::e);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  EXPECT_EQ(verdict(), Verdict::cannot_tell);

  story.sees("web1", ports_are({sshd(), nginx()}));
  propose();
  approve(2, kChen);
  EXPECT_EQ(verdict(), Verdict::normal);
  story.at(41 * kDay);
  EXPECT_TRUE(story.incident().recovered);
}

TEST_F(Baselines, AnIntruderInTheWindowIsSeenByWhoeverReviews) {
  watch_web1();
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  story.at(10 * kDay + 1h);
  story.sees("web1", ports_are({sshd(), nginx()}));
  story.at(10 * kDay + 2h);
  propose();
  const auto found = marks(record(1), "tcp any 4444 /tmp/x root");
  EXPECT_THAT(found, Contains("late"));
  EXPECT_THAT(found, Contains("brief"));
  EXPECT_THAT(found, Contains("sign"));
  EXPECT_THAT(found, Contains("no_package"));
  EXPECT_EQ(propose(kWeb1, 7 * kDay, {"tcp any 4444 /tmp/x root"}).outcome, CommandOutcome::done);
  EXPECT_THAT(texts(record(2).entries), Not(Contains("tcp any 4444 /tmp/x root")));
  EXPECT_THAT(marks(record(2), "tcp any 4444 /tmp/x root"), Contains("left_out"));
  EXPECT_EQ(propose(kWeb1, 7 * kDay, {"tcp any 5 no such"}).detail.code, "command.no_entry");
}

TEST_F(Baselines, WhatWasJudgedRealIsLeftOutEvenAfterItsIncidentIsOver) {
  watch_web1();
  propose();
  approve(1);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  const std::uint64_t incident = story.incident().id.value;
  propose();
  EXPECT_THAT(marks(record(2), "tcp any 4444 /tmp/x root"), Contains("finding"));
  give(kChen, model::JudgeIncident{{incident}, model::IncidentVerdict::security});
  propose();
  EXPECT_THAT(texts(record(3).entries), Not(Contains("tcp any 4444 /tmp/x root")));
  EXPECT_THAT(marks(record(3), "tcp any 4444 /tmp/x root"), Contains("condemned"));

  give(kLee, model::RegisterIncident{{incident}});
  story.sees("web1", ports_are({sshd(), nginx()}));
  story.at(12 * kDay);
  ASSERT_EQ(give(kChen, model::CloseIncident{{incident}, model::IncidentVerdict::security}).outcome,
            CommandOutcome::done);
  story.at(14 * kDay);
  propose();
  EXPECT_THAT(marks(record(4), "tcp any 4444 /tmp/x root"), Contains("condemned"));
}

TEST_F(Baselines, AFalseAlarmIsProposedAgain) {
  watch_web1();
  propose();
  approve(1);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  const std::uint64_t incident = story.incident().id.value;
  give(kChen, model::JudgeIncident{{incident}, model::IncidentVerdict::confirmed});
  propose();
  EXPECT_THAT(marks(record(2), "tcp any 4444 /tmp/x root"), Contains("condemned"));
  give(kChen, model::JudgeIncident{{incident}, model::IncidentVerdict::false_alarm});
  propose();
  EXPECT_THAT(texts(record(3).entries), Contains("tcp any 4444 /tmp/x root"));
}

TEST_F(Baselines, AFindingIsAddedToWhatIsApproved) {
  watch_web1();
  EXPECT_EQ(give(kLee, model::ProposeBaseline{kWeb1, {}, {}, FindingId{1}}).detail.code,
            "command.baseline_none");
  propose();
  approve(1);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  const FindingId finding = story.incident().findings.at(0);
  EXPECT_EQ(give(kLee, model::ProposeBaseline{kWeb1, {}, {}, FindingId{999}}).outcome,
            CommandOutcome::not_found);
  ASSERT_EQ(give(kLee, model::ProposeBaseline{kWeb1, {}, {}, finding}).outcome,
            CommandOutcome::done);
  EXPECT_EQ(record(2).entries.size(), 3U);
  EXPECT_THAT(marks(record(2), "tcp any 4444 /tmp/x root"), ElementsAre("finding"));
  EXPECT_THAT(marks(record(2), "tcp any 22 /usr/sbin/sshd root"), IsEmpty());
  approve(2);
  EXPECT_EQ(verdict(), Verdict::normal);
  EXPECT_TRUE(story.world().finding(finding)->closed);
}

TEST_F(Baselines, AnUpgradeIsNoChange) {
  watch_web1();
  propose();
  approve(1);
  model::Listener upgraded = nginx();
  upgraded.executable_deleted = model::Tristate::yes;
  upgraded.file.intact = model::Tristate::unknown;
  story.sees("web1", ports_are({sshd(), upgraded}));
  EXPECT_EQ(verdict(), Verdict::normal);
  model::Listener replaced = nginx();
  replaced.file = {"nginx-core", model::Tristate::no, std::string(64, 'b')};
  story.sees("web1", ports_are({sshd(), replaced}));
  EXPECT_EQ(verdict(), Verdict::abnormal);
}

TEST_F(Baselines, ManyPortsThatTheSystemChoseAreOneRange) {
  story.admit("web1");
  for (const int number : {40001, 40777, 51234, 60999}) {
    const auto port = static_cast<std::uint16_t>(number);
    story.at(Duration(port) * 1000);
    story.sees("web1", ports_are({sshd(), packaged(port, "/usr/sbin/rpc.mountd", "nfs"),
                                  packaged(50051, "/usr/bin/grpcd", "grpcd")}));
  }
  story.at(kDay);
  propose();
  EXPECT_THAT(texts(record(1).entries), ElementsAre("tcp any 22 /usr/sbin/sshd root",
                                                    "tcp any 32768-65535 /usr/sbin/rpc.mountd root",
                                                    "tcp any 50051 /usr/bin/grpcd root"));
  EXPECT_THAT(marks(record(1), "tcp any 32768-65535 /usr/sbin/rpc.mountd root"), Contains("range"));
  approve(1);
  story.sees("web1", ports_are({sshd(), packaged(33333, "/usr/sbin/rpc.mountd", "nfs")}));
  EXPECT_EQ(verdict(), Verdict::normal);
  story.sees("web1", ports_are({sshd(), packaged(33333, "/usr/bin/grpcd", "grpcd")}));
  EXPECT_EQ(verdict(), Verdict::abnormal);
}

TEST_F(Baselines, WhatIsLongGoneIsNotProposed) {
  watch_web1();
  story.sees("web1", ports_are({sshd()}));
  story.at(20 * kDay);
  propose(kWeb1, 9 * kDay);
  EXPECT_THAT(texts(record(1).entries), ElementsAre("tcp any 22 /usr/sbin/sshd root"));
  propose(kWeb1, 11 * kDay);
  EXPECT_EQ(record(2).entries.size(), 2U);
}

TEST_F(Baselines, AWindowThatBeganLateSaysSo) {
  story.admit("web1");
  story.sees("web1", ports_are({sshd()}));
  story.at(1h);
  propose();
  ASSERT_EQ(record(1).notes.size(), 1U);
  EXPECT_EQ(record(1).notes[0].code, "baseline.note.window_short");
  EXPECT_THAT(marks(record(1), "tcp any 22 /usr/sbin/sshd root"), IsEmpty())
      << "there since the beginning is neither late nor brief";
}

class GroupBaselines : public Baselines {
 protected:
  GroupBaselines() : Baselines(grouped()) {
    for (const char* host : {"web1", "web2", "web3"}) {
      story.admit(host);
      story.sees(host, ports_are({sshd(), nginx()}));
    }
    story.at(10 * kDay);
  }
  static model::SitePolicy grouped() {
    model::SitePolicy policy = bare_policy();
    for (const char* host : {"web1", "web2", "web3"}) {
      model::HostPolicy one;
      one.host = host;
      one.group = "web";
      policy.hosts.push_back(one);
    }
    return policy;
  }
};

TEST_F(GroupBaselines, AWholeGroupAtOnceAndWhatOnlyOneHostShowsIsMarked) {
  model::Listener odd = packaged(8080, "/usr/bin/java", "jre");
  story.sees("web2", ports_are({sshd(), nginx(), odd}));
  story.at(18 * kDay);
  ASSERT_EQ(propose({ScopeKind::group, "web"}).outcome, CommandOutcome::done);
  EXPECT_EQ(record(1).host_count, 3U);
  EXPECT_THAT(record(1).hosts, ElementsAre("web1", "web2", "web3"));
  EXPECT_THAT(marks(record(1), "tcp any 8080 /usr/bin/java root"), ElementsAre("few_hosts"));
  approve(1);
  for (const char* host : {"web1", "web2", "web3"}) EXPECT_EQ(verdict(host), Verdict::normal);
  story.sees("web3", ports_are({sshd(), evil()}));
  EXPECT_EQ(verdict("web3"), Verdict::abnormal);
}

TEST_F(GroupBaselines, AHostsOwnGoesBeforeItsGroups) {
  propose({ScopeKind::group, "web"});
  approve(1);
  story.sees("web1", ports_are({sshd(), nginx(), evil()}));
  EXPECT_EQ(verdict("web1"), Verdict::abnormal);
  propose(kWeb1);
  approve(2);
  EXPECT_EQ(verdict("web1"), Verdict::normal);
  story.sees("web2", ports_are({sshd(), nginx(), evil()}));
  EXPECT_EQ(verdict("web2"), Verdict::abnormal);
}

TEST_F(GroupBaselines, AHostThatLeavesTheGroupIsJudgedWithoutIt) {
  propose({ScopeKind::group, "web"});
  approve(1);
  model::SitePolicy changed = grouped();
  changed.hosts.back().group.clear();
  story.policy(changed);
  EXPECT_EQ(verdict("web3"), Verdict::cannot_tell);
  EXPECT_EQ(verdict("web2"), Verdict::normal);
}

// The site policy's own baselines keep working, and what is approved goes before them.
TEST(BaselinesAndPolicy, TheApprovedOneGoesBeforeThePolicys) {
  Story story;  // port 22 is in the policy
  story.admit("web1");
  story.sees("web1", ports_are({listener(22, "/usr/sbin/sshd"), listener(443, "/usr/sbin/nginx")}));
  const auto verdict = [&] {
    return story.world().hosts.find(agent_of("web1"))->checks[0].verdict;
  };
  EXPECT_EQ(verdict(), Verdict::abnormal);
  story.at(1h);
  story.asks({"propose-1", kLee, 0, "x", model::ProposeBaseline{kWeb1, kDay, {}, {}}});
  ASSERT_EQ(
      story.asks({"approve-1", kChen, 0, "x", model::ApproveBaseline{BaselineId{1}, kDay}}).outcome,
      CommandOutcome::done);
  EXPECT_EQ(verdict(), Verdict::normal);
  story.sees("web1", service_is("ssh.service", "failed"));
  EXPECT_EQ(story.world().hosts.find(agent_of("web1"))->checks[0].verdict, Verdict::abnormal)
      << "what the policy says of services still holds";
}

// ---- Learning ----

model::HostLearning learning_of(const collector::World& world) {
  const model::HostLearning* learned = world.learned.find(agent_of("web1"));
  return learned == nullptr ? model::HostLearning{} : *learned;
}

TEST(Learning, CountsFromTheFactThatShowsItToTheFirstThatDoesNot) {
  collector::World world({});
  const AgentId agent = agent_of("web1");
  const auto at = [](Duration since) { return kStoryBegins + since; };
  collector::learn(world, agent, ports_are({sshd()}), at(10s));
  collector::learn(world, agent, ports_are({sshd()}), at(20s));
  collector::learn(world, agent, ports_are({}), at(35s));
  collector::learn(world, agent, ports_are({sshd()}), at(50s));
  ASSERT_EQ(learning_of(world).entries.size(), 1U);
  const model::LearnedEntry learned = learning_of(world).entries[0];
  EXPECT_EQ(collector::seen_until(learned, at(60s)), (model::Sightings{at(10s), at(60s), 35s, 2}));
}

TEST(Learning, TheUsualLookChangesNoRow) {
  collector::World world({});
  collector::learn(world, agent_of("web1"), ports_are({sshd(), nginx()}), Instant{10});
  world.take_delta({}, {});
  collector::learn(world, agent_of("web1"), ports_are({nginx(), sshd()}), Instant{20});
  EXPECT_THAT(world.take_delta({}, {}).learned, IsEmpty());
}

TEST(Learning, IsBoundedAndCountsWhatItCouldNotKeep) {
  collector::World world({});
  const AgentId agent = agent_of("web1");
  std::int64_t at = 1;
  for (std::size_t batch = 0; batch < 6; ++batch) {
    std::vector<model::Listener> listeners;
    for (std::size_t i = 0; i < 1000; ++i) {
      listeners.push_back(
          listener(static_cast<std::uint16_t>(1 + i), "/opt/" + std::to_string(batch)));
    }
    collector::learn(world, agent, ports_are(std::move(listeners)), Instant{at++});
  }
  EXPECT_EQ(learning_of(world).entries.size(), limits::kBaselineEntries);
  EXPECT_EQ(learning_of(world).forgotten, 6000U - limits::kBaselineEntries);
  EXPECT_EQ(learning_of(world).not_kept, 0U);
}

TEST(Learning, WhatIsGoneForLongIsForgotten) {
  collector::World world({});
  const AgentId agent = agent_of("web1");
  collector::learn(world, agent, ports_are({sshd(), evil()}), kStoryBegins);
  collector::learn(world, agent, ports_are({sshd()}), kStoryBegins + 1h);
  collector::learn(world, agent, ports_are({sshd(), nginx()}),
                   kStoryBegins + collector::kLearnedKept + 2h);
  EXPECT_EQ(learning_of(world).entries.size(), 2U);
  EXPECT_EQ(learning_of(world).forgotten, 1U);
}

// ---- Properties ----

model::Principal any_person() {
  return {*rc::gen::elementOf(std::vector<std::string>{"lee", "LEE", "chen", "wu"}),
          *rc::gen::elementOf(std::vector<Role>(model::kRoles.begin(), model::kRoles.end())),
          *rc::gen::elementOf(std::vector<std::string>{"f1", "f2", "f3"})};
}

RC_GTEST_PROP(BaselinesProperty, AProposerNeverApproves, ()) {
  Story story(bare_policy());
  story.admit("web1");
  story.sees("web1", ports_are({sshd()}));
  const model::Principal proposer = any_person();
  const auto proposed =
      story.asks({"propose-1", proposer, 0, "x", model::ProposeBaseline{kWeb1, kDay, {}, {}}});
  RC_PRE(proposed.outcome == CommandOutcome::done);
  const model::Principal approver = any_person();
  const auto approved =
      story.asks({"approve-1", approver, 0, "x", model::ApproveBaseline{BaselineId{1}, kDay}});
  const auto lower = [](std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    return name;
  };
  const bool same =
      lower(proposer.name) == lower(approver.name) || proposer.fingerprint == approver.fingerprint;
  if (same) RC_ASSERT(approved.outcome == CommandOutcome::refused);
  const bool may = approver.role == Role::working_group || approver.role == Role::officer;
  RC_ASSERT((approved.outcome == CommandOutcome::done) == (!same && may));
}

// However the host came and went in the window: approved, it is normal at every look of it.
RC_GTEST_PROP(BaselinesProperty, EveryLookThatItWasLearnedFromIsNormalUnderIt, ()) {
  Story story(bare_policy());
  story.admit("web1");
  const auto looks = *rc::gen::container<std::vector<std::vector<int>>>(
      rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8)));
  RC_PRE(!looks.empty());
  const auto seen = [](const std::vector<int>& look) {
    std::vector<model::Listener> listeners;
    for (const int one : look) {
      const auto port = static_cast<std::uint16_t>(one < 4 ? 100 + one : 40000 + one);
      listeners.push_back(one % 2 == 0 ? packaged(port, "/usr/bin/a", "a")
                                       : listener(port, "/tmp/b"));
    }
    return ports_are(std::move(listeners));
  };
  Duration at{};
  for (const std::vector<int>& look : looks) {
    story.at(at += 1min);
    story.sees("web1", seen(look));
  }
  story.asks({"propose-1", kLee, 0, "x", model::ProposeBaseline{kWeb1, kDay, {}, {}}});
  const auto approved =
      story.asks({"approve-1", kChen, 0, "x", model::ApproveBaseline{BaselineId{1}, kDay}});
  RC_ASSERT(approved.outcome == CommandOutcome::done);
  for (const std::vector<int>& look : looks) {
    story.at(at += 1min);
    story.sees("web1", seen(look));
    RC_ASSERT(story.world().hosts.find(agent_of("web1"))->checks.at(0).verdict == Verdict::normal);
  }
}

}  // namespace
}  // namespace tocsin::tests
