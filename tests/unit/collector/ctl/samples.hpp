// Answers of a collector on a bad night, for the tests of what is printed.
#pragma once

#include <string>

#include "tocsin/v1/operator.pb.h"

namespace tocsin::ctl::samples {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kNow = 1'795'364'467 * kSecond;  // 2026-11-23 00:21:07 in Taipei
inline const std::string kHostile = "evil\x1b[2J\nhost\u202e" + [] {
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "壞";
  return wide;
}();

inline void set_as_of(v1::AsOf& as_of) {
  as_of.set_position(918273);
  as_of.set_journal_ns(kNow);
}

inline void set_message(v1::Message& message, std::string code,
                        std::initializer_list<std::pair<std::string, std::string>> parameters) {
  message.set_code(std::move(code));
  for (const auto& [name, value] : parameters) {
    auto* parameter = message.add_parameters();
    parameter->set_name(name);
    parameter->set_value(value);
  }
}

inline v1::IncidentState port_incident() {
  v1::IncidentState incident;
  incident.set_id(42);
  incident.set_number("SI-115-0042");
  incident.set_revision(7);
  incident.set_agent_id(std::string(64, 'a'));
  incident.set_host_name("tsm-bk02");
  incident.set_kind("logical_access");
  set_message(*incident.mutable_title(), "port.unexpected",
              {{"protocol", "tcp"},
               {"address", "0.0.0.0"},
               {"port", "4444"},
               {"executable", "/tmp/.x/sshd2"},
               {"user", "root"},
               {"iana", "krb524"},
               {"why", "@why.not_in_baseline"}});
  incident.set_stage(v1::STAGE_IDENTIFICATION);
  incident.set_live(v1::SEVERITY_C);
  incident.set_peak(v1::SEVERITY_C);
  incident.set_first_bad_ns(kNow - 540 * kSecond);
  incident.set_opened_ns(kNow - 533 * kSecond);
  auto* why = incident.mutable_explanation();
  why->set_rules_version(1);
  why->set_proposed(v1::SEVERITY_C);
  why->add_hits("C2");
  why->add_hits("D3");
  auto* fact = why->add_facts();
  fact->set_name("access");
  fact->set_value("suspected");
  return incident;
}

inline v1::IncidentState slow_incident() {
  v1::IncidentState incident;
  incident.set_id(41);
  incident.set_revision(3);
  incident.set_agent_id(std::string(64, 'b'));
  incident.set_host_name("idc-web03");
  incident.set_kind("performance");
  set_message(*incident.mutable_title(), "ping.rtt.high",
              {{"address", "10.1.5.254"}, {"rtt_ms", "4200"}});
  incident.set_stage(v1::STAGE_CONTAINMENT);
  incident.set_live(v1::SEVERITY_D);
  incident.set_peak(v1::SEVERITY_B);
  incident.set_opened_ns(kNow - 2462 * kSecond);
  incident.set_first_bad_ns(kNow - 2470 * kSecond);
  incident.mutable_acknowledged_by()->set_name("李四");
  incident.mutable_acknowledged_by()->set_role(v1::ROLE_DUTY);
  incident.set_acknowledged_ns(kNow - 2000 * kSecond);
  return incident;
}

inline v1::IncidentState hostile_incident() {
  v1::IncidentState incident;
  incident.set_id(39);
  incident.set_number("SI-115-0039");
  incident.set_host_name(kHostile);
  incident.set_kind("availability");
  incident.set_agent_id(std::string(64, 'c'));
  set_message(*incident.mutable_title(), "service.inactive",
              {{"unit", "\x1b]0;owned\x07.service"}, {"why", "@why.stopped"}});
  incident.set_stage(v1::STAGE_FOLLOW_UP);
  incident.set_live(v1::SEVERITY_A);
  incident.set_peak(v1::SEVERITY_A);
  incident.set_opened_ns(kNow - 90000 * kSecond);
  return incident;
}

inline v1::IncidentList incidents() {
  v1::IncidentList list;
  set_as_of(*list.mutable_as_of());
  *list.add_incidents() = port_incident();
  *list.add_incidents() = slow_incident();
  *list.add_incidents() = hostile_incident();
  return list;
}

inline v1::Status status() {
  v1::Status status;
  set_as_of(*status.mutable_as_of());
  status.set_site("idc");
  status.set_version("0.1.0");
  status.set_started_ns(kNow - 41 * 86400 * kSecond);
  status.set_store("sqlite");
  status.set_agents_total(120);
  status.set_agents_heard(119);
  status.set_agents_silent(1);
  auto* mail = status.add_channels();
  mail->set_name("mail");
  mail->set_healthy(false);
  mail->set_pending(2);
  mail->set_failed(3);
  mail->set_since_ns(kNow - 960 * kSecond);
  set_message(*mail->mutable_last_detail(), "mail.unreachable",
              {{"reason", "smtp1:25: connection refused"}});
  auto* hook = status.add_channels();
  hook->set_name("hook");
  hook->set_healthy(true);
  for (const auto& [severity, count] :
       {std::pair{v1::SEVERITY_A, 1U}, std::pair{v1::SEVERITY_B, 0U}, std::pair{v1::SEVERITY_C, 1U},
        std::pair{v1::SEVERITY_D, 1U}, std::pair{v1::SEVERITY_E, 0U}}) {
    auto* row = status.add_open_by_severity();
    row->set_severity(severity);
    row->set_count(count);
  }
  status.set_unacknowledged(2);
  *status.add_needs_you() = hostile_incident();
  *status.add_needs_you() = port_incident();
  set_message(*status.add_warnings(), "judge.lagging", {{"entries", "12000"}});
  auto* counter = status.add_counters();
  counter->set_name("link.streams");
  counter->set_value(119);
  status.mutable_you()->set_name("wang");
  status.mutable_you()->set_role(v1::ROLE_DUTY);
  return status;
}

inline v1::CheckStatus check(v1::CheckKind kind, std::string target, v1::Verdict verdict) {
  v1::CheckStatus status;
  status.mutable_check()->set_kind(kind);
  status.mutable_check()->set_target(std::move(target));
  status.set_verdict(verdict);
  status.set_since_ns(kNow - 7200 * kSecond);
  return status;
}

inline v1::HostState host(std::string name, char digit) {
  v1::HostState host;
  host.set_name(std::move(name));
  host.set_agent_id(std::string(64, digit));
  host.set_agent_version("0.1.0");
  host.set_operating_system("Debian GNU/Linux 12");
  host.set_presence(v1::AgentPresence::STATE_HEARD);
  host.set_last_fact_ns(kNow - 3 * kSecond);
  host.set_facts(12431);
  return host;
}

inline v1::HostState struck_host() {
  v1::HostState host = samples::host("tsm-bk02", 'a');
  auto* sockets = host.add_checks();
  *sockets = check(v1::CHECK_KIND_SOCKETS, "", v1::VERDICT_ABNORMAL);
  *sockets->add_reasons() = port_incident().title();
  auto* service = host.add_checks();
  *service = check(v1::CHECK_KIND_SERVICE, "ssh.service", v1::VERDICT_NORMAL);
  set_message(*service->add_reasons(), "service.running", {{"unit", "ssh.service"}});
  auto* log = host.add_checks();
  *log = check(v1::CHECK_KIND_AUDIT_LOG, "journal", v1::VERDICT_CANNOT_TELL);
  set_message(*log->add_reasons(), "observation.not_permitted", {});
  *host.add_checks() = check(v1::CHECK_KIND_PROCESSES, "", v1::VERDICT_NOT_RUN);
  return host;
}

inline v1::HostList hosts() {
  v1::HostList list;
  set_as_of(*list.mutable_as_of());
  *list.add_hosts() = struck_host();
  *list.add_hosts() = host("idc-web03", 'b');
  list.mutable_hosts(1)->set_last_fact_ns(kNow - 5 * 3600 * kSecond);  // Nothing new; it is heard.
  *list.mutable_hosts(1)->add_checks() =
      check(v1::CHECK_KIND_PING, "10.1.5.254", v1::VERDICT_NORMAL);
  *list.add_hosts() = host("tsm-bk07", 'd');
  list.mutable_hosts(2)->set_presence(v1::AgentPresence::STATE_SILENT);
  list.mutable_hosts(2)->set_last_fact_ns(kNow - 7200 * kSecond);
  list.mutable_hosts(2)->set_presence_since_ns(kNow - 507 * kSecond);
  *list.add_hosts() = host(kHostile, 'c');
  *list.add_open_incidents() = port_incident();
  return list;
}

inline v1::HostList one_host() {
  v1::HostList list;
  set_as_of(*list.mutable_as_of());
  *list.add_hosts() = struck_host();
  *list.add_open_incidents() = port_incident();
  return list;
}

// A repair that somebody estimates at more than a day: the officer is asked for grade A.
inline v1::IncidentDetail asked() {
  v1::IncidentDetail detail;
  set_as_of(*detail.mutable_as_of());
  v1::IncidentState& incident = *detail.mutable_incident();
  incident = slow_incident();
  incident.set_live(v1::SEVERITY_B);
  incident.mutable_explanation()->set_proposed(v1::SEVERITY_B);
  incident.mutable_explanation()->set_asks(v1::SEVERITY_A);
  incident.set_asked(v1::SEVERITY_A);
  incident.set_asked_ns(kNow - 1800 * kSecond);
  return detail;
}

inline v1::IncidentDetail detail() {
  v1::IncidentDetail detail;
  set_as_of(*detail.mutable_as_of());
  *detail.mutable_incident() = port_incident();
  auto* finding = detail.add_findings();
  finding->set_id(57);
  finding->mutable_check()->set_kind(v1::CHECK_KIND_SOCKETS);
  *finding->mutable_message() = port_incident().title();
  finding->set_since_ns(kNow - 540 * kSecond);
  auto* opened = detail.add_timeline();
  opened->set_at_ns(kNow - 533 * kSecond);
  opened->set_position(918001);
  set_message(*opened->mutable_message(), "incident.opened",
              {{"host", "tsm-bk02"}, {"severity", "C"}});
  auto* registered = detail.add_timeline();
  registered->set_at_ns(kNow - 86400 * kSecond);
  registered->set_position(918100);
  registered->mutable_principal()->set_name("wang");
  set_message(*registered->mutable_message(), "incident.registered",
              {{"name", "wang"}, {"number", "SI-115-0042"}, {"note", "值班\x1b[31m備註"}});
  auto* told = detail.add_notifications();
  told->set_created_ns(kNow - 530 * kSecond);
  told->set_recipient("duty@idc.example");
  told->set_channel("mail");
  told->set_reason("opened");
  told->set_status(v1::NotificationState::STATUS_DELIVERED);
  told->set_attempts(1);
  auto* held = detail.add_notifications();
  held->set_created_ns(kNow - 530 * kSecond);
  held->set_recipient("officer");
  held->set_channel("hook");
  held->set_reason("opened");
  held->set_suppressed("below_threshold");
  held->set_status(v1::NotificationState::STATUS_SUPPRESSED);
  return detail;
}

inline v1::BaselineEntry listener_entry(std::uint32_t port, std::string executable,
                                        std::string package) {
  v1::BaselineEntry entry;
  entry.set_kind(v1::BaselineEntry::KIND_LISTENER);
  entry.set_protocol(v1::PROTOCOL_TCP);
  entry.set_address_class(v1::ADDRESS_CLASS_ANY);
  entry.set_port(port);
  entry.set_executable(std::move(executable));
  entry.set_package(std::move(package));
  if (entry.package().empty()) entry.set_sha256(std::string(64, 'e'));
  entry.set_user("root");
  return entry;
}

inline void set_decided(v1::Decided& decided, std::string name, v1::Role role, std::int64_t at_ns) {
  decided.mutable_by()->set_name(std::move(name));
  decided.mutable_by()->set_role(role);
  decided.set_at_ns(at_ns);
  decided.set_reason("新主機上線");
}

// A week of a backup host in which somebody left something.
inline v1::BaselineDetail proposal() {
  v1::BaselineDetail detail;
  set_as_of(*detail.mutable_as_of());
  v1::BaselineState& baseline = *detail.mutable_baseline();
  baseline.set_id(7);
  baseline.set_revision(1);
  baseline.mutable_scope()->set_kind(v1::BaselineScope::KIND_GROUP);
  baseline.mutable_scope()->set_name("tsm");
  baseline.set_status(v1::BaselineState::STATUS_PROPOSED);
  baseline.set_window_from_ns(kNow - 7 * 86400 * kSecond);
  baseline.set_window_to_ns(kNow - 300 * kSecond);
  baseline.set_host_count(2);
  baseline.add_hosts("tsm-bk01");
  baseline.add_hosts(kHostile);
  set_message(*baseline.add_notes(), "baseline.note.window_short", {{"since", "2026-11-20T10:00"}});
  set_decided(*baseline.mutable_proposed(), "王小明", v1::ROLE_DUTY, kNow - 300 * kSecond);
  const auto add = [&](v1::BaselineState::Entry& row, const v1::BaselineEntry& entry,
                       std::int64_t first, std::uint64_t present_s) {
    *row.mutable_entry() = entry;
    row.mutable_seen()->set_first_ns(first);
    row.mutable_seen()->set_last_ns(kNow);
    row.mutable_seen()->set_present_ms(present_s * 1000);
    row.mutable_seen()->set_appearances(1);
    row.set_hosts(2);
  };
  const std::int64_t begin = kNow - 7 * 86400 * kSecond;
  add(*baseline.add_entries(), listener_entry(22, "/usr/sbin/sshd", "openssh-server"), begin,
      7 * 86400);
  v1::BaselineState::Entry& late = *baseline.add_entries();
  add(late, listener_entry(4444, "/tmp/.x/sshd2", ""), kNow - 540 * kSecond, 180);
  set_message(*late.add_marks(), "baseline.mark.sign", {{"why", "@why.world_writable"}});
  set_message(*late.add_marks(), "baseline.mark.late", {{"since", "2026-11-22T16:12"}});
  set_message(*late.add_marks(), "baseline.mark.brief", {});
  v1::BaselineState::Entry& out = *baseline.add_left_out();
  add(out, listener_entry(31337, "/dev/shm/y", ""), begin, 60);
  set_message(*out.add_marks(), "baseline.mark.condemned", {});
  v1::BaselineEntry unit;
  unit.set_kind(v1::BaselineEntry::KIND_UNIT);
  unit.set_name(kHostile);
  add(*baseline.add_entries(), unit, begin, 7 * 86400);
  detail.set_compared_version(2);
  *detail.add_added() = late.entry();
  *detail.add_removed() = listener_entry(111, "/usr/sbin/rpcbind", "rpcbind");
  return detail;
}

inline v1::BaselineDetail approved_baseline() {
  v1::BaselineDetail detail = proposal();
  v1::BaselineState& baseline = *detail.mutable_baseline();
  baseline.set_status(v1::BaselineState::STATUS_APPROVED);
  baseline.set_version(3);
  set_decided(*baseline.mutable_decided(), "chen", v1::ROLE_OFFICER, kNow - 60 * kSecond);
  baseline.set_expires_ns(kNow + 365LL * 86400 * kSecond);
  return detail;
}

inline v1::BaselineList baselines() {
  v1::BaselineList list;
  set_as_of(*list.mutable_as_of());
  for (const v1::BaselineDetail& detail : {proposal(), approved_baseline()}) {
    v1::BaselineList::Row& row = *list.add_baselines();
    *row.mutable_baseline() = detail.baseline();
    row.set_entries(static_cast<std::uint32_t>(detail.baseline().entries_size()));
    row.set_marked(1);
    row.set_left_out(1);
  }
  return list;
}

inline v1::BaselineDiff baseline_diff() {
  v1::BaselineDiff diff;
  set_as_of(*diff.mutable_as_of());
  diff.set_host("tsm-bk02");
  *diff.mutable_baseline() = approved_baseline().baseline();
  diff.set_policy_baseline("tsm");
  diff.set_policy_version(12);
  v1::CheckStatus& check = *diff.add_checks();
  check.mutable_check()->set_kind(v1::CHECK_KIND_SOCKETS);
  check.set_verdict(v1::VERDICT_ABNORMAL);
  set_message(*check.add_reasons(), "port.unexpected",
              {{"protocol", "tcp"},
               {"address", "0.0.0.0"},
               {"port", "4444"},
               {"executable", "/tmp/.x/sshd2"},
               {"user", "root"},
               {"iana", "krb524"},
               {"why", "@why.world_writable"}});
  *diff.add_unexpected() = listener_entry(4444, "/tmp/.x/sshd2", "");
  *diff.add_absent() = listener_entry(111, "/usr/sbin/rpcbind", "rpcbind");
  return diff;
}

}  // namespace tocsin::ctl::samples
