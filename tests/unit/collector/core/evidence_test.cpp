// Records of evidence as the judge keeps them (procedure M-06, M-11, H-04, R-13).
#include "collector/core/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/i18n/i18n.hpp"
#include "tests/support/story.hpp"

namespace tocsin {
namespace {

using model::CommandOutcome;
using model::CustodyAct;
using model::EvidenceState;
using model::Role;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::agent_of;
using tests::Story;

const model::Principal kWang{"wang", Role::duty, "f1"};
const model::Principal kChen{"chen", Role::officer, "f2"};
const std::string kManifest(64, 'a');

model::Command command(std::string id, model::Principal who, decltype(model::Command::act) act,
                       std::string why = "") {
  return {std::move(id), std::move(who), 0, std::move(why), std::move(act)};
}
model::Command collect(std::string id, IncidentId incident = {}) {
  return command(std::move(id), kWang,
                 model::CollectEvidence{agent_of("web1"), incident, 12h, 10min}, "可疑的埠");
}

class EvidenceStory : public testing::Test {
 protected:
  void SetUp() override { story.admit("web1"); }

  model::Evidence only() {
    const auto rows = story.reader().evidence({}).value();
    TOCSIN_CHECK(rows.size() == 1);
    return rows.front();
  }
  std::vector<CustodyAct> acts() {
    std::vector<CustodyAct> found;
    const model::Evidence evidence = only();
    for (const model::Custody& custody : evidence.custody) found.push_back(custody.act);
    return found;
  }
  std::string request_id() { return story.requests().back().request.request_id; }
  void answers(model::RequestOutcome outcome, model::Message detail = {}) {
    story.fact("web1", model::RequestResult{request_id(), outcome, std::move(detail), {}});
  }
  model::EvidenceEvent event(CustodyAct act) {
    model::EvidenceEvent happened;
    happened.agent = agent_of("web1");
    happened.request_id = request_id();
    happened.act = act;
    happened.manifest = kManifest;
    happened.bytes = 500;
    happened.items = 7;
    happened.missing = 2;
    return happened;
  }

  Story story;
};

TEST_F(EvidenceStory, IsAskedForCollectedAndReceivedWithItsCustody) {
  const auto answer = story.asks(collect("c1"));
  EXPECT_EQ(answer.outcome, CommandOutcome::done);
  EXPECT_EQ(answer.detail.code, "command.evidence_requested");
  ASSERT_THAT(story.requests(), SizeIs(1));
  const model::Request& request = story.requests()[0].request;
  EXPECT_EQ(request.request_id, answer.request_id);
  EXPECT_EQ(request.expires_in, Duration(10min));
  EXPECT_EQ(std::get<model::TakeEvidence>(request.act),
            (model::TakeEvidence{model::EvidenceId{1}, 12h, "wang", "可疑的埠", ""}));
  EXPECT_EQ(only().state, EvidenceState::asked);

  answers(model::RequestOutcome::done);
  EXPECT_EQ(only().state, EvidenceState::collected);
  story.push(event(CustodyAct::received));
  const model::Evidence evidence = only();
  EXPECT_EQ(evidence.state, EvidenceState::received);
  EXPECT_EQ(evidence.manifest, kManifest);
  EXPECT_EQ(evidence.items, 7U);
  EXPECT_EQ(evidence.missing, 2U);
  EXPECT_EQ(evidence.host_name, "web1");
  EXPECT_THAT(acts(), ElementsAre(CustodyAct::asked, CustodyAct::collected, CustodyAct::received));
  EXPECT_EQ(evidence.custody[0].by.name, "wang");
  // Each entry names the entry of the journal that it is, which the hash chain covers.
  EXPECT_EQ(evidence.custody[2].position, story.journal().back().position);
  story.at(48h);
  EXPECT_EQ(only().state, EvidenceState::received);
}

TEST_F(EvidenceStory, BelongsToItsIncidentAndIsInItsHistory) {
  story.sees("web1", tests::ports_are({tests::listener(4444, "/usr/bin/nc")}));
  const IncidentId id = story.incident().id;
  story.asks(collect("c1", id));
  EXPECT_EQ(std::get<model::TakeEvidence>(story.requests()[0].request.act).incident, "1");
  story.push(event(CustodyAct::received));
  const auto codes = story.timeline(id);
  EXPECT_THAT(std::vector<std::string>(codes.end() - 2, codes.end()),
              ElementsAre("evidence.asked", "evidence.received"));
  const auto other = story.asks(collect("c2", IncidentId{99}));
  EXPECT_EQ(other.outcome, CommandOutcome::not_found);
}

// It came although the answer was lost, and twice: it is received, once.
TEST_F(EvidenceStory, WhatArrivesCountsWhateverWasSaidBefore) {
  story.asks(collect("c1"));
  story.at(11min);
  EXPECT_EQ(only().state, EvidenceState::unobtainable);
  story.push(event(CustodyAct::received));
  story.push(event(CustodyAct::received));
  EXPECT_EQ(only().state, EvidenceState::received);
  EXPECT_EQ(only().problem, model::Message{});
  EXPECT_THAT(acts(),
              ElementsAre(CustodyAct::asked, CustodyAct::unobtainable, CustodyAct::received));
}

TEST_F(EvidenceStory, WhatWasReceivedStaysWhatItIs) {
  story.asks(collect("c1"));
  story.push(event(CustodyAct::received));
  const model::Evidence before = only();
  model::EvidenceEvent other = event(CustodyAct::received);
  other.manifest = std::string(64, 'e');
  other.bytes += 1;
  story.push(other);
  EXPECT_EQ(only(), before);
}

// Procedure M-06: a dead host's logs may be 無法取得, with the reason.
TEST_F(EvidenceStory, OfADeadHostItCouldNotBeHad) {
  story.sees("web1", tests::ports_are({}));
  story.at(1min);
  story.silent("web1");
  const auto answer = story.asks(collect("c1"));
  EXPECT_EQ(answer.outcome, CommandOutcome::done);
  EXPECT_EQ(answer.detail.code, "command.evidence_requested_silent");
  story.at(10min);
  EXPECT_EQ(only().state, EvidenceState::asked);
  story.at(12min);
  const model::Evidence evidence = only();
  EXPECT_EQ(evidence.state, EvidenceState::unobtainable);
  EXPECT_EQ(i18n::render(i18n::Language::en, evidence.problem),
            "E-1 of web1 could not be had: the host does not answer.  Last heard 2026-11-22 "
            "18:01:00, asked for by wang");
  EXPECT_EQ(story.reader().command_result(answer.request_id).value()->outcome,
            CommandOutcome::refused);
  EXPECT_EQ(story.asks(collect("c2")).outcome, CommandOutcome::done);  // And may be tried again.
}

TEST_F(EvidenceStory, ARefusalOfTheHostIsSaidWithItsReason) {
  story.asks(collect("c1"));
  answers(model::RequestOutcome::failed, {"evidence.failed", {{"what", "disk full"}}});
  EXPECT_EQ(only().state, EvidenceState::unobtainable);
  EXPECT_EQ(i18n::render(i18n::Language::en, only().problem),
            "E-1 of web1 could not be had: the host could not collect. disk full Last heard "
            "2026-11-22 18:00:00, asked for by wang");
}

TEST_F(EvidenceStory, AHostileReasonIsNotTakenForOneOfOurs) {
  story.asks(collect("c1"));
  answers(model::RequestOutcome::refused, {"role.admin", {}});
  EXPECT_EQ(only().problem.parameters[2].value, "@evidence_why.refused");
}

TEST_F(EvidenceStory, WhatIsCollectedAndNeverComesIsGivenUpAfterADay) {
  story.asks(collect("c1"));
  answers(model::RequestOutcome::done);
  story.at(23h);
  EXPECT_EQ(only().state, EvidenceState::collected);
  story.at(25h);
  EXPECT_EQ(only().state, EvidenceState::unobtainable);
  EXPECT_EQ(only().problem.parameters[2].value, "@evidence_why.not_sent");
}

TEST_F(EvidenceStory, APersonGivesUpWithAReasonAndAWitness) {
  story.silent("web1");
  story.asks(collect("c1"));
  const model::GiveUpEvidence without{model::EvidenceId{1}, ""};
  const model::GiveUpEvidence witnessed{model::EvidenceId{1}, "lee"};
  EXPECT_EQ(story.asks(command("g1", kWang, witnessed, "disk")).detail.code,
            "command.not_permitted");
  EXPECT_EQ(story.asks(command("g2", kChen, witnessed)).detail.code, "command.reason_needed");
  EXPECT_EQ(story.asks(command("g3", kChen, without, "disk")).detail.code,
            "command.witness_needed");
  EXPECT_EQ(story.asks(command("g4", kChen, witnessed, "the disk is dead")).outcome,
            CommandOutcome::done);
  const model::Evidence evidence = only();
  EXPECT_EQ(evidence.state, EvidenceState::unobtainable);
  EXPECT_EQ(evidence.witness, "lee");
  EXPECT_EQ(evidence.custody.back().by.name, "chen");
  story.at(20min);  // The deadline says nothing more.
  EXPECT_THAT(acts(), ElementsAre(CustodyAct::asked, CustodyAct::unobtainable));
  story.push(event(CustodyAct::received));
  EXPECT_EQ(story.asks(command("g5", kChen, witnessed, "x")).detail.code,
            "command.evidence_is_here");
}

// who may have it, and that they had it.
TEST_F(EvidenceStory, IsExportedByThoseWhoMayAndEachTimeIsWrittenDown) {
  story.asks(collect("c1"));
  const model::ExportEvidence act{model::EvidenceId{1}};
  EXPECT_EQ(story.asks(command("x0", kChen, act)).detail.code, "command.evidence_not_here");
  story.push(event(CustodyAct::received));
  EXPECT_EQ(story.asks(command("x1", kWang, act)).detail.code, "command.not_permitted");
  EXPECT_EQ(story.asks(command("x2", kChen, act, "for the prosecutor")).detail.code,
            "command.evidence_exported");
  story.asks(command("x2", kChen, act, "for the prosecutor"));  // The same command again.
  EXPECT_THAT(acts(), ElementsAre(CustodyAct::asked, CustodyAct::received, CustodyAct::exported));
  EXPECT_EQ(story.asks(command("x3", kChen, model::ExportEvidence{model::EvidenceId{9}})).outcome,
            CommandOutcome::not_found);
}

TEST_F(EvidenceStory, AFoundDamageStaysUntilItIsVerifiedAgain) {
  story.asks(collect("c1"));
  story.push(event(CustodyAct::received));
  model::EvidenceEvent damaged = event(CustodyAct::damaged);
  damaged.request_id.clear();
  damaged.evidence = model::EvidenceId{1};
  damaged.by = kChen;
  damaged.detail = {"evidence.damaged", {{"evidence", "E-1"}, {"file", "003-x"}, {"why", "y"}}};
  story.push(damaged);
  EXPECT_EQ(only().problem.code, "evidence.damaged");
  model::EvidenceEvent verified = damaged;
  verified.act = CustodyAct::verified;
  story.push(verified);
  EXPECT_EQ(only().problem, model::Message{});
  EXPECT_EQ(only().custody.back().by.name, "chen");
}

TEST_F(EvidenceStory, AnotherAgentsBytesAreNotThisRecords) {
  story.asks(collect("c1"));
  model::EvidenceEvent foreign = event(CustodyAct::received);
  foreign.agent = agent_of("web2");
  story.push(foreign);
  EXPECT_EQ(only().state, EvidenceState::asked);
  EXPECT_EQ(story.world().number("counter/evidence_not_asked_for"), 1U);
}

TEST_F(EvidenceStory, OneCollectionOfAHostAtATime) {
  story.asks(collect("c1"));
  const auto second = story.asks(collect("c2"));
  EXPECT_EQ(second.outcome, CommandOutcome::refused);
  EXPECT_EQ(second.detail.code, "command.evidence_asked_before");
  EXPECT_THAT(story.requests(), SizeIs(1));
}

TEST_F(EvidenceStory, AFileThatAPersonAddsIsEvidenceAtOnce) {
  const model::AddEvidence add{{}, "螢幕.png", kManifest, 9};
  EXPECT_EQ(story.asks(command("a1", kWang, add, "錯誤訊息")).detail.code,
            "command.evidence_added");
  EXPECT_EQ(only().state, EvidenceState::received);
  EXPECT_EQ(only().name, "螢幕.png");
  EXPECT_THAT(acts(), ElementsAre(CustodyAct::added));
  EXPECT_THAT(story.requests(), IsEmpty());
}

// Also what is remembered of long use is bounded, and who asked stays.
TEST_F(EvidenceStory, CustodyIsBoundedAndKeepsItsFirstEntry) {
  story.asks(collect("c1"));
  story.push(event(CustodyAct::received));
  for (int i = 0; i < 300; ++i) {
    story.asks(
        command("x" + std::to_string(i), kChen, model::ExportEvidence{model::EvidenceId{1}}));
  }
  const model::Evidence evidence = only();
  EXPECT_EQ(evidence.custody.size(), model::kCustodyKept);
  EXPECT_EQ(evidence.custody_left_out, 302 - model::kCustodyKept);
  EXPECT_EQ(evidence.custody.front().act, CustodyAct::asked);
}

TEST_F(EvidenceStory, ARestartChangesNothing) {
  story.asks(collect("c1"));
  story.resume();
  EXPECT_EQ(only().state, EvidenceState::asked);
  story.at(11min);
  EXPECT_EQ(only().state, EvidenceState::unobtainable);
}

}  // namespace
}  // namespace tocsin
