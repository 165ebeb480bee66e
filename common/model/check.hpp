// What to look at, and what one look saw. Plain values: an agent turns a host into these and never
// grades them. Shapes and meanings follow proto/tocsin/v1/model.proto field by field.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/facts.hpp"
#include "common/model/message.hpp"

namespace tocsin::model {

enum class CheckKind : std::uint8_t {
  ping = 1,
  service,
  audit_log,
  sockets,
  processes,
  login,
  warnings,
  port_scan,
  answer,
  antivirus,
  backup_job,
  metrics,
  plugin,
  collector,  // not a look at a host: where the collector's own findings are kept
};
// Every kind that this version can run.
inline constexpr std::array kCheckKinds{
    CheckKind::ping,        //
    CheckKind::service,     //
    CheckKind::audit_log,   //
    CheckKind::sockets,     //
    CheckKind::processes,   //
    CheckKind::antivirus,   //
    CheckKind::plugin,      //
    CheckKind::warnings,    //
    CheckKind::port_scan,   //
    CheckKind::answer,      //
    CheckKind::login,       //
    CheckKind::backup_job,  //
    CheckKind::metrics,     //
};
std::string_view to_string(CheckKind kind);  // "sockets": the word of configuration and CLI
std::optional<CheckKind> check_kind_from(std::string_view word);
// The clause of the procedure's annex two that a kind serves: "M-07".
std::string_view clause_of(CheckKind kind);
constexpr bool has_target(CheckKind kind) {
  return kind != CheckKind::sockets && kind != CheckKind::processes &&
         kind != CheckKind::antivirus && kind != CheckKind::metrics;
}

// Whether a host may report this kind. What the collector finds itself no host can open or close.
constexpr bool is_of_hosts(CheckKind kind) { return kind != CheckKind::collector; }

// Names a check within a host. `target`: ping and port_scan an address, service a unit, audit_log
// and warnings a path or "journal", login "local" or "ssh://host:port", answer a URL, backup_job
// and plugin a name of the host's own file; the others have none.
struct CheckRef {
  CheckKind kind = CheckKind::sockets;
  std::string target;
  friend auto operator<=>(const CheckRef&, const CheckRef&) = default;
};
std::string to_string(const CheckRef& check);  // "sockets", "service:ssh.service"

// How often a kind is checked where nobody says: a listener that is there for a moment only is seen
// only by looking often (procedure M-07), everything else changes slowly.
constexpr Duration default_interval(CheckKind kind) {
  if (kind == CheckKind::sockets) return 2s;
  if (kind == CheckKind::antivirus) return 1h;
  if (kind == CheckKind::backup_job) return 15min;
  if (kind == CheckKind::login) return 5min;
  return kind == CheckKind::plugin ? Duration(1min) : Duration(30s);
}
// How long one run may take where nobody says, and never longer than the interval.
constexpr Duration default_deadline(CheckKind kind) {
  if (kind == CheckKind::backup_job) return 2min;
  if (kind == CheckKind::login) return 20s;
  return kind == CheckKind::antivirus ? Duration(5min) : Duration(10s);
}

struct CheckDefinition {
  CheckRef check;
  Duration interval = 30s;
  Duration deadline = 10s;
  int ping_packets = 5;
  int ping_tcp_port = 0;  // 0: no TCP fallback
  std::string ports;      // of port_scan: "22,80,1500-1510"
  // Of sockets: local ports whose sources are told by address and not by network.
  std::string exact_sources{};
  // Of what a policy assigns: adds to a check that the host's own file has, and is none by itself.
  bool details_only = false;
  friend bool operator==(const CheckDefinition&, const CheckDefinition&) = default;
};

enum class Outcome : std::uint8_t { seen = 1, timed_out, not_permitted, failed, not_applicable };
std::string_view to_string(Outcome outcome);

using Facts = std::variant<std::monostate, PingFacts, ServiceFacts, AuditLogFacts, SocketsFacts,
                           ProcessesFacts, LoginFacts, WarningsFacts, PortScanFacts, AnswerFacts,
                           AntivirusFacts, BackupJobFacts, MetricsFacts, PluginFacts>;

// The typed facts one run saw, when, or why it could not see. `facts` is monostate exactly when
// `outcome` is not `seen`.
struct Observation {
  CheckRef check;
  Outcome outcome = Outcome::seen;
  Message detail;  // set when outcome is not `seen`
  Instant at;      // the host's wall clock when the run ended
  Duration took{};
  Facts facts;
  friend bool operator==(const Observation&, const Observation&) = default;
};

}  // namespace tocsin::model
