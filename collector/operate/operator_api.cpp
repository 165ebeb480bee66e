#include "collector/operate/operator_api.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "collector/core/commands.hpp"
#include "collector/operate/agentless.hpp"
#include "collector/operate/command_request.hpp"
#include "collector/operate/summary.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/rules/judge.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestReadWait{5000};
constexpr milliseconds kLongestExecuteWait{15000};
constexpr std::uint64_t kLagWorthAWarning = 10'000;
constexpr std::uint32_t kDefaultRows = 100;
constexpr std::uint32_t kShortestToken = 60;
constexpr std::uint32_t kLongestToken = 7 * 24 * 3600;
constexpr std::size_t kTimelineItems = 500;  // of one incident in an answer, the newest
constexpr std::size_t kNotifications = 200;
constexpr std::size_t kFindings = 500;
constexpr std::size_t kReplyBytes = limits::kBatchBytes;

milliseconds bounded(std::uint32_t wait_ms, milliseconds most) {
  return std::min(milliseconds(wait_ms), most);
}

IncidentQuery all_open() {
  IncidentQuery query;
  query.open_only = true;
  query.limit = limits::kPageRows;
  return query;
}

// Observations are large: they go out for one host at a time only.
void add_host(const model::Host& host, bool with_observations, v1::HostList& list) {
  v1::HostState* row = list.add_hosts();
  if (with_observations) {
    wire::to_proto(host, *row);
    if (row->ByteSizeLong() <= kReplyBytes) return;
    row->Clear();
  }
  model::Host light = host;
  for (model::CheckStatus& check : light.checks) check.observation = {};
  wire::to_proto(light, *row);
  for (v1::CheckStatus& check : *row->mutable_checks()) check.clear_observation();
}

// How many older ones there are than those in the answer.
std::uint32_t beyond(std::uint64_t all, std::size_t answered) {
  const std::uint64_t rest = all > answered ? all - answered : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(rest, UINT32_MAX));
}

bool names(std::string_view wanted, const model::Host& host) {
  return wanted.empty() || host.name.starts_with(wanted) || host.agent.hex == wanted;
}

// What others see of a host without an agent is an incident of that host, not of theirs.
bool is_of(const model::Incident& incident, const model::Host& host) {
  return incident.host_name == host.name ||
         (!host.agent.hex.empty() && incident.agent == host.agent);
}

}  // namespace

OperatorApi::OperatorApi(Parts parts) : parts_(std::move(parts)) {}

Status OperatorApi::wait_until(const v1::ReadAt& read_at) {
  if (read_at.at_least_position() == 0) return {};
  const Position wanted{read_at.at_least_position()};
  if (parts_.judge.wait_for(wanted, bounded(read_at.wait_ms(), kLongestReadWait))) return {};
  return fail(ErrorCode::deadline_exceeded,
              fmt::format("position {} is not judged yet (judged: {})", wanted.value,
                          parts_.judge.progress().judged.value));
}

Result<v1::AsOf> OperatorApi::as_of() {
  // The head first: what is accepted after it must not look like a lag.
  const Position head = parts_.journal_head();
  const auto state = parts_.state.as_of();
  if (!state) return fail(state.error());
  v1::AsOf as_of;
  as_of.set_position(state->cursor.value);
  as_of.set_judge_lag(head > state->cursor ? head.value - state->cursor.value : 0);
  // Where everything is judged the state holds now, and not only since the last entry.
  const Instant at = as_of.judge_lag() == 0 ? parts_.intake.journal_now() : state->judged_at;
  as_of.set_journal_ns(at.ns);
  return as_of;
}

Result<v1::AsOf> OperatorApi::as_of(const v1::ReadAt& read_at) {
  TOCSIN_TRY(wait_until(read_at));
  return as_of();
}

Result<v1::Status> OperatorApi::get_status(const model::Principal& caller,
                                           const v1::GetStatusRequest& request) {
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  const auto agents = parts_.state.agents();
  if (!agents) return fail(agents.error());
  auto open = parts_.state.incidents(all_open());
  if (!open) return fail(open.error());
  const auto pending = parts_.state.pending_notifications();
  if (!pending) return fail(pending.error());
  const auto last = parts_.state.last_by_channel();
  if (!last) return fail(last.error());
  const auto policy = parts_.judge.policy();

  v1::Status status;
  status.set_site(policy->site);
  status.set_version(parts_.version);
  status.set_started_ns(parts_.started.ns);
  status.set_store(parts_.store);
  status.set_journal_head(parts_.journal_head().value);
  count_agents(*agents, status);
  describe_channels(*policy, *pending, *last, status);
  std::vector<model::Message> warnings = all_warnings(*now);
  if (open->size() >= limits::kPageRows) {
    warnings.push_back({"operator.open_over_limit", {{"count", fmt::format("{}", open->size())}}});
  }
  count_incidents(std::move(*open), status);
  for (const model::Message& warning : warnings) wire::to_proto(warning, *status.add_warnings());
  for (const CounterSource& source : parts_.counters) {
    auto* counter = status.add_counters();
    counter->set_name(source.name);
    counter->set_value(source.value());
  }
  for (const auto& [name, value] : parts_.judge.counts()) {
    auto* counter = status.add_counters();
    counter->set_name("core." + name);
    counter->set_value(value);
  }
  wire::to_proto(caller, *status.mutable_you());
  *status.mutable_as_of() = std::move(*now);
  return status;
}

std::vector<model::Message> OperatorApi::all_warnings(const v1::AsOf& as_of) {
  std::vector<model::Message> warnings =
      parts_.warnings ? parts_.warnings() : std::vector<model::Message>{};
  if (const auto failure = parts_.judge.failure()) {
    warnings.push_back({"judge.failed", {{"error", failure->message}}});
  }
  if (as_of.judge_lag() >= kLagWorthAWarning) {
    warnings.push_back({"judge.lagging", {{"entries", fmt::format("{}", as_of.judge_lag())}}});
  }
  if (const std::uint64_t unknown = parts_.judge.progress().unknown_entries; unknown != 0) {
    warnings.push_back({"judge.unknown_entries", {{"count", fmt::format("{}", unknown)}}});
  }
  return warnings;
}

// All that may be listed. One that is called by its whole name, and has an agent, is all that is
// asked for: the others are not read, which show what they saw last with it.
Result<std::vector<model::Host>> OperatorApi::listed_hosts(const std::string& name) {
  if (!name.empty()) {
    auto called = parts_.state.hosts_called(name);
    const bool found = called && std::any_of(called->begin(), called->end(),
                                             [](const model::Host& host) { return !host.revoked; });
    if (!called || found) return called;
  }
  auto hosts = parts_.state.hosts();
  if (!hosts) return hosts;
  std::vector<model::Host> pages = hosts_without_agent(*parts_.judge.policy(), *hosts);
  std::move(pages.begin(), pages.end(), std::back_inserter(*hosts));
  return hosts;
}

Result<v1::HostList> OperatorApi::list_hosts(const v1::ListHostsRequest& request) {
  if (request.name().size() > limits::kName) {
    return fail(ErrorCode::invalid_argument, "the host name is too long");
  }
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  auto hosts = listed_hosts(request.name());
  if (!hosts) return fail(hosts.error());
  const auto open = parts_.state.incidents(all_open());
  if (!open) return fail(open.error());

  const auto has_incident = [&](const model::Host& host) {
    return std::any_of(open->begin(), open->end(),
                       [&](const model::Incident& i) { return is_of(i, host); });
  };
  std::erase_if(*hosts, [&](const model::Host& host) {
    const bool attention =
        host.agent.hex.empty() ? agentless_needs_attention(host) : needs_attention(host);
    return !names(request.name(), host) ||
           (request.abnormal_only() && !attention && !has_incident(host));
  });
  // A whole name is meant as such, also where it begins another one.
  const auto exact = std::find_if(hosts->begin(), hosts->end(), [&](const model::Host& host) {
    return host.name == request.name();
  });
  if (!request.name().empty() && exact != hosts->end()) {
    std::erase_if(*hosts, [&](const model::Host& host) { return host.name != request.name(); });
  }
  std::stable_sort(hosts->begin(), hosts->end(),
                   [](const model::Host& a, const model::Host& b) { return a.name < b.name; });

  v1::HostList list;
  *list.mutable_as_of() = std::move(*now);
  const bool with_observations = !request.name().empty() && hosts->size() == 1;
  for (const model::Host& host : *hosts) add_host(host, with_observations, list);
  for (const model::Incident& incident : *open) {
    const bool listed = std::any_of(hosts->begin(), hosts->end(),
                                    [&](const model::Host& host) { return is_of(incident, host); });
    if (listed) wire::to_proto(incident, *list.add_open_incidents());
  }
  return list;
}

Result<v1::MetricList> OperatorApi::get_metrics(const v1::GetMetricsRequest& request) {
  if (request.host().size() > limits::kName || request.name().size() > limits::kSeriesName) {
    return fail(ErrorCode::invalid_argument, "a name is too long");
  }
  const auto now = as_of();
  if (!now) return fail(now.error());
  const auto hosts = parts_.state.hosts_called(request.host());
  if (!hosts) return fail(hosts.error());
  const auto host =
      std::find_if(hosts->begin(), hosts->end(), [](const model::Host& h) { return !h.revoked; });
  if (host == hosts->end() || !parts_.samples) {
    return fail(ErrorCode::not_found, fmt::format("no host {}", request.host()));
  }
  const Instant since = request.since_s() == 0
                            ? Instant{INT64_MIN}
                            : Instant{now->journal_ns()} - std::chrono::seconds(request.since_s());
  const auto samples = parts_.samples(host->agent, request.name(), since);
  if (!samples) return fail(samples.error());
  v1::MetricList list;
  list.set_host(host->name);
  std::size_t bytes = 0;
  std::string left_out;
  for (const series::Sample& sample : *samples) {
    const bool fresh = list.series().empty() || list.series().rbegin()->name() != sample.series;
    bytes += sizeof sample.at.ns + sizeof sample.value + (fresh ? sample.series.size() : 0);
    if (fresh && bytes > kReplyBytes) {
      if (sample.series != left_out) list.set_series_left_out(list.series_left_out() + 1);
      left_out = sample.series;
      continue;
    }
    v1::Series& series = fresh ? *list.add_series() : *list.mutable_series()->rbegin();
    if (fresh) series.set_name(sample.series);
    series.add_at_ns(sample.at.ns);
    series.add_value(sample.value);
  }
  return list;
}

Result<v1::IncidentList> OperatorApi::list_incidents(const v1::ListIncidentsRequest& request) {
  const std::uint32_t limit = request.limit() == 0 ? kDefaultRows : request.limit();
  if (limit > limits::kPageRows) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("at most {} incidents at a time", limits::kPageRows));
  }
  if (request.at_least() < v1::SEVERITY_UNSPECIFIED || request.at_least() > v1::SEVERITY_A) {
    return fail(ErrorCode::invalid_argument, "unknown severity");
  }
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  IncidentQuery query;
  query.open_only = request.open_only();
  query.unacknowledged_only = request.unacknowledged_only();
  query.at_least = static_cast<model::Severity>(request.at_least());
  // One more, to know whether there are more; a full page of the store may be followed by another.
  query.limit = std::min<std::size_t>(limit + 1, limits::kPageRows);
  query.before = IncidentId{request.before_id()};
  auto incidents = parts_.state.incidents(query);
  if (!incidents) return fail(incidents.error());

  v1::IncidentList list;
  *list.mutable_as_of() = std::move(*now);
  list.set_more(incidents->size() > limit || incidents->size() == limits::kPageRows);
  if (incidents->size() > limit) incidents->resize(limit);
  for (const model::Incident& incident : *incidents)
    wire::to_proto(incident, *list.add_incidents());
  return list;
}

Result<v1::IncidentDetail> OperatorApi::get_incident(const v1::GetIncidentRequest& request) {
  if (request.reference().empty() || request.reference().size() > limits::kName) {
    return fail(ErrorCode::invalid_argument, "an incident's number or id is needed");
  }
  TOCSIN_TRY(wait_until(request.read_at()));
  auto now = as_of();
  if (!now) return fail(now.error());
  const auto incident = parts_.state.incident(request.reference());
  if (!incident) return fail(incident.error());
  if (!*incident) {
    return fail(ErrorCode::not_found,
                "no incident " + clean_text(request.reference(), limits::kName));
  }
  const IncidentId id = (*incident)->id;
  const auto counts = parts_.state.row_counts(id);
  if (!counts) return fail(counts.error());
  const auto findings = parts_.state.findings(id, kFindings);
  if (!findings) return fail(findings.error());
  const auto timeline = parts_.state.timeline(id, kTimelineItems);
  if (!timeline) return fail(timeline.error());
  const auto notifications = parts_.state.notifications(id, kNotifications);
  if (!notifications) return fail(notifications.error());

  v1::IncidentDetail detail;
  *detail.mutable_as_of() = std::move(*now);
  wire::to_proto(**incident, *detail.mutable_incident());
  for (const auto& finding : *findings) wire::to_proto(finding, *detail.add_findings());
  for (const auto& item : *timeline) wire::to_proto(item, *detail.add_timeline());
  detail.set_findings_left_out(beyond(counts->findings, findings->size()));
  detail.set_timeline_left_out(beyond(counts->timeline, timeline->size()));
  detail.set_notifications_left_out(beyond(counts->notifications, notifications->size()));
  for (const auto& notification : *notifications) {
    v1::NotificationState* row = detail.add_notifications();
    wire::to_proto(notification, *row);
    row->clear_body();  // The timeline and the findings say the same, once.
  }
  return detail;
}

Result<v1::ExecuteReply> OperatorApi::execute(const model::Principal& caller,
                                              const v1::ExecuteRequest& request) {
  auto command = command_from(request.command(), caller);
  if (!command) return fail(command.error());
  return submit(std::move(*command), request.wait_ms());
}

Result<v1::ExecuteReply> OperatorApi::submit(model::Command command, std::uint32_t wait_ms) {
  v1::ExecuteReply reply;
  const std::string who = command.principal.name;
  // Repeating a command that was judged is harmless, and not worth a second entry.
  auto known = parts_.state.command_result(command.id);
  if (!known) return fail(known.error());
  if (!*known) {
    const std::string id = command.id;
    std::string bytes = wire::encode_journal(command);
    log::info("operator.command", {{"id", id}, {"who", who}, {"act", act_name(command)}});
    const auto committed = parts_.intake.submit_and_wait({std::move(bytes), std::move(command)});
    if (!committed) return fail(committed.error());
    reply.set_position(committed->last.value);
    if (!parts_.judge.wait_for(committed->last, bounded(wait_ms, kLongestExecuteWait))) {
      reply.set_pending(true);
      return reply;
    }
    known = parts_.state.command_result(id);
    if (!known) return fail(known.error());
    if (!*known)
      return fail(ErrorCode::internal, "command " + id + " was judged without an answer");
  }
  // An id is its caller's: what somebody else was answered is not shown, and nothing was done.
  if (!(*known)->principal.empty() && (*known)->principal != who) {
    return fail(ErrorCode::already_exists, "this command id was used by somebody else");
  }
  // Once an agent has done what it was asked, its answer is the command's.
  if (!(*known)->request_id.empty()) {
    auto done = parts_.state.command_result((*known)->request_id);
    if (!done) return fail(done.error());
    if (*done) known = std::move(done);
  }
  reply.set_position(std::max(reply.position(), (*known)->position.value));
  wire::to_proto(**known, *reply.mutable_result());
  return reply;
}

namespace {

constexpr std::uint32_t kTokenWaitMs = 5000;

Error used_before() {
  return {ErrorCode::already_exists,
          "this command id was used before, and a token is shown once: ask with another id"};
}

// Nothing, or why the token must not be handed out.
Status check_token_answer(const model::Principal& caller, const std::string& token_id,
                          const Result<v1::ExecuteReply>& answer) {
  if (!answer) return fail(answer.error());
  if (answer->pending()) {
    return fail(ErrorCode::deadline_exceeded, "the judge did not come to it; the token is spent");
  }
  if (token_id.empty() || answer->result().outcome() != v1::CommandResult::OUTCOME_DONE) {
    return fail(ErrorCode::permission_denied,
                fmt::format("role {} may not create enrolment tokens", to_string(caller.role)));
  }
  // Two at once with one id: the answer is about the token of the other.
  const auto& parameters = answer->result().detail().parameters();
  const bool own = std::any_of(parameters.begin(), parameters.end(), [&](const auto& parameter) {
    return parameter.name() == "token" && parameter.value() == token_id;
  });
  return own ? Status{} : fail(used_before());
}

}  // namespace

Result<v1::EnrollToken> OperatorApi::create_enroll_token(
    const model::Principal& caller, const v1::CreateEnrollTokenRequest& request) {
  TOCSIN_TRY(check_command_id(request.command_id()));
  const std::uint32_t valid_s = request.valid_s() == 0 ? 3600 : request.valid_s();
  if (valid_s < kShortestToken || valid_s > kLongestToken) {
    return fail(ErrorCode::invalid_argument, "a token is valid for 60 s to 7 days");
  }
  if (request.host_name().size() > limits::kName) {
    return fail(ErrorCode::invalid_argument, "the host name is too long");
  }
  const auto known = parts_.state.command_result(request.command_id());
  if (!known) return fail(known.error());
  if (*known) return fail(used_before());
  const TokenRequest wanted{caller, clean_text(request.host_name(), limits::kName),
                            std::chrono::seconds(valid_s), request.replace()};
  // For who may not have one none is made; the judge refuses it, so that the journal tells who
  // tried.
  std::optional<NewToken> token;
  if (may(caller.role, "create_token")) {
    auto created = parts_.create_token(wanted);
    if (!created) return fail(created.error());
    token = *std::move(created);
  }
  const std::string token_id = token ? token->token_id : std::string();
  const model::CreateToken act{token_id, wanted.host_name, wanted.valid, wanted.replace};
  const Status good = check_token_answer(
      caller, token_id, submit({request.command_id(), caller, 0, {}, act}, kTokenWaitMs));
  if (!good) {
    const Status spent = token ? parts_.spend_token(token->token) : Status{};
    if (!spent) {
      log::error("enroll.token_not_spent", {{"token", token_id}, {"why", spent.error().message}});
    }
    return fail(good.error());
  }
  v1::EnrollToken reply;
  reply.set_token(std::move(token->token));
  reply.set_expires_ns(token->expires.ns);
  reply.set_enroll_address(parts_.enroll_address);
  reply.set_authority_fingerprint(parts_.authority_fingerprint);
  return reply;
}

Result<v1::AuditReport> OperatorApi::verify_audit(const v1::VerifyAuditRequest&) {
  if (verifying_.test_and_set()) {
    return fail(ErrorCode::resource_exhausted, "the journal is being verified already; try later");
  }
  const auto chain = parts_.verify_journal();
  verifying_.clear();
  if (!chain) return fail(chain.error());
  v1::AuditReport report;
  report.set_intact(chain->intact);
  report.set_entries(chain->entries);
  report.set_groups(chain->groups);
  report.set_first_position(chain->first.value);
  report.set_last_position(chain->last.value);
  report.set_head_hash(chain->head_hash);
  if (!chain->intact) wire::to_proto(chain->problem, *report.mutable_problem());
  return report;
}

}  // namespace tocsin::collector
