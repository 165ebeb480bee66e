// The host of the tests: one back door, one log that cannot be read, the rest as it should be.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/diagnose/diagnosis.hpp"

namespace tocsin::agent {

inline constexpr Instant kAt{1'795'364'408'000'000'000};  // 2026-11-22T16:20:08Z

inline model::Observation seen(model::CheckKind kind, std::string target, model::Facts facts) {
  model::Observation observation;
  observation.check = {kind, std::move(target)};
  observation.at = kAt;
  observation.facts = std::move(facts);
  return observation;
}

inline model::Observation unseen(model::CheckKind kind, std::string target, model::Outcome outcome,
                                 model::Message detail) {
  model::Observation observation = seen(kind, std::move(target), {});
  observation.outcome = outcome;
  observation.detail = std::move(detail);
  return observation;
}

inline model::Observation service(const std::string& unit, const std::string& active) {
  model::ServiceFacts facts;
  facts.unit = unit;
  facts.load_state = "loaded";
  facts.active_state = active;
  facts.result = "success";
  facts.state_since = kAt - 24h;
  return seen(model::CheckKind::service, unit, facts);
}

inline model::Listener listener(std::uint16_t port, const std::string& executable) {
  model::Listener l;
  l.address = "0.0.0.0";
  l.port = port;
  l.executable = executable;
  l.user = "root";
  return l;
}

inline model::Baseline baseline() {
  model::Baseline b;
  b.name = "tsm";
  b.version = 12;
  b.has_listeners = true;
  b.listeners = {{model::Protocol::tcp, {}, 22, 0, "/usr/sbin/sshd", "root", ""}};
  b.sources = {{model::Protocol::tcp, 22, {"10.1.0.0/16"}}};
  b.has_processes = true;
  return b;
}

inline model::Observation ping() {
  model::PingFacts facts;
  facts.address = "10.1.5.254";
  facts.sent = 5;
  facts.received = 5;
  facts.rtt_avg_us = 340;
  return seen(model::CheckKind::ping, "10.1.5.254", facts);
}

inline model::Observation audit_log(const std::string& source) {
  model::AuditLogFacts facts;
  facts.source = source;
  facts.present = model::Tristate::yes;
  facts.readable = model::Tristate::yes;
  facts.size_bytes = 12431;
  return seen(model::CheckKind::audit_log, source, facts);
}

// `backdoor`: the executable that listens on 4544 and runs.
inline std::vector<model::Observation> observations(const std::string& backdoor) {
  model::SocketsFacts sockets;
  sockets.listeners = {listener(22, "/usr/sbin/sshd"), listener(4544, backdoor)};
  sockets.listeners.back().executable_world_writable = model::Tristate::yes;
  sockets.peers = {{model::Protocol::tcp, 22, true, "203.0.113.0/24", 0, 1}};
  sockets.source_events = true;
  model::ProcessesFacts processes;
  model::ProcessGroup group;
  group.name = "sshd2";
  group.executable = backdoor;
  group.user = "root";
  group.executable_world_writable = model::Tristate::yes;
  processes.groups = {group};
  processes.processes = 46;
  return {
      ping(),
      service("cron.service", "active"),
      service("dsmcad.service", "active"),
      audit_log("journal"),
      unseen(model::CheckKind::audit_log, "/var/log/audit/audit.log", model::Outcome::not_permitted,
             {"run.error", {{"what", "open: Permission denied"}}}),
      seen(model::CheckKind::sockets, "", sockets),
      seen(model::CheckKind::processes, "", processes)};
}

inline HostFacts host() { return {"tsm-bk02", "Debian 12", kAt, 1800ms}; }

inline Diagnosis diagnosis(const std::string& backdoor = "/tmp/.x/sshd2") {
  const model::Baseline approved = baseline();
  return compose_diagnosis(host(), observations(backdoor), {}, &approved, {});
}

}  // namespace tocsin::agent
