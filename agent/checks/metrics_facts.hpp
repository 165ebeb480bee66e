// How a host fares, from what the kernel shows in /proc. Pure; parsers accept any bytes.
//
// The same numbers serve twice. As facts they are judged, and change in steps: a share is told
// again where it moved by kSettle, so that the journal has a row only where something tells
// (settle). As samples they are curves, exact, and never journaled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/series/sample.hpp"

namespace tocsin::agent {

// /proc/stat: time of all processors together, and how many there are.
struct CpuTimes {
  std::uint64_t busy = 0;
  std::uint64_t total = 0;
  std::uint32_t processors = 0;
  friend bool operator==(const CpuTimes&, const CpuTimes&) = default;
};
std::optional<CpuTimes> parse_cpu_times(std::string_view stat);
// Thousandths busy between two looks; 0 where no time passed.
std::uint32_t busy_permille(const CpuTimes& before, const CpuTimes& after);

// /proc/meminfo, in thousandths of all there is.
struct MemoryUse {
  std::uint32_t available_permille = 0;
  std::uint32_t swap_used_permille = 0;
  friend bool operator==(const MemoryUse&, const MemoryUse&) = default;
};
std::optional<MemoryUse> parse_memory(std::string_view meminfo);

// The average of the last minute in /proc/loadavg, in thousandths.
std::optional<std::uint32_t> parse_load(std::string_view loadavg);
// "some avg60" of /proc/pressure/memory, in thousandths.
std::optional<std::uint32_t> parse_pressure(std::string_view pressure);
// A counter of /proc/vmstat.
std::optional<std::uint64_t> parse_vmstat(std::string_view vmstat, std::string_view name);

// /proc/net/dev, without the loopback; at most 64.
struct InterfaceCounters {
  std::string name;
  std::uint64_t in_bytes = 0;
  std::uint64_t out_bytes = 0;
  std::uint64_t errors = 0;  // and packets dropped, both ways
  friend bool operator==(const InterfaceCounters&, const InterfaceCounters&) = default;
};
std::vector<InterfaceCounters> parse_interfaces(std::string_view net_dev);

// A local file system of /proc/PID/mountinfo, each device once at its shortest place. What lies on
// other machines is left out: looking at it may never end.
struct LocalMount {
  std::string mount;
  bool turned_read_only = false;  // by the kernel, after an error
  friend bool operator==(const LocalMount&, const LocalMount&) = default;
};
struct LocalMounts {
  std::vector<LocalMount> mounts;  // sorted, at most limits::kFileSystems
  std::uint32_t over_limit = 0;
};
LocalMounts parse_mounts(std::string_view mountinfo);

// As df counts: of what the users of the host may have.
std::uint32_t used_permille(std::uint64_t blocks, std::uint64_t free, std::uint64_t available);

// What is told of a value: `told` until it moved by `step`, the ends of the scale at once.
std::uint32_t settle(std::optional<std::uint32_t> told, std::uint32_t value, std::uint32_t step,
                     std::uint32_t end);

// One look, exact.
struct MetricsLook {
  Instant at;
  MonoTime steady;
  model::MetricsFacts facts;  // shares as they are
  CpuTimes cpu;
  std::vector<InterfaceCounters> interfaces;
  // How often a control group met its own limit and a process had to be ended; none: not told.
  // Read after facts.oom_kills: the limit is met before the kill.
  std::optional<std::uint64_t> met_limits = {};
  // How often a control group was ended as a whole, for a limit or for the host.
  std::uint64_t group_kills = 0;
};
// What stays between looks.
struct MetricsPast {
  std::optional<MetricsLook> last;
  std::map<std::string, std::uint32_t> told;  // share by name
  struct Kills {
    MonoTime seen;
    std::uint64_t of_host = 0;
    std::uint64_t of_limits = 0;
  };
  std::vector<Kills> oom;
  // A limit was met at the last look without a kill yet: 1 at most, as some never have one.
  std::uint64_t met_before_kill = 0;
  bool group_before_kills = false;  // it was a whole group's
};
// The facts to tell of a look; the past goes on.
model::MetricsFacts tell(const MetricsLook& look, MetricsPast& past);
// The curves' points of a look. Rates need a look before.
std::vector<series::Sample> samples_of(const MetricsLook& look,
                                       const std::optional<MetricsLook>& before);
// The performance data of a plugin: "plugin.NAME.LABEL".
std::vector<series::Sample> samples_of(const model::PluginFacts& facts, Instant at);

}  // namespace tocsin::agent
