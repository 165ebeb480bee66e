#include "agent/actions/snapshot.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/os/file_sum.hpp"
#include "agent/os/journal.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/sock_diag.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/net/ip.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kProcesses = 64;
constexpr std::size_t kDescriptors = 256;  // of one process
constexpr std::size_t kMappings = 256;
constexpr std::size_t kJournalLines = 200;
constexpr std::size_t kFileBytes = 256 << 10;

std::string clean(std::string_view text) { return clean_text(text, limits::kPath); }

// Text that grows to a limit and says so when it was reached.
class Pages {
 public:
  template <class... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    const std::string text = fmt::format(format, std::forward<Values>(values)...);
    if (text_.size() + text.size() + 64 > kSnapshotBytes) {
      ++left_out_;
      return;
    }
    text_ += text + "\n";
  }
  std::string finish() && {
    if (left_out_ > 0) text_ += fmt::format("[left out: {} lines]\n", left_out_);
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t left_out_ = 0;
};

std::vector<std::uint32_t> processes_of(const os::ProcReader& proc, const std::string& unit) {
  std::vector<std::uint32_t> found;
  for (const std::uint32_t pid : proc.process_ids().value_or(std::vector<std::uint32_t>())) {
    if (found.size() == kProcesses) break;
    if (os::parse_cgroup_unit(proc.read(pid, "cgroup", kFileBytes).value_or("")) == unit) {
      found.push_back(pid);
    }
  }
  return found;
}

void write_mappings(Pages& pages, std::string_view maps) {
  std::set<std::string> files;
  while (!maps.empty()) {
    const std::size_t end = maps.find('\n');
    const std::string_view line = maps.substr(0, end);
    maps.remove_prefix(end == std::string_view::npos ? maps.size() : end + 1);
    const std::size_t path = line.find('/');
    if (path != std::string_view::npos && files.size() < kMappings)
      files.emplace(line.substr(path));
  }
  for (const std::string& file : files) pages.line("map {}", clean(file));
}

// The sockets among a process's descriptors, by inode.
void write_descriptors(Pages& pages, const os::ProcReader& proc, std::uint32_t pid,
                       std::set<std::uint64_t>& sockets) {
  const auto numbers = proc.descriptors(pid);
  if (!numbers) return pages.line("descriptors: {}", clean(numbers.error().message));
  pages.line("descriptors {}", numbers->size());
  for (std::size_t i = 0; i < std::min(numbers->size(), kDescriptors); ++i) {
    const auto link = proc.link(pid, fmt::format("fd/{}", (*numbers)[i]));
    if (!link) continue;
    if (const auto inode = os::parse_socket_link(*link)) sockets.insert(*inode);
    pages.line("fd {} {}", (*numbers)[i], clean(*link));
  }
}

void write_process(Pages& pages, const os::ProcReader& proc, std::uint32_t pid,
                   std::set<std::uint64_t>& sockets) {
  const auto stat = os::parse_stat(proc.read(pid, "stat", kFileBytes).value_or(""));
  pages.line("\n[process {}]", pid);
  if (stat) {
    pages.line("name {}", clean(stat->name));
    pages.line("parent {}", stat->parent);
    pages.line("start_ticks {}", stat->start_ticks);
  }
  std::string command = proc.read(pid, "cmdline", limits::kPath).value_or("");
  std::replace(command.begin(), command.end(), '\0', ' ');
  pages.line("command {}", clean(command));
  const auto link = proc.link(pid, "exe");
  pages.line("executable {}", clean(link ? *link : link.error().message));
  // Through /proc, so that a program that was deleted is hashed as well.
  const auto sums = proc.executable(pid);
  const auto sum = sums ? os::sha256_of(*sums) : Result<std::string>(fail(sums.error()));
  pages.line("sha256 {}", clean(sum ? *sum : sum.error().message));
  write_mappings(pages, proc.read(pid, "maps", kFileBytes).value_or(""));
  write_descriptors(pages, proc, pid, sockets);
}

void write_sockets(Pages& pages, std::string_view root, const std::set<std::uint64_t>& inodes) {
  pages.line("\n[sockets]");
  os::SocketReader reader{std::string(root)};
  std::vector<os::Socket> sockets;
  for (const auto query : {os::SocketQuery::listeners, os::SocketQuery::connections}) {
    const Status read = reader.read(query, sockets);
    if (!read) {
      pages.line("unknown: {}", clean(read.error().message));
      continue;
    }
    for (const os::Socket& socket : sockets) {
      if (!inodes.contains(socket.inode)) continue;
      pages.line("{} {} {} port {} with {} port {}", model::to_string(socket.protocol),
                 query == os::SocketQuery::listeners ? "listens" : "connected",
                 net::to_string(socket.local), socket.local_port, net::to_string(socket.remote),
                 socket.remote_port);
    }
  }
}

void write_journal(Pages& pages, const std::string& unit, std::string_view root,
                   std::stop_token stop) {
  pages.line("\n[journal]");
  const auto lines = os::journal_tail(root, unit, kJournalLines, std::move(stop));
  if (!lines) return pages.line("unknown: {}", clean(lines.error().message));
  for (const std::string& line : *lines) pages.line("{}", clean(line));
}

void write_unit(Pages& pages, const std::string& unit, const os::UnitProperties& p, Instant now) {
  pages.line("Tocsin snapshot before a restart\n\n[unit]\nname {}\ntaken_ns {}", clean(unit),
             now.ns);
  pages.line("load_state {}\nactive_state {}\nsub_state {}\nresult {}", clean(p.load_state),
             clean(p.active_state), clean(p.sub_state), clean(p.result));
  pages.line("type {}\nrestarts {}\nmain_pid {}\nexit_status {}\nstate_change_ns {}\nprogram {}",
             clean(p.type), p.restarts, p.main_pid, p.exit_status, p.state_change.ns,
             clean(p.program));
}

// The oldest go; names end with the time, so that they are sorted by it within a unit.
void drop_old(const std::string& folder) {
  const auto names = os::list_folder(folder, 1024);
  if (!names || names->size() <= kSnapshots) return;
  std::multimap<std::int64_t, std::string> by_age;
  for (const std::string& name : *names) {
    const auto stat = os::stat_of(folder + "/" + name);
    if (stat) by_age.emplace(stat->modified.ns, name);
  }
  while (by_age.size() > kSnapshots) {
    static_cast<void>(os::remove_file(folder + "/" + by_age.begin()->second));
    by_age.erase(by_age.begin());
  }
}

}  // namespace

Result<Snapshot> take_snapshot(const std::string& unit, const os::UnitProperties& properties,
                               std::string_view root, const std::string& folder, Instant now,
                               std::stop_token stop) {
  const auto proc = os::ProcReader::open(root);
  if (!proc) return fail(proc.error());
  Pages pages;
  write_unit(pages, unit, properties, now);
  std::set<std::uint64_t> sockets;
  for (const std::uint32_t pid : processes_of(*proc, unit)) {
    if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "snapshot");
    write_process(pages, *proc, pid, sockets);
  }
  write_sockets(pages, root, sockets);
  write_journal(pages, unit, root, stop);
  const std::string text = std::move(pages).finish();
  TOCSIN_TRY(os::make_folder(folder));
  Snapshot snapshot;
  snapshot.file = fmt::format("{}/{}.{}.txt", folder, unit, now.ns);
  snapshot.digest = to_hex(crypto::sha256(text));
  TOCSIN_TRY(config::create_file(snapshot.file, text, 0600));
  drop_old(folder);
  return snapshot;
}

}  // namespace tocsin::agent
