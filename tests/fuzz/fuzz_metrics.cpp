// The kernel's files on how a host fares. A mount point, an interface and a plugin's label are
// named by whoever made them.
#include <cstddef>
#include <cstdint>

#include "agent/checks/metrics_facts.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  using namespace tocsin::agent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  MetricsPast past;
  for (int round = 0; round < 2; ++round) {
    MetricsLook look;
    look.at = Instant{round};
    look.steady = MonoTime{static_cast<std::uint64_t>(round)};
    look.cpu = parse_cpu_times(text).value_or(CpuTimes{});
    const MemoryUse memory = parse_memory(text).value_or(MemoryUse{});
    TOCSIN_CHECK(memory.available_permille <= 1000 && memory.swap_used_permille <= 1000);
    look.facts.memory_available_permille = memory.available_permille;
    look.facts.load_1m_permille = parse_load(text).value_or(0);
    TOCSIN_CHECK(parse_pressure(text).value_or(0) <= 1000);
    look.facts.oom_kills = parse_vmstat(text, "oom_kill").value_or(0);
    look.interfaces = parse_interfaces(text);
    TOCSIN_CHECK(look.interfaces.size() <= 64);
    const LocalMounts mounts = parse_mounts(text);
    TOCSIN_CHECK(mounts.mounts.size() <= limits::kFileSystems);
    for (const LocalMount& one : mounts.mounts) {
      TOCSIN_CHECK(one.mount.starts_with('/') && one.mount.size() <= limits::kPath);
      look.facts.file_systems.push_back({one.mount, 1, 2, one.turned_read_only});
    }
    for (const series::Sample& sample : samples_of(look, past.last)) {
      TOCSIN_CHECK(!sample.series.empty() && sample.series.size() <= limits::kSeriesName);
    }
    TOCSIN_CHECK(tell(look, past).cpu_busy_permille <= 1000);
  }
  model::PluginFacts plugin;
  plugin.name = text.substr(0, size / 2);
  plugin.performance.push_back({std::string(text), std::string(text.substr(size / 2)), ""});
  static_cast<void>(samples_of(plugin, Instant{}));
  return 0;
}
