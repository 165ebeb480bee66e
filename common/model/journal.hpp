// The collector's journal entries as values: everything that may change a decision, with who and
// when.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/baseline.hpp"
#include "common/model/evidence.hpp"
#include "common/model/fact.hpp"
#include "common/model/incident.hpp"

namespace tocsin::model {

struct AgentFact {
  AgentId agent;
  Epoch epoch;
  Seq seq;
  Fact fact;
  friend bool operator==(const AgentFact&, const AgentFact&) = default;
};

struct FactRangeLost {
  AgentId agent;
  Epoch epoch;
  Seq from;
  Seq to;
  Message cause;
  friend bool operator==(const FactRangeLost&, const FactRangeLost&) = default;
};

struct Acknowledge {
  IncidentId incident;
  friend bool operator==(const Acknowledge&, const Acknowledge&) = default;
};
struct RegisterIncident {
  IncidentId incident;
  friend bool operator==(const RegisterIncident&, const RegisterIncident&) = default;
};
struct JudgeIncident {  // why: the command's note, as in the next three
  IncidentId incident;
  IncidentVerdict verdict = IncidentVerdict::undetermined;
  friend bool operator==(const JudgeIncident&, const JudgeIncident&) = default;
};
struct ApproveGrade {
  IncidentId incident;
  Severity severity = Severity::none;
  friend bool operator==(const ApproveGrade&, const ApproveGrade&) = default;
};
struct EstimateRepair {
  IncidentId incident;
  Duration duration{};  // from now
  friend bool operator==(const EstimateRepair&, const EstimateRepair&) = default;
};
struct CloseIncident {
  IncidentId incident;
  IncidentVerdict verdict = IncidentVerdict::undetermined;
  friend bool operator==(const CloseIncident&, const CloseIncident&) = default;
};
struct RunCheck {
  AgentId agent;
  CheckRef check;
  friend bool operator==(const RunCheck&, const RunCheck&) = default;
};
struct RestartService {
  AgentId agent;
  std::string unit;
  friend bool operator==(const RestartService&, const RestartService&) = default;
};
struct RevokeAgent {
  AgentId agent;
  friend bool operator==(const RevokeAgent&, const RevokeAgent&) = default;
};
struct RevokeOperator {
  std::string name;
  friend bool operator==(const RevokeOperator&, const RevokeOperator&) = default;
};
struct AdmitAgent {
  AgentId agent;
  std::string host_name;
  std::string token_id;
  bool replace = false;  // another key that has the name is revoked
  friend bool operator==(const AdmitAgent&, const AdmitAgent&) = default;
};

struct CreateToken {
  std::string token_id;   // says nothing of the token
  std::string host_name;  // empty: any host
  Duration valid{};
  bool replace = false;  // the host may take its name from another key
  friend bool operator==(const CreateToken&, const CreateToken&) = default;
};

struct Command {
  std::string id;
  Principal principal;
  std::uint64_t seen_revision = 0;
  std::string note;
  std::variant<std::monostate, Acknowledge, RegisterIncident, RunCheck, RevokeAgent, AdmitAgent,
               JudgeIncident, ApproveGrade, EstimateRepair, CloseIncident, RevokeOperator,
               RestartService, CollectEvidence, ExportEvidence, GiveUpEvidence, AddEvidence,
               ProposeBaseline, ApproveBaseline, RejectBaseline, CreateToken>
      act;
  friend bool operator==(const Command&, const Command&) = default;
};

enum class DeliveryResult : std::uint8_t { delivered = 1, retry, refused };
struct DeliveryOutcome {
  NotificationId notification;
  std::uint32_t attempt = 0;
  DeliveryResult result = DeliveryResult::delivered;
  Message detail;
  friend bool operator==(const DeliveryOutcome&, const DeliveryOutcome&) = default;
};

struct PolicyChange {
  std::string kind;
  std::string digest;
  std::string content;
  Principal principal;
  friend bool operator==(const PolicyChange&, const PolicyChange&) = default;
};

struct AgentPresence {
  AgentId agent;
  Presence state = Presence::heard;
  Instant since;
  Message detail;
  std::string agent_version;
  std::string host_name;
  std::string operating_system;
  friend bool operator==(const AgentPresence&, const AgentPresence&) = default;
};

struct ClockStep {
  Duration difference{};
  friend bool operator==(const ClockStep&, const ClockStep&) = default;
};
struct Tick {
  friend bool operator==(const Tick&, const Tick&) = default;
};
struct CollectorEvent {
  Message event;
  std::string version;
  std::uint32_t rules_version = 0;
  friend bool operator==(const CollectorEvent&, const CollectorEvent&) = default;
};

enum class CertificateHolder : std::uint8_t { server = 1, authority, operator_, agent };
struct CertificateSeen {
  CertificateHolder holder = CertificateHolder::server;
  std::string name;  // an operator's name, or an agent's id
  Instant not_before;
  Instant not_after;
  std::string fingerprint;
  friend bool operator==(const CertificateSeen&, const CertificateSeen&) = default;
};

// What the collector itself saw when the judge asked it to look: it is a vantage point too.
struct CollectorLook {
  std::string request_id;
  Observation observation;
  friend bool operator==(const CollectorLook&, const CollectorLook&) = default;
};

// monostate: a kind that this version does not know; kept, counted and shown.
using JournalBody = std::variant<std::monostate, AgentFact, FactRangeLost, Command, DeliveryOutcome,
                                 PolicyChange, AgentPresence, ClockStep, Tick, CollectorEvent,
                                 CertificateSeen, CollectorLook, EvidenceEvent>;

struct JournalEntry {
  Position position;
  Instant at;  // journal time
  JournalBody body;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

}  // namespace tocsin::model
