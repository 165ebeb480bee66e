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
#include "common/model/message.hpp"

namespace tocsin::model {

enum class CheckKind : std::uint8_t { ping = 1, service, audit_log, sockets, processes };
inline constexpr std::array kCheckKinds{CheckKind::ping, CheckKind::service, CheckKind::audit_log,
                                        CheckKind::sockets, CheckKind::processes};
std::string_view to_string(CheckKind kind);  // "sockets": the word of configuration and CLI
std::optional<CheckKind> check_kind_from(std::string_view word);
// The clause of the procedure's annex two that a kind serves: "M-07".
std::string_view clause_of(CheckKind kind);

// Names a check within a host. `target`: ping an address, service a unit, audit_log a path or
// "journal"; the others have none.
struct CheckRef {
  CheckKind kind = CheckKind::sockets;
  std::string target;
  friend auto operator<=>(const CheckRef&, const CheckRef&) = default;
};
std::string to_string(const CheckRef& check);  // "sockets", "service:ssh.service"

// How often a kind is checked where nobody says: a listener that is there for a moment only is seen
// only by looking often (procedure M-07), everything else changes slowly.
constexpr Duration default_interval(CheckKind kind) {
  return kind == CheckKind::sockets ? Duration(2s) : Duration(30s);
}

struct CheckDefinition {
  CheckRef check;
  Duration interval = 30s;
  Duration deadline = 10s;
  int ping_packets = 5;
  int ping_tcp_port = 0;  // 0: no TCP fallback
  friend bool operator==(const CheckDefinition&, const CheckDefinition&) = default;
};

enum class Tristate : std::uint8_t { unknown, yes, no };
constexpr Tristate tristate(bool value) { return value ? Tristate::yes : Tristate::no; }

enum class PingMethod : std::uint8_t { icmp_datagram = 1, icmp_raw, tcp };

struct PingFacts {
  std::string address;
  PingMethod method = PingMethod::icmp_datagram;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint32_t rtt_min_us = 0;
  std::uint32_t rtt_avg_us = 0;
  std::uint32_t rtt_max_us = 0;
  std::uint32_t unreachable = 0;
  Tristate gateway_reachable = Tristate::unknown;
  friend bool operator==(const PingFacts&, const PingFacts&) = default;
};

struct ServiceFacts {
  std::string unit;
  std::string load_state;
  std::string active_state;
  std::string sub_state;
  std::string result;
  std::uint32_t restarts = 0;
  std::uint32_t main_pid = 0;
  std::int32_t exit_status = 0;
  Instant state_since;
  bool one_shot = false;
  friend bool operator==(const ServiceFacts&, const ServiceFacts&) = default;
};

struct AuditLogFacts {
  std::string source;
  Tristate present = Tristate::unknown;
  Tristate readable = Tristate::unknown;
  std::uint64_t size_bytes = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  Instant modified;
  std::uint64_t records_seen = 0;
  bool auditing_was_on = false;
  Tristate auditing_on = Tristate::unknown;
  bool replaced = false;
  bool shrunk = false;
  bool rotated_sibling = false;
  bool head_changed = false;
  bool zeroed = false;
  std::uint64_t sequence_gap = 0;
  Tristate disk_full = Tristate::unknown;
  std::uint64_t previous_size_bytes = 0;
  std::string boot_id;
  bool new_boot = false;
  friend bool operator==(const AuditLogFacts&, const AuditLogFacts&) = default;
};

enum class Protocol : std::uint8_t { tcp = 1, udp };
enum class AddressClass : std::uint8_t { any = 1, loopback, private_network, public_network };
std::string_view to_string(Protocol protocol);
std::string_view to_string(AddressClass address_class);  // "any", "loopback", "private", "public"
std::optional<Protocol> protocol_from(std::string_view word);
std::optional<AddressClass> address_class_from(std::string_view word);

struct Listener {
  Protocol protocol = Protocol::tcp;
  AddressClass address_class = AddressClass::any;
  std::string address;
  std::uint16_t port = 0;
  std::string executable;
  Tristate executable_deleted = Tristate::unknown;
  Tristate executable_world_writable = Tristate::unknown;
  std::uint32_t uid = 0;
  std::string user;
  std::string unit;
  std::vector<std::uint32_t> process_ids;
  std::string network_namespace;
  friend bool operator==(const Listener&, const Listener&) = default;
};

struct PeerAggregate {
  Protocol protocol = Protocol::tcp;
  std::uint16_t local_port = 0;
  bool inbound = false;
  std::string remote_prefix;
  std::uint16_t remote_port = 0;
  std::uint32_t count = 0;
  friend bool operator==(const PeerAggregate&, const PeerAggregate&) = default;
};

struct SocketsFacts {
  std::vector<Listener> listeners;
  std::vector<PeerAggregate> peers;
  std::uint32_t listeners_over_limit = 0;
  std::uint32_t peers_over_limit = 0;
  std::uint32_t owners_unknown = 0;
  friend bool operator==(const SocketsFacts&, const SocketsFacts&) = default;
};

struct ProcessGroup {
  std::string name;
  std::string executable;
  std::uint32_t uid = 0;
  std::string user;
  std::string unit;
  std::uint32_t count = 0;
  bool kernel_thread = false;
  Tristate executable_deleted = Tristate::unknown;
  Tristate memory_only = Tristate::unknown;
  Tristate executable_world_writable = Tristate::unknown;
  bool imitates_kernel_thread = false;
  Tristate preload = Tristate::unknown;
  std::uint32_t example_pid = 0;
  friend bool operator==(const ProcessGroup&, const ProcessGroup&) = default;
};

struct ProcessesFacts {
  std::vector<ProcessGroup> groups;
  std::uint32_t processes = 0;
  std::uint32_t groups_over_limit = 0;
  std::uint32_t vanished = 0;
  std::uint32_t not_permitted = 0;
  bool preload_file = false;
  friend bool operator==(const ProcessesFacts&, const ProcessesFacts&) = default;
};

enum class Outcome : std::uint8_t { seen = 1, timed_out, not_permitted, failed, not_applicable };
std::string_view to_string(Outcome outcome);

using Facts = std::variant<std::monostate, PingFacts, ServiceFacts, AuditLogFacts, SocketsFacts,
                           ProcessesFacts>;

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
