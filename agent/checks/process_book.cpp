#include "agent/checks/process_book.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/checks/sockets_facts.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFileBytes = 8192;
constexpr std::size_t kEnvironmentBytes = 128 << 10;
constexpr int kSayingsKept = 3;
constexpr int kSurroundingsKept = 10;

// Not all of them at one look, though they were all new at one.
int in_turn(std::uint32_t pid, int looks) {
  return looks + static_cast<int>(pid % static_cast<std::uint32_t>(looks));
}

// False: the process ended.
bool read_sayings(const os::ProcReader& proc, std::uint32_t pid, SeenProcess& seen) {
  const auto text = proc.read_at_once(pid, "stat", kFileBytes);
  auto stat = text ? os::parse_stat(*text) : std::nullopt;
  if (!stat) return false;
  seen.stat = std::move(*stat);
  seen.command.clear();
  if (seen.stat.kernel_thread()) return true;
  seen.command = proc.read_at_once(pid, "cmdline", kFileBytes).value_or(std::string());
  seen.command.resize(std::min(seen.command.size(), seen.command.find('\0')));
  return true;
}

// Most of it only the process's user (or CAP_SYS_PTRACE) may see. False: not permitted.
bool read_surroundings(const os::ProcReader& proc, std::uint32_t pid, SeenProcess& seen) {
  seen.unit = os::parse_cgroup_unit(proc.read_at_once(pid, "cgroup", kFileBytes).value_or(""));
  seen.world_writable = model::Tristate::unknown;
  seen.preload = model::Tristate::unknown;
  const auto writable = proc.executable_world_writable(pid, parse_executable_link(seen.link).path);
  if (writable) seen.world_writable = model::tristate(*writable);
  const auto environment = proc.read_at_once(pid, "environ", kEnvironmentBytes);
  if (!environment) return environment.error().code != ErrorCode::permission_denied;
  seen.preload = model::tristate(os::environment_has(*environment, "LD_PRELOAD"));
  return true;
}

}  // namespace

// False: the process ended, or another one has its number since.
bool ProcessBook::refresh(const os::ProcReader& proc, SeenProcess& seen, Page& page) {
  const auto identity = proc.identity(page.pid);
  if (!identity) return false;
  const bool known = page.identity == *identity;
  const bool kernel_thread = known && seen.stat.kernel_thread();
  const auto link = kernel_thread ? Result<std::string>() : proc.link(page.pid, "exe");
  const bool same_program = known && link.value_or(std::string()) == seen.link;
  const bool sayings_due = --page.sayings_left <= 0;
  const bool surroundings_due = --page.surroundings_left <= 0;
  seen.read_anew = !same_program || sayings_due || surroundings_due;
  if (!seen.read_anew) return true;

  page.identity = *identity;
  seen.uid = identity->uid;
  if (!same_program) {  // what was known of its program is about another one
    seen.packaged = model::Tristate::unknown;
    seen.file = {};
  }
  if (!read_sayings(proc, page.pid, seen)) return false;
  page.sayings_left = same_program ? in_turn(page.pid, kSayingsKept) : 1;
  page.permitted = link || link.error().code != ErrorCode::permission_denied;
  seen.link = link.value_or(std::string());
  if ((!same_program || surroundings_due) && !seen.stat.kernel_thread()) {
    page.permitted = page.permitted && read_surroundings(proc, page.pid, seen);
    page.surroundings_left = same_program ? in_turn(page.pid, kSurroundingsKept) : 1;
  }
  const auto still = proc.identity(page.pid);
  return still && *still == *identity;
}

Result<ProcessBook::Look> ProcessBook::look(const os::ProcReader& proc,
                                            std::span<const std::uint32_t> pids,
                                            std::stop_token stop) {
  Look result;
  std::vector<SeenProcess> before = std::exchange(seen_, {});
  const std::vector<Page> pages_before = std::exchange(pages_, {});
  seen_.reserve(pids.size());
  pages_.reserve(pids.size());
  std::size_t next = 0;
  for (const std::uint32_t pid : pids) {
    if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "reading of /proc");
    while (next < before.size() && pages_before[next].pid < pid) ++next;
    const bool known = next < before.size() && pages_before[next].pid == pid;
    SeenProcess process = known ? std::move(before[next]) : SeenProcess{};
    Page page = known ? pages_before[next] : Page{pid};
    if (!refresh(proc, process, page)) {
      ++result.vanished;
      continue;
    }
    if (!page.permitted) ++result.not_permitted;
    seen_.push_back(std::move(process));
    pages_.push_back(page);
  }
  return result;
}

}  // namespace tocsin::agent
