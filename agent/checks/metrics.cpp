#include "agent/checks/metrics.hpp"

#include <cerrno>
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
  if (const auto memory = parse_memory(proc(context, "meminfo"))) {
    facts.memory_available_permille = memory->available_permille;
    facts.swap_used_permille = memory->swap_used_permille;
  }
  const auto stalled = parse_pressure(proc(context, "pressure/memory"));
  facts.stalled_known = model::tristate(stalled.has_value());
  facts.stalled_permille = stalled.value_or(0);
  facts.oom_kills = parse_vmstat(proc(context, "vmstat"), "oom_kill").value_or(0);
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

void look_at_file_systems(const CheckContext& context, model::MetricsFacts& facts) {
  // The host's mounts as its first process sees them: this one's sandbox shows them read-only.
  std::string mounts = proc(context, "1/mountinfo");
  if (mounts.empty()) mounts = proc(context, "self/mountinfo");
  const LocalMounts local = parse_mounts(mounts);
  facts.file_systems_over_limit = local.over_limit;
  for (const LocalMount& one : local.mounts) {
    if (context.stop.stop_requested()) break;
    struct statvfs now {};
    if (::statvfs(os::under(context.root, one.mount).c_str(), &now) != 0) {
      ++facts.file_systems_unseen;
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
  look_at_clock(look.facts);
  look_at_file_systems(context, look.facts);
  look.at = context.time.wall();
  look.steady = context.time.steady();
  context.samples = samples_of(look, past.last);
  return run.seen(tell(look, past));
}

}  // namespace tocsin::agent
