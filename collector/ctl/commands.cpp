#include "collector/ctl/commands.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/ctl/columns.hpp"
#include "collector/ctl/diagnosis.hpp"
#include "collector/ctl/evidence.hpp"
#include "collector/ctl/give.hpp"
#include "collector/ctl/json.hpp"
#include "collector/ctl/render.hpp"
#include "collector/ctl/resolve.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/model/incident.hpp"

namespace tocsin::ctl {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kWaitStepMs = 1000;
constexpr std::size_t kSimilar = 12;

// One command on its way: everything it needs, and the answer it builds up.
class Runner {
 public:
  Runner(const Settings& settings, Client& client, const time::TimeSource& time)
      : settings_(settings), view_(settings.view), client_(client), time_(time) {}

  Printed operator()(const ShowStatus& command);
  Printed operator()(const ShowHosts& command);
  Printed operator()(const ShowMetrics& command);
  Printed operator()(const ListIncidents& command);
  Printed operator()(const ShowIncident& command);
  Printed operator()(const ActOnIncidents& command);
  Printed operator()(const DecideOnIncident& command);
  Printed operator()(const RunCheck& command);
  Printed operator()(const Revoke& command);
  Printed operator()(const RestartService& command);
  Printed operator()(const Explain& command);
  Printed operator()(const CreateToken& command);
  Printed operator()(const OnBaseline& command) {
    return run_on_baseline(command, settings_, client_);
  }
  Printed operator()(const VerifyAudit& command);
  Printed operator()(const EvidenceCommand& command);

 private:
  Printed failed(const Error& error) const { return printed(error, settings_); }
  template <class Message, class Render>
  Printed show(const Message& message, Render render) const {
    Printed shown{ExitCode::done, settings_.json ? to_json(message) + "\n" : render(), ""};
    if constexpr (requires { message.as_of(); }) shown.position = message.as_of().position();
    return shown;
  }
  // A list as the columns that were asked for.
  template <class List, class Rows>
  Printed show_columns(const List& list, const Rows& rows) const {
    auto text =
        columns_text(view_, rows, settings_.columns, settings_.headings, list.as_of().journal_ns());
    if (!text) return failed(text.error());
    Printed shown{ExitCode::done, *std::move(text), ""};
    shown.position = list.as_of().position();
    return shown;
  }
  Result<v1::IncidentDetail> find_incident(std::string_view reference);
  // The only host of that name, or whose name begins so. Errors: as only_host().
  Result<v1::HostState> host_named(const std::string& name);
  Result<v1::ExecuteReply> wait_for_agent(const v1::Command& command, v1::ExecuteReply reply);
  Printed act_on(const ActOnIncidents& command, const std::string& reference);
  Printed send(const v1::IncidentState& incident, const v1::Command& act);
  // One check that a host was asked to run.
  struct Asked {
    std::string what;
    v1::Command command;
    Result<v1::ExecuteReply> reply;
  };
  Asked ask(const v1::HostState& host, const v1::CheckRef& check);
  Printed outcome_of(Asked& asked, bool wait);
  void apply_fail_on(const google::protobuf::RepeatedPtrField<v1::IncidentState>& incidents,
                     Printed& printed_so_far) const;

  const Settings& settings_;
  const View& view_;
  Client& client_;
  const time::TimeSource& time_;
};

std::string explained(const std::string& topic, std::string_view text, const Settings& settings) {
  if (!settings.json) return std::string(text);
  return fmt::format("{{\"topic\":{},\"text\":{}}}\n", json_text(topic), json_text(text));
}

Printed not_explained(const std::string& topic, const Settings& settings) {
  std::string message = fmt::format("no code \"{}\"", clean_text(topic, limits::kName));
  const std::vector<std::string> similar = similar_codes(topic, kSimilar);
  for (std::size_t i = 0; i < similar.size(); ++i) {
    message += (i == 0 ? "; did you mean: " : ", ") + similar[i];
  }
  return printed({ErrorCode::not_found, message}, settings);
}

// A code has a dot and letters first ("port.unexpected"), a grade is one letter; a number has
// dashes or digits.
bool may_be_incident(std::string_view topic) {
  return topic.find('.') == std::string_view::npos &&
         topic.find_first_of("0123456789") != std::string_view::npos;
}

// The agent was asked and has not answered yet.
bool is_asked(const v1::ExecuteReply& reply) {
  const std::string& code = reply.result().detail().code();
  return code == "command.requested" || code == "command.restart_requested";
}

void Runner::apply_fail_on(const google::protobuf::RepeatedPtrField<v1::IncidentState>& incidents,
                           Printed& so_far) const {
  if (settings_.fail_on.empty()) return;
  const auto level = severity_from(settings_.fail_on);
  if (!level) {
    so_far = failed(level.error());
    return;
  }
  const bool met = std::any_of(incidents.begin(), incidents.end(), [&](const auto& incident) {
    return incident.closed_ns() == 0 && shown_severity(incident) >= *level;
  });
  if (met) so_far.exit = ExitCode::level_met;
}

Printed Runner::operator()(const ShowStatus& command) {
  const auto status = client_.get_status({});
  if (!status) return failed(status.error());
  Printed result = show(
      *status, [&] { return render_status(view_, settings_.address, *status, command.counters); });
  apply_fail_on(status->needs_you(), result);
  return result;
}

Printed Runner::operator()(const ShowHosts& command) {
  v1::ListHostsRequest request;
  request.set_name(command.name);
  request.set_abnormal_only(command.abnormal);
  const auto list = client_.list_hosts(request);
  if (!list) return failed(list.error());
  Printed result;
  if (!settings_.columns.empty()) {
    result = show_columns(*list, list->hosts());
  } else if (command.name.empty()) {
    result = show(*list, [&] { return render_hosts(view_, *list); });
  } else {
    const auto host = only_host(*list, command.name);
    if (!host) return failed(host.error());
    result = show(*list, [&] { return render_host(view_, *list); });
  }
  apply_fail_on(list->open_incidents(), result);
  return result;
}

Printed Runner::operator()(const ShowMetrics& command) {
  v1::ListHostsRequest asked;
  asked.set_name(command.host);
  const auto list = client_.list_hosts(asked);
  if (!list) return failed(list.error());
  const auto host = only_host(*list, command.host);
  if (!host) return failed(host.error());
  v1::GetMetricsRequest request;
  request.set_host(host->agent_id());
  request.set_name(command.name);
  request.set_since_s(seconds_field(command.since));
  const auto curves = client_.get_metrics(request);
  if (!curves) return failed(curves.error());
  return show(*curves, [&] { return render_metrics(view_, *curves); });
}

Printed Runner::operator()(const ListIncidents& command) {
  v1::ListIncidentsRequest request;
  request.set_open_only(command.open);
  request.set_unacknowledged_only(command.unacknowledged);
  request.set_limit(command.limit);
  request.set_before_id(command.before);
  if (!command.severity.empty()) {
    const auto severity = severity_from(command.severity);
    if (!severity) return failed(severity.error());
    request.set_at_least(*severity);
  }
  const auto list = client_.list_incidents(request);
  if (!list) return failed(list.error());
  Printed result = settings_.columns.empty()
                       ? show(*list, [&] { return render_incidents(view_, *list); })
                       : show_columns(*list, list->incidents());
  apply_fail_on(list->incidents(), result);
  return result;
}

Result<v1::HostState> Runner::host_named(const std::string& name) {
  v1::ListHostsRequest request;
  request.set_name(name);
  const auto list = client_.list_hosts(request);
  if (!list) return fail(list.error());
  return only_host(*list, name);
}

// A whole number or id as it stands; else the end of a number among the newest thousand.
Result<v1::IncidentDetail> Runner::find_incident(std::string_view reference) {
  v1::GetIncidentRequest request;
  request.set_reference(exact_reference(reference));
  if (!request.reference().empty()) {
    auto detail = client_.get_incident(request);
    if (detail || detail.error().code != ErrorCode::not_found) return detail;
  }
  v1::ListIncidentsRequest everything;
  everything.set_limit(limits::kPageRows);
  const auto list = client_.list_incidents(everything);
  if (!list) return fail(list.error());
  const auto incident = match_incident(*list, reference);
  if (!incident) return fail(incident.error());
  request.set_reference(incident->number());
  return client_.get_incident(request);
}

Printed Runner::operator()(const ShowIncident& command) {
  const auto detail = find_incident(command.reference);
  if (!detail) return failed(detail.error());
  return show(*detail, [&] {
    return command.timeline ? render_timeline(view_, *detail) : render_incident(view_, *detail);
  });
}

Printed Runner::operator()(const ActOnIncidents& command) {
  Printed all;
  for (const std::string& reference : command.references) {
    Printed one = act_on(command, reference);
    all.out += one.out;
    all.err += one.err;
    if (all.exit == ExitCode::done) all.exit = one.exit;
  }
  return all;
}

Printed Runner::act_on(const ActOnIncidents& command, const std::string& reference) {
  const auto detail = find_incident(reference);
  if (!detail) return failed(detail.error());
  const v1::IncidentState& incident = detail->incident();
  v1::Command act = new_command(command.note);
  act.set_seen_revision(incident.revision());
  if (command.act == ActOnIncidents::Act::acknowledge) {
    // Nobody has looked at what was just fetched. Without a revision the collector acknowledges
    // what is free or the caller's own, and answers a conflict that names who else has it.
    if (incident.acknowledged_ns() != 0 && !command.take_over) act.set_seen_revision(0);
    act.mutable_acknowledge()->set_incident_id(incident.id());
  } else {
    act.mutable_register_()->set_incident_id(incident.id());
  }
  return send(incident, act);
}

Printed Runner::send(const v1::IncidentState& incident, const v1::Command& act) {
  const std::string what =
      fmt::format("{} {} {}", reference_of(incident),
                  clean_text(incident.host_name(), limits::kName), words(view_, incident.title()));
  return give(what, act, settings_, client_);
}

// Fills in what is decided. Errors: invalid_argument, a word that is none.
Status set_decision(const DecideOnIncident& command, std::uint64_t incident, v1::Command& act) {
  using Act = DecideOnIncident::Act;
  const bool has_verdict = command.act == Act::judge || command.act == Act::close;
  auto verdict = v1::INCIDENT_VERDICT_UNSPECIFIED;
  if (has_verdict && !command.verdict.empty()) {
    const auto known = model::incident_verdict_from(command.verdict);
    if (!known) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("no verdict \"{}\"; there are: confirmed, false-alarm, fault, "
                              "incident, undetermined",
                              clean_text(command.verdict, limits::kName)));
    }
    verdict = static_cast<v1::IncidentVerdict>(*known);
  }
  if (command.act == Act::judge) {
    act.mutable_judge()->set_incident_id(incident);
    act.mutable_judge()->set_verdict(verdict);
  } else if (command.act == Act::close) {
    act.mutable_close()->set_incident_id(incident);
    act.mutable_close()->set_verdict(verdict);
  } else if (command.act == Act::estimate) {
    act.mutable_estimate_repair()->set_incident_id(incident);
    act.mutable_estimate_repair()->set_duration_s(seconds_field(command.estimate));
  } else {
    const auto severity = severity_from(command.severity);
    if (!severity) return fail(severity.error());
    act.mutable_approve_grade()->set_incident_id(incident);
    act.mutable_approve_grade()->set_severity(*severity);
  }
  return {};
}

Printed Runner::operator()(const DecideOnIncident& command) {
  v1::Command act = new_command(command.reason);
  // A word that is none is said before anybody is asked.
  if (const Status known = set_decision(command, 0, act); !known) return failed(known.error());
  const auto detail = find_incident(command.reference);
  if (!detail) return failed(detail.error());
  const v1::IncidentState& incident = detail->incident();
  act.set_seen_revision(incident.revision());
  if (const Status set = set_decision(command, incident.id(), act); !set) {
    return failed(set.error());
  }
  return send(incident, act);
}

// The first answer says that the agent was asked; repeating the command (harmless) gives the
// second. Between, the collector holds a read until something new is judged: no polling in a tight
// loop.
Result<v1::ExecuteReply> Runner::wait_for_agent(const v1::Command& command,
                                                v1::ExecuteReply reply) {
  const MonoTime give_up = time_.steady() + settings_.timeout;
  while (is_asked(reply) && time_.steady() < give_up) {
    v1::ListIncidentsRequest anything;
    anything.set_limit(1);
    anything.mutable_read_at()->set_at_least_position(reply.position() + 1);
    anything.mutable_read_at()->set_wait_ms(kWaitStepMs);
    const auto woken = client_.list_incidents(anything);
    if (!woken && woken.error().code != ErrorCode::deadline_exceeded) return fail(woken.error());
    auto again = execute(command, settings_, client_);
    if (!again) return again;
    const std::uint64_t seen = woken ? woken->as_of().position() : reply.position();
    reply = std::move(*again);
    reply.set_position(std::max(reply.position(), seen));
  }
  return reply;
}

Printed Runner::operator()(const RunCheck& command) {
  const auto host = host_named(command.host);
  if (!host) return failed(host.error());
  const auto checks = checks_from(command.check, *host);
  if (!checks) return failed(checks.error());
  // All are asked before the first is waited for.
  std::vector<Asked> asked;
  for (const v1::CheckRef& check : *checks) asked.push_back(ask(*host, check));
  Printed all;
  std::uint64_t seen = 0;
  for (Asked& one : asked) {
    Printed printed_one = settings_.dry_run ? printed_not_sent(one.what, one.command, settings_)
                                            : outcome_of(one, command.wait);
    if (printed_one.exit == ExitCode::done && one.reply) seen = one.reply->result().position();
    all.out +=
        settings_.json && command.wait && printed_one.exit == ExitCode::done ? "" : printed_one.out;
    all.err += printed_one.err;
    if (all.exit == ExitCode::done) all.exit = printed_one.exit;
  }
  if (!command.wait || settings_.dry_run || seen == 0) return all;
  v1::ListHostsRequest request;
  request.set_name(host->agent_id());
  request.mutable_read_at()->set_at_least_position(seen);
  request.mutable_read_at()->set_wait_ms(kWaitStepMs);
  const auto now = client_.list_hosts(request);
  if (!now) return failed(now.error());
  if (now->hosts_size() == 1) {
    all.out += settings_.json ? to_json(*now) + "\n" : render_host(view_, *now);
  }
  return all;
}

Runner::Asked Runner::ask(const v1::HostState& host, const v1::CheckRef& check) {
  Asked asked;
  asked.command = new_command({});
  asked.command.mutable_run_check()->set_agent_id(host.agent_id());
  *asked.command.mutable_run_check()->mutable_check() = check;
  asked.what = fmt::format("{} {}", clean_text(host.name(), limits::kName), check_text(check));
  if (!settings_.dry_run) asked.reply = execute(asked.command, settings_, client_);
  return asked;
}

Printed Runner::outcome_of(Asked& asked, bool wait) {
  if (!asked.reply) return failed(asked.reply.error());
  if (!wait || asked.reply->pending() || exit_of(*asked.reply) != ExitCode::done) {
    return printed_answer(asked.what, *asked.reply, settings_);
  }
  asked.reply = wait_for_agent(asked.command, *std::move(asked.reply));
  if (!asked.reply) return failed(asked.reply.error());
  Printed result = printed_answer(asked.what, *asked.reply, settings_);
  if (is_asked(*asked.reply)) {
    result.exit = ExitCode::timed_out;
    const bool restart = asked.command.has_restart_service();
    result.err +=
        say(view_, restart ? "ctl.restart_service.no_answer" : "ctl.run_check.no_answer") + "\n";
  }
  return result;
}

Printed Runner::operator()(const Revoke& command) {
  v1::Command act = new_command(command.reason);
  std::string what = clean_text(command.name, limits::kName);
  if (command.what == Revoke::What::operator_) {
    act.mutable_revoke_operator()->set_name(command.name);
  } else {
    const auto host = host_named(command.name);
    if (!host) return failed(host.error());
    if (host->name() != command.name && host->agent_id() != command.name) {
      return failed(
          {ErrorCode::not_found, fmt::format("no host {}; its whole name is needed", what)});
    }
    act.mutable_revoke_agent()->set_agent_id(host->agent_id());
  }
  return give(what, act, settings_, client_);
}

Printed Runner::operator()(const RestartService& command) {
  const auto host = host_named(command.host);
  if (!host) return failed(host.error());
  Asked asked;
  asked.command = new_command({});
  asked.command.mutable_restart_service()->set_agent_id(host->agent_id());
  asked.command.mutable_restart_service()->set_unit(command.unit);
  asked.what = fmt::format("{} {}", clean_text(host->name(), limits::kName),
                           clean_text(command.unit, limits::kName));
  if (settings_.dry_run) return printed_not_sent(asked.what, asked.command, settings_);
  asked.reply = execute(asked.command, settings_, client_);
  return outcome_of(asked, command.wait);
}

Printed Runner::operator()(const Explain& command) {
  Printed unknown = not_explained(command.topic, settings_);
  if (may_be_incident(command.topic)) {
    const auto detail = find_incident(command.topic);
    if (detail) return show(*detail, [&] { return render_explanation(view_, *detail); });
    unknown = failed(detail.error());
    if (detail.error().code != ErrorCode::not_found) return unknown;
  }
  // A site's own message: its catalogue lies on its hosts, and what it says came with the finding.
  v1::ListIncidentsRequest everything;
  everything.set_limit(limits::kPageRows);
  const auto list = client_.list_incidents(everything);
  if (!list) return failed(list.error());
  const auto& incidents = list->incidents();
  const auto told = std::find_if(incidents.begin(), incidents.end(), [&](const auto& incident) {
    return tells_of_message(incident, command.topic);
  });
  if (told == incidents.end()) return unknown;
  return {ExitCode::done, explained(command.topic, explain_site_message(view_, *told), settings_),
          ""};
}

Printed Runner::operator()(const CreateToken& command) {
  v1::CreateEnrollTokenRequest request;
  request.set_command_id(new_command({}).id());
  request.set_host_name(command.host);
  request.set_replace(command.replace);
  request.set_valid_s(seconds_field(command.valid));
  if (settings_.dry_run) {
    return show(request, [&] { return say(view_, "ctl.dry_run") + "\n"; });
  }
  const auto token = client_.create_enroll_token(request);
  if (!token) return failed(token.error());
  return show(*token, [&] { return render_token(view_, *token, time_.wall().ns); });
}

Printed Runner::operator()(const VerifyAudit&) {
  const auto report = client_.verify_audit({});
  if (!report) return failed(report.error());
  Printed result = show(*report, [&] { return render_audit(view_, *report); });
  if (!report->intact()) result.exit = ExitCode::failed;
  return result;
}

Printed Runner::operator()(const EvidenceCommand& command) {
  return run_evidence(command, {settings_, client_, time_, [this](std::string_view reference) {
                                  return find_incident(reference);
                                }});
}

// What can be said without asking a collector; nothing where a collector may know more.
std::optional<Printed> explain_here(const std::string& topic, const Settings& settings) {
  std::string text;
  if (topic.size() == 1) {
    if (const auto severity = severity_from(topic)) {
      text = explain_severity(settings.view, *severity);
    }
  }
  if (text.empty()) text = explain_code(settings.view, topic);
  if (!text.empty()) return Printed{ExitCode::done, explained(topic, text, settings), ""};
  if (may_be_incident(topic) || similar_codes(topic, kSimilar).empty()) return std::nullopt;
  return not_explained(topic, settings);
}

Printed print_version(const Settings& settings) {
  if (settings.json) {
    return {ExitCode::done,
            fmt::format("{{\"program\":\"tocsinctl\",\"version\":\"{}\"}}\n", TOCSIN_VERSION), ""};
  }
  return {ExitCode::done, fmt::format("tocsinctl {}\n", TOCSIN_VERSION), ""};
}

}  // namespace

Printed printed_answer(std::string_view what, const v1::ExecuteReply& reply,
                       const Settings& settings) {
  Printed result{exit_of(reply), "", ""};
  const std::string text = render_result(settings.view, what, reply);
  if (settings.json) result.out = to_json(reply) + "\n";
  if (result.exit != ExitCode::done) {
    result.err = text;
  } else if (!settings.json) {
    result.out = text;
  }
  return result;
}

Printed printed_not_sent(std::string_view what, const v1::Command& command,
                         const Settings& settings) {
  return {ExitCode::done,
          settings.json ? to_json(command) + "\n"
                        : fmt::format("{}: {}\n", what, say(settings.view, "ctl.dry_run")),
          ""};
}

ExitCode exit_of(const v1::ExecuteReply& reply) {
  if (reply.pending()) return ExitCode::timed_out;
  switch (reply.result().outcome()) {
    case v1::CommandResult::OUTCOME_DONE:
      return ExitCode::done;
    case v1::CommandResult::OUTCOME_CONFLICT:
      return ExitCode::conflict;
    case v1::CommandResult::OUTCOME_NOT_FOUND:
      return ExitCode::not_found;
    case v1::CommandResult::OUTCOME_REFUSED:
      return reply.result().detail().code() == "command.not_permitted" ? ExitCode::not_permitted
                                                                       : ExitCode::failed;
    default:
      return ExitCode::failed;
  }
}

Printed printed(const Error& error, const Settings& settings) {
  Printed result{exit_code_of(error.code), "", ""};
  const std::string code = fmt::format("error.{}", to_string(error.code));
  result.err = say(settings.view, "ctl.error",
                   {{"what", i18n::text(settings.view.language, code).empty()
                                 ? std::string(to_string(error.code))
                                 : say(settings.view, code)},
                    {"detail", clean_text(error.message, 4 * limits::kText)}}) +
               "\n";
  if (settings.json) result.out = to_json(error) + "\n";
  return result;
}

Printed run(const Command& command, const Settings& settings, const Connect& connect,
            const time::TimeSource& time) {
  if (std::holds_alternative<HelpExitCodes>(command)) {
    return {ExitCode::done, render_exit_codes(settings.view), ""};
  }
  if (std::holds_alternative<ShowVersion>(command)) return print_version(settings);
  if (const auto* explain = std::get_if<Explain>(&command)) {
    if (auto known = explain_here(explain->topic, settings)) return *std::move(known);
  }
  if (const auto* signed_one = std::get_if<VerifyDiagnosis>(&command)) {
    return run_verify_diagnosis(*signed_one, settings, connect, time);
  }
  const auto client = connect();
  if (!client) return printed(client.error(), settings);
  Runner runner(settings, **client, time);
  return std::visit(
      [&](const auto& one) -> Printed {
        if constexpr (requires { runner(one); }) return runner(one);
        return {};  // Those above ask nobody.
      },
      command);
}

}  // namespace tocsin::ctl
