#include "agent/checks/metrics.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <sys/statvfs.h>
#include <sys/timex.h>

#include "agent/checks/metrics_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/os/files.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kProcBytes = 1 << 20;

struct MetricsMemory final : CheckMemory {
  MetricsPast past;
};

std::string proc(const CheckContext& context, const char* name) {
  return os::read_start(os::under(context.root, std::string("/proc/") + name), kProcBytes)
      .value_or(std::string());
}

void look_at_memory(const CheckContext& context, model::MetricsFacts& facts) {
  const auto memory = parse_memory(proc(context, "meminfo"));
  facts.memory_known = model::tristate(memory.has_value());
  if (memory) {
    facts.memory_available_permille = memory->available_permille;
    facts.swap_used_permille = memory->swap_used_permille;
  }
  const auto stalled = parse_pressure(proc(context, "pressure/memory"));
  facts.stalled_known = model::tristate(stalled.has_value());
  facts.stalled_permille = stalled.value_or(0);
  facts.oom_kills = parse_vmstat(proc(context, "vmstat"), "oom_kill").value_or(0);
}

// How often processes of a control group met a limit of their group's and one had to be ended
// ("oom" of memory.events), and how often a group was ended as a whole ("oom_group_kill"), in all
// groups below the root together. A group's file counts what is below it too, and stays when a
// service's own group is gone. Nothing where there is no such file (control groups of version 1,
// or without the memory controller).
void look_at_limits(const CheckContext& context, MetricsLook& look) {
  constexpr std::size_t kGroups = 1024;
  const std::string groups = os::under(context.root, "/sys/fs/cgroup");
  const auto names = os::names_in(groups, kGroups, 1);
  if (!names || names->over_limit > 0) return;
  for (const std::string& name : names->names) {
    const auto events = os::read_start(groups + "/" + name + "/memory.events", kProcBytes);
    const auto count = events ? parse_vmstat(*events, "oom") : std::nullopt;
    if (!count) continue;
    look.met_limits = look.met_limits.value_or(0) + *count;
    look.group_kills += parse_vmstat(*events, "oom_group_kill").value_or(0);
  }
}

// What the kernel says of its clock; asked for only, nothing is set.
void look_at_clock(model::MetricsFacts& facts) {
  timex clock{};
  const int state = ::adjtimex(&clock);
  if (state < 0) return;
  facts.clock_synchronized =
      model::tristate(state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0);
  facts.clock_offset_us = (clock.status & STA_NANO) != 0 ? clock.offset / 1000 : clock.offset;
}

// The host's mounts as its first process sees them: this one's sandbox shows them read-only.
LocalMounts mounts_of(const CheckContext& context) {
  std::string mounts = proc(context, "1/mountinfo");
  if (mounts.empty()) mounts = proc(context, "self/mountinfo");
  return parse_mounts(mounts);
}

// One that was unmounted since the list was read is no fault.
bool is_mounted(const CheckContext& context, const std::string& mount) {
  const LocalMounts now = mounts_of(context);
  return now.over_limit > 0 ||
         std::any_of(now.mounts.begin(), now.mounts.end(),
                     [&](const LocalMount& one) { return one.mount == mount; });
}

void look_at_file_systems(const CheckContext& context, model::MetricsFacts& facts) {
  const LocalMounts local = mounts_of(context);
  facts.file_systems_over_limit = local.over_limit;
  const std::string files = os::files_of_host(context.root);
  for (const LocalMount& one : local.mounts) {
    if (context.stop.stop_requested()) break;
    struct statvfs now {};
    if (::statvfs(os::under(files, one.mount).c_str(), &now) != 0) {
      if (errno != ENOENT || is_mounted(context, one.mount)) ++facts.file_systems_unseen;
      continue;
    }
    if (now.f_blocks == 0) continue;
    facts.file_systems.push_back({one.mount, used_permille(now.f_blocks, now.f_bfree, now.f_bavail),
                                  used_permille(now.f_files, now.f_ffree, now.f_favail),
                                  one.turned_read_only});
  }
}

}  // namespace

model::Observation observe_metrics(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  if (!context.memory) context.memory = std::make_unique<MetricsMemory>();
  MetricsPast& past = static_cast<MetricsMemory&>(*context.memory).past;
  const auto cpu = parse_cpu_times(proc(context, "stat"));
  if (!cpu) return run.unseen(Error{ErrorCode::unavailable, "/proc/stat cannot be read"});
  MetricsLook look;
  look.cpu = *cpu;
  look.facts.processors = cpu->processors;
  look.facts.load_1m_permille = parse_load(proc(context, "loadavg")).value_or(0);
  look.interfaces = parse_interfaces(proc(context, "1/net/dev"));
  if (look.interfaces.empty()) look.interfaces = parse_interfaces(proc(context, "net/dev"));
  look_at_memory(context, look.facts);
  look_at_limits(context, look);
  look.facts.kills_apart = model::tristate(look.met_limits.has_value());
  look_at_clock(look.facts);
  look_at_file_systems(context, look.facts);
  look.at = context.time.wall();
  look.steady = context.time.steady();
  context.samples = samples_of(look, past.last);
  return run.seen(tell(look, past));
}

}  // namespace tocsin::agent
