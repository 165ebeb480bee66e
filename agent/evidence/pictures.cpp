#include "agent/evidence/pictures.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/os/file_sum.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/sock_diag.hpp"
#include "agent/os/unit_list.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/ip.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFileBytes = 64 << 10;
constexpr std::size_t kPrograms = 512;
constexpr std::uint64_t kProgramBytes = 256ULL << 20;    // of one
constexpr std::uint64_t kProgramsBytes = 2048ULL << 20;  // of all

std::string clean(std::string_view text) { return clean_text(text, limits::kPath); }

std::string_view state_word(const os::Socket& socket) {
  switch (socket.state) {
    case os::SocketState::listen:
      return "listen";
    case os::SocketState::established:
      return "established";
    case os::SocketState::time_wait:
      return "time_wait";
    case os::SocketState::close_wait:
      return "close_wait";
    case os::SocketState::syn_sent:
      return "syn_sent";
    case os::SocketState::closed:
      return socket.protocol == model::Protocol::udp ? "unconnected" : "closed";
    default:
      return "closing";
  }
}

using Holders = std::multimap<std::uint64_t, std::uint32_t>;  // inode -> process

constexpr const char* kNotPermitted = "not_permitted";

bool is_forbidden(const Result<std::string>& link) {
  return !link && link.error().code == ErrorCode::permission_denied;
}

// `whole` is false where the descriptors of some process may not be seen.
Holders holders_of(const os::ProcReader& proc, const std::vector<os::Socket>& sockets,
                   std::stop_token stop, bool& whole) {
  std::vector<std::uint64_t> inodes;
  for (const os::Socket& socket : sockets) {
    if (socket.inode != 0) inodes.push_back(socket.inode);
  }
  std::sort(inodes.begin(), inodes.end());
  Holders holders;
  if (const auto scan = proc.find_sockets(inodes, std::move(stop))) {
    for (const auto& holder : scan->holders) holders.emplace(holder.inode, holder.pid);
    whole = scan->not_permitted == 0;
  }
  return holders;
}

std::string held_by(const os::ProcReader* proc, const Holders& holders, std::uint64_t inode) {
  if (inode == 0) return "-";
  std::vector<std::string> names;
  for (auto [at, end] = holders.equal_range(inode); at != end && names.size() < 8; ++at) {
    const auto program = proc->link(at->second, "exe");
    names.push_back(fmt::format("{} {}", at->second, program ? clean(*program) : "?"));
  }
  return names.empty() ? "?" : fmt::format("{}", fmt::join(names, ", "));
}

std::string spaced(std::string text) {
  std::replace(text.begin(), text.end(), '\0', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return clean(text);
}

}  // namespace

Result<std::string> sockets_table(const std::string& root, std::stop_token stop,
                                  const RowSink& sink) {
  os::SocketReader reader(root);
  std::vector<os::Socket> sockets;
  std::vector<os::Socket> some;
  for (const auto query : {os::SocketQuery::listeners, os::SocketQuery::connections}) {
    TOCSIN_TRY(reader.read(query, some));
    sockets.insert(sockets.end(), some.begin(), some.end());
  }
  const auto proc = os::ProcReader::open(root);
  bool whole = true;
  const Holders holders = proc ? holders_of(*proc, sockets, std::move(stop), whole) : Holders{};
  std::string text = "protocol\tstate\tlocal\tport\tremote\tport\tuid\tinode\theld by\n";
  for (const os::Socket& socket : sockets) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", model::to_string(socket.protocol),
                        state_word(socket), net::to_string(socket.local), socket.local_port,
                        net::to_string(socket.remote), socket.remote_port, socket.uid, socket.inode,
                        proc ? held_by(&*proc, holders, socket.inode) : "?");
  }
  sink(text);
  return std::string(whole ? "" : kNotPermitted);
}

Result<std::string> processes_table(const std::string& root, std::stop_token stop,
                                    const RowSink& sink) {
  const auto proc = os::ProcReader::open(root);
  if (!proc) return fail(proc.error());
  const auto ids = proc->process_ids();
  if (!ids) return fail(ids.error());
  bool whole = true;
  bool more =
      sink("pid\tparent\tstate\tuid\tstart ticks\topen files\tunit\tname\texecutable\tcommand\n");
  for (const std::uint32_t pid : *ids) {
    if (stop.stop_requested()) return std::string("stopped");
    if (!more) break;
    const auto stat = os::parse_stat(proc->read(pid, "stat", kFileBytes).value_or(""));
    if (!stat) continue;  // It has ended.
    const auto uid = os::parse_status_uid(proc->read(pid, "status", kFileBytes).value_or(""));
    const auto program = proc->link(pid, "exe");
    if (is_forbidden(program)) whole = false;
    const auto files = proc->descriptors(pid);
    more = sink(fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", pid, stat->parent, stat->state,
        uid ? std::to_string(*uid) : "?", stat->start_ticks,
        files ? std::to_string(files->size()) : "?",
        clean(os::parse_cgroup_unit(proc->read(pid, "cgroup", kFileBytes).value_or(""))),
        clean(stat->name), program ? clean(*program) : (stat->kernel_thread() ? "" : "?"),
        spaced(proc->read(pid, "cmdline", limits::kPath).value_or(""))));
  }
  return std::string(whole ? "" : kNotPermitted);
}

Result<std::string> programs_table(const std::string& root, std::stop_token stop,
                                   const RowSink& sink) {
  const auto proc = os::ProcReader::open(root);
  if (!proc) return fail(proc.error());
  const auto ids = proc->process_ids();
  if (!ids) return fail(ids.error());
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::uint64_t bytes = 0;
  bool whole = true;
  bool more = sink("sha256\tpid\tsize\texecutable\n");
  for (const std::uint32_t pid : *ids) {
    if (!more) break;
    const auto name = proc->link(pid, "exe");
    if (is_forbidden(name)) {
      whole = false;
      more = sink(fmt::format("?\t{}\t?\t?\n", pid));
    }
    if (!name) continue;
    const auto program = os::open_executable(os::under(root, fmt::format("/proc/{}/exe", pid)));
    if (!program) {
      more = sink(fmt::format("?\t{}\t?\t{}\n", pid, clean(*name)));
      continue;
    }
    if (!seen.emplace(program->stat.device, program->stat.inode).second) continue;
    const std::uint64_t size = program->stat.size;
    const bool left_out = seen.size() > kPrograms || size > kProgramBytes ||
                          bytes + size > kProgramsBytes || stop.stop_requested();
    bytes += left_out ? 0 : size;
    const auto sum = left_out ? Result<std::string>("left out") : os::sha256_of(program->fd);
    more = sink(fmt::format("{}\t{}\t{}\t{}\n", sum ? *sum : clean(sum.error().message), pid, size,
                            clean(*name)));
  }
  return std::string(whole ? "" : kNotPermitted);
}

Result<std::string> units_table(const std::string& root, std::stop_token /*stop*/,
                                const RowSink& sink) {
  const auto units = os::list_units(root, 10s);
  if (!units) return fail(units.error());
  std::string text = "unit\tactive\tenabled\tdefined in\n";
  for (const os::ListedUnit& unit : *units) {
    text += fmt::format("{}\t{}\t{}\t{}\n", clean(unit.name), unit.active ? "yes" : "no",
                        unit.enabled ? "yes" : "no", clean(unit.file));
  }
  sink(text);
  return std::string();
}

}  // namespace tocsin::agent
