#include "agent/checks/processes.hpp"

#include <utility>
#include <vector>

#include "agent/checks/observation.hpp"
#include "agent/checks/processes_facts.hpp"
#include "agent/checks/sockets_facts.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/users.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kFileBytes = 8192;
constexpr std::size_t kEnvironmentBytes = 128 << 10;
constexpr std::size_t kMaxProcesses = 1 << 16;

struct ProcessesMemory final : CheckMemory {
  explicit ProcessesMemory(const std::string& root) : users(root) {}
  os::Users users;
};

enum class Look { seen, vanished };

// Reads what only the process's user (or CAP_SYS_PTRACE) may see. False: not permitted.
bool look_inside(const os::ProcReader& proc, SeenProcess& process) {
  const std::uint32_t pid = process.stat.pid;
  const auto link = proc.link(pid, "exe");
  if (!link) return link.error().code != ErrorCode::permission_denied;
  process.link = *link;
  const auto writable =
      proc.executable_world_writable(pid, parse_executable_link(process.link).path);
  if (writable) process.world_writable = model::tristate(*writable);
  const auto environment = proc.read(pid, "environ", kEnvironmentBytes);
  if (!environment) return environment.error().code != ErrorCode::permission_denied;
  process.preload = model::tristate(os::environment_has(*environment, "LD_PRELOAD"));
  return true;
}

Look look_at(const os::ProcReader& proc, std::uint32_t pid, SeenProcess& process, bool& permitted) {
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
  permitted = look_inside(proc, process);
  // The same process all along, not another one that got its number meanwhile.
  const auto again = os::parse_stat(proc.read(pid, "stat", kFileBytes).value_or(""));
  return again && again->start_ticks == stat->start_ticks ? Look::seen : Look::vanished;
}

Result<model::ProcessesFacts> look(CheckContext& context, os::Users& users) {
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
  for (const std::uint32_t pid : *pids) {
    if (context.stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "reading of /proc");
    }
    SeenProcess process;
    bool permitted = false;
    if (look_at(*proc, pid, process, permitted) == Look::vanished) {
      ++vanished;
      continue;
    }
    if (!permitted) ++not_permitted;
    process.user = users.name_of(process.uid, now);
    processes.push_back(std::move(process));
  }
  model::ProcessesFacts facts = processes_facts(processes);
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
  auto facts = look(context, static_cast<ProcessesMemory&>(*context.memory).users);
  if (!facts) return run.unseen(facts.error());
  return run.seen(std::move(*facts));
}

}  // namespace tocsin::agent
