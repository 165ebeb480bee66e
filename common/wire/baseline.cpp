// Baselines: what is learned, proposed, approved, and kept by hosts.
#include "common/crypto/crypto.hpp"
#include "common/wire/facts.hpp"
#include "common/wire/parts.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::wire {
namespace {

// A number of an enumeration of ours, which runs from 1 to `last`.
template <class Model, class Proto>
Result<Model> numbered(std::string_view what, Proto value, Model last) {
  TOCSIN_TRY(check_enum(what, static_cast<int>(value), 1, static_cast<int>(last)));
  return static_cast<Model>(value);
}

std::string hash_text(std::string_view raw) { return clean_text(raw, 64); }

void put(const model::Sightings& from, v1::Sightings& to) {
  to.set_first_ns(from.first.ns);
  to.set_last_ns(from.last.ns);
  to.set_present_ms(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(from.present).count()));
  to.set_appearances(from.appearances);
}

model::Sightings take(const v1::Sightings& from) {
  constexpr std::uint64_t kLongest = 1ULL << 42;  // ms; more does not fit in ns
  const auto present = static_cast<std::int64_t>(std::min(from.present_ms(), kLongest));
  return {Instant{from.first_ns()}, Instant{from.last_ns()}, std::chrono::milliseconds(present),
          from.appearances()};
}

template <class Rows>
Result<std::vector<model::BaselineEntry>> take_entries(const Rows& rows) {
  TOCSIN_TRY(check_count("baseline.entries", static_cast<std::size_t>(rows.size()),
                         limits::kBaselineEntries));
  std::vector<model::BaselineEntry> entries;
  entries.reserve(static_cast<std::size_t>(rows.size()));
  for (const v1::BaselineEntry& row : rows) {
    TOCSIN_WIRE_SET(entries.emplace_back(), from_proto(row));
  }
  return entries;
}

void put(const model::ProposedEntry& from, v1::BaselineState::Entry& to) {
  to_proto(from.entry, *to.mutable_entry());
  put(from.seen, *to.mutable_seen());
  to.set_hosts(from.hosts);
  for (const model::Message& mark : from.marks) to_proto(mark, *to.add_marks());
}

template <class Rows>
Result<std::vector<model::ProposedEntry>> take_proposed(const Rows& rows) {
  TOCSIN_TRY(check_count("baseline.entries", static_cast<std::size_t>(rows.size()),
                         limits::kBaselineEntries));
  std::vector<model::ProposedEntry> entries;
  entries.reserve(static_cast<std::size_t>(rows.size()));
  for (const v1::BaselineState::Entry& row : rows) {
    model::ProposedEntry& entry = entries.emplace_back();
    TOCSIN_WIRE_SET(entry.entry, from_proto(row.entry()));
    entry.seen = take(row.seen());
    entry.hosts = row.hosts();
    TOCSIN_TRY(check_count("baseline.marks", static_cast<std::size_t>(row.marks_size()),
                           limits::kBaselineMarks));
    for (const v1::Message& mark : row.marks()) {
      TOCSIN_WIRE_SET(entry.marks.emplace_back(), from_proto(mark));
    }
  }
  return entries;
}

}  // namespace

void to_proto(const model::BaselineScope& from, v1::BaselineScope& to) {
  to.set_kind(static_cast<v1::BaselineScope::Kind>(from.kind));
  to.set_name(from.name);
}

Result<model::BaselineScope> from_proto(const v1::BaselineScope& from) {
  model::BaselineScope scope;
  TOCSIN_WIRE_SET(scope.kind, numbered("baseline.scope", from.kind(), model::ScopeKind::group));
  scope.name = name_text(from.name());
  return scope;
}

void to_proto(const model::BaselineEntry& from, v1::BaselineEntry& to) {
  to.set_kind(static_cast<v1::BaselineEntry::Kind>(from.kind));
  if (from.kind == model::EntryKind::listener) {
    to.set_protocol(static_cast<v1::Protocol>(from.protocol));
    to.set_address_class(static_cast<v1::AddressClass>(from.address_class));
  }
  to.set_port(from.port);
  to.set_port_to(from.port_to);
  to.set_name(from.name);
  to.set_executable(from.executable);
  to.set_package(from.package);
  to.set_sha256(from.sha256);
  to.set_user(from.user);
}

Result<model::BaselineEntry> from_proto(const v1::BaselineEntry& from) {
  model::BaselineEntry entry;
  TOCSIN_WIRE_SET(entry.kind, numbered("baseline.kind", from.kind(), model::EntryKind::unit));
  if (entry.kind == model::EntryKind::listener) {
    TOCSIN_WIRE_SET(entry.protocol, wire::from(from.protocol()));
    TOCSIN_WIRE_SET(entry.address_class, numbered("baseline.address_class", from.address_class(),
                                                  model::AddressClass::public_network));
  }
  TOCSIN_WIRE_SET(entry.port, port("baseline.port", from.port()));
  TOCSIN_WIRE_SET(entry.port_to, port("baseline.port_to", from.port_to()));
  entry.name = name_text(from.name());
  entry.executable = path_text(from.executable());
  entry.package = name_text(from.package());
  entry.sha256 = hash_text(from.sha256());
  entry.user = name_text(from.user());
  return entry;
}

void to_proto(const model::ApprovedBaseline& from, v1::ApprovedBaseline& to) {
  to.set_digest(from.digest);
  if (!from.scope.name.empty()) to_proto(from.scope, *to.mutable_scope());
  to.set_version(from.version);
  to.set_has_listeners(from.has_listeners);
  to.set_has_programs(from.has_programs);
  to.set_has_units(from.has_units);
  for (const model::BaselineEntry& entry : from.entries) to_proto(entry, *to.add_entries());
  to.set_proposed_by(from.proposed_by);
  to.set_approved_by(from.approved_by);
  to.set_reason(from.reason);
  to.set_approved_ns(from.approved_at.ns);
  to.set_expires_ns(from.expires.ns);
}

Result<model::ApprovedBaseline> from_proto(const v1::ApprovedBaseline& from) {
  model::ApprovedBaseline baseline;
  baseline.digest = hash_text(from.digest());
  if (baseline.digest.empty()) return baseline;
  TOCSIN_WIRE_SET(baseline.scope, from_proto(from.scope()));
  if (baseline.scope.name.empty()) {
    return fail(ErrorCode::invalid_argument, "baseline.scope: a name is missing");
  }
  baseline.version = from.version();
  baseline.has_listeners = from.has_listeners();
  baseline.has_programs = from.has_programs();
  baseline.has_units = from.has_units();
  TOCSIN_WIRE_SET(baseline.entries, take_entries(from.entries()));
  baseline.proposed_by = name_text(from.proposed_by());
  baseline.approved_by = name_text(from.approved_by());
  baseline.reason = value_text(from.reason());
  baseline.approved_at = Instant{from.approved_ns()};
  baseline.expires = Instant{from.expires_ns()};
  return baseline;
}

std::string digest_of(const model::ApprovedBaseline& baseline) {
  v1::ApprovedBaseline proto;
  to_proto(baseline, proto);
  proto.clear_digest();
  return to_hex(crypto::sha256(proto.SerializeAsString()));
}

void to_proto(const model::HostLearning& from, v1::HostLearning& to) {
  to.set_agent_id(from.agent.hex);
  to.set_listeners_since_ns(from.listeners_since.ns);
  to.set_programs_since_ns(from.programs_since.ns);
  to.set_units_since_ns(from.units_since.ns);
  for (const model::LearnedEntry& learned : from.entries) {
    v1::HostLearning::Entry& out = *to.add_entries();
    to_proto(learned.entry, *out.mutable_entry());
    put(learned.seen, *out.mutable_seen());
    out.set_there_since_ns(learned.there_since.ns);
    for (const std::uint16_t port : learned.ports) out.add_ports(port);
    out.set_more_ports(learned.more_ports);
    for (const std::string& sign : learned.signs) out.add_signs(sign);
    out.set_condemned(learned.condemned);
  }
  to.set_not_kept(from.not_kept);
  to.set_forgotten(from.forgotten);
  to.set_last_not_kept_ns(from.last_not_kept.ns);
}

namespace {

Result<model::LearnedEntry> take_learned(const v1::HostLearning::Entry& from) {
  model::LearnedEntry learned;
  TOCSIN_WIRE_SET(learned.entry, from_proto(from.entry()));
  learned.seen = take(from.seen());
  learned.there_since = Instant{from.there_since_ns()};
  TOCSIN_TRY(check_count("learned.ports", static_cast<std::size_t>(from.ports_size()),
                         limits::kBaselinePorts));
  for (const std::uint32_t value : from.ports()) {
    TOCSIN_WIRE_SET(learned.ports.emplace_back(), port("learned.port", value));
  }
  learned.more_ports = from.more_ports();
  TOCSIN_TRY(check_count("learned.signs", static_cast<std::size_t>(from.signs_size()),
                         limits::kBaselineMarks));
  for (const std::string& sign : from.signs()) learned.signs.push_back(name_text(sign));
  learned.condemned = from.condemned();
  return learned;
}

}  // namespace

Result<model::HostLearning> from_proto(const v1::HostLearning& from) {
  model::HostLearning learning;
  TOCSIN_WIRE_SET(learning.agent, take_agent_id(from.agent_id()));
  learning.listeners_since = Instant{from.listeners_since_ns()};
  learning.programs_since = Instant{from.programs_since_ns()};
  learning.units_since = Instant{from.units_since_ns()};
  TOCSIN_TRY(check_count("learned.entries", static_cast<std::size_t>(from.entries_size()),
                         limits::kBaselineEntries));
  learning.entries.reserve(static_cast<std::size_t>(from.entries_size()));
  for (const v1::HostLearning::Entry& entry : from.entries()) {
    TOCSIN_WIRE_SET(learning.entries.emplace_back(), take_learned(entry));
  }
  learning.not_kept = from.not_kept();
  learning.forgotten = from.forgotten();
  learning.last_not_kept = Instant{from.last_not_kept_ns()};
  return learning;
}

void to_proto(const model::BaselineRecord& from, v1::BaselineState& to) {
  to.set_id(from.id.value);
  to.set_revision(from.revision);
  to_proto(from.scope, *to.mutable_scope());
  to.set_version(from.version);
  to.set_status(static_cast<v1::BaselineState::Status>(from.status));
  to.set_has_listeners(from.has_listeners);
  to.set_has_programs(from.has_programs);
  to.set_has_units(from.has_units);
  for (const model::ProposedEntry& entry : from.entries) put(entry, *to.add_entries());
  for (const model::ProposedEntry& entry : from.left_out) put(entry, *to.add_left_out());
  to.set_window_from_ns(from.window_from.ns);
  to.set_window_to_ns(from.window_to.ns);
  for (const std::string& host : from.hosts) to.add_hosts(host);
  to.set_host_count(from.host_count);
  for (const model::Message& note : from.notes) to_proto(note, *to.add_notes());
  put_decided(from.proposed, *to.mutable_proposed());
  if (!from.decided.by.name.empty()) put_decided(from.decided, *to.mutable_decided());
  to.set_expires_ns(from.expires.ns);
}

Result<model::BaselineRecord> from_proto(const v1::BaselineState& from) {
  model::BaselineRecord record;
  record.id = BaselineId{from.id()};
  record.revision = from.revision();
  TOCSIN_WIRE_SET(record.scope, from_proto(from.scope()));
  record.version = from.version();
  TOCSIN_WIRE_SET(record.status,
                  numbered("baseline.status", from.status(), model::BaselineStatus::superseded));
  record.has_listeners = from.has_listeners();
  record.has_programs = from.has_programs();
  record.has_units = from.has_units();
  TOCSIN_WIRE_SET(record.entries, take_proposed(from.entries()));
  TOCSIN_WIRE_SET(record.left_out, take_proposed(from.left_out()));
  record.window_from = Instant{from.window_from_ns()};
  record.window_to = Instant{from.window_to_ns()};
  TOCSIN_TRY(check_count("baseline.hosts", static_cast<std::size_t>(from.hosts_size()),
                         limits::kBaselineHosts));
  for (const std::string& host : from.hosts()) record.hosts.push_back(name_text(host));
  record.host_count = from.host_count();
  TOCSIN_TRY(
      check_count("baseline.notes", static_cast<std::size_t>(from.notes_size()), limits::kReasons));
  for (const v1::Message& note : from.notes()) {
    TOCSIN_WIRE_SET(record.notes.emplace_back(), from_proto(note));
  }
  TOCSIN_WIRE_SET(record.proposed, take_decided(from.proposed()));
  TOCSIN_WIRE_SET(record.decided, take_decided(from.decided()));
  record.expires = Instant{from.expires_ns()};
  return record;
}

void put_baseline_act(const model::Command& from, v1::Command& to) {
  if (const auto* propose = std::get_if<model::ProposeBaseline>(&from.act)) {
    v1::ProposeBaseline& out = *to.mutable_propose_baseline();
    to_proto(propose->scope, *out.mutable_scope());
    out.set_since_s(seconds_of(propose->since));
    for (const std::string& entry : propose->leave_out) out.add_leave_out(entry);
    out.set_from_finding(propose->from_finding.value);
  }
  if (const auto* approve = std::get_if<model::ApproveBaseline>(&from.act)) {
    to.mutable_approve_baseline()->set_baseline_id(approve->baseline.value);
    to.mutable_approve_baseline()->set_valid_s(seconds_of(approve->valid_for));
  }
  if (const auto* reject = std::get_if<model::RejectBaseline>(&from.act)) {
    to.mutable_reject_baseline()->set_baseline_id(reject->baseline.value);
  }
}

Result<model::ProposeBaseline> take_propose(const v1::ProposeBaseline& from) {
  model::ProposeBaseline propose;
  TOCSIN_WIRE_SET(propose.scope, from_proto(from.scope()));
  propose.since = std::chrono::seconds(from.since_s());
  TOCSIN_TRY(check_count("propose.leave_out", static_cast<std::size_t>(from.leave_out_size()),
                         limits::kLeaveOut));
  for (const std::string& entry : from.leave_out()) {
    propose.leave_out.push_back(path_text(entry));
  }
  propose.from_finding = FindingId{from.from_finding()};
  return propose;
}

}  // namespace tocsin::wire
