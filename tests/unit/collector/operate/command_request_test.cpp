#include "collector/operate/command_request.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::collector {
namespace {

const model::Principal kCaller{"wang", model::Role::duty, "f1"};

v1::Command acknowledgement() {
  v1::Command command;
  command.set_id("0123456789abcdef");
  command.mutable_acknowledge()->set_incident_id(1);
  return command;
}

ErrorCode code_of(const v1::Command& command) {
  const auto result = command_from(command, kCaller);
  EXPECT_FALSE(result);
  return result ? ErrorCode::internal : result.error().code;
}

TEST(CommandRequest, TakesAWellFormedOne) {
  const auto command = command_from(acknowledgement(), kCaller);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->principal, kCaller);
  EXPECT_EQ(std::get<model::Acknowledge>(command->act).incident, IncidentId{1});
}

TEST(CommandRequest, IdsAreShortPlainWords) {
  for (const std::string& id :
       {std::string(), std::string("short"), std::string(65, 'a'), std::string("spaces in it"),
        std::string("abcdefgh\n"), std::string("編號編號編號"), std::string("7.a-command")}) {
    v1::Command command = acknowledgement();
    command.set_id(id);
    EXPECT_EQ(code_of(command), ErrorCode::invalid_argument) << id;
  }
}

TEST(CommandRequest, NeedsAnActAboutSomething) {
  v1::Command command = acknowledgement();
  command.mutable_acknowledge()->set_incident_id(0);
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.clear_act();
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

TEST(CommandRequest, ABaselineIsProposedForSomethingAndApprovedForATime) {
  v1::Command command = acknowledgement();
  command.mutable_propose_baseline()->mutable_scope()->set_kind(v1::BaselineScope::KIND_HOST);
  command.mutable_propose_baseline()->set_since_s(60);
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_propose_baseline()->mutable_scope()->set_name("web1");
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_propose_baseline()->set_since_s(0);
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_approve_baseline()->set_baseline_id(1);
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_approve_baseline()->set_valid_s(60);
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_reject_baseline()->set_baseline_id(0);
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

TEST(CommandRequest, NotesAreBounded) {
  v1::Command command = acknowledgement();
  command.set_note(std::string(limits::kText + 1, 'x'));
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

TEST(CommandRequest, APrincipalInThePayloadDoesNotMatterEvenWhereItIsNonsense) {
  v1::Command command = acknowledgement();
  command.mutable_principal()->set_name(std::string(5000, 'x'));
  command.mutable_principal()->set_role(static_cast<v1::Role>(99));
  const auto result = command_from(command, kCaller);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->principal, kCaller);
}

TEST(CommandRequest, OperatorsDoNotAdmitAgents) {
  v1::Command command = acknowledgement();
  command.mutable_admit_agent()->set_agent_id(std::string(64, 'a'));
  command.mutable_admit_agent()->set_host_name("web1");
  command.mutable_admit_agent()->set_token_id("t");
  EXPECT_EQ(code_of(command), ErrorCode::permission_denied);
}

TEST(CommandRequest, ATokenIsMadeByItsOwnRequestOnly) {
  v1::Command command = acknowledgement();
  command.mutable_create_token()->set_token_id("t");
  command.mutable_create_token()->set_valid_s(600);
  EXPECT_EQ(code_of(command), ErrorCode::permission_denied);
}

TEST(CommandRequest, ARunCheckNamesAnAgentAndATargetWhereItsKindHasOne) {
  v1::Command command = acknowledgement();
  command.mutable_run_check()->set_agent_id(std::string(64, 'a'));
  command.mutable_run_check()->mutable_check()->set_kind(v1::CHECK_KIND_SOCKETS);
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_run_check()->mutable_check()->set_target("sshd");
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_run_check()->mutable_check()->set_kind(v1::CHECK_KIND_SERVICE);
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_run_check()->mutable_check()->clear_target();
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_run_check()->mutable_check()->set_kind(static_cast<v1::CheckKind>(99));
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_run_check()->mutable_check()->set_kind(v1::CHECK_KIND_SOCKETS);
  command.mutable_run_check()->set_agent_id("not-an-agent");
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

TEST(CommandRequest, ARestartNamesAnAgentAndAService) {
  v1::Command command = acknowledgement();
  command.mutable_restart_service()->set_agent_id(std::string(64, 'a'));
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_restart_service()->set_unit("nginx");
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
  command.mutable_restart_service()->set_unit("nginx.service");
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_restart_service()->set_agent_id("x");
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

TEST(CommandRequest, ARevocationNamesAnAgent) {
  v1::Command command = acknowledgement();
  command.mutable_revoke_agent()->set_agent_id(std::string(64, 'a'));
  EXPECT_TRUE(command_from(command, kCaller));
  command.mutable_revoke_agent()->set_agent_id(std::string(64, 'z'));
  EXPECT_EQ(code_of(command), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tocsin::collector
