// Evidence: what is asked of an agent, what is journaled of it, and its document in the state.
#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"

namespace tocsin::wire {
namespace {

std::uint64_t whole_seconds(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0));
}

Result<model::CustodyAct> custody_act(v1::CustodyAct value) {
  if (value < v1::CUSTODY_ACT_ASKED || value > v1::CUSTODY_ACT_UNOBTAINABLE) {
    return out_of_range("custody.act", static_cast<std::uint64_t>(value));
  }
  return static_cast<model::CustodyAct>(value);
}

void put(const model::Custody& from, v1::CustodyItem& to) {
  to.set_at_ns(from.at.ns);
  to.set_position(from.position.value);
  to.set_act(static_cast<v1::CustodyAct>(from.act));
  to_proto(from.by, *to.mutable_by());
  to_proto(from.detail, *to.mutable_detail());
}

Result<model::Custody> take(const v1::CustodyItem& from) {
  model::Custody custody;
  custody.at = Instant{from.at_ns()};
  custody.position = Position{from.position()};
  TOCSIN_WIRE_SET(custody.act, custody_act(from.act()));
  TOCSIN_WIRE_SET(custody.by, from_proto(from.by()));
  TOCSIN_WIRE_SET(custody.detail, from_proto(from.detail()));
  return custody;
}

}  // namespace

void to_proto(const model::TakeEvidence& from, v1::TakeEvidence& to) {
  to.set_evidence_id(from.evidence.value);
  to.set_since_s(whole_seconds(from.since));
  to.set_asked_by(from.asked_by);
  to.set_reason(from.reason);
  to.set_incident(from.incident);
}

model::TakeEvidence from_proto(const v1::TakeEvidence& from) {
  return {model::EvidenceId{from.evidence_id()}, bounded_seconds(from.since_s()),
          name_text(from.asked_by()), value_text(from.reason()), name_text(from.incident())};
}

void to_proto(const model::EvidenceEvent& from, v1::EvidenceEvent& to) {
  to.set_agent_id(from.agent.hex);
  to.set_request_id(from.request_id);
  to.set_evidence_id(from.evidence.value);
  to.set_act(static_cast<v1::CustodyAct>(from.act));
  to_proto(from.by, *to.mutable_by());
  to.set_manifest_sha256(from.manifest);
  to.set_bytes(from.bytes);
  to.set_items(from.items);
  to.set_missing(from.missing);
  to_proto(from.detail, *to.mutable_detail());
}

Result<model::EvidenceEvent> from_proto(const v1::EvidenceEvent& from) {
  model::EvidenceEvent event;
  event.agent.hex = name_text(from.agent_id());
  event.request_id = name_text(from.request_id());
  event.evidence = model::EvidenceId{from.evidence_id()};
  TOCSIN_WIRE_SET(event.act, custody_act(from.act()));
  TOCSIN_WIRE_SET(event.by, from_proto(from.by()));
  event.manifest = name_text(from.manifest_sha256());
  event.bytes = from.bytes();
  event.items = from.items();
  event.missing = from.missing();
  TOCSIN_WIRE_SET(event.detail, from_proto(from.detail()));
  return event;
}

void to_proto(const model::Evidence& from, v1::EvidenceState& to) {
  to.set_id(from.id.value);
  to.set_state(static_cast<v1::EvidenceState::State>(from.state));
  to.set_request_id(from.request_id);
  to.set_agent_id(from.agent.hex);
  to.set_host_name(from.host_name);
  to.set_incident_id(from.incident.value);
  to.set_name(from.name);
  to_proto(from.asked_by, *to.mutable_asked_by());
  to.set_asked_ns(from.asked.ns);
  to.set_reason(from.reason);
  to.set_received_ns(from.received ? from.received->ns : 0);
  to.set_manifest_sha256(from.manifest);
  to.set_bytes(from.bytes);
  to.set_items(from.items);
  to.set_missing(from.missing);
  to_proto(from.problem, *to.mutable_problem());
  to.set_witness(from.witness);
  for (const model::Custody& custody : from.custody) put(custody, *to.add_custody());
  to.set_custody_left_out(from.custody_left_out);
}

Result<model::Evidence> from_proto(const v1::EvidenceState& from) {
  model::Evidence evidence;
  evidence.id = model::EvidenceId{from.id()};
  TOCSIN_TRY(check_enum("evidence.state", from.state(), v1::EvidenceState::STATE_ASKED,
                        v1::EvidenceState::STATE_UNOBTAINABLE));
  evidence.state = static_cast<model::EvidenceState>(from.state());
  evidence.request_id = name_text(from.request_id());
  evidence.agent.hex = name_text(from.agent_id());
  evidence.host_name = name_text(from.host_name());
  evidence.incident = IncidentId{from.incident_id()};
  evidence.name = name_text(from.name());
  TOCSIN_WIRE_SET(evidence.asked_by, from_proto(from.asked_by()));
  evidence.asked = Instant{from.asked_ns()};
  evidence.reason = value_text(from.reason());
  if (from.received_ns() != 0) evidence.received = Instant{from.received_ns()};
  evidence.manifest = name_text(from.manifest_sha256());
  evidence.bytes = from.bytes();
  evidence.items = from.items();
  evidence.missing = from.missing();
  TOCSIN_WIRE_SET(evidence.problem, from_proto(from.problem()));
  evidence.witness = name_text(from.witness());
  TOCSIN_TRY(check_count("evidence.custody", static_cast<std::size_t>(from.custody_size()),
                         model::kCustodyKept));
  for (const v1::CustodyItem& item : from.custody()) {
    TOCSIN_WIRE_SET(evidence.custody.emplace_back(), take(item));
  }
  evidence.custody_left_out = from.custody_left_out();
  return evidence;
}

}  // namespace tocsin::wire
