#include "agent/checks/processes.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/checks/hidden_processes.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/processes_facts.hpp"
#include "agent/checks/sockets_facts.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"
#include "agent/os/unit_list.hpp"
#include "agent/os/users.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFileBytes = 8192;
constexpr std::size_t kEnvironmentBytes = 128 << 10;
constexpr std::size_t kMaxProcesses = 1 << 16;

// What costs most to find out and does not change while a process runs the same program: its
// environment is that of its start. Others may open its folder later, so it is not kept for long.
struct KnownProcess {
  std::uint64_t start_ticks = 0;
  std::string link;
  std::string command;
  model::Tristate world_writable = model::Tristate::unknown;
  model::Tristate preload = model::Tristate::unknown;
  int runs_left = 0;
};
constexpr int kRunsKept = 10;

struct ProcessesMemory final : CheckMemory {
  explicit ProcessesMemory(const std::string& root) : users(root), packages(root) {}
  os::Users users;
  os::Packages packages;
  std::map<std::uint32_t, KnownProcess> known;  // by process id
  IdSearch hidden_search;
  std::optional<MonoTime> units_read;
  std::vector<model::UnitEntry> units;
  std::uint32_t units_over_limit = 0;
  model::Tristate units_known = model::Tristate::unknown;
};

enum class Look { seen, vanished };

// Reads what only the process's user (or CAP_SYS_PTRACE) may see. False: not permitted.
bool look_inside(const os::ProcReader& proc, SeenProcess& process, KnownProcess& known) {
  const std::uint32_t pid = process.stat.pid;
  const auto link = proc.link(pid, "exe");
  if (!link) return link.error().code != ErrorCode::permission_denied;
  process.link = *link;
  if (--known.runs_left > 0 && known.start_ticks == process.stat.start_ticks &&
      known.link == process.link && known.command == process.command) {
    process.world_writable = known.world_writable;
    process.preload = known.preload;
    return true;
  }
  const auto writable =
      proc.executable_world_writable(pid, parse_executable_link(process.link).path);
  if (writable) process.world_writable = model::tristate(*writable);
  const auto environment = proc.read(pid, "environ", kEnvironmentBytes);
  if (!environment) return environment.error().code != ErrorCode::permission_denied;
  process.preload = model::tristate(os::environment_has(*environment, "LD_PRELOAD"));
  // Not all at once again, though they were seen at once first.
  const int kept = kRunsKept + static_cast<int>(pid % kRunsKept);
  known = {process.stat.start_ticks, process.link,    process.command,
           process.world_writable,   process.preload, kept};
  return true;
}

Look look_at(const os::ProcReader& proc, std::uint32_t pid, SeenProcess& process,
             KnownProcess& known, bool& permitted) {
  const auto stat_text = proc.read(pid, "stat", kFileBytes);
  const auto stat = stat_text ? os::parse_stat(*stat_text) : std::nullopt;
  const auto status = proc.read(pid, "status", kFileBytes);
  const auto uid = status ? os::parse_status_uid(*status) : std::nullopt;
  if (!stat || !uid) return Look::vanished;
  process.stat = *stat;
  process.uid = *uid;
  permitted = true;
  if (stat->kernel_thread()) return Look::seen;
  process.command = proc.read(pid, "cmdline", kFileBytes).value_or(std::string());
  process.command.resize(std::min(process.command.size(), process.command.find('\0')));
  process.unit = os::parse_cgroup_unit(proc.read(pid, "cgroup", kFileBytes).value_or(""));
  permitted = look_inside(proc, process, known);
  // The same process all along, not another one that got its number meanwhile.
  const auto again = os::parse_stat(proc.read(pid, "stat", kFileBytes).value_or(""));
  return again && again->start_ticks == stat->start_ticks ? Look::seen : Look::vanished;
}

// Whose executables packages installed. Without a package database nothing is known.
void look_up_packages(std::vector<SeenProcess>& processes, os::Packages& packages,
                      std::stop_token stop) {
  std::vector<std::string> paths;
  paths.reserve(processes.size());
  for (const SeenProcess& process : processes) {
    paths.push_back(parse_executable_link(process.link).path);
  }
  const auto owners = packages.owners(paths, std::move(stop));
  if (!owners) return;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (paths[i].starts_with('/')) {
      processes[i].packaged = model::tristate(!(*owners)[i].package.empty());
    }
  }
}

// What systemd would start changes rarely, and listing it costs systemd some work.
constexpr Duration kUnitsKept = 5min;
constexpr Duration kUnitsLimit = 2s;

void look_at_units(CheckContext& context, ProcessesMemory& memory) {
  const MonoTime now = context.time.steady();
  if (memory.units_read && now - *memory.units_read < kUnitsKept) return;
  if (!os::systemd_runs(context.root)) return;
  memory.units_read = now;
  memory.units.clear();
  memory.units_over_limit = 0;
  const auto listed = os::list_units(context.root, kUnitsLimit);
  memory.units_known = model::tristate(listed.has_value());
  if (!listed) return;
  std::vector<std::string> files;
  for (const os::ListedUnit& unit : *listed) files.push_back(unit.file);
  const auto owners = memory.packages.owners(files, context.stop);
  for (std::size_t i = 0; i < listed->size(); ++i) {
    if (memory.units.size() == limits::kUnits) {
      ++memory.units_over_limit;
      continue;
    }
    const os::ListedUnit& unit = (*listed)[i];
    model::UnitEntry& entry = memory.units.emplace_back();
    entry.unit = clean_text(unit.name, limits::kName);
    entry.active = unit.active;
    entry.enabled = unit.enabled;
    if (owners) entry.packaged = model::tristate(!(*owners)[i].package.empty());
  }
}

void look_for_hidden(CheckContext& context, ProcessesMemory& memory, std::uint32_t highest,
                     model::ProcessesFacts& facts) {
  if (context.root != "/") return;
  const auto most = os::read_start("/proc/sys/kernel/pid_max", 64);
  const auto ranges = id_ranges(highest, parse_highest_id(most.value_or("")), memory.hidden_search);
  HiddenProcesses hidden = find_hidden(host_sources(), ranges, context.stop);
  facts.hidden_searched = model::tristate(hidden.searched);
  if (hidden.ids.size() > limits::kHiddenProcesses) {
    facts.hidden_over_limit =
        static_cast<std::uint32_t>(hidden.ids.size() - limits::kHiddenProcesses);
    hidden.ids.resize(limits::kHiddenProcesses);
  }
  facts.hidden = std::move(hidden.ids);
}

Result<model::ProcessesFacts> look(CheckContext& context, ProcessesMemory& memory) {
  const auto proc = os::ProcReader::open(context.root);
  if (!proc) return fail(proc.error());
  const auto pids = proc->process_ids();
  if (!pids) return fail(pids.error());
  if (pids->size() > kMaxProcesses) {
    return fail(ErrorCode::resource_exhausted, "more processes than the agent reads");
  }
  std::vector<SeenProcess> processes;
  std::uint32_t vanished = 0;
  std::uint32_t not_permitted = 0;
  const MonoTime now = context.time.steady();
  std::map<std::uint32_t, KnownProcess> known;  // of those that are still there
  for (const std::uint32_t pid : *pids) {
    if (context.stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "reading of /proc");
    }
    SeenProcess process;
    bool permitted = false;
    KnownProcess& kept = known[pid];
    if (const auto before = memory.known.find(pid); before != memory.known.end()) {
      kept = std::move(before->second);
    }
    if (look_at(*proc, pid, process, kept, permitted) == Look::vanished) {
      ++vanished;
      continue;
    }
    if (!permitted) ++not_permitted;
    process.user = memory.users.name_of(process.uid, now);
    processes.push_back(std::move(process));
  }
  memory.known = std::move(known);
  look_up_packages(processes, memory.packages, context.stop);
  look_at_units(context, memory);
  model::ProcessesFacts facts = processes_facts(processes);
  facts.units = memory.units;
  facts.units_over_limit = memory.units_over_limit;
  facts.units_known = memory.units_known;
  look_for_hidden(context, memory, pids->empty() ? 0 : pids->back(), facts);
  facts.vanished = vanished;
  facts.not_permitted = not_permitted;
  const auto preload = os::read_start(os::under(context.root, "/etc/ld.so.preload"), kFileBytes);
  facts.preload_file = preload && !preload->empty();
  return facts;
}

}  // namespace

model::Observation observe_processes(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<ProcessesMemory>(context.root);
  auto facts = look(context, static_cast<ProcessesMemory&>(*context.memory));
  if (!facts) return run.unseen(facts.error());
  return run.seen(std::move(*facts));
}

}  // namespace tocsin::agent
