#include "collector/ctl/commands.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/fake_collector.hpp"
#include "tests/unit/collector/ctl/fake_client.hpp"

namespace tocsin::ctl {
namespace {

class Commands : public testing::Test {
 protected:
  Printed run_it(const Command& command) {
    const Connect connect = [this]() -> Result<std::unique_ptr<Client>> {
      ++connections_;
      return std::make_unique<FakeClient>(script_);
    };
    return run(command, settings_, connect, clock_);
  }
  static v1::ExecuteReply reply(v1::CommandResult::Outcome outcome, std::string code) {
    v1::ExecuteReply reply;
    reply.set_position(1000);
    reply.mutable_result()->set_outcome(outcome);
    reply.mutable_result()->set_position(1000);
    reply.mutable_result()->mutable_detail()->set_code(std::move(code));
    return reply;
  }
  static ActOnIncidents acknowledge(std::vector<std::string> references) {
    return {ActOnIncidents::Act::acknowledge, std::move(references), "seen"};
  }

  Script script_;
  Settings settings_;
  tests::FakeClock clock_;
  int connections_ = 0;
};

TEST_F(Commands, FindingsAreNoFailureUnlessALevelIsGiven) {
  EXPECT_EQ(run_it(ShowStatus{}).exit, ExitCode::done);
  EXPECT_EQ(run_it(ListIncidents{}).exit, ExitCode::done);
  settings_.fail_on = "B";
  EXPECT_EQ(run_it(ListIncidents{}).exit, ExitCode::level_met);  // one is A
  script_.list.mutable_incidents()->DeleteSubrange(2, 1);
  EXPECT_EQ(run_it(ListIncidents{}).exit, ExitCode::done);
  settings_.fail_on = "C";
  EXPECT_EQ(run_it(ListIncidents{}).exit, ExitCode::level_met);
  settings_.fail_on = "Z";
  EXPECT_EQ(run_it(ListIncidents{}).exit, ExitCode::usage);
}

TEST_F(Commands, EveryErrorHasItsExitCodeAndIsPrintedTwiceForScripts) {
  for (const auto& [code, exit] : {std::pair{ErrorCode::unavailable, ExitCode::unreachable},
                                   std::pair{ErrorCode::deadline_exceeded, ExitCode::timed_out},
                                   std::pair{ErrorCode::permission_denied, ExitCode::not_permitted},
                                   std::pair{ErrorCode::unauthenticated, ExitCode::not_permitted},
                                   std::pair{ErrorCode::internal, ExitCode::failed},
                                   std::pair{ErrorCode::resource_exhausted, ExitCode::failed}}) {
    script_.error = Error{code, "because\x1b[2J"};
    settings_.json = false;
    Printed printed = run_it(ShowStatus{});
    EXPECT_EQ(printed.exit, exit);
    EXPECT_EQ(printed.out, "");
    EXPECT_EQ(printed.err.find('\x1b'), std::string::npos);
    settings_.json = true;
    printed = run_it(ShowStatus{});
    EXPECT_EQ(printed.exit, exit);
    EXPECT_EQ(printed.out.find("{\"code\":\"" + std::string(to_string(code))), 0U);
    EXPECT_NE(printed.err, "");
  }
}

TEST_F(Commands, JsonIsTheSameInEveryLanguage) {
  settings_.json = true;
  std::vector<Command> commands{ShowStatus{},    ShowHosts{},
                                ListIncidents{}, ShowIncident{"42", false},
                                VerifyAudit{},   ShowVersion{}};
  for (const Command& command : commands) {
    settings_.view.language = i18n::Language::en;
    const Printed english = run_it(command);
    settings_.view.language = i18n::Language::zh_tw;
    EXPECT_EQ(run_it(command).out, english.out);
    EXPECT_EQ(english.out.front(), '{');
    EXPECT_EQ(english.out.back(), '\n');
  }
}

// The collector knows who asks: without a revision it answers who else has the incident.
TEST_F(Commands, WhatSomebodyElseHasIsTakenOverOnlyWhenAsked) {
  for (v1::IncidentState& incident : *script_.list.mutable_incidents()) {
    incident.mutable_acknowledged_by()->set_name("somebody");
    incident.set_acknowledged_ns(1);
  }
  script_.replies = {reply(v1::CommandResult::OUTCOME_CONFLICT, "command.changed_meanwhile")};
  EXPECT_EQ(run_it(acknowledge({"SI-115-0042"})).exit, ExitCode::conflict);
  ASSERT_EQ(script_.executed.size(), 1U);
  EXPECT_EQ(script_.executed[0].command().seen_revision(), 0U);

  ActOnIncidents take_over = acknowledge({"SI-115-0042"});
  take_over.take_over = true;
  EXPECT_EQ(run_it(take_over).exit, ExitCode::done);
  ASSERT_EQ(script_.executed.size(), 2U);
  EXPECT_EQ(script_.executed[1].command().seen_revision(), 7U);
}

TEST_F(Commands, AnAcknowledgementSendsTheRevisionThatWasSeenAndNoPrincipal) {
  const Printed printed = run_it(acknowledge({"SI-115-0042"}));
  EXPECT_EQ(printed.exit, ExitCode::done) << printed.err;
  ASSERT_EQ(script_.executed.size(), 1U);
  const v1::Command& command = script_.executed[0].command();
  EXPECT_EQ(command.seen_revision(), 7U);
  EXPECT_EQ(command.acknowledge().incident_id(), 42U);
  EXPECT_EQ(command.note(), "seen");
  EXPECT_FALSE(command.has_principal());
  EXPECT_EQ(command.id().size(), 32U);
}

TEST_F(Commands, EachCommandHasItsOwnId) {
  run_it(acknowledge({"0042", "0039"}));
  ASSERT_EQ(script_.executed.size(), 2U);
  EXPECT_EQ(script_.executed[0].command().acknowledge().incident_id(), 42U);
  EXPECT_EQ(script_.executed[1].command().acknowledge().incident_id(), 39U);
  EXPECT_NE(script_.executed[0].command().id(), script_.executed[1].command().id());
}

TEST_F(Commands, OneThatFailsDoesNotStopTheOthersAndIsTheExitCode) {
  script_.replies = {reply(v1::CommandResult::OUTCOME_CONFLICT, "command.changed_meanwhile"),
                     reply(v1::CommandResult::OUTCOME_DONE, "command.acknowledged")};
  script_.replies[0].mutable_result()->mutable_conflict_with()->set_name("李四");
  const Printed printed = run_it(acknowledge({"42", "41"}));
  EXPECT_EQ(printed.exit, ExitCode::conflict);
  EXPECT_NE(printed.err.find("李四"), std::string::npos);
  EXPECT_NE(printed.out.find("idc-web03"), std::string::npos);
  EXPECT_EQ(script_.executed.size(), 2U);
}

TEST_F(Commands, TheJudgesAnswersHaveTheirExitCodes) {
  const auto exit_for = [&](v1::ExecuteReply answer) {
    script_.replies = {std::move(answer)};
    return run_it(acknowledge({"42"})).exit;
  };
  using Result = v1::CommandResult;
  EXPECT_EQ(exit_for(reply(Result::OUTCOME_NOT_FOUND, "command.no_incident")), ExitCode::not_found);
  EXPECT_EQ(exit_for(reply(Result::OUTCOME_REFUSED, "command.not_permitted")),
            ExitCode::not_permitted);
  EXPECT_EQ(exit_for(reply(Result::OUTCOME_REFUSED, "command.agent_revoked")), ExitCode::failed);
  v1::ExecuteReply pending;
  pending.set_pending(true);
  EXPECT_EQ(exit_for(pending), ExitCode::timed_out);
}

TEST_F(Commands, ADryRunSendsNothing) {
  settings_.dry_run = true;
  EXPECT_EQ(run_it(acknowledge({"42"})).exit, ExitCode::done);
  EXPECT_EQ(run_it(RunCheck{"tsm-bk02", "sockets", true}).exit, ExitCode::done);
  EXPECT_EQ(run_it(CreateToken{}).exit, ExitCode::done);
  EXPECT_TRUE(script_.executed.empty());
  EXPECT_TRUE(script_.tokens_asked.empty());
}

TEST_F(Commands, AnUnknownIncidentOrHostIsNotFound) {
  EXPECT_EQ(run_it(ShowIncident{"9999", false}).exit, ExitCode::not_found);
  EXPECT_EQ(run_it(acknowledge({"0777"})).exit, ExitCode::not_found);
  script_.host_list.clear_hosts();
  EXPECT_EQ(run_it(ShowHosts{"web", false}).exit, ExitCode::not_found);
  EXPECT_EQ(run_it(RunCheck{"web", "sockets", false}).exit, ExitCode::not_found);
  script_.host_list = samples::hosts();
  EXPECT_EQ(run_it(ShowHosts{"t", false}).exit, ExitCode::usage);  // several
}

TEST_F(Commands, AnAgentIsRevokedByItsIdAndWithTheReason) {
  const Printed printed = run_it(Revoke{Revoke::What::agent, "tsm-bk02", "主機已報廢"});
  EXPECT_EQ(printed.exit, ExitCode::done) << printed.err;
  ASSERT_EQ(script_.executed.size(), 1U);
  const v1::Command& sent = script_.executed[0].command();
  EXPECT_EQ(sent.revoke_agent().agent_id(), script_.host_list.hosts(0).agent_id());
  EXPECT_EQ(sent.note(), "主機已報廢");
  EXPECT_FALSE(sent.id().empty());
  // Or by the id, where two keys have had the name.
  const std::string id = script_.host_list.hosts(0).agent_id();
  EXPECT_EQ(run_it(Revoke{Revoke::What::agent, id, "r"}).exit, ExitCode::done);
  EXPECT_EQ(script_.executed.at(1).command().revoke_agent().agent_id(), id);
}

// It cannot be taken back: the beginning of a name is not enough, though a list would find it.
TEST_F(Commands, AnAgentIsRevokedByItsWholeNameOnly) {
  const Printed printed = run_it(Revoke{Revoke::What::agent, "tsm", "r"});
  EXPECT_EQ(printed.exit, ExitCode::not_found);
  EXPECT_NE(printed.err.find("whole name"), std::string::npos) << printed.err;
  script_.host_list.clear_hosts();
  EXPECT_EQ(run_it(Revoke{Revoke::What::agent, "web9", "r"}).exit, ExitCode::not_found);
  EXPECT_TRUE(script_.executed.empty());
}

TEST_F(Commands, AnOperatorIsRevokedByNameWithoutAskingForHosts) {
  EXPECT_EQ(run_it(Revoke{Revoke::What::operator_, "wang", "離職"}).exit, ExitCode::done);
  EXPECT_EQ(script_.executed.at(0).command().revoke_operator().name(), "wang");
  EXPECT_EQ(script_.executed.at(0).command().note(), "離職");
  EXPECT_TRUE(script_.hosts_asked.empty());
}

TEST_F(Commands, ARefusedOrTriedRevocationChangesNothing) {
  script_.replies = {reply(v1::CommandResult::OUTCOME_REFUSED, "command.not_permitted")};
  EXPECT_EQ(run_it(Revoke{Revoke::What::operator_, "wang", "r"}).exit, ExitCode::not_permitted);
  script_.executed.clear();
  settings_.dry_run = true;
  EXPECT_EQ(run_it(Revoke{Revoke::What::agent, "tsm-bk02", "r"}).exit, ExitCode::done);
  EXPECT_EQ(run_it(Revoke{Revoke::What::operator_, "wang", "r"}).exit, ExitCode::done);
  EXPECT_TRUE(script_.executed.empty());
}

TEST_F(Commands, CurvesAreDrawnInALineEach) {
  v1::Series& series = *script_.metrics.add_series();
  series.set_name("cpu.busy");
  for (int i = 0; i <= 39; ++i) {
    series.add_at_ns(i * 1'000'000'000LL);
    series.add_value(i < 20 ? 0 : 100);
  }
  const Printed printed = run_it(ShowMetrics{"tsm-bk02", "cpu", std::chrono::hours(1)});
  ASSERT_EQ(printed.exit, ExitCode::done) << printed.err;
  ASSERT_EQ(script_.metrics_asked.size(), 1U);
  EXPECT_EQ(script_.metrics_asked[0].since_s(), 3600U);
  EXPECT_EQ(script_.metrics_asked[0].name(), "cpu");
  EXPECT_NE(printed.out.find("|" + std::string(20, '.') + std::string(20, '#') + "|"),
            std::string::npos)
      << printed.out;
  script_.metrics.clear_series();
  EXPECT_EQ(run_it(ShowMetrics{"tsm-bk02", "", {}}).exit, ExitCode::done);
  script_.host_list = samples::hosts();
  EXPECT_EQ(run_it(ShowMetrics{"t", "", {}}).exit, ExitCode::usage) << "several hosts";
}

TEST_F(Commands, WaitingForAHostRepeatsTheSameCommandUntilItsAnswerChanges) {
  script_.replies = {reply(v1::CommandResult::OUTCOME_DONE, "command.requested"),
                     reply(v1::CommandResult::OUTCOME_DONE, "command.requested"),
                     reply(v1::CommandResult::OUTCOME_DONE, "request_outcome.done")};
  const Printed printed = run_it(RunCheck{"tsm-bk02", "sockets", true});
  EXPECT_EQ(printed.exit, ExitCode::done) << printed.err;
  ASSERT_EQ(script_.executed.size(), 3U);
  EXPECT_EQ(script_.executed[0].command().id(), script_.executed[2].command().id());
  EXPECT_EQ(script_.lists_asked.at(0).read_at().at_least_position(), 1001U);
  EXPECT_EQ(script_.hosts_asked.back().read_at().at_least_position(), 1000U);
  EXPECT_NE(printed.out.find("service:ssh.service"), std::string::npos);
}

TEST_F(Commands, AllChecksOfAHostAreAskedBeforeTheFirstIsWaitedFor) {
  const auto checks = static_cast<std::size_t>(script_.host_list.hosts(0).checks_size());
  ASSERT_GT(checks, 1U);
  for (std::size_t i = 0; i < checks; ++i) {
    script_.replies.push_back(reply(v1::CommandResult::OUTCOME_DONE, "command.requested"));
  }
  for (std::size_t i = 0; i < checks; ++i) {
    const bool last = i + 1 == checks;
    script_.replies.push_back(
        reply(last ? v1::CommandResult::OUTCOME_REFUSED : v1::CommandResult::OUTCOME_DONE,
              last ? "request_outcome.failed" : "request_outcome.done"));
  }
  const Printed printed = run_it(RunCheck{"tsm-bk02", "all", true});
  EXPECT_EQ(printed.exit, ExitCode::failed);  // the last one
  EXPECT_EQ(script_.executed.size(), 2 * checks);
  std::set<std::string> ids;
  for (const auto& one : script_.executed) ids.insert(one.command().id());
  EXPECT_EQ(ids.size(), checks);
  EXPECT_NE(printed.out.find("service:ssh.service"), std::string::npos);
  script_.host_list.mutable_hosts(0)->clear_checks();
  EXPECT_EQ(run_it(RunCheck{"tsm-bk02", "all", false}).exit, ExitCode::not_found);
}

TEST_F(Commands, ADecisionSaysWhatIsWrongBeforeAnybodyIsAsked) {
  DecideOnIncident decide;
  decide.reference = "SI-115-0042";
  decide.verdict = "maybe";
  EXPECT_EQ(run_it(decide).exit, ExitCode::usage);
  EXPECT_TRUE(script_.executed.empty());
  decide.verdict = "confirmed";
  EXPECT_EQ(run_it(decide).exit, ExitCode::done);
  EXPECT_EQ(script_.executed.at(0).command().judge().verdict(), v1::INCIDENT_VERDICT_CONFIRMED);
}

// What no field of a request can hold is for the collector to refuse, and never a short time.
TEST_F(Commands, ADurationThatIsTooLongIsNotCutToAShortOne) {
  DecideOnIncident decide;
  decide.act = DecideOnIncident::Act::estimate;
  decide.reference = "SI-115-0042";
  decide.estimate = std::chrono::seconds((1LL << 32) + 3600);
  EXPECT_EQ(run_it(decide).exit, ExitCode::done);
  EXPECT_EQ(script_.executed.at(0).command().estimate_repair().duration_s(), UINT32_MAX);
}

TEST_F(Commands, AHostThatDoesNotAnswerIsATimeout) {
  settings_.timeout = std::chrono::milliseconds(0);
  script_.replies = {reply(v1::CommandResult::OUTCOME_DONE, "command.requested")};
  EXPECT_EQ(run_it(RunCheck{"tsm-bk02", "sockets", true}).exit, ExitCode::timed_out);
}

TEST_F(Commands, WhatNeedsNoCollectorAsksNone) {
  EXPECT_EQ(run_it(HelpExitCodes{}).exit, ExitCode::done);
  EXPECT_EQ(run_it(ShowVersion{}).exit, ExitCode::done);
  EXPECT_EQ(run_it(Explain{"port.unexpected"}).exit, ExitCode::done);
  EXPECT_EQ(run_it(Explain{"C"}).exit, ExitCode::done);
  const Printed typo = run_it(Explain{"port.unexpcted"});
  EXPECT_EQ(typo.exit, ExitCode::not_found);
  EXPECT_NE(typo.err.find("port.unexpected"), std::string::npos);
  EXPECT_EQ(run_it(Explain{"ANR2578W"}).exit, ExitCode::done);
  EXPECT_EQ(connections_, 0);
  EXPECT_EQ(run_it(Explain{"SI-115-0042"}).exit, ExitCode::done);
  EXPECT_EQ(run_it(Explain{"42"}).exit, ExitCode::done);
  script_.list.mutable_incidents(0)->set_id(1);
  EXPECT_EQ(run_it(Explain{"1"}).exit, ExitCode::done);
  EXPECT_EQ(connections_, 3);
}

// procedure M-04: the site's catalogue lies on its hosts; what it says came with the finding.
TEST_F(Commands, AMessageOfASiteIsExplainedByWhatWasTold) {
  EXPECT_EQ(run_it(Explain{"payroll.failed"}).exit, ExitCode::not_found);
  v1::IncidentState& incident = *script_.list.mutable_incidents(0);
  incident.mutable_title()->Clear();
  samples::set_message(*incident.mutable_title(), "warning.system",
                       {{"source", "journal"},
                        {"id", "payroll.failed"},
                        {"count", "1"},
                        {"meaning", "Tell payroll\x1b[2J"},
                        {"meaning.zh-TW", "請通知薪資組"},
                        {"example", "x"}});
  const Printed told = run_it(Explain{"payroll.failed"});
  EXPECT_EQ(told.exit, ExitCode::done);
  for (const std::string words :
       {"payroll.failed", "Tell payroll", "請通知薪資組", "SI-115-", "M-04"}) {
    EXPECT_NE(told.out.find(words), std::string::npos) << told.out;
  }
  EXPECT_EQ(told.out.find('\x1b'), std::string::npos);
  incident.mutable_title()->mutable_parameters(1)->set_value("ORA-00600");
  EXPECT_EQ(run_it(Explain{"ORA-00600"}).exit, ExitCode::done) << "looks like a number";
  EXPECT_EQ(run_it(Explain{"ORA-00601"}).exit, ExitCode::not_found);
}

TEST_F(Commands, EvidenceIsAskedOfOneHostForOneIncident) {
  EvidenceCommand command;
  command.act = EvidenceCommand::Act::collect;
  command.host = "tsm-bk02";
  command.incident = "SI-115-0042";
  command.reason = "可疑的埠";
  command.since = std::chrono::hours(2);
  EXPECT_EQ(run_it(command).exit, ExitCode::done);
  const v1::Command& sent = script_.executed.at(0).command();
  EXPECT_EQ(sent.note(), "可疑的埠");
  EXPECT_EQ(sent.collect_evidence().agent_id(), script_.host_list.hosts(0).agent_id());
  EXPECT_NE(sent.collect_evidence().incident_id(), 0U);
  EXPECT_EQ(sent.collect_evidence().since_s(), 7200U);
  script_.host_list.clear_hosts();
  EXPECT_EQ(run_it(command).exit, ExitCode::not_found);
}

// 無法取得 is an end too, and not one of success.
TEST_F(Commands, WaitingForEvidenceEndsWithItsState) {
  EvidenceCommand command;
  command.act = EvidenceCommand::Act::collect;
  command.host = "tsm-bk02";
  settings_.timeout = std::chrono::milliseconds(0);
  command.wait = true;
  EXPECT_EQ(run_it(command).exit, ExitCode::timed_out);
  command.wait = false;
  EXPECT_EQ(run_it(command).exit, ExitCode::done);
}

TEST_F(Commands, AnEvidenceIdIsReadBeforeAnybodyIsAsked) {
  EvidenceCommand command;
  command.act = EvidenceCommand::Act::verify;
  command.id = "SI-115";
  EXPECT_EQ(run_it(command).exit, ExitCode::usage);
  command.id = "E-2";
  script_.evidence_report.set_intact(true);
  EXPECT_EQ(run_it(command).exit, ExitCode::done);
  script_.evidence_report.set_intact(false);
  EXPECT_EQ(run_it(command).exit, ExitCode::failed);
  command.act = EvidenceCommand::Act::give_up;
  command.witness = "lee";
  EXPECT_EQ(run_it(command).exit, ExitCode::done);
  EXPECT_EQ(script_.executed.back().command().give_up_evidence().evidence_id(), 2U);
  EXPECT_EQ(script_.executed.back().command().give_up_evidence().witness(), "lee");
}

TEST_F(Commands, ABrokenJournalIsAFailure) {
  script_.audit.set_intact(true);
  EXPECT_EQ(run_it(VerifyAudit{}).exit, ExitCode::done);
  script_.audit.set_intact(false);
  EXPECT_EQ(run_it(VerifyAudit{}).exit, ExitCode::failed);
}

TEST_F(Commands, ABaselineIsProposedForAHostOrAGroup) {
  OnBaseline propose;
  propose.act = OnBaseline::Act::propose;
  EXPECT_EQ(run_it(propose).exit, ExitCode::usage);
  propose.host = "web1";
  propose.reason = "new host";
  propose.leave_out = {"unit x"};
  EXPECT_EQ(run_it(propose).exit, ExitCode::done);
  v1::Command sent = script_.executed.back().command();
  EXPECT_EQ(sent.propose_baseline().scope().kind(), v1::BaselineScope::KIND_HOST);
  EXPECT_EQ(sent.propose_baseline().since_s(), 7U * 24 * 3600) << "where nobody says";
  EXPECT_EQ(sent.propose_baseline().leave_out(0), "unit x");
  EXPECT_EQ(sent.note(), "new host");
  propose.host.clear();
  propose.group = "web";
  propose.finding = 9;
  EXPECT_EQ(run_it(propose).exit, ExitCode::done);
  sent = script_.executed.back().command();
  EXPECT_EQ(sent.propose_baseline().scope().kind(), v1::BaselineScope::KIND_GROUP);
  EXPECT_EQ(sent.propose_baseline().from_finding(), 9U);
  EXPECT_EQ(sent.propose_baseline().since_s(), 0U);
}

TEST_F(Commands, AProposalIsApprovedAsItWasSeen) {
  OnBaseline approve;
  approve.act = OnBaseline::Act::approve;
  approve.id = 7;
  approve.valid = std::chrono::hours(24);
  approve.reason = "looked at it";
  EXPECT_EQ(run_it(approve).exit, ExitCode::done);
  const v1::Command& sent = script_.executed.back().command();
  EXPECT_EQ(sent.approve_baseline().baseline_id(), 7U);
  EXPECT_EQ(sent.approve_baseline().valid_s(), 24U * 3600);
  EXPECT_EQ(sent.seen_revision(), samples::proposal().baseline().revision());
  EXPECT_EQ(script_.baseline_asked.back().id(), 7U);
  script_.replies = {reply(v1::CommandResult::OUTCOME_REFUSED, "command.four_eyes")};
  EXPECT_EQ(run_it(approve).exit, ExitCode::failed);
}

TEST_F(Commands, ReviewWithoutANumberListsWhatWaits) {
  OnBaseline review;
  review.act = OnBaseline::Act::review;
  EXPECT_EQ(run_it(review).exit, ExitCode::done);
  EXPECT_TRUE(script_.baselines_asked.back().proposed_only());
  review.id = 7;
  EXPECT_NE(run_it(review).out.find("tcp any 4444 /tmp/.x/sshd2 root"), std::string::npos);
  settings_.json = true;
  EXPECT_NE(run_it(review).out.find("\"comparedVersion\":2"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::ctl
