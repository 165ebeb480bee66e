#include <gtest/gtest.h>

#include "collector/operate/operator_api.hpp"
#include "tests/support/fake_collector.hpp"

namespace tocsin::collector {
namespace {

using model::Severity;
using tests::a_host;
using tests::an_incident;
using tests::kNow;

class OperatorApiTest : public testing::Test {
 protected:
  OperatorApi::Parts parts() {
    return {fake_.state,
            fake_.intake,
            fake_.judge,
            [this] { return fake_.intake.head(); },
            [this] { return verify_(); },
            [this](const TokenRequest& wanted) -> Result<NewToken> {
              wanted_token_ = wanted;
              return NewToken{"secret-token", "t-1", kNow + wanted.valid};
            },
            [this](const std::string& token) {
              spent_tokens_.push_back(token);
              return Status{};
            },
            [] {
              return std::vector<model::Message>{{"disk.almost_full", {}}};
            },
            {{"link.streams", [] { return std::uint64_t{3}; }}},
            "0.1.0",
            "memory",
            "collector1:8444",
            "aa11",
            kNow - 1h};
  }
  static v1::ExecuteRequest acknowledge(std::string id, std::uint64_t incident) {
    v1::ExecuteRequest request;
    request.set_wait_ms(100);
    request.mutable_command()->set_id(std::move(id));
    request.mutable_command()->set_seen_revision(7);
    request.mutable_command()->mutable_acknowledge()->set_incident_id(incident);
    return request;
  }
  const model::Command& last_command() {
    return std::get<model::Command>(fake_.intake.entries.back());
  }

  tests::FakeCollector fake_;
  std::function<Result<ChainReport>()> verify_ = [] { return ChainReport{}; };
  std::optional<TokenRequest> wanted_token_;
  std::vector<std::string> spent_tokens_;
  const model::Principal duty_{"wang", model::Role::duty, "f1"};
  const model::Principal admin_{"root", model::Role::admin, "f2"};
};

TEST_F(OperatorApiTest, AReadWaitsForThePositionThatTheCallerWroteAt) {
  OperatorApi api(parts());
  v1::ListHostsRequest request;
  request.mutable_read_at()->set_at_least_position(1);
  const auto early = api.list_hosts(request);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::deadline_exceeded);

  const auto done = api.execute(duty_, acknowledge("command-1", 1));
  ASSERT_TRUE(done) << done.error().message;
  request.mutable_read_at()->set_at_least_position(done->position());
  const auto list = api.list_hosts(request);
  ASSERT_TRUE(list);
  EXPECT_GE(list->as_of().position(), done->position());
}

TEST_F(OperatorApiTest, EveryAnswerSaysAsOfWhen) {
  OperatorApi api(parts());
  fake_.intake.judging = false;
  fake_.state.judged_at = kNow - 5min;
  ASSERT_TRUE(api.execute(duty_, acknowledge("command-1", 1)));
  const auto list = api.list_incidents({});
  ASSERT_TRUE(list);
  EXPECT_EQ(list->as_of().position(), 0U);
  EXPECT_EQ(list->as_of().judge_lag(), 1U);
  EXPECT_EQ(list->as_of().journal_ns(), (kNow - 5min).ns);  // behind: as of what is judged
}

TEST_F(OperatorApiTest, CurvesAreThoseOfOneHostAndFitIntoAnAnswer) {
  OperatorApi::Parts with_curves = parts();
  fake_.state.host_rows = {a_host("web1", 'a')};
  std::vector<series::Sample> samples{{"cpu.busy", kNow - 1min, 5}, {"cpu.busy", kNow, 6}};
  Instant since;
  with_curves.samples = [&](const AgentId& agent, std::string_view prefix, Instant from) {
    EXPECT_EQ(agent, a_host("web1", 'a').agent);
    EXPECT_EQ(prefix, "cpu");
    since = from;
    return Result<std::vector<series::Sample>>(samples);
  };
  OperatorApi api(with_curves);
  v1::GetMetricsRequest request;
  request.set_host("web1");
  request.set_name("cpu");
  request.set_since_s(60);
  const auto list = api.get_metrics(request);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->series_size(), 1);
  EXPECT_EQ(list->series(0).value(1), 6);
  EXPECT_EQ(since, kNow - 60s);
  samples.clear();
  for (const char* name : {"a", "b", "c"}) {
    samples.insert(samples.end(), 150'000, {name, kNow, 1});
  }
  const auto cut = api.get_metrics(request);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->series_size(), 2);
  EXPECT_EQ(cut->series_left_out(), 1U);
  request.set_host("web2");
  EXPECT_EQ(api.get_metrics(request).error().code, ErrorCode::not_found);
}

TEST_F(OperatorApiTest, WhenAllIsJudgedTheStateHoldsNow) {
  OperatorApi api(parts());
  fake_.state.judged_at = kNow - 5min;
  const auto list = api.list_incidents({});
  ASSERT_TRUE(list);
  EXPECT_EQ(list->as_of().judge_lag(), 0U);
  EXPECT_EQ(list->as_of().journal_ns(), kNow.ns);
}

TEST_F(OperatorApiTest, ACommandIsJournaledWithTheCallerOfTheCertificate) {
  OperatorApi api(parts());
  auto request = acknowledge("command-1", 42);
  request.mutable_command()->mutable_principal()->set_name("somebody-else");
  request.mutable_command()->mutable_principal()->set_role(v1::ROLE_OFFICER);
  const auto reply = api.execute(duty_, request);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_FALSE(reply->pending());
  EXPECT_EQ(reply->result().outcome(), v1::CommandResult::OUTCOME_DONE);
  EXPECT_EQ(reply->position(), 1U);
  EXPECT_EQ(last_command().principal, duty_);
  EXPECT_EQ(last_command().seen_revision, 7U);
  EXPECT_EQ(std::get<model::Acknowledge>(last_command().act).incident, IncidentId{42});
}

TEST_F(OperatorApiTest, ACommandThatIsNotJudgedInTimeIsPendingAndItsRepetitionGetsTheAnswer) {
  OperatorApi api(parts());
  fake_.intake.judging = false;
  const auto pending = api.execute(duty_, acknowledge("command-1", 42));
  ASSERT_TRUE(pending);
  EXPECT_TRUE(pending->pending());
  EXPECT_EQ(pending->position(), 1U);
  EXPECT_FALSE(pending->has_result());

  model::CommandResult late;
  late.command_id = "command-1";
  late.position = Position{1};
  late.revision = 8;
  fake_.state.results["command-1"] = late;
  const auto again = api.execute(duty_, acknowledge("command-1", 42));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->pending());
  EXPECT_EQ(again->result().revision(), 8U);
  EXPECT_EQ(fake_.intake.entries.size(), 1U);  // Repeating is not a second act.
}

TEST_F(OperatorApiTest, AnIdIsItsCallersAndNobodyElseGetsItsAnswer) {
  OperatorApi api(parts());
  ASSERT_TRUE(api.execute(duty_, acknowledge("command-1", 42)));
  const auto other = api.execute(admin_, acknowledge("command-1", 43));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::already_exists);
  EXPECT_TRUE(api.execute(duty_, acknowledge("command-1", 42)));
  EXPECT_EQ(fake_.intake.entries.size(), 1U);

  // Both were under way, and the other one was judged first.
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.principal = "root";
    return result;
  };
  EXPECT_EQ(api.execute(duty_, acknowledge("command-2", 42)).error().code,
            ErrorCode::already_exists);
}

TEST_F(OperatorApiTest, RepeatingARunCheckGetsWhatTheAgentAnswered) {
  OperatorApi api(parts());
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.detail.code = "command.requested";
    result.request_id = "1.command-1";
    return result;
  };
  v1::ExecuteRequest request = acknowledge("command-1", 42);
  request.mutable_command()->mutable_run_check()->set_agent_id(std::string(64, 'a'));
  request.mutable_command()->mutable_run_check()->mutable_check()->set_kind(v1::CHECK_KIND_SOCKETS);
  auto reply = api.execute(duty_, request);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->result().detail().code(), "command.requested");
  model::CommandResult done;
  done.command_id = "1.command-1";
  done.position = Position{5};
  done.detail.code = "request_outcome.done";
  fake_.state.results["1.command-1"] = done;
  reply = api.execute(duty_, request);
  EXPECT_EQ(reply->result().detail().code(), "request_outcome.done");
  EXPECT_EQ(reply->position(), 5U);
  EXPECT_EQ(api.execute(admin_, request).error().code, ErrorCode::already_exists);
  EXPECT_EQ(api.execute(duty_, acknowledge("1.command-1", 1)).error().code,
            ErrorCode::invalid_argument);
}

TEST_F(OperatorApiTest, AConflictSaysWhoWasFaster) {
  OperatorApi api(parts());
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::conflict;
    result.conflict_with = {"li", model::Role::duty, "f9"};
    return result;
  };
  const auto reply = api.execute(duty_, acknowledge("command-1", 42));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->result().outcome(), v1::CommandResult::OUTCOME_CONFLICT);
  EXPECT_EQ(reply->result().conflict_with().name(), "li");
}

TEST_F(OperatorApiTest, AFullJournalIsAnError) {
  OperatorApi api(parts());
  fake_.intake.full = Error{ErrorCode::resource_exhausted, "disk full"};
  const auto reply = api.execute(duty_, acknowledge("command-1", 42));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::resource_exhausted);
}

TEST_F(OperatorApiTest, PagesSayWhetherThereIsMore) {
  const model::Host host = a_host("tsm-bk02", 'a');
  for (std::uint64_t id = 1; id <= 5; ++id) {
    fake_.state.incident_rows.push_back(an_incident(id, host, Severity::d));
  }
  OperatorApi api(parts());
  v1::ListIncidentsRequest request;
  request.set_limit(3);
  const auto first = api.list_incidents(request);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->incidents_size(), 3);
  EXPECT_TRUE(first->more());
  request.set_before_id(first->incidents(2).id());
  const auto second = api.list_incidents(request);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->incidents_size(), 2);
  EXPECT_FALSE(second->more());
  request.set_limit(1001);
  EXPECT_EQ(api.list_incidents(request).error().code, ErrorCode::invalid_argument);
}

TEST_F(OperatorApiTest, TheLargestPageDoesNotHideWhatFollows) {
  const model::Host host = a_host("tsm-bk02", 'a');
  for (std::uint64_t id = 1; id <= 1001; ++id) {
    fake_.state.incident_rows.push_back(an_incident(id, host, Severity::d));
  }
  OperatorApi api(parts());
  v1::ListIncidentsRequest request;
  request.set_limit(1000);
  const auto first = api.list_incidents(request);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->incidents_size(), 1000);
  EXPECT_TRUE(first->more());
  request.set_before_id(first->incidents(999).id());
  const auto rest = api.list_incidents(request);
  EXPECT_EQ(rest->incidents_size(), 1);
  EXPECT_FALSE(rest->more());
}

TEST_F(OperatorApiTest, AnIncidentComesWithAllThatBelongsToIt) {
  const model::Host host = a_host("tsm-bk02", 'a');
  fake_.state.incident_rows = {an_incident(1, host, Severity::c)};
  fake_.state.incident_rows[0].number = "SI-115-0042";
  model::TimelineItem item;
  item.incident = IncidentId{1};
  item.message = {"incident.opened", {}};
  fake_.state.timeline_rows = {item};
  OperatorApi api(parts());
  v1::GetIncidentRequest request;
  request.set_reference("SI-115-0042");
  const auto detail = api.get_incident(request);
  ASSERT_TRUE(detail) << detail.error().message;
  EXPECT_EQ(detail->incident().id(), 1U);
  EXPECT_EQ(detail->timeline_size(), 1);
  request.set_reference("SI-115-9999");
  EXPECT_EQ(api.get_incident(request).error().code, ErrorCode::not_found);
  request.set_reference("");
  EXPECT_EQ(api.get_incident(request).error().code, ErrorCode::invalid_argument);
}

TEST_F(OperatorApiTest, ALongHistoryIsCutAtTheOldEndAndTheAnswerSaysSo) {
  fake_.state.incident_rows = {an_incident(1, a_host("tsm-bk02", 'a'), Severity::c)};
  for (std::uint32_t i = 1; i <= 502; ++i) {
    model::TimelineItem item;
    item.incident = IncidentId{1};
    item.index = i;
    fake_.state.timeline_rows.push_back(item);
  }
  for (std::uint64_t i = 1; i <= 203; ++i) {
    model::Notification notification;
    notification.id = NotificationId{i};
    notification.incident = IncidentId{1};
    notification.body = {{"incident.opened", {}}};
    fake_.state.notification_rows.push_back(notification);
  }
  OperatorApi api(parts());
  v1::GetIncidentRequest request;
  request.set_reference("1");
  const auto detail = api.get_incident(request);
  ASSERT_TRUE(detail) << detail.error().message;
  ASSERT_EQ(detail->timeline_size(), 500);
  EXPECT_EQ(detail->timeline(499).index(), 502U);
  EXPECT_EQ(detail->timeline_left_out(), 2U);
  ASSERT_EQ(detail->notifications_size(), 200);
  EXPECT_EQ(detail->notifications(199).id(), 203U);
  EXPECT_EQ(detail->notifications_left_out(), 3U);
  EXPECT_EQ(detail->notifications(199).body_size(), 0);
}

TEST_F(OperatorApiTest, ObservationsGoOutForOneHostOnly) {
  for (const auto& [name, digit] : {std::pair{"web1", 'a'}, std::pair{"web10", 'b'}}) {
    model::Host host = a_host(name, digit);
    model::CheckStatus check;
    check.check = {model::CheckKind::sockets, ""};
    check.verdict = model::Verdict::abnormal;
    check.observation.check = check.check;
    check.observation.facts = model::SocketsFacts{};
    host.checks = {check};
    fake_.state.host_rows.push_back(host);
  }
  OperatorApi api(parts());
  v1::ListHostsRequest request;
  auto list = api.list_hosts(request);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->hosts_size(), 2);
  EXPECT_FALSE(list->hosts(0).checks(0).has_observation());
  request.set_name("web1");  // a whole name, although it begins another one
  list = api.list_hosts(request);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->hosts_size(), 1);
  EXPECT_EQ(list->hosts(0).name(), "web1");
  EXPECT_TRUE(list->hosts(0).checks(0).observation().has_sockets());
  request.set_name("web");
  EXPECT_EQ(api.list_hosts(request)->hosts_size(), 2);
  request.set_name("db");
  EXPECT_EQ(api.list_hosts(request)->hosts_size(), 0);
}

TEST_F(OperatorApiTest, AbnormalHostsAreSilentOnesAndThoseWithOpenIncidentsToo) {
  fake_.state.host_rows = {a_host("calm", 'a'), a_host("lost", 'b'), a_host("hit", 'c')};
  for (model::Host& host : fake_.state.host_rows) {
    host.checks.resize(1);
    host.checks[0].verdict = model::Verdict::normal;
  }
  fake_.state.host_rows[1].presence = model::Presence::silent;
  fake_.state.incident_rows = {an_incident(1, fake_.state.host_rows[2], Severity::c)};
  OperatorApi api(parts());
  v1::ListHostsRequest request;
  request.set_abnormal_only(true);
  const auto list = api.list_hosts(request);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->hosts_size(), 2);
  EXPECT_EQ(list->hosts(0).name(), "hit");
  EXPECT_EQ(list->hosts(1).name(), "lost");
  EXPECT_EQ(list->open_incidents_size(), 1);
}

TEST_F(OperatorApiTest, TheStatusTellsWhatIsWrongAndWhoAsks) {
  fake_.judge.site.site = "idc";
  fake_.judge.failed = Error{ErrorCode::data_loss, "state.db is damaged"};
  fake_.judge.unknown_entries = 2;
  fake_.judge.counted = {{"findings_over_limit", 2}};
  OperatorApi api(parts());
  const auto status = api.get_status(duty_, {});
  ASSERT_TRUE(status);
  EXPECT_EQ(status->site(), "idc");
  EXPECT_EQ(status->you().name(), "wang");
  EXPECT_EQ(status->you().role(), v1::ROLE_DUTY);
  std::vector<std::string> codes;
  for (const auto& warning : status->warnings()) codes.push_back(warning.code());
  EXPECT_EQ(codes, (std::vector<std::string>{"disk.almost_full", "judge.failed",
                                             "judge.unknown_entries"}));
  ASSERT_EQ(status->counters_size(), 2);
  EXPECT_EQ(status->counters(0).value(), 3U);
  EXPECT_EQ(status->counters(1).name(), "core.findings_over_limit");
  EXPECT_EQ(status->counters(1).value(), 2U);
}

TEST_F(OperatorApiTest, AStoreThatFailsIsAnErrorAndNotAnEmptyList) {
  fake_.state.broken = Error{ErrorCode::data_loss, "state.db is damaged"};
  OperatorApi api(parts());
  EXPECT_EQ(api.list_incidents({}).error().code, ErrorCode::data_loss);
}

v1::CreateEnrollTokenRequest token_request(const std::string& command_id) {
  v1::CreateEnrollTokenRequest request;
  request.set_command_id(command_id);
  request.set_valid_s(600);
  request.set_host_name("tsm-bk02");
  return request;
}

TEST_F(OperatorApiTest, ATokenIsJournaledWithWhoButNeverItsSecret) {
  OperatorApi api(parts());
  auto request = token_request("command-1");
  request.set_replace(true);
  const auto token = api.create_enroll_token(admin_, request);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->token(), "secret-token");
  EXPECT_EQ(token->expires_ns(), (kNow + 10min).ns);
  EXPECT_EQ(token->enroll_address(), "collector1:8444");
  ASSERT_TRUE(wanted_token_);
  EXPECT_EQ(wanted_token_->host_name, "tsm-bk02");
  ASSERT_EQ(fake_.intake.entries.size(), 1U);
  EXPECT_EQ(last_command(), (model::Command{"command-1", admin_, 0, "",
                                            model::CreateToken{"t-1", "tsm-bk02", 600s, true}}));
  EXPECT_EQ(fake_.intake.bytes[0].find("secret-token"), std::string::npos);
  EXPECT_TRUE(spent_tokens_.empty());
}

TEST_F(OperatorApiTest, OnlySomeRolesMakeTokensAndTheirLifeIsBounded) {
  fake_.intake.decide = [](const model::Command& command) {
    model::CommandResult result = tests::token_answer(command);
    if (command.principal.role != model::Role::admin) {
      result.outcome = model::CommandOutcome::refused;
    }
    return result;
  };
  OperatorApi api(parts());
  for (const model::Role role : model::kRoles) {
    wanted_token_.reset();
    const auto token = api.create_enroll_token(
        {"x", role, "f"}, token_request("command-" + std::string(to_string(role))));
    const bool may = role == model::Role::admin;
    EXPECT_EQ(token.has_value(), may) << to_string(role);
    if (!may) {
      EXPECT_EQ(token.error().code, ErrorCode::permission_denied) << to_string(role);
    }
    EXPECT_EQ(wanted_token_.has_value(), may) << "none is made for who may not have one";
  }
  EXPECT_EQ(fake_.intake.entries.size(), model::kRoles.size()) << "who tried is journaled";
  auto request = token_request("command-9");
  for (const std::uint32_t valid_s : {1U, 59U, 604801U}) {
    request.set_valid_s(valid_s);
    EXPECT_EQ(api.create_enroll_token(admin_, request).error().code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(api.create_enroll_token(admin_, {}).error().code, ErrorCode::invalid_argument)
      << "without a command's id";
}

TEST_F(OperatorApiTest, ATokenIsShownOnceAndARepeatedRequestMakesNone) {
  OperatorApi api(parts());
  ASSERT_TRUE(api.create_enroll_token(admin_, token_request("command-1")));
  wanted_token_.reset();
  const auto again = api.create_enroll_token(admin_, token_request("command-1"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  EXPECT_FALSE(wanted_token_);
  EXPECT_EQ(fake_.intake.entries.size(), 1U);
}

TEST_F(OperatorApiTest, ATokenThatIsNotAnsweredForIsSpentAndNotShown) {
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;  // of another request with the same id, which came first
    result.detail = {"command.token_created", {{"token", "t-0"}}};
    return result;
  };
  OperatorApi api(parts());
  EXPECT_EQ(api.create_enroll_token(admin_, token_request("command-1")).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(spent_tokens_.size(), 1U);
  fake_.intake.full = Error{ErrorCode::resource_exhausted, "the disk is full"};
  EXPECT_EQ(api.create_enroll_token(admin_, token_request("command-2")).error().code,
            ErrorCode::resource_exhausted);
  EXPECT_EQ(spent_tokens_, (std::vector<std::string>{"secret-token", "secret-token"}));
}

TEST_F(OperatorApiTest, AnAuditSaysWhereTheChainIsBroken) {
  verify_ = [] {
    ChainReport report;
    report.intact = false;
    report.entries = 12;
    report.problem = {"journal.chain_broken", {{"position", "7"}}};
    return report;
  };
  OperatorApi api(parts());
  const auto report = api.verify_audit({});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->intact());
  EXPECT_EQ(report->problem().code(), "journal.chain_broken");
}

TEST_F(OperatorApiTest, OneAuditAtATime) {
  std::optional<ErrorCode> second;
  OperatorApi* self = nullptr;
  verify_ = [&] {
    const auto nested = self->verify_audit({});
    if (!nested) second = nested.error().code;
    return ChainReport{};
  };
  OperatorApi api(parts());
  self = &api;
  EXPECT_TRUE(api.verify_audit({}));
  EXPECT_EQ(second, ErrorCode::resource_exhausted);
  EXPECT_TRUE(api.verify_audit({}));
}

// ---- Baselines ----

model::BaselineEntry an_entry(std::uint16_t port) {
  model::BaselineEntry entry;
  entry.port = port;
  entry.executable = "/usr/sbin/d";
  entry.user = "root";
  return entry;
}

model::BaselineRecord a_baseline(std::uint64_t id, std::uint32_t version,
                                 model::BaselineStatus status,
                                 std::initializer_list<std::uint16_t> ports) {
  model::BaselineRecord record;
  record.id = BaselineId{id};
  record.scope = {model::ScopeKind::host, "web1"};
  record.version = version;
  record.status = status;
  record.has_listeners = true;
  for (const std::uint16_t port : ports) record.entries.push_back({an_entry(port), {}, 1, {}});
  record.expires = kNow + 1h;
  return record;
}

class BaselineQueries : public OperatorApiTest {
 protected:
  BaselineQueries() {
    using model::BaselineStatus;
    fake_.state.baseline_rows = {a_baseline(1, 1, BaselineStatus::superseded, {22}),
                                 a_baseline(2, 2, BaselineStatus::approved, {22, 443}),
                                 a_baseline(3, 0, BaselineStatus::rejected, {1}),
                                 a_baseline(4, 0, BaselineStatus::proposed, {443, 8080})};
    fake_.state.baseline_rows.back().entries[0].marks = {{"baseline.mark.late", {}}};
  }
  static std::vector<std::uint32_t> ports(
      const google::protobuf::RepeatedPtrField<v1::BaselineEntry>& entries) {
    std::vector<std::uint32_t> all;
    for (const v1::BaselineEntry& entry : entries) all.push_back(entry.port());
    return all;
  }
};

TEST_F(BaselineQueries, ListsWhatIsInForceOrProposedAndOfOneScopeAll) {
  OperatorApi api(parts());
  const auto live = api.list_baselines({});
  ASSERT_TRUE(live);
  ASSERT_EQ(live->baselines_size(), 2);
  EXPECT_EQ(live->baselines(0).baseline().id(), 4U);
  EXPECT_EQ(live->baselines(0).entries(), 2U);
  EXPECT_EQ(live->baselines(0).marked(), 1U);
  EXPECT_EQ(live->baselines(0).baseline().entries_size(), 0) << "asked for one by one";
  v1::ListBaselinesRequest request;
  request.set_proposed_only(true);
  EXPECT_EQ(api.list_baselines(request)->baselines_size(), 1);
  request.set_proposed_only(false);
  request.mutable_scope()->set_kind(v1::BaselineScope::KIND_HOST);
  request.mutable_scope()->set_name("web1");
  EXPECT_EQ(api.list_baselines(request)->baselines_size(), 4);
  request.mutable_scope()->set_kind(v1::BaselineScope::KIND_UNSPECIFIED);
  EXPECT_EQ(api.list_baselines(request).error().code, ErrorCode::invalid_argument);
}

TEST_F(BaselineQueries, ShowsTheOneInForceAnEarlierVersionOrAProposalWithWhatChanges) {
  OperatorApi api(parts());
  v1::GetBaselineRequest request;
  EXPECT_EQ(api.get_baseline(request).error().code, ErrorCode::invalid_argument);
  request.mutable_scope()->set_kind(v1::BaselineScope::KIND_HOST);
  request.mutable_scope()->set_name("web1");
  const auto in_force = api.get_baseline(request);
  ASSERT_TRUE(in_force) << in_force.error().message;
  EXPECT_EQ(in_force->baseline().id(), 2U);
  EXPECT_EQ(in_force->compared_version(), 1U);
  EXPECT_EQ(ports(in_force->added()), (std::vector<std::uint32_t>{443}));
  request.set_version(1);
  EXPECT_EQ(api.get_baseline(request)->baseline().id(), 1U);
  EXPECT_EQ(api.get_baseline(request)->compared_version(), 0U);
  request.set_version(9);
  EXPECT_EQ(api.get_baseline(request).error().code, ErrorCode::not_found);
  request = {};
  request.set_id(4);
  const auto proposal = api.get_baseline(request);
  EXPECT_EQ(proposal->compared_version(), 2U);
  EXPECT_EQ(ports(proposal->added()), (std::vector<std::uint32_t>{8080}));
  EXPECT_EQ(ports(proposal->removed()), (std::vector<std::uint32_t>{22}));
}

TEST_F(BaselineQueries, TheDifferenceIsWhatTheRulesFindAndWhatIsMissing) {
  OperatorApi api(parts());
  model::Host host = a_host("web1", '1');
  model::SocketsFacts facts;
  for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{4444}}) {
    model::Listener listener;
    listener.port = port;
    listener.address = "0.0.0.0";
    listener.executable = "/usr/sbin/d";
    listener.user = "root";
    facts.listeners.push_back(listener);
  }
  model::CheckStatus status;
  status.check = {model::CheckKind::sockets, ""};
  status.observation.check = status.check;
  status.observation.facts = facts;
  host.checks = {status};
  fake_.state.host_rows = {host};
  v1::DiffBaselineRequest request;
  request.set_host("web1");
  const auto diff = api.diff_baseline(request);
  ASSERT_TRUE(diff) << diff.error().message;
  EXPECT_EQ(diff->baseline().version(), 2U);
  ASSERT_EQ(diff->checks_size(), 1);
  EXPECT_EQ(diff->checks(0).verdict(), v1::VERDICT_ABNORMAL);
  EXPECT_EQ(ports(diff->unexpected()), (std::vector<std::uint32_t>{4444}));
  EXPECT_EQ(ports(diff->absent()), (std::vector<std::uint32_t>{443}));
  request.set_host("web9");
  EXPECT_EQ(api.diff_baseline(request).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tocsin::collector
