// What is normal on a host, learned from what it showed and approved by a second person (procedure
// M-07, M-09, M-28). Shapes and meanings follow proto/tocsin/v1/baseline.proto and state.proto.
//
//   facts -> HostLearning -> BaselineRecord, proposed -> approved -> ApprovedBaseline, on its hosts
//
// The site policy's hand-written baselines are in common/model/policy.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/facts.hpp"
#include "common/model/incident.hpp"
#include "common/model/message.hpp"

namespace tocsin::model {

enum class EntryKind : std::uint8_t { listener = 1, program, unit };
std::string_view to_string(EntryKind kind);

// One thing that is normal, by what stays the same when it is started again: never a process id.
struct BaselineEntry {
  EntryKind kind = EntryKind::listener;
  Protocol protocol = Protocol::tcp;  // of a listener, as the next three
  AddressClass address_class = AddressClass::any;
  std::uint16_t port = 0;
  std::uint16_t port_to = 0;  // the last of a range; 0: `port` alone
  std::string name;           // of a unit, or of a program whose file is not known
  std::string executable;     // of a listener or program, without " (deleted)"
  std::string package;        // that installed the executable: its next version is no change
  std::string sha256;         // hex, of an executable that no package vouches for; empty: unknown
  std::string user;           // "root"; "uid:1234" where the number has no name
  friend auto operator<=>(const BaselineEntry&, const BaselineEntry&) = default;
};
// "tcp any 443 /usr/sbin/nginx root", "program /opt/x/y app", "unit ssh.service": in one line, how
// people and commands name it. Of a listener the beginning of the subject of a finding about it.
std::string to_string(const BaselineEntry& entry);

// When and for how long something was there. Facts come when something changed, so it counts as
// there from the fact that shows it to the first that does not.
struct Sightings {
  Instant first;
  Instant last;
  Duration present{};             // altogether
  std::uint32_t appearances = 0;  // how often it came
  friend bool operator==(const Sightings&, const Sightings&) = default;
};

struct LearnedEntry {
  BaselineEntry entry;
  Sightings seen;
  Instant there_since;               // 0: it is not there now
  std::vector<std::uint16_t> ports;  // of a range that the system chose from, the first few seen
  bool more_ports = false;
  std::vector<std::string> signs;  // "@why.world_writable": what makes it look bad
  bool condemned = false;          // a person called a finding about it a security event
  friend bool operator==(const LearnedEntry&, const LearnedEntry&) = default;
};

// What one host showed since it is watched, bounded.
struct HostLearning {
  AgentId agent;
  Instant listeners_since;  // 0: never seen, as the next two
  Instant programs_since;
  Instant units_since;
  std::vector<LearnedEntry> entries;  // ordered by entry
  std::uint64_t not_kept = 0;         // came when there was no room
  std::uint64_t forgotten = 0;        // gone for the longest, to make room
  Instant last_not_kept;
  friend bool operator==(const HostLearning&, const HostLearning&) = default;
};

enum class ScopeKind : std::uint8_t { host = 1, group };
std::string_view to_string(ScopeKind kind);
struct BaselineScope {
  ScopeKind kind = ScopeKind::host;
  std::string name;
  friend auto operator<=>(const BaselineScope&, const BaselineScope&) = default;
};
std::string to_string(const BaselineScope& scope);  // "host web1", "group web"

// What is proposed, with what a second person should know before approving it.
struct ProposedEntry {
  BaselineEntry entry;
  Sightings seen;
  std::uint32_t hosts = 0;     // of the scope, that showed it
  std::vector<Message> marks;  // "baseline.mark.late": look at it; of what is left out: why
  friend bool operator==(const ProposedEntry&, const ProposedEntry&) = default;
};

enum class BaselineStatus : std::uint8_t {
  proposed = 1,
  approved,
  rejected,
  replaced,    // by a later proposal
  superseded,  // by a later version
};
std::string_view to_string(BaselineStatus status);

struct BaselineRecord {
  BaselineId id;
  std::uint64_t revision = 1;
  BaselineScope scope;
  std::uint32_t version = 0;  // counted from 1 within the scope, given when it is approved
  BaselineStatus status = BaselineStatus::proposed;
  bool has_listeners = false;  // a part that no host of the scope showed stays `cannot tell`
  bool has_programs = false;
  bool has_units = false;
  std::vector<ProposedEntry> entries;   // ordered by entry
  std::vector<ProposedEntry> left_out;  // the same, not part of it
  Instant window_from;
  Instant window_to;
  std::vector<std::string> hosts;  // names, the first of them
  std::uint32_t host_count = 0;
  std::vector<Message> notes;  // about all of it
  Decided proposed;
  Decided decided;  // approved or rejected
  Instant expires;  // 0 until it is approved
  friend bool operator==(const BaselineRecord&, const BaselineRecord&) = default;
};

// An approved one as its hosts keep it, to be judged without a collector.
struct ApprovedBaseline {
  std::string digest;  // of all that follows; empty: none is approved
  BaselineScope scope;
  std::uint32_t version = 0;
  bool has_listeners = false;
  bool has_programs = false;
  bool has_units = false;
  std::vector<BaselineEntry> entries;
  std::string proposed_by;
  std::string approved_by;
  std::string reason;
  Instant approved_at;
  Instant expires;
  friend bool operator==(const ApprovedBaseline&, const ApprovedBaseline&) = default;
};
// Without a digest, which common/wire gives it. REQUIRES: the record is approved.
ApprovedBaseline approved(const BaselineRecord& record);

// Commands; the reason is the command's note.
struct ProposeBaseline {
  BaselineScope scope;
  Duration since{};                    // how far back
  std::vector<std::string> leave_out;  // as to_string(entry)
  FindingId from_finding;              // not 0: the approved one and what this finding is about
  friend bool operator==(const ProposeBaseline&, const ProposeBaseline&) = default;
};
struct ApproveBaseline {
  BaselineId baseline;
  Duration valid_for{};
  friend bool operator==(const ApproveBaseline&, const ApproveBaseline&) = default;
};
struct RejectBaseline {
  BaselineId baseline;
  friend bool operator==(const RejectBaseline&, const RejectBaseline&) = default;
};

}  // namespace tocsin::model
