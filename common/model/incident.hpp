// What the judge keeps: hosts, findings, incidents, notifications, timers. Plain values, one
// document a row in the state store; shapes and meanings follow proto/tocsin/v1/state.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/model/message.hpp"
#include "common/model/severity.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::model {

struct Principal {
  std::string name;  // empty: the system
  Role role = Role::duty;
  std::string fingerprint;
  friend bool operator==(const Principal&, const Principal&) = default;
};

enum class Presence : std::uint8_t { heard = 1, silent, clone_suspected, refused };
std::string_view to_string(Presence presence);

struct CheckStatus {
  CheckRef check;
  Verdict verdict = Verdict::not_run;
  std::vector<Message> reasons;
  Instant since;
  Instant observed;
  Position position;
  Observation observation;
  friend bool operator==(const CheckStatus&, const CheckStatus&) = default;
};

struct Host {
  AgentId agent;
  std::string name;
  std::string agent_version;
  std::string operating_system;
  Presence presence = Presence::silent;
  Instant presence_since;
  Instant last_fact;
  bool revoked = false;
  std::vector<CheckStatus> checks;  // ordered by check
  Epoch epoch;
  std::uint64_t facts = 0;
  std::uint64_t facts_lost = 0;
  friend bool operator==(const Host&, const Host&) = default;
};

inline constexpr std::size_t kReturnsKept = 32;

struct Finding {
  FindingId id;
  std::string dedup_key;  // agent/check/code/subject
  AgentId agent;
  CheckRef check;
  std::string code;
  std::string subject;
  Message message;
  Instant since;  // when it was true on the host
  Instant opened;
  std::optional<Instant> closed;
  IncidentId incident;  // 0: an event only (no grade reached)
  Position opened_position;
  Position closed_position;
  std::uint32_t recurrences = 0;
  bool unwatched = false;         // closed because nobody looks any more; it may still be so
  std::vector<Instant> returned;  // when it came back, the newest kReturnsKept
  friend bool operator==(const Finding&, const Finding&) = default;
};

// Why a grade was proposed, and what would change it; printed by `explain`.
struct GradeExplanation {
  std::uint32_t rules_version = 0;
  Severity proposed = Severity::none;
  std::vector<Parameter> facts;
  std::vector<std::string> hits;  // rule ids, worst first
  Message nearest_miss;
  Message changes_next;
  std::optional<Instant> changes_next_at;
  Severity asks = Severity::none;  // a worse grade that is put to a person; none: nothing is asked
  friend bool operator==(const GradeExplanation&, const GradeExplanation&) = default;
};

// Procedure R-02 and D-05: is it real, and is it a fault of equipment or a security event? A person
// says so; `confirmed` leaves open which of the two.
enum class IncidentVerdict : std::uint8_t {
  undetermined = 0,
  confirmed,
  false_alarm,
  fault,
  security
};
std::string_view to_string(IncidentVerdict verdict);
std::optional<IncidentVerdict> incident_verdict_from(std::string_view word);
constexpr bool is_real(IncidentVerdict verdict) {
  return verdict != IncidentVerdict::undetermined && verdict != IncidentVerdict::false_alarm;
}

// A person's decision about an incident: who, when and why. `by` without a name: nobody decided.
struct Decided {
  Principal by;
  Instant at;
  std::string reason;
  friend bool operator==(const Decided&, const Decided&) = default;
};

// How long the repair takes from when it was estimated (procedure P-04, R-04).
struct RepairEstimate {
  Duration duration{};
  Decided decided;
  std::uint32_t revisions = 0;  // how often it was given anew
  friend bool operator==(const RepairEstimate&, const RepairEstimate&) = default;
};

struct Incident {
  IncidentId id;
  std::string number;  // empty: 待判定
  std::uint64_t revision = 1;
  std::string dedup_key;
  AgentId agent;
  std::string host_name;
  std::string kind;  // availability, logical_access, audit_gap, agent_silence, ...
  Message title;
  Stage stage = Stage::identification;
  Severity live = Severity::none;
  Severity peak = Severity::none;
  Severity approved = Severity::none;
  GradeExplanation explanation;
  Instant first_bad;
  Instant opened;
  std::optional<Instant> recovered;
  std::optional<Instant> closed;
  Principal acknowledged_by;
  std::optional<Instant> acknowledged;
  Principal registered_by;
  std::optional<Instant> registered;
  std::vector<FindingId> findings;
  IncidentVerdict verdict = IncidentVerdict::undetermined;
  Decided verdict_decided;
  Decided approved_decided;
  Severity decided_basis = Severity::none;  // what the facts said at either of these two
  bool needs_review = false;  // got worse than what was approved, or than a false alarm (重新核定)
  std::optional<RepairEstimate> estimate;
  Decided closed_decided;              // reason: the cause
  Principal changed_by;                // who gave the incident its revision
  std::vector<Instant> transitions;    // of its findings, the newest few
  std::uint32_t transition_count = 0;  // since people were last told that it comes and goes
  bool flapping = false;
  Severity asked = Severity::none;  // the worst grade whose assent was asked for
  std::optional<Instant> asked_at;
  std::optional<Instant> confirmed;  // since when looks have confirmed it and none contradicts
  Severity told = Severity::none;    // the grade that people were told of last
  std::uint32_t more_findings = 0;   // beside `findings`, which is full
  std::vector<FindingId> unwatched;  // of its findings, those that nobody looks at any more
  bool undecided = false;            // these are all that is left: a person says whether it is over
  NotificationId network_told;       // by which the network group heard of it; 0: did not
  friend bool operator==(const Incident&, const Incident&) = default;
};

struct TimelineItem {
  IncidentId incident;
  std::uint32_t index = 0;
  Instant at;
  Position position;
  Message message;
  Principal principal;
  friend bool operator==(const TimelineItem&, const TimelineItem&) = default;
};

enum class NotificationStatus : std::uint8_t { pending = 1, delivered, failed, suppressed };
struct Notification {
  NotificationId id;
  IncidentId incident;
  std::string reason;      // opened, worse, recovered, reminder, registered, test
  std::string suppressed;  // why it is not sent; empty: to be sent
  std::string channel;     // name in the site policy
  std::string recipient;
  std::string language;  // "zh-TW" or "en"
  Message subject;
  std::vector<Message> body;
  Instant created;
  Instant due;
  std::uint32_t attempts = 0;
  NotificationStatus status = NotificationStatus::pending;
  Message last_detail;
  std::string idempotency_key;  // the same for every attempt: Message-ID, Idempotency-Key
  friend bool operator==(const Notification&, const Notification&) = default;
};

struct Timer {
  std::string key;
  Instant due;
  friend bool operator==(const Timer&, const Timer&) = default;
};

enum class CommandOutcome : std::uint8_t { done = 1, refused, conflict, not_found };
struct CommandResult {
  std::string command_id;
  Position position;
  CommandOutcome outcome = CommandOutcome::done;
  Message detail;
  Principal conflict_with;
  std::uint64_t revision = 0;
  Instant decided;
  std::string request_id;
  std::string principal;  // name of who gave the command
  friend bool operator==(const CommandResult&, const CommandResult&) = default;
};

}  // namespace tocsin::model
