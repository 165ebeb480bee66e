// Journal entries, and bytes for everything that is stored.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include "common/crypto/crypto.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::wire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

constexpr std::size_t kStackBytes = 4096;
constexpr std::uint32_t kCheckTag = WireFormatLite::MakeTag(
    v1::HostState::kChecksFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// What `use` makes of the message in `bytes`, which lives on the stack for that long: most of the
// cost of a small message is memory for its parts.
template <class Proto, class Use>
auto parsed(std::string_view what, std::string_view bytes, std::size_t limit, Use use)
    -> decltype(use(std::declval<const Proto&>())) {
  if (bytes.size() > limit) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} bytes, at most {} are allowed", what, bytes.size(), limit));
  }
  alignas(std::max_align_t) char block[kStackBytes];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof block;
  google::protobuf::Arena arena(options);
  auto* proto = google::protobuf::Arena::CreateMessage<Proto>(&arena);
  if (!proto->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not a valid message", what));
  }
  return use(*proto);
}

// Bytes -> proto -> model in one step.
template <class Proto>
auto decode(std::string_view what, std::string_view bytes, std::size_t limit)
    -> decltype(from_proto(std::declval<const Proto&>())) {
  return parsed<Proto>(what, bytes, limit, [](const Proto& proto) { return from_proto(proto); });
}

template <class Proto, class Model>
std::string encode(const Model& value) {
  Proto proto;
  to_proto(value, proto);
  return proto.SerializeAsString();
}

constexpr std::size_t kDocumentBytes =
    16 << 20;  // Written by ourselves; a damaged one must not eat memory.

std::string id_text(std::string_view raw) { return clean_text(raw, 64); }

void put_body(const model::AgentFact& from, v1::JournalEntry& to) {
  v1::AgentFact& out = *to.mutable_fact();
  out.set_agent_id(from.agent.hex);
  out.set_epoch(from.epoch.value);
  out.set_seq(from.seq.value);
  out.set_fact(encode_fact(from.fact));
}
void put_body(const model::FactRangeLost& from, v1::JournalEntry& to) {
  v1::FactRangeLost& out = *to.mutable_range_lost();
  out.set_agent_id(from.agent.hex);
  out.set_epoch(from.epoch.value);
  out.set_from_seq(from.from.value);
  out.set_to_seq(from.to.value);
  to_proto(from.cause, *out.mutable_cause());
}
void put_body(const model::Command& from, v1::JournalEntry& to) {
  to_proto(from, *to.mutable_command());
}
void put_body(const model::DeliveryOutcome& from, v1::JournalEntry& to) {
  v1::DeliveryOutcome& out = *to.mutable_delivery();
  out.set_notification_id(from.notification.value);
  out.set_attempt(from.attempt);
  out.set_result(static_cast<v1::DeliveryOutcome::Result>(from.result));
  to_proto(from.detail, *out.mutable_detail());
}
void put_body(const model::PolicyChange& from, v1::JournalEntry& to) {
  v1::PolicyChange& out = *to.mutable_policy();
  out.set_kind(from.kind);
  out.set_digest(from.digest);
  out.set_content(from.content);
  to_proto(from.principal, *out.mutable_principal());
}
void put_body(const model::AgentPresence& from, v1::JournalEntry& to) {
  v1::AgentPresence& out = *to.mutable_presence();
  out.set_agent_id(from.agent.hex);
  out.set_state(static_cast<v1::AgentPresence::State>(from.state));
  out.set_since_ns(from.since.ns);
  to_proto(from.detail, *out.mutable_detail());
  out.set_agent_version(from.agent_version);
  out.set_host_name(from.host_name);
  out.set_operating_system(from.operating_system);
}
void put_body(const model::ClockStep& from, v1::JournalEntry& to) {
  to.mutable_clock_step()->set_difference_ns(from.difference.count());
}
void put_body(const model::Tick&, v1::JournalEntry& to) { to.mutable_tick(); }
void put_body(const model::CollectorEvent& from, v1::JournalEntry& to) {
  v1::CollectorEvent& out = *to.mutable_collector();
  to_proto(from.event, *out.mutable_event());
  out.set_version(from.version);
  out.set_rules_version(from.rules_version);
}
void put_body(const model::CertificateSeen& from, v1::JournalEntry& to) {
  v1::CertificateSeen& out = *to.mutable_certificate();
  out.set_holder(static_cast<v1::CertificateSeen::Holder>(from.holder));
  out.set_name(from.name);
  out.set_not_before_ns(from.not_before.ns);
  out.set_not_after_ns(from.not_after.ns);
  out.set_fingerprint(from.fingerprint);
}
void put_body(const model::CollectorLook& from, v1::JournalEntry& to) {
  to.mutable_look()->set_request_id(from.request_id);
  to_proto(from.observation, *to.mutable_look()->mutable_observation());
}

void put_body(const model::EvidenceEvent& from, v1::JournalEntry& to) {
  to_proto(from, *to.mutable_evidence());
}
void put_body(const std::monostate&, v1::JournalEntry&) {}

Result<model::JournalBody> take_fact(const v1::AgentFact& from) {
  model::AgentFact fact;
  fact.agent.hex = id_text(from.agent_id());
  fact.epoch = Epoch{from.epoch()};
  fact.seq = Seq{from.seq()};
  // A fact that this version cannot read was accepted all the same: it stays as an unknown kind.
  if (auto decoded = decode_fact(from.fact())) fact.fact = *std::move(decoded);
  return fact;
}

Result<model::JournalBody> take_delivery(const v1::DeliveryOutcome& from) {
  if (from.result() < v1::DeliveryOutcome::RESULT_DELIVERED ||
      from.result() > v1::DeliveryOutcome::RESULT_REFUSED) {
    return out_of_range("delivery.result", static_cast<std::uint64_t>(from.result()));
  }
  model::DeliveryOutcome outcome;
  outcome.notification = NotificationId{from.notification_id()};
  outcome.attempt = from.attempt();
  outcome.result = static_cast<model::DeliveryResult>(from.result());
  TOCSIN_WIRE_SET(outcome.detail, from_proto(from.detail()));
  return outcome;
}

Result<model::JournalBody> take_presence(const v1::AgentPresence& from) {
  if (from.state() < v1::AgentPresence::STATE_HEARD ||
      from.state() > v1::AgentPresence::STATE_REFUSED) {
    return out_of_range("presence.state", static_cast<std::uint64_t>(from.state()));
  }
  model::AgentPresence presence;
  presence.agent.hex = id_text(from.agent_id());
  presence.state = static_cast<model::Presence>(from.state());
  presence.since = Instant{from.since_ns()};
  TOCSIN_WIRE_SET(presence.detail, from_proto(from.detail()));
  presence.agent_version = name_text(from.agent_version());
  presence.host_name = name_text(from.host_name());
  presence.operating_system = name_text(from.operating_system());
  return presence;
}

Result<model::JournalBody> take_certificate(const v1::CertificateSeen& from) {
  if (from.holder() < v1::CertificateSeen::HOLDER_SERVER ||
      from.holder() > v1::CertificateSeen::HOLDER_AGENT) {
    return out_of_range("certificate.holder", static_cast<std::uint64_t>(from.holder()));
  }
  model::CertificateSeen seen;
  seen.holder = static_cast<model::CertificateHolder>(from.holder());
  seen.name = name_text(from.name());
  seen.not_before = Instant{from.not_before_ns()};
  seen.not_after = Instant{from.not_after_ns()};
  seen.fingerprint = id_text(from.fingerprint());
  return seen;
}

Result<model::JournalBody> take_body(const v1::JournalEntry& entry) {
  switch (entry.body_case()) {
    case v1::JournalEntry::kFact:
      return take_fact(entry.fact());
    case v1::JournalEntry::kRangeLost: {
      const v1::FactRangeLost& in = entry.range_lost();
      model::FactRangeLost lost;
      lost.agent.hex = id_text(in.agent_id());
      lost.epoch = Epoch{in.epoch()};
      lost.from = Seq{in.from_seq()};
      lost.to = Seq{in.to_seq()};
      TOCSIN_WIRE_SET(lost.cause, from_proto(in.cause()));
      return lost;
    }
    case v1::JournalEntry::kCommand: {
      model::JournalBody body;
      TOCSIN_WIRE_SET(body, from_proto(entry.command()));
      return body;
    }
    case v1::JournalEntry::kDelivery:
      return take_delivery(entry.delivery());
    case v1::JournalEntry::kPolicy: {
      const v1::PolicyChange& in = entry.policy();
      model::PolicyChange change;
      change.kind = name_text(in.kind());
      change.digest = id_text(in.digest());
      change.content = in.content();
      TOCSIN_WIRE_SET(change.principal, from_proto(in.principal()));
      return change;
    }
    case v1::JournalEntry::kPresence:
      return take_presence(entry.presence());
    case v1::JournalEntry::kClockStep:
      return model::ClockStep{Duration(entry.clock_step().difference_ns())};
    case v1::JournalEntry::kTick:
      return model::Tick{};
    case v1::JournalEntry::kCollector: {
      model::CollectorEvent event;
      TOCSIN_WIRE_SET(event.event, from_proto(entry.collector().event()));
      event.version = name_text(entry.collector().version());
      event.rules_version = entry.collector().rules_version();
      return event;
    }
    case v1::JournalEntry::kCertificate:
      return take_certificate(entry.certificate());
    case v1::JournalEntry::kLook: {
      model::CollectorLook look;
      look.request_id = name_text(entry.look().request_id());
      TOCSIN_WIRE_SET(look.observation, from_proto(entry.look().observation()));
      return look;
    }
    case v1::JournalEntry::kEvidence: {
      model::JournalBody body;
      TOCSIN_WIRE_SET(body, from_proto(entry.evidence()));
      return body;
    }
    case v1::JournalEntry::BODY_NOT_SET:
      break;
  }
  return model::JournalBody(std::monostate{});
}

Result<std::vector<model::CheckDefinition>> take_checks(const v1::Assign& assign) {
  TOCSIN_TRY(check_count("assigned checks", static_cast<std::size_t>(assign.checks_size()),
                         limits::kChecks));
  std::vector<model::CheckDefinition> checks;
  for (const v1::CheckDefinition& check : assign.checks()) {
    TOCSIN_WIRE_SET(checks.emplace_back(), from_proto(check));
  }
  return checks;
}

// A measured time is another one at every look, and judged by its limit: it tells something new
// when it is longer or shorter by a quarter. What is below ten milliseconds is short, whatever it
// is.
std::uint64_t coarse(std::uint64_t us) {
  constexpr std::uint64_t kShort = 10'000;
  if (us < kShort) return 0;
  const std::uint64_t step = std::bit_floor(us) / 4;
  return us / step * step;
}

// Signatures that nobody renews change in nothing but their age, by which they are judged.
std::uint32_t age_in_days(const v1::Observation& observation) {
  constexpr std::uint64_t kDay = 86'400'000'000'000;  // ns
  const std::int64_t made = observation.antivirus().signatures_at_ns();
  const std::int64_t now = observation.wall_ns();
  if (made == 0 || now < made) return 0;
  // Any two times that an agent may name, without an overflow.
  const std::uint64_t age = static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(made);
  return static_cast<std::uint32_t>(age / kDay);
}

// Removes what differs between two runs that saw the same.
void drop_volatile(v1::Observation& observation) {
  if (observation.has_antivirus()) {
    v1::AntivirusFacts& antivirus = *observation.mutable_antivirus();
    // Nothing at all is another answer than many or few.
    constexpr std::uint32_t kNothing = UINT32_MAX;
    antivirus.set_scanned(antivirus.scanned() == 0 ? kNothing : age_in_days(observation));
    antivirus.clear_skipped();
    antivirus.set_names_over_limit(antivirus.names_over_limit() > 0 ? 1 : 0);
    antivirus.set_unreadable(antivirus.unreadable() > 0 ? 1 : 0);
  }
  observation.clear_wall_ns();
  observation.clear_duration_us();
  if (observation.has_ping()) {
    v1::PingFacts& ping = *observation.mutable_ping();
    ping.clear_rtt_min_us();
    ping.set_rtt_avg_us(static_cast<std::uint32_t>(coarse(ping.rtt_avg_us())));
    ping.clear_rtt_max_us();
  }
  if (observation.has_audit_log()) {
    v1::AuditLogFacts& audit = *observation.mutable_audit_log();
    audit.set_size_bytes(audit.size_bytes() == 0 ? 0 : 1);
    audit.set_previous_size_bytes(audit.previous_size_bytes() == 0 ? 0 : 1);
    audit.clear_modified_ns();
    audit.clear_records_seen();
    audit.clear_covered_bytes();
    audit.set_unread(audit.unread() == 0 ? 0 : 1);
    audit.clear_oldest_ns();
    audit.clear_previous_oldest_ns();
    if (audit.has_kernel()) {
      v1::KernelAudit& kernel = *audit.mutable_kernel();
      kernel.set_reader_pid(kernel.reader_pid() == 0 ? 0 : 1);
      kernel.clear_lost();
      kernel.set_lost_since(kernel.lost_since() == 0 ? 0 : 1);
      kernel.clear_backlog();
    }
  }
  if (observation.has_sockets()) {
    for (v1::Listener& listener : *observation.mutable_sockets()->mutable_listeners()) {
      listener.clear_process_ids();
    }
    for (v1::PeerAggregate& peer : *observation.mutable_sockets()->mutable_peers()) {
      peer.clear_count();
      peer.clear_first_ns();
      peer.clear_last_ns();
    }
    v1::SocketsFacts& sockets = *observation.mutable_sockets();
    sockets.set_source_event_overflows(sockets.source_event_overflows() == 0 ? 0 : 1);
    sockets.clear_namespaces();
    sockets.set_namespaces_not_seen(sockets.namespaces_not_seen() == 0 ? 0 : 1);
    sockets.set_taken_unlisted(sockets.taken_unlisted() == 0 ? 0 : 1);
  }
  if (observation.has_plugin()) {
    observation.mutable_plugin()->clear_output();
    observation.mutable_plugin()->clear_performance();
  }
  if (observation.has_warnings()) {
    v1::WarningsFacts& warnings = *observation.mutable_warnings();
    warnings.clear_records();
    warnings.clear_bytes();
    warnings.clear_own_records();
    warnings.set_bytes_behind(warnings.bytes_behind() == 0 ? 0 : 1);
  }
  if (observation.has_port_scan()) {
    v1::PortScanFacts& scan = *observation.mutable_port_scan();
    scan.clear_closed();
    scan.clear_filtered();
    if (scan.complete()) scan.clear_tried();
  }
  if (observation.has_answer()) observation.mutable_answer()->clear_took_ms();
  if (observation.has_metrics()) {
    v1::MetricsFacts& metrics = *observation.mutable_metrics();
    metrics.clear_cpu_busy_permille();
    metrics.clear_load_1m_permille();
    const auto offset = static_cast<std::uint64_t>(metrics.clock_offset_us());
    const std::uint64_t off = metrics.clock_offset_us() < 0 ? 0 - offset : offset;
    metrics.set_clock_offset_us(static_cast<std::int64_t>(coarse(off)));
    metrics.clear_oom_kills();
  }
  if (observation.has_login()) {
    observation.mutable_login()->clear_own_end();
    observation.mutable_login()->clear_took_ms();
  }
  if (observation.has_processes()) {
    v1::ProcessesFacts& processes = *observation.mutable_processes();
    processes.clear_processes();
    processes.clear_vanished();
    for (v1::ProcessGroup& group : *processes.mutable_groups()) {
      group.clear_count();
      group.clear_example_pid();
    }
  }
}

}  // namespace

void quiet_parsers() { google::protobuf::SetLogHandler(nullptr); }

std::string encode_fact(const model::Fact& fact) { return encode<v1::Fact>(fact); }
Result<model::Fact> decode_fact(std::string_view bytes) {
  return decode<v1::Fact>("fact", bytes, limits::kFactBytes);
}

std::string significant_digest(const model::Observation& observation) {
  v1::Observation proto;
  to_proto(observation, proto);
  drop_volatile(proto);
  return crypto::sha256(proto.SerializeAsString());
}

std::string encode_journal(const model::JournalBody& body) {
  v1::JournalEntry entry;
  std::visit([&](const auto& value) { put_body(value, entry); }, body);
  return entry.SerializeAsString();
}

// As protobuf writes it, in one string of the right size: a fact passes here for every row of the
// journal, and its bytes are not copied into a message first.
std::string encode_agent_fact(const AgentId& agent, Epoch epoch, Seq seq, std::string_view fact) {
  const auto text_size = [](std::size_t size) {
    return size == 0 ? 0 : 1 + CodedOutputStream::VarintSize64(size) + size;
  };
  const std::size_t size = text_size(agent.hex.size()) +
                           (epoch.value == 0 ? 0 : 1 + sizeof(epoch.value)) +
                           (seq.value == 0 ? 0 : 1 + CodedOutputStream::VarintSize64(seq.value)) +
                           text_size(fact.size());
  std::string bytes(1 + CodedOutputStream::VarintSize64(size) + size, '\0');
  auto* out = reinterpret_cast<std::uint8_t*>(bytes.data());
  const auto put_tag = [&](int field, WireFormatLite::WireType type) {
    out = CodedOutputStream::WriteTagToArray(WireFormatLite::MakeTag(field, type), out);
  };
  const auto put_text = [&](int field, std::string_view text) {
    if (text.empty()) return;
    put_tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
    out = CodedOutputStream::WriteVarint64ToArray(text.size(), out);
    out = std::copy(text.begin(), text.end(), out);
  };
  put_tag(v1::JournalEntry::kFactFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  out = CodedOutputStream::WriteVarint64ToArray(size, out);
  put_text(v1::AgentFact::kAgentIdFieldNumber, agent.hex);
  if (epoch.value != 0) {
    put_tag(v1::AgentFact::kEpochFieldNumber, WireFormatLite::WIRETYPE_FIXED64);
    out = CodedOutputStream::WriteLittleEndian64ToArray(epoch.value, out);
  }
  if (seq.value != 0) {
    put_tag(v1::AgentFact::kSeqFieldNumber, WireFormatLite::WIRETYPE_VARINT);
    out = CodedOutputStream::WriteVarint64ToArray(seq.value, out);
  }
  put_text(v1::AgentFact::kFactFieldNumber, fact);
  return bytes;
}

Result<model::JournalBody> decode_journal(std::string_view bytes) {
  return parsed<v1::JournalEntry>("journal entry", bytes, kDocumentBytes, take_body);
}

std::string encode_host(const model::Host& host) { return encode<v1::HostState>(host); }
Result<model::Host> decode_host(std::string_view bytes) {
  return decode<v1::HostState>("host document", bytes, kDocumentBytes);
}
std::string encode_host_alone(const model::Host& host) {
  v1::HostState proto;
  put_alone(host, proto);
  return proto.SerializeAsString();
}
void append_check(std::string& host_document, std::string_view check_document) {
  std::array<std::uint8_t, 16> head{};  // tag and length
  std::uint8_t* end = CodedOutputStream::WriteTagToArray(kCheckTag, head.data());
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(check_document.size()),
                                                end);
  host_document.append(head.begin(), head.begin() + (end - head.data()));
  host_document.append(check_document);
}
std::string encode_check_status(const model::CheckStatus& status) {
  return encode<v1::CheckStatus>(status);
}
Result<model::CheckStatus> decode_check_status(std::string_view bytes) {
  return decode<v1::CheckStatus>("check document", bytes, kDocumentBytes);
}
std::string encode_finding(const model::Finding& finding) {
  return encode<v1::FindingState>(finding);
}
Result<model::Finding> decode_finding(std::string_view bytes) {
  return decode<v1::FindingState>("finding document", bytes, kDocumentBytes);
}
std::string encode_incident(const model::Incident& incident) {
  return encode<v1::IncidentState>(incident);
}
Result<model::Incident> decode_incident(std::string_view bytes) {
  return decode<v1::IncidentState>("incident document", bytes, kDocumentBytes);
}
std::string encode_timeline(const model::TimelineItem& item) {
  return encode<v1::TimelineItem>(item);
}
Result<model::TimelineItem> decode_timeline(std::string_view bytes) {
  return decode<v1::TimelineItem>("timeline document", bytes, kDocumentBytes);
}
std::string encode_notification(const model::Notification& notification) {
  return encode<v1::NotificationState>(notification);
}
Result<model::Notification> decode_notification(std::string_view bytes) {
  return decode<v1::NotificationState>("notification document", bytes, kDocumentBytes);
}
std::string encode_command_result(const model::CommandResult& result) {
  return encode<v1::CommandResult>(result);
}
Result<model::CommandResult> decode_command_result(std::string_view bytes) {
  return decode<v1::CommandResult>("command result document", bytes, kDocumentBytes);
}

std::string encode_evidence(const model::Evidence& evidence) {
  return encode<v1::EvidenceState>(evidence);
}
Result<model::Evidence> decode_evidence(std::string_view bytes) {
  return decode<v1::EvidenceState>("evidence document", bytes, kDocumentBytes);
}

std::string encode_learning(const model::HostLearning& learning) {
  return encode<v1::HostLearning>(learning);
}
Result<model::HostLearning> decode_learning(std::string_view bytes) {
  return decode<v1::HostLearning>("learning document", bytes, kDocumentBytes);
}
std::string encode_baseline(const model::BaselineRecord& record) {
  return encode<v1::BaselineState>(record);
}
Result<model::BaselineRecord> decode_baseline(std::string_view bytes) {
  return decode<v1::BaselineState>("baseline document", bytes, kDocumentBytes);
}
std::string encode_approved(const model::ApprovedBaseline& baseline) {
  return encode<v1::ApprovedBaseline>(baseline);
}
Result<model::ApprovedBaseline> decode_approved(std::string_view bytes) {
  return decode<v1::ApprovedBaseline>("approved baseline", bytes, limits::kMessageBytes);
}

std::string encode_checks(const std::vector<model::CheckDefinition>& checks) {
  v1::Assign assign;
  for (const model::CheckDefinition& check : checks) to_proto(check, *assign.add_checks());
  return assign.SerializeAsString();
}

Result<std::vector<model::CheckDefinition>> decode_checks(std::string_view bytes) {
  return parsed<v1::Assign>("assigned checks", bytes, limits::kMessageBytes, take_checks);
}

std::string encode_request(const model::Request& request) { return encode<v1::Request>(request); }
Result<model::Request> decode_request(std::string_view bytes) {
  return decode<v1::Request>("request", bytes, limits::kMessageBytes);
}

}  // namespace tocsin::wire
