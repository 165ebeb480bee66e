#include "agent/checks/processes.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/checks/hidden_processes.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/process_book.hpp"
#include "agent/checks/processes_facts.hpp"
#include "agent/checks/program_files.hpp"
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
constexpr std::size_t kMaxProcesses = 1 << 16;

struct ProcessesMemory final : CheckMemory {
  explicit ProcessesMemory(const CheckContext& context)
      : users(context.root),
        files(context.root, context.packages),
        hidden(parse_hidden(context.cursor.value_or(std::string()))) {}
  os::Users users;
  ProgramFiles files;
  ProcessBook book;
  IdSearch hidden_search;
  std::vector<std::uint32_t> hidden;  // found by the last search; also in the cursor
  std::optional<MonoTime> units_read;
  std::vector<model::UnitEntry> units;
  std::uint32_t units_over_limit = 0;
  model::Tristate units_known = model::Tristate::unknown;
};

bool vouched_for(const SeenProcess& process) {
  if (process.packaged == model::Tristate::unknown) return false;
  return process.file.package.empty() ? !process.file.sha256.empty()
                                      : process.file.intact != model::Tristate::unknown;
}

// Whether packages installed the executables, and which files they are. Nobody can write a file
// that runs: of a process that the book did not read anew the answer holds, until packages change.
void look_at_programs(std::span<SeenProcess> processes, ProgramFiles& files, std::stop_token stop) {
  const bool outdated = files.outdated();
  std::vector<SeenProcess*> asked;
  std::vector<ProgramFiles::Program> programs;
  std::vector<std::string> paths;
  for (SeenProcess& process : processes) {
    if (!outdated && !process.read_anew && (process.link.empty() || vouched_for(process))) continue;
    const ExecutableLink link = parse_executable_link(process.link);
    asked.push_back(&process);
    programs.push_back({process.stat.pid, link.path, link.deleted});
    paths.push_back(link.path);
  }
  if (const auto owners = files.packages().owners(paths, stop)) {  // nothing is known without
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!paths[i].starts_with('/')) continue;
      asked[i]->packaged = model::tristate(!(*owners)[i].package.empty());
    }
  }
  std::vector<model::ProgramFile> found = files.of(programs, std::move(stop));
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->file = std::move(found[i]);
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
  const auto owners = memory.files.packages().owners(files, context.stop);
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
  HiddenProcesses hidden = find_hidden(host_sources(), ranges, memory.hidden, context.stop);
  facts.hidden_searched = model::tristate(hidden.searched);
  if (hidden.searched && hidden.ids != memory.hidden) {
    memory.hidden = hidden.ids;
    context.new_cursor = hidden_to_text(hidden.ids);
  }
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
  const auto looked = memory.book.look(*proc, *pids, context.stop);
  if (!looked) return fail(looked.error());
  const std::span<SeenProcess> processes = memory.book.processes();
  const MonoTime now = context.time.steady();
  for (SeenProcess& process : processes) process.user = memory.users.name_of(process.uid, now);
  look_at_programs(processes, memory.files, context.stop);
  look_at_units(context, memory);
  model::ProcessesFacts facts = processes_facts(processes);
  facts.units = memory.units;
  facts.units_over_limit = memory.units_over_limit;
  facts.units_known = memory.units_known;
  look_for_hidden(context, memory, pids->empty() ? 0 : pids->back(), facts);
  facts.vanished = looked->vanished;
  facts.not_permitted = looked->not_permitted;
  const auto preload = os::read_start(os::under(context.root, "/etc/ld.so.preload"), kFileBytes);
  facts.preload_file = preload && !preload->empty();
  return facts;
}

}  // namespace

model::Observation observe_processes(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<ProcessesMemory>(context);
  auto facts = look(context, static_cast<ProcessesMemory&>(*context.memory));
  if (!facts) return run.unseen(facts.error());
  return run.seen(std::move(*facts));
}

}  // namespace tocsin::agent
