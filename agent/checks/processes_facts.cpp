#include "agent/checks/processes_facts.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "agent/checks/sockets_facts.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::array<std::string_view, 8> kKernelNames{"kworker/",  "ksoftirqd/", "migration/",
                                                       "cpuhp/",    "kthreadd",   "kswapd0",
                                                       "rcu_sched", "rcu_preempt"};

std::string kernel_name(const std::string& name) { return name.substr(0, name.find('/')); }

model::Tristate memory_only(const std::string& link) {
  if (link.empty()) return model::Tristate::unknown;
  return model::tristate(link.starts_with("/memfd:") || link[0] != '/');
}

model::ProcessGroup group_of(const SeenProcess& process) {
  model::ProcessGroup group;
  group.kernel_thread = process.stat.kernel_thread();
  group.uid = process.uid;
  group.user = clean_text(process.user, limits::kName);
  if (group.kernel_thread) {
    group.name = clean_text(kernel_name(process.stat.name), limits::kName);
    return group;
  }
  const ExecutableLink link = parse_executable_link(process.link);
  group.name = clean_text(process.stat.name, limits::kName);
  group.executable = clean_text(link.path, limits::kPath);
  group.unit = clean_text(process.unit, limits::kName);
  if (!process.link.empty()) group.executable_deleted = model::tristate(link.deleted);
  group.memory_only = memory_only(process.link);
  group.executable_world_writable = process.world_writable;
  group.imitates_kernel_thread = looks_like_kernel_thread(process.stat.name, process.command);
  group.preload = process.preload;
  group.packaged = process.packaged;
  group.file = process.file;
  return group;
}

bool dangerous(const model::ProcessGroup& g) {
  using model::Tristate;
  return g.executable_deleted == Tristate::yes || g.memory_only == Tristate::yes ||
         g.executable_world_writable == Tristate::yes || g.imitates_kernel_thread ||
         g.preload == Tristate::yes;
}

auto key_of(const model::ProcessGroup& g) {
  return std::tuple(!dangerous(g), g.name, g.executable, g.uid, g.unit, g.kernel_thread,
                    g.executable_deleted, g.memory_only, g.executable_world_writable,
                    g.imitates_kernel_thread, g.preload, g.packaged, g.file.package, g.file.intact,
                    g.file.sha256);
}

}  // namespace

bool looks_like_kernel_thread(std::string_view name, std::string_view command) {
  if (command.starts_with('[') && command.ends_with(']')) return true;
  return std::any_of(kKernelNames.begin(), kKernelNames.end(), [&](std::string_view kernel) {
    return kernel.ends_with('/') ? name.starts_with(kernel) : name == kernel;
  });
}

model::ProcessesFacts processes_facts(std::span<const SeenProcess> processes) {
  model::ProcessesFacts facts;
  std::map<decltype(key_of({})), model::ProcessGroup> groups;
  for (const SeenProcess& process : processes) {
    ++facts.processes;
    model::ProcessGroup group = group_of(process);
    model::ProcessGroup& kept = groups.try_emplace(key_of(group), group).first->second;
    ++kept.count;
    if (kept.example_pid == 0 || process.stat.pid < kept.example_pid) {
      kept.example_pid = process.stat.pid;
    }
  }
  for (auto& [key, group] : groups) {
    if (facts.groups.size() == limits::kProcessGroups) {
      ++facts.groups_over_limit;
      continue;
    }
    facts.groups.push_back(std::move(group));
  }
  return facts;
}

}  // namespace tocsin::agent
