#include "collector/core/commands.hpp"

#include <gmock/gmock.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using model::CommandOutcome;
using model::Role;
using ::testing::Contains;
using ::testing::SizeIs;

const model::Principal kWang{"wang", Role::duty, "f1"};
const model::Principal kLee{"lee", Role::officer, "f2"};
const model::Principal kRoot{"root", Role::admin, "f3"};

model::Command command(const std::string& id, const model::Principal& who,
                       decltype(model::Command::act) act, std::uint64_t seen = 0) {
  return {id, who, seen, "", std::move(act)};
}

Story with_incident() {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  return story;
}

TEST(Commands, TableOfWhoMayDoWhat) {
  const std::vector<std::pair<std::string, std::vector<Role>>> table{
      {"acknowledge", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"register", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"run_check", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"estimate_repair", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"judge", {Role::working_group, Role::officer}},
      {"approve_grade", {Role::working_group, Role::officer, Role::committee}},
      {"close", {Role::officer, Role::committee}},
      {"restart_service", {Role::working_group, Role::officer}},
      {"collect_evidence", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"add_evidence", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"give_up_evidence", {Role::working_group, Role::officer}},
      {"export_evidence", {Role::working_group, Role::officer, Role::auditor}},
      {"revoke_agent", {Role::officer, Role::admin}},
      {"admit_agent", {Role::admin}},
      {"create_token", {Role::admin}},
      {"revoke_operator", {Role::admin}},
      {"propose_baseline", {Role::duty, Role::working_group, Role::officer, Role::admin}},
      {"approve_baseline", {Role::working_group, Role::officer}},
      {"reject_baseline", {Role::working_group, Role::officer}},
      {"unknown", {}},
  };
  for (const auto& [act, allowed] : table) {
    for (const Role role : model::kRoles) {
      const bool expected = std::find(allowed.begin(), allowed.end(), role) != allowed.end();
      EXPECT_EQ(collector::may(role, act), expected) << act << " " << to_string(role);
    }
  }
}

// Procedure P-04 to P-06; P-09 gives the committee nothing to change here.
TEST(Commands, AnAdministratorRegistersAndThoseWhoOnlyReadChangeNothing) {
  Story story = with_incident();
  const std::vector<decltype(model::Command::act)> acts{
      model::Acknowledge{{1}},
      model::RegisterIncident{{1}},
      model::RunCheck{agent_of("web1"), {model::CheckKind::sockets, ""}},
      model::RevokeAgent{agent_of("web1")},
      model::AdmitAgent{agent_of("web9"), "web9", ""},
      model::CreateToken{"t", "web9", 10min, false},
      model::RestartService{agent_of("web1"), "a.service"}};
  int number = 0;
  for (const Role role : {Role::auditor, Role::committee}) {
    for (const auto& act : acts) {
      const model::Principal reader{"reader", role, ""};
      const auto answer = story.asks(command(std::to_string(++number), reader, act));
      EXPECT_EQ(answer.detail.code, "command.not_permitted") << to_string(role);
    }
  }
  EXPECT_FALSE(story.incident().acknowledged);
  EXPECT_FALSE(story.incident().registered);
  EXPECT_THAT(story.requests(), SizeIs(0));
  EXPECT_EQ(story.asks(command("r", kRoot, model::RegisterIncident{{1}})).outcome,
            CommandOutcome::done);
  EXPECT_EQ(story.incident().registered_by.name, "root");
}

TEST(Commands, ARoleThatMayNotIsRefusedAndNothingChanges) {
  Story story = with_incident();
  const model::Principal auditor{"an", Role::auditor, ""};
  const auto answer = story.asks(command("c", auditor, model::Acknowledge{{1}}));
  EXPECT_EQ(answer.outcome, CommandOutcome::refused);
  EXPECT_EQ(answer.detail.code, "command.not_permitted");
  EXPECT_FALSE(story.incident().acknowledged);
}

TEST(Commands, ATokenIsAnsweredWithWhatItIsGoodFor) {
  Story story;
  const auto answer =
      story.asks(command("a", kRoot, model::CreateToken{"t-1", "web9", 10min, false}));
  EXPECT_EQ(answer.outcome, CommandOutcome::done);
  EXPECT_EQ(answer.detail,
            (model::Message{"command.token_created",
                            {{"token", "t-1"}, {"host", "web9"}, {"valid_s", "600"}}}));
  const auto any = story.asks(command("b", kRoot, model::CreateToken{"t-2", "", 1h, true}));
  EXPECT_EQ(any.detail, (model::Message{"command.token_created_to_replace",
                                        {{"token", "t-2"}, {"host", "*"}, {"valid_s", "3600"}}}));
}

// What somebody looked at changed in between: evidence is not to be taken for another incident.
TEST(Commands, EvidenceForAnIncidentThatChangedIsAConflict) {
  Story story = with_incident();
  const std::uint64_t seen = story.incident().revision;
  story.asks(command("c1", kLee, model::Acknowledge{{1}}, seen));
  const model::CollectEvidence collect{agent_of("web1"), IncidentId{1}, 1h, 10min};
  const model::AddEvidence add{IncidentId{1}, "a.png", std::string(64, 'd'), 9};
  EXPECT_EQ(story.asks(command("c2", kWang, collect, seen)).outcome, CommandOutcome::conflict);
  const auto conflict = story.asks(command("c3", kWang, add, seen));
  EXPECT_EQ(conflict.outcome, CommandOutcome::conflict);
  EXPECT_EQ(conflict.conflict_with.name, "lee");
  EXPECT_EQ(story.asks(command("c4", kWang, add, story.incident().revision)).outcome,
            CommandOutcome::done);
  EXPECT_EQ(story.asks(command("c5", kWang, collect)).outcome, CommandOutcome::done);
}

TEST(Commands, OfTwoWhoAcknowledgeAtOnceTheSecondIsToldWhoHasIt) {
  Story story = with_incident();
  const std::uint64_t seen = story.incident().revision;
  EXPECT_EQ(story.asks(command("c1", kWang, model::Acknowledge{{1}}, seen)).outcome,
            CommandOutcome::done);
  const auto second = story.asks(command("c2", kLee, model::Acknowledge{{1}}, seen));
  EXPECT_EQ(second.outcome, CommandOutcome::conflict);
  EXPECT_EQ(second.conflict_with.name, "wang");
  EXPECT_EQ(story.incident().acknowledged_by.name, "wang");
}

TEST(Commands, TakingOverKnowinglyIsAllowedAndBlindlyIsNot) {
  Story story = with_incident();
  story.asks(command("c1", kWang, model::Acknowledge{{1}}));
  EXPECT_EQ(story.asks(command("c2", kLee, model::Acknowledge{{1}})).outcome,
            CommandOutcome::conflict);
  const std::uint64_t seen = story.incident().revision;
  EXPECT_EQ(story.asks(command("c3", kLee, model::Acknowledge{{1}}, seen)).outcome,
            CommandOutcome::done);
  EXPECT_EQ(story.incident().acknowledged_by.name, "lee");
}

TEST(Commands, TheSameIdAgainGivesTheSameAnswerAndActsOnce) {
  Story story = with_incident();
  const auto first = story.asks(command("r", kLee, model::RegisterIncident{{1}}));
  story.at(1h);
  const auto again = story.asks(command("r", kLee, model::RegisterIncident{{1}}));
  EXPECT_EQ(first, again);
  EXPECT_EQ(story.world().number("counter/commands_repeated"), 1U);
  // Another id is another command: it is registered already.
  EXPECT_EQ(story.asks(command("r2", kWang, model::RegisterIncident{{1}})).outcome,
            CommandOutcome::conflict);
  EXPECT_EQ(story.world().number("last/number/2026"), 1U);
}

TEST(Commands, AnIncidentThatDoesNotExistIsNotFound) {
  Story story;
  EXPECT_EQ(story.asks(command("a", kWang, model::Acknowledge{{9}})).outcome,
            CommandOutcome::not_found);
  EXPECT_EQ(story.asks(command("b", kWang, model::RegisterIncident{{9}})).outcome,
            CommandOutcome::not_found);
}

model::RequestResult result_of(const std::string& request_id) {
  model::RequestResult result;
  result.request_id = request_id;
  model::Observation seen = ports_are({listener(5555, "/usr/bin/nc")});
  seen.at = kStoryBegins;
  result.observations = {seen};
  return result;
}

TEST(Commands, ARequestedCheckIsJudgedAndItsEndIsKeptUnderTheRequestsId) {
  Story story;
  story.admit("web1");
  const model::CheckRef check{model::CheckKind::sockets, ""};
  const auto asked = story.asks(command("c", kWang, model::RunCheck{agent_of("web1"), check}));
  EXPECT_EQ(asked.detail.code, "command.requested");
  ASSERT_THAT(story.requests(), SizeIs(1));
  EXPECT_EQ(story.requests()[0].request.request_id, asked.request_id);
  EXPECT_EQ(std::get<model::CheckDefinition>(story.requests()[0].request.act).check, check);
  story.at(5s).fact("web1", result_of(asked.request_id));
  const auto done = story.reader().command_result(asked.request_id).value();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->outcome, CommandOutcome::done);
  EXPECT_EQ(done->detail.code, "request_outcome.done");
  EXPECT_THAT(story.incidents(), SizeIs(1));
}

// procedure M-03: whoever may see is not whoever may change.
TEST(Commands, ARestartIsAskedOfTheHostByThoseWhoMayChangeIt) {
  Story story;
  story.admit("web1");
  const model::RestartService act{agent_of("web1"), "web.service"};
  EXPECT_EQ(story.asks(command("a", kWang, act)).detail.code, "command.not_permitted");
  EXPECT_EQ(story.asks(command("b", kRoot, act)).detail.code, "command.not_permitted");
  const auto asked = story.asks(command("c", kLee, act));
  EXPECT_EQ(asked.detail.code, "command.restart_requested");
  ASSERT_THAT(story.requests(), SizeIs(1));
  EXPECT_EQ(std::get<model::RestartUnit>(story.requests()[0].request.act).unit, "web.service");
  model::RequestResult result;
  result.request_id = asked.request_id;
  result.outcome = model::RequestOutcome::refused;
  result.detail = {"action.too_soon", {{"unit", "web.service"}, {"minutes", "15"}}};
  story.at(5s).fact("web1", result);
  const auto ended = story.reader().command_result(asked.request_id).value();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->outcome, CommandOutcome::refused);
  EXPECT_EQ(ended->detail.code, "action.too_soon");
}

TEST(Commands, ARequestThatNobodyAnswersExpires) {
  Story story;
  story.admit("web1");
  const model::CheckRef check{model::CheckKind::sockets, ""};
  const auto asked = story.asks(command("c", kWang, model::RunCheck{agent_of("web1"), check}));
  story.at(collector::kRequestLife);
  const auto expired = story.reader().command_result(asked.request_id).value();
  ASSERT_TRUE(expired);
  EXPECT_EQ(expired->outcome, CommandOutcome::refused);
  EXPECT_EQ(expired->detail.code, "request_outcome.expired");
  // An answer that comes too late, or that another agent makes up, completes nothing.
  story.fact("web1", result_of(asked.request_id));
  EXPECT_EQ(story.world().number("counter/answers_not_asked_for"), 1U);
}

TEST(Commands, AnotherAgentCannotAnswerARequest) {
  Story story;
  story.admit("web1");
  story.admit("web2");
  const model::CheckRef check{model::CheckKind::sockets, ""};
  const auto asked = story.asks(command("c", kWang, model::RunCheck{agent_of("web1"), check}));
  story.fact("web2", result_of(asked.request_id));
  EXPECT_FALSE(story.reader().command_result(asked.request_id).value());
}

TEST(Commands, AnAgentThatIsNotHeardIsNotAsked) {
  Story story;
  story.admit("web1");
  story.silent("web1");
  const model::CheckRef check{model::CheckKind::sockets, ""};
  EXPECT_EQ(story.asks(command("c", kWang, model::RunCheck{agent_of("web1"), check})).detail.code,
            "command.agent_not_heard");
  EXPECT_THAT(story.requests(), SizeIs(0));
}

TEST(Commands, AnAgentIsExpectedFromItsFirstAdmissionOn) {
  Story story;
  story.asks(command("a", kRoot, model::AdmitAgent{agent_of("web1"), "web1", "t"}));
  EXPECT_THAT(story.admitted(), Contains(agent_of("web1")));
  story.asks(command("b", kRoot, model::AdmitAgent{agent_of("web1"), "web1-new-name", "t"}));
  EXPECT_THAT(story.admitted(), SizeIs(1)) << "its new name is no new agent";
}

TEST(Commands, ARevokedAgentIsCutOffAndItsKeyDoesNotComeBack) {
  Story story;
  story.admit("web1");
  story.silent("web1");
  EXPECT_EQ(story.asks(command("c", kRoot, model::RevokeAgent{agent_of("web1")})).outcome,
            CommandOutcome::done);
  EXPECT_THAT(story.revoked(), Contains(agent_of("web1")));
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  EXPECT_EQ(story.world().number("counter/facts_of_revoked_agents"), 1U);
  const auto again =
      story.asks(command("d", kRoot, model::AdmitAgent{agent_of("web1"), "web1", "t"}));
  EXPECT_EQ(again.outcome, CommandOutcome::refused);
  story.at(15min);
  EXPECT_TRUE(story.incident().recovered);  // Its silence is nobody's business any more.
}

// Whoever holds a token for any host could otherwise put another in the place of a watched one.
TEST(Commands, ANameIsTakenFromAnotherKeyOnlyWhereTheTokenAllowsIt) {
  Story story;
  story.admit("web1");
  story.silent("web1");
  const auto refused =
      story.asks(command("a", kRoot, model::AdmitAgent{agent_of("new"), "WEB1", "t", false}));
  EXPECT_EQ(refused.outcome, CommandOutcome::refused);
  EXPECT_EQ(refused.detail.code, "command.host_name_taken");
  EXPECT_THAT(story.revoked(), SizeIs(0));
  const auto taken =
      story.asks(command("b", kRoot, model::AdmitAgent{agent_of("new"), "web1", "t", true}));
  EXPECT_EQ(taken.outcome, CommandOutcome::done);
  EXPECT_THAT(story.revoked(), Contains(agent_of("web1")));
  EXPECT_TRUE(story.world().hosts.find(agent_of("web1"))->revoked);
  EXPECT_FALSE(story.world().hosts.find(agent_of("new"))->revoked);
  story.at(15min);
  EXPECT_TRUE(story.incident().recovered) << "the silence of the old key";
}

}  // namespace
}  // namespace tocsin::tests
