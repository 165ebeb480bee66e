#include "agent/checks/sockets.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "agent/checks/hidden.hpp"
#include "agent/checks/listener_gate.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/program_files.hpp"
#include "agent/checks/sockets_facts.hpp"
#include "agent/checks/taken_ports.hpp"
#include "agent/os/net_namespaces.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/sock_diag.hpp"
#include "agent/os/sock_events.hpp"
#include "agent/os/socket_counts.hpp"
#include "agent/os/systemd.hpp"
#include "agent/os/try_bind.hpp"
#include "agent/os/users.hpp"
#include "common/model/ports.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kPeersEvery = 30s;
constexpr Duration kNamespacesEvery = 10s;
constexpr int kNamespacesRest = 500;          // times as long as the look before took, at least
constexpr Duration kCompareEvery = 60s;       // netlink with text; sooner while they disagree
constexpr Duration kTryPortsEvery = 10s;      // those that nobody listens on
constexpr int kTryPortsRest = 500;            // times as long as the look before took, at least
constexpr std::size_t kAskedPorts = 64;       // that somebody wants to know of, at one time
constexpr Duration kAskedRest = 50ms;         // between two looks at them
constexpr std::size_t kNamespaces = 64;       // looked into
constexpr std::size_t kEventsAtOnce = 16384;  // taken from the kernel at one time
constexpr Duration kSettled = 30s;            // for unconnected UDP on an ephemeral port
constexpr Duration kSearchAgain = 60s;        // for a socket whose owner was not found
constexpr Duration kWritableKept = 30s;       // who may write a program that is still the same
constexpr std::size_t kOwnersKept = 64;       // of one socket
constexpr std::size_t kFileBytes = 8192;

struct KnownOwner {
  std::uint32_t descriptor = 0;
  os::ProcessIdentity identity;
  std::uint64_t start_ticks = 0;
  std::string link;  // of /proc/PID/exe as last read
  MonoTime writable_read;
  SocketOwner owner;
};

struct KnownSocket {
  MonoTime first_seen;
  bool since_before = false;  // already there at the first run
  std::optional<MonoTime> searched;
  std::vector<KnownOwner> owners;
  bool had_owner = false;
};

// A listener, and which network namespace it is in.
struct Listening {
  os::Socket socket;
  std::string network_namespace;  // empty: the one that the agent is in
};

struct SocketsMemory final : CheckMemory {
  explicit SocketsMemory(const CheckContext& context)
      : users(context.root), reader(context.root), files(context.root, context.packages) {}
  os::Users users;
  os::SocketReader reader;
  ProgramFiles files;
  std::vector<os::Socket> listening;  // of the last run, in our own network namespace
  std::vector<Listening> elsewhere;   // in other ones
  std::optional<MonoTime> elsewhere_due;
  std::uint32_t namespaces = 0;
  std::uint32_t namespaces_not_seen = 0;
  HiddenListeners hidden;
  std::optional<MonoTime> compared_at;
  TakenPorts taken;
  std::optional<MonoTime> taken_due;
  std::string asked;                    // the ports that were asked about and tried
  std::optional<bool> bound_is_listed;  // does this kernel tell of sockets that are only bound?
  std::uint64_t tcp_digest = 0;         // of `listening`
  std::optional<os::SocketCounter> counter;
  bool counter_tried = false;
  ListenerGate gate;
  bool ended = false;  // a socket ended since the list of TCP listeners was asked for, or may have
  std::vector<os::Socket> scratch;
  std::optional<os::SocketEvents> events;
  bool events_tried = false;
  PeerBook peers;
  PeerBook::Services services;
  std::map<std::uint64_t, KnownSocket> sockets;  // by inode; only those of the last run
  std::optional<MonoTime> connections_at;
  bool first_run = true;
};

std::uint64_t start_ticks_of(const os::ProcReader& proc, std::uint32_t pid) {
  const auto text = proc.read_at_once(pid, "stat", kFileBytes);
  if (!text) return 0;
  const auto stat = os::parse_stat(*text);
  return stat ? stat->start_ticks : 0;
}

// Reads what can change while a process lives: which program it runs, whether others may write it.
void look_at_program(const os::ProcReader& proc, MonoTime now, KnownOwner& known) {
  const std::uint32_t pid = known.owner.process_id;
  const std::string link = proc.link(pid, "exe").value_or(std::string());
  const bool same = link == known.link && !link.empty();
  if (!same) {
    known.link = link;
    const ExecutableLink parsed = parse_executable_link(link);
    known.owner.executable = parsed.path;
    known.owner.deleted = link.empty() ? model::Tristate::unknown : model::tristate(parsed.deleted);
    const auto cgroup = proc.read_at_once(pid, "cgroup", kFileBytes);
    known.owner.unit = cgroup ? os::parse_cgroup_unit(*cgroup) : std::string();
  }
  if (same && now - known.writable_read < kWritableKept) return;
  const auto writable = proc.executable_world_writable(pid, known.owner.executable);
  known.owner.world_writable = writable ? model::tristate(*writable) : model::Tristate::unknown;
  known.writable_read = now;
}

KnownOwner owner_from(const os::ProcReader& proc, const os::ProcReader::Holder& holder,
                      MonoTime now) {
  KnownOwner known;
  known.descriptor = holder.fd;
  known.owner.process_id = holder.pid;
  known.identity = proc.identity(holder.pid).value_or(os::ProcessIdentity{});
  known.start_ticks = start_ticks_of(proc, holder.pid);
  look_at_program(proc, now, known);
  return known;
}

// False: another process has its number since, or nobody.
bool still_lives(const os::ProcReader& proc, KnownOwner& known) {
  const auto identity = proc.identity(known.owner.process_id);
  if (!identity) return false;
  if (*identity == known.identity) return true;
  known.identity = *identity;
  return start_ticks_of(proc, known.owner.process_id) == known.start_ticks;
}

// False: this process no longer has this socket where it was.
bool still_holds(const os::ProcReader& proc, std::uint64_t inode, MonoTime now, KnownOwner& known) {
  const auto link = proc.link(known.owner.process_id, "fd/" + std::to_string(known.descriptor));
  if (!link || os::parse_socket_link(*link) != inode) return false;
  if (!still_lives(proc, known)) return false;
  look_at_program(proc, now, known);
  return true;
}

// Forgets sockets that are gone, notes new ones, and returns the inodes whose owner must be
// searched.
std::vector<std::uint64_t> reconcile(const std::vector<Listening>& sockets,
                                     const os::ProcReader& proc, MonoTime now,
                                     SocketsMemory& memory) {
  std::map<std::uint64_t, KnownSocket> next;
  for (const auto& [socket, network_namespace] : sockets) {
    const auto known = memory.sockets.find(socket.inode);
    if (known != memory.sockets.end()) {
      next.insert(memory.sockets.extract(known));
    } else {
      next.try_emplace(socket.inode, KnownSocket{now, memory.first_run, std::nullopt, {}});
    }
  }
  memory.sockets = std::move(next);
  std::vector<std::uint64_t> unknown;
  for (auto& [inode, known] : memory.sockets) {
    const bool had_owners = !known.owners.empty();
    std::erase_if(known.owners, [&, key = inode](KnownOwner& owner) {
      return !still_holds(proc, key, now, owner);
    });
    const bool search = !known.searched || now - *known.searched >= kSearchAgain || had_owners;
    if (known.owners.empty() && search && inode != 0) unknown.push_back(inode);
  }
  return unknown;
}

Status search_owners(const std::vector<std::uint64_t>& inodes, const os::ProcReader& proc,
                     const CheckContext& context, MonoTime now, SocketsMemory& memory) {
  if (inodes.empty()) return {};
  const auto scan = proc.find_sockets(inodes, context.stop);
  if (!scan) return fail(scan.error());
  for (const std::uint64_t inode : inodes) memory.sockets[inode].searched = now;
  for (const os::ProcReader::Holder& holder : scan->holders) {
    std::vector<KnownOwner>& owners = memory.sockets[holder.inode].owners;
    if (owners.size() < kOwnersKept) owners.push_back(owner_from(proc, holder, now));
    memory.sockets[holder.inode].had_owner = true;
  }
  return {};
}

std::pair<std::uint16_t, std::uint16_t> ephemeral_ports(const std::string& root) {
  const auto text =
      os::read_start(os::under(root, "/proc/sys/net/ipv4/ip_local_port_range"), kFileBytes);
  constexpr std::pair<std::uint16_t, std::uint16_t> kLinuxDefault{32768, 60999};
  return text ? os::parse_port_range(*text).value_or(kLinuxDefault) : kLinuxDefault;
}

bool passing(const os::Socket& socket, const KnownSocket& known, MonoTime now,
             std::pair<std::uint16_t, std::uint16_t> ephemeral) {
  if (socket.protocol != model::Protocol::udp || known.since_before) return false;
  if (socket.local_port < ephemeral.first || socket.local_port > ephemeral.second) return false;
  return now - known.first_seen < kSettled;
}

std::vector<SeenListener> describe(const std::vector<Listening>& sockets, MonoTime now,
                                   const std::string& root, SocketsMemory& memory) {
  const auto ephemeral = ephemeral_ports(root);
  std::vector<SeenListener> listeners;
  for (const auto& [socket, network_namespace] : sockets) {
    const KnownSocket& known = memory.sockets[socket.inode];
    if (passing(socket, known, now, ephemeral)) continue;
    SeenListener seen{socket, memory.users.name_of(socket.uid, now), {}, network_namespace};
    for (const KnownOwner& owner : known.owners) seen.owners.push_back(owner.owner);
    listeners.push_back(std::move(seen));
  }
  return listeners;
}

void look_at_files(std::vector<SeenListener>& listeners, std::stop_token stop,
                   SocketsMemory& memory) {
  std::vector<ProgramFiles::Program> programs;
  for (const SeenListener& listener : listeners) {
    for (const SocketOwner& owner : listener.owners) {
      programs.push_back(
          {owner.process_id, owner.executable, owner.deleted == model::Tristate::yes});
    }
  }
  std::vector<model::ProgramFile> files = memory.files.of(programs, std::move(stop));
  auto file = files.begin();
  for (SeenListener& listener : listeners) {
    for (SocketOwner& owner : listener.owners) owner.file = std::move(*file++);
  }
}

// What tells one set of TCP listeners from another, in any order.
std::uint64_t tcp_digest_of(const std::vector<os::Socket>& sockets) {
  std::uint64_t sum = 0;
  for (const os::Socket& socket : sockets) {
    if (socket.protocol != model::Protocol::tcp) continue;
    std::uint64_t one = (socket.inode << 16 | socket.local_port) * 0x9E3779B97F4A7C15ULL;
    one = (one ^ one >> 29 ^ socket.uid) * 0xBF58476D1CE4E5B9ULL;
    sum += one ^ one >> 32;
  }
  return sum;
}

void take_events(const CheckContext& context, SocketsMemory& memory) {
  if (!memory.events) return;
  const std::uint32_t overflows = memory.events->overflows();
  memory.scratch.clear();
  memory.events->read(kEventsAtOnce, memory.scratch);
  if (memory.events->overflows() != overflows) memory.ended = true;
  if (memory.scratch.empty()) return;
  memory.ended = true;
  memory.peers.ended(memory.scratch, memory.services, context.time.steady(), context.time.wall());
}

// Opened by the check's run, which is on a thread in the network namespace that it looks at.
void open_counter(const CheckContext& context, SocketsMemory& memory) {
  if (context.root != "/" || std::exchange(memory.counter_tried, true)) return;
  auto counter = os::SocketCounter::open();
  if (counter) memory.counter = std::move(*counter);
}

std::optional<os::SocketCounts> counts_now(SocketsMemory& memory) {
  if (!memory.counter) return std::nullopt;
  const auto counts = memory.counter->read();
  return counts ? std::optional(*counts) : std::nullopt;
}

Status refresh_connections(const std::string& exact, const CheckContext& context, MonoTime now,
                           SocketsMemory& memory) {
  if (!memory.events_tried && context.root == "/") {
    memory.events_tried = true;
    auto events = os::SocketEvents::open();
    if (events) memory.events = std::move(*events);
  }
  memory.services = services_of(memory.listening);
  if (memory.peers.be_exact_about(exact)) memory.connections_at.reset();
  take_events(context, memory);
  if (memory.connections_at && now - *memory.connections_at < kPeersEvery) return {};
  TOCSIN_TRY(memory.reader.read(os::SocketQuery::connections, memory.scratch));
  // Of one that waits in TIME_WAIT the kernel told the end already.
  if (memory.events) {
    std::erase_if(memory.scratch,
                  [](const os::Socket& s) { return s.state == os::SocketState::time_wait; });
  }
  memory.peers.look(memory.scratch, memory.services, now, context.time.wall());
  memory.connections_at = now;
  return {};
}

// One that is gone or unreadable meanwhile is left out until the next look.
Status refresh_elsewhere(const os::ProcReader& proc, const CheckContext& context, MonoTime now,
                         SocketsMemory& memory) {
  if (memory.elsewhere_due && now < *memory.elsewhere_due) return {};
  memory.elsewhere.clear();
  if (context.root != "/") return {};
  const auto namespaces = os::other_network_namespaces(proc, context.root);
  if (!namespaces) return fail(namespaces.error());
  const std::size_t looked_into = std::min(namespaces->others.size(), kNamespaces);
  memory.namespaces = static_cast<std::uint32_t>(looked_into);
  memory.namespaces_not_seen = namespaces->not_permitted + namespaces->empty +
                               static_cast<std::uint32_t>(namespaces->others.size() - looked_into);
  for (std::size_t i = 0; i < looked_into; ++i) {
    const os::NetworkNamespace& one = namespaces->others[i];
    const std::string folder = "/proc/" + std::to_string(one.pid) + "/net";
    if (!os::read_proc_net(os::SocketQuery::listeners, folder, memory.scratch)) {
      ++memory.namespaces_not_seen;
      continue;
    }
    for (const os::Socket& socket : memory.scratch) memory.elsewhere.push_back({socket, one.name});
  }
  const Duration took = context.time.steady() - now;
  memory.elsewhere_due = now + std::max(kNamespacesEvery, took * kNamespacesRest);
  return {};
}

// Where one of the two ways cannot be asked there is nothing to compare.
void compare_ways(const CheckContext& context, MonoTime now, SocketsMemory& memory) {
  const bool due = !memory.compared_at || now - *memory.compared_at >= kCompareEvery ||
                   memory.hidden.suspicious();
  if (!due || context.root != "/" || !memory.reader.asks_kernel()) return;
  memory.compared_at = now;
  std::vector<os::Socket> text;
  if (!os::read_proc_net(os::SocketQuery::listeners, "/proc/thread-self/net", text)) return;
  if (!memory.reader.read(os::SocketQuery::listeners, memory.scratch)) return;
  memory.hidden.pass(memory.listening, text, memory.scratch);
}

// Does the kernel list a socket that is bound and does not listen? Tried with one of our own.
bool lists_bound_sockets(SocketsMemory& memory) {
  const auto own = os::BoundSocket::open();
  if (!own || !memory.reader.read(os::SocketQuery::everything, memory.scratch)) return false;
  return std::any_of(memory.scratch.begin(), memory.scratch.end(), [&](const os::Socket& s) {
    return s.protocol == model::Protocol::tcp && s.local_port == own->port();
  });
}

// Ports that are taken while neither way lists them. Those that somebody asked about are tried to
// the end at once, the others in turn.
void try_ports(const CheckContext& context, MonoTime now, const std::string& asked,
               SocketsMemory& memory) {
  const bool question = asked != memory.asked;
  const bool due = question || !memory.taken_due || now >= *memory.taken_due;
  if (!due || context.root != "/" || !memory.reader.asks_kernel()) return;
  memory.asked = asked;
  std::vector<std::uint16_t> ports =
      model::parse_ports(asked).value_or(std::vector<std::uint16_t>());
  ports.resize(std::min(ports.size(), kAskedPorts));
  if (!memory.bound_is_listed) memory.bound_is_listed = lists_bound_sockets(memory);
  const PortWays ways{os::try_bind,
                      [&](std::vector<os::Socket>& into) {
                        return memory.reader.read(os::SocketQuery::everything, into);
                      },
                      os::first_bindable_port()};
  const MonoTime begun = context.time.steady();
  for (int i = 0; i < (question ? TakenPorts::kPasses : 1); ++i) {
    if (i > 0 && !memory.taken.suspicious()) break;
    if (i > 0) os::pause(kAskedRest);
    if (!memory.taken.look(memory.listening, ports, *memory.bound_is_listed, ways)) break;
  }
  const Duration took = context.time.steady() - begun;
  memory.taken_due = now + std::max(kTryPortsEvery, question ? 0s : took * kTryPortsRest);
}

// Listeners elsewhere are not read at every run. One that lost its program since was closed, and
// must not look like a listener of nobody until then.
void forget_closed_elsewhere(std::vector<Listening>& all, SocketsMemory& memory) {
  const auto closed = [&](const Listening& one) {
    if (one.network_namespace.empty()) return false;
    const KnownSocket& known = memory.sockets[one.socket.inode];
    return known.had_owner && known.owners.empty();
  };
  std::erase_if(all, closed);
  std::erase_if(memory.elsewhere, closed);
}

Result<model::SocketsFacts> look(const model::CheckDefinition& check, CheckContext& context,
                                 SocketsMemory& memory) {
  const MonoTime now = context.time.steady();
  open_counter(context, memory);
  const auto counts = counts_now(memory);
  memory.ended = false;
  TOCSIN_TRY(memory.reader.read(os::SocketQuery::listeners, memory.listening));
  memory.tcp_digest = tcp_digest_of(memory.listening);
  memory.gate.listed(counts, now);
  compare_ways(context, now, memory);
  try_ports(context, now, check.ports, memory);
  const auto proc = os::ProcReader::open(context.root);
  if (!proc) return fail(proc.error());
  TOCSIN_TRY(refresh_elsewhere(*proc, context, now, memory));
  std::vector<Listening> all = memory.elsewhere;
  for (const os::Socket& socket : memory.listening) all.push_back({socket, {}});
  const auto unknown = reconcile(all, *proc, now, memory);
  TOCSIN_TRY(search_owners(unknown, *proc, context, now, memory));
  forget_closed_elsewhere(all, memory);
  TOCSIN_TRY(refresh_connections(check.exact_sources, context, now, memory));
  memory.first_run = false;
  std::vector<SeenListener> listeners = describe(all, now, context.root, memory);
  look_at_files(listeners, context.stop, memory);
  auto facts = sockets_facts(listeners, memory.peers);
  facts.source_events = memory.events.has_value();
  facts.source_event_overflows = memory.events ? memory.events->overflows() : 0;
  facts.namespaces = memory.namespaces;
  facts.namespaces_not_seen = memory.namespaces_not_seen;
  facts.hidden = memory.hidden.found();
  const auto taken = memory.taken.found();
  facts.hidden.insert(facts.hidden.end(), taken.begin(), taken.end());
  facts.taken_unlisted = memory.taken.unexplained();
  const bool tries = context.root == "/" && memory.reader.asks_kernel();
  facts.ports_tried_from = tries ? memory.taken.tried_from() : model::kNoPortTried;
  return facts;
}

}  // namespace

model::Observation observe_sockets(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<SocketsMemory>(context);
  auto facts = look(check, context, static_cast<SocketsMemory&>(*context.memory));
  if (!facts) return run.unseen(facts.error());
  return run.seen(std::move(*facts));
}

bool glance_at_sockets(CheckContext& context) {
  if (!context.memory || context.root != "/") return false;
  auto& memory = static_cast<SocketsMemory&>(*context.memory);
  take_events(context, memory);
  if (!memory.reader.asks_kernel()) return false;  // Text is too dear for this.
  const MonoTime now = context.time.steady();
  const auto counts = counts_now(memory);
  const auto ended = memory.events ? std::optional(memory.ended) : std::nullopt;
  if (!memory.gate.must_list(counts, ended, now)) return false;
  memory.ended = false;
  if (!memory.reader.read(os::SocketQuery::tcp_listeners, memory.scratch)) return false;
  memory.gate.listed(counts, now);
  return tcp_digest_of(memory.scratch) != memory.tcp_digest;
}

}  // namespace tocsin::agent
