#include "agent/checks/metrics_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kInterfaces = 64;
constexpr std::uint32_t kShareStep = 10;  // 1 %
constexpr std::uint32_t kAll = 1000;
constexpr Duration kOomMemory = 10min;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  const std::size_t length = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

std::optional<std::uint64_t> whole(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// "12.34" -> 12340 where `scale` is 1000; digits behind the third are dropped.
std::optional<std::uint32_t> scaled(std::string_view word, std::uint32_t scale) {
  const std::size_t dot = std::min(word.find('.'), word.size());
  const auto front = whole(word.substr(0, dot));
  if (!front || *front > 1'000'000) return std::nullopt;
  std::uint64_t value = *front * scale;
  for (const char c : word.substr(std::min(dot + 1, word.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    scale /= 10;
    value += static_cast<std::uint64_t>(c - '0') * scale;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

// part * 1000 / all without overflow.
std::uint32_t permille(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return 0;
  if (part >= all) return kAll;
  while (all > UINT64_MAX / kAll) {
    part >>= 1;
    all >>= 1;
  }
  return static_cast<std::uint32_t>(part * kAll / all);
}

// The value of "Name:   123 kB".
std::optional<std::uint64_t> field_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_word(line) == name) return whole(take_word(line));
  }
  return std::nullopt;
}

bool is_local(std::string_view type) {
  constexpr std::array<std::string_view, 20> kLocal{
      "bcachefs", "btrfs", "exfat",  "ext2",  "ext3",    "ext4",     "f2fs",
      "jfs",      "minix", "nilfs2", "ntfs3", "overlay", "reiserfs", "tmpfs",
      "ubifs",    "udf",   "vfat",   "xfs",   "zfs",     "hfsplus"};
  return std::find(kLocal.begin(), kLocal.end(), type) != kLocal.end();
}

// What the system keeps for itself: sealed, tiny, or one for each user and service.
bool is_internal(std::string_view mount) {
  for (const std::string_view folder : {"/dev", "/proc", "/sys", "/run/credentials", "/run/user",
                                        "/run/systemd", "/run/lock", "/snap"}) {
    if (mount == folder || (mount.starts_with(folder) && mount[folder.size()] == '/')) return true;
  }
  return false;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t comma = std::min(options.find(','), options.size());
    if (options.substr(0, comma) == wanted) return true;
    options.remove_prefix(std::min(comma + 1, options.size()));
  }
  return false;
}

// The kernel writes a blank in a path as "\040".
std::string unescaped(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      return at < path.size() && path[at] >= '0' && path[at] <= '7';
    };
    if (path[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      text.push_back(static_cast<char>((path[i + 1] - '0') * 64 + (path[i + 2] - '0') * 8 +
                                       (path[i + 3] - '0')));
      i += 3;
    } else {
      text.push_back(path[i]);
    }
  }
  return text;
}

// 36 35 98:0 /root /mount rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue
struct MountLine {
  std::string device;
  LocalMount mount;
};
std::optional<MountLine> parse_mount(std::string_view line) {
  take_word(line);
  take_word(line);
  MountLine found;
  found.device = take_word(line);
  take_word(line);
  found.mount.mount = unescaped(take_word(line));
  const std::string_view options = take_word(line);
  std::string_view word = take_word(line);
  while (!word.empty() && word != "-") word = take_word(line);
  const std::string_view type = take_word(line);
  take_word(line);
  const std::string_view of_device = take_word(line);
  if (!is_local(type) || !found.mount.mount.starts_with('/')) return std::nullopt;
  if (is_internal(found.mount.mount) || found.mount.mount.size() > limits::kPath) {
    return std::nullopt;
  }
  // Mounted for writing, and no writing is possible: the kernel gave it up.
  found.mount.turned_read_only = has_option(options, "rw") && has_option(of_device, "ro");
  return found;
}

double percent(std::uint32_t permille) { return permille / 10.0; }

void add(std::vector<series::Sample>& samples, std::string name, Instant at, double value) {
  name = clean_text(name, limits::kSeriesName);
  if (samples.size() < limits::kSeries && std::isfinite(value)) {
    samples.push_back({std::move(name), at, value});
  }
}

const InterfaceCounters* interface_named(const std::vector<InterfaceCounters>& all,
                                         std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const InterfaceCounters& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

void add_interfaces(const MetricsLook& look, const MetricsLook& before,
                    std::vector<series::Sample>& samples) {
  const double seconds = static_cast<double>((look.steady - before.steady).count()) / 1e9;
  if (seconds <= 0) return;
  for (const InterfaceCounters& now : look.interfaces) {
    const InterfaceCounters* past = interface_named(before.interfaces, now.name);
    // Counters that went back are another interface of that name.
    if (past == nullptr || past->in_bytes > now.in_bytes || past->out_bytes > now.out_bytes ||
        past->errors > now.errors) {
      continue;
    }
    const auto rate = [&](std::uint64_t from, std::uint64_t to) {
      return static_cast<double>(to - from) / seconds;
    };
    add(samples, "net." + now.name + ".in", look.at, rate(past->in_bytes, now.in_bytes));
    add(samples, "net." + now.name + ".out", look.at, rate(past->out_bytes, now.out_bytes));
    add(samples, "net." + now.name + ".errors", look.at, rate(past->errors, now.errors));
  }
}

}  // namespace

std::optional<CpuTimes> parse_cpu_times(std::string_view stat) {
  std::optional<CpuTimes> times;
  std::uint32_t processors = 0;
  while (!stat.empty()) {
    std::string_view line = take_line(stat);
    const std::string_view name = take_word(line);
    if (name.size() > 3 && name.starts_with("cpu")) ++processors;
    if (name != "cpu" || times) continue;
    times.emplace();
    // user nice system idle iowait irq softirq steal; what guests use is in user and nice already.
    for (int column = 0; column < 8; ++column) {
      const auto ticks = whole(take_word(line));
      if (!ticks && column < 4) return std::nullopt;
      if (!ticks || *ticks > (1ULL << 56)) break;
      times->total += *ticks;
      if (column != 3 && column != 4) times->busy += *ticks;
    }
  }
  if (times) times->processors = processors;
  return times;
}

std::uint32_t busy_permille(const CpuTimes& before, const CpuTimes& after) {
  if (after.total <= before.total || after.busy < before.busy) return 0;
  return permille(after.busy - before.busy, after.total - before.total);
}

std::optional<MemoryUse> parse_memory(std::string_view meminfo) {
  const auto total = field_of(meminfo, "MemTotal:");
  const auto available = field_of(meminfo, "MemAvailable:");
  if (!total || !available || *total == 0) return std::nullopt;
  const std::uint64_t swap = field_of(meminfo, "SwapTotal:").value_or(0);
  const std::uint64_t free = std::min(swap, field_of(meminfo, "SwapFree:").value_or(swap));
  return MemoryUse{permille(*available, *total), permille(swap - free, swap)};
}

std::optional<std::uint32_t> parse_load(std::string_view loadavg) {
  return scaled(take_word(loadavg), 1000);
}

std::optional<std::uint32_t> parse_pressure(std::string_view pressure) {
  while (!pressure.empty()) {
    std::string_view line = take_line(pressure);
    if (take_word(line) != "some") continue;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      if (word.starts_with("avg60=")) {
        const auto tenths = scaled(word.substr(6), 10);
        if (!tenths) return std::nullopt;
        return std::min(*tenths, kAll);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_vmstat(std::string_view vmstat, std::string_view name) {
  return field_of(vmstat, name);
}

std::vector<InterfaceCounters> parse_interfaces(std::string_view net_dev) {
  std::vector<InterfaceCounters> interfaces;
  while (!net_dev.empty() && interfaces.size() < kInterfaces) {
    std::string_view line = take_line(net_dev);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view head = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    InterfaceCounters one;
    one.name = clean_text(take_word(head), 64);
    // bytes packets errs drop fifo frame compressed multicast, then the same of what goes out.
    std::array<std::uint64_t, 12> fields{};
    bool read = !one.name.empty() && one.name != "lo";
    for (std::uint64_t& field : fields) {
      const auto number = whole(take_word(line));
      read = read && number.has_value();
      field = number.value_or(0);
    }
    if (!read) continue;
    one.in_bytes = fields[0];
    one.out_bytes = fields[8];
    one.errors = fields[2] + fields[3] + fields[10] + fields[11];
    interfaces.push_back(std::move(one));
  }
  return interfaces;
}

LocalMounts parse_mounts(std::string_view mountinfo) {
  std::map<std::string, LocalMount> by_device;
  while (!mountinfo.empty()) {
    auto line = parse_mount(take_line(mountinfo));
    if (!line) continue;
    const auto [known, fresh] = by_device.try_emplace(line->device, line->mount);
    if (fresh) continue;
    const bool turned = known->second.turned_read_only || line->mount.turned_read_only;
    const auto order = [](const std::string& mount) { return std::pair(mount.size(), mount); };
    if (order(line->mount.mount) < order(known->second.mount)) known->second = line->mount;
    known->second.turned_read_only = turned;
  }
  std::map<std::string, LocalMount> by_place;  // one mounted over another hides it
  for (auto& [device, mount] : by_device) by_place.insert_or_assign(mount.mount, mount);
  LocalMounts found;
  for (auto& [place, mount] : by_place) {
    if (found.mounts.size() == limits::kFileSystems) {
      ++found.over_limit;
    } else {
      found.mounts.push_back(std::move(mount));
    }
  }
  return found;
}

std::uint32_t used_permille(std::uint64_t blocks, std::uint64_t free, std::uint64_t available) {
  const std::uint64_t used = blocks - std::min(free, blocks);
  available = std::min(available, blocks);
  if (used > 0 && available == 0) return kAll;
  return permille(used, used + available);
}

std::uint32_t settle(std::optional<std::uint32_t> told, std::uint32_t value, std::uint32_t step,
                     std::uint32_t end) {
  if (!told || value == 0 || value >= end) return value;
  const std::uint32_t moved = value > *told ? value - *told : *told - value;
  return moved < step ? *told : value;
}

namespace {

// The kernel counts all that it ended for lack of memory as one number, a service that met a limit
// of its own as well as one that the host had no memory for. As many as limits were met since the
// look before are taken for the former: each has its kill at once, or in the look after. Where a
// group is ended as a whole, one limit has as many kills as the group had processes.
void count_kills(const MetricsLook& look, MetricsPast& past) {
  const MetricsLook& last = *past.last;
  const std::uint64_t kills =
      look.facts.oom_kills - std::min(last.facts.oom_kills, look.facts.oom_kills);
  const bool told = look.met_limits && last.met_limits && *look.met_limits >= *last.met_limits;
  const std::uint64_t fresh = told ? *look.met_limits - *last.met_limits : 0;
  const std::uint64_t met = fresh + past.met_before_kill;
  const bool of_group =
      told && met > 0 && (look.group_kills > last.group_kills || past.group_before_kills);
  const std::uint64_t of_limits = of_group ? kills : std::min(kills, met);
  past.met_before_kill = std::min<std::uint64_t>({1, fresh, met - std::min(met, of_limits)});
  past.group_before_kills = of_group && kills == 0;
  if (kills > 0) past.oom.push_back({look.steady, kills - of_limits, of_limits});
}

std::uint32_t at_most_32_bits(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, UINT32_MAX));
}

}  // namespace

model::MetricsFacts tell(const MetricsLook& look, MetricsPast& past) {
  model::MetricsFacts facts = look.facts;
  std::map<std::string, std::uint32_t> told;
  const auto share = [&](const std::string& name, std::uint32_t& value) {
    const auto known = past.told.find(name);
    const auto before =
        known == past.told.end() ? std::nullopt : std::optional<std::uint32_t>(known->second);
    value = settle(before, value, kShareStep, kAll);
    told[name] = value;
  };
  share("memory", facts.memory_available_permille);
  share("swap", facts.swap_used_permille);
  share("stalled", facts.stalled_permille);
  for (model::FileSystemUse& one : facts.file_systems) {
    share("used " + one.mount, one.used_permille);
    share("inodes " + one.mount, one.inodes_used_permille);
  }
  past.told = std::move(told);
  if (past.last) {
    facts.cpu_busy_permille = busy_permille(past.last->cpu, look.cpu);
    count_kills(look, past);
  }
  std::erase_if(past.oom, [&](const auto& one) { return look.steady - one.seen > kOomMemory; });
  std::uint64_t of_host = 0;
  std::uint64_t of_limits = 0;
  for (const MetricsPast::Kills& one : past.oom) {
    of_host += one.of_host;
    of_limits += one.of_limits;
  }
  facts.recent_oom_kills = at_most_32_bits(of_host);
  facts.recent_limit_kills = at_most_32_bits(of_limits);
  past.last = look;
  return facts;
}

std::vector<series::Sample> samples_of(const MetricsLook& look,
                                       const std::optional<MetricsLook>& before) {
  std::vector<series::Sample> samples;
  const model::MetricsFacts& facts = look.facts;
  add(samples, "load.1m", look.at, facts.load_1m_permille / 1000.0);
  if (facts.memory_known != model::Tristate::no) {
    add(samples, "memory.used", look.at,
        percent(kAll - std::min(kAll, facts.memory_available_permille)));
    add(samples, "swap.used", look.at, percent(facts.swap_used_permille));
  }
  if (facts.stalled_known == model::Tristate::yes) {
    add(samples, "memory.stalled", look.at, percent(facts.stalled_permille));
  }
  if (facts.clock_synchronized != model::Tristate::unknown) {
    add(samples, "clock.offset_ms", look.at, static_cast<double>(facts.clock_offset_us) / 1000.0);
  }
  for (const model::FileSystemUse& one : facts.file_systems) {
    add(samples, "disk." + one.mount + ".used", look.at, percent(one.used_permille));
    add(samples, "disk." + one.mount + ".inodes", look.at, percent(one.inodes_used_permille));
  }
  if (before) {
    add(samples, "cpu.busy", look.at, percent(busy_permille(before->cpu, look.cpu)));
    add_interfaces(look, *before, samples);
  }
  return samples;
}

std::vector<series::Sample> samples_of(const model::PluginFacts& facts, Instant at) {
  std::vector<series::Sample> samples;
  for (const model::PerformanceValue& one : facts.performance) {
    double value = 0;
    const std::string_view text =
        one.value.starts_with('+') ? std::string_view(one.value).substr(1) : one.value;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) continue;
    add(samples, "plugin." + facts.name + "." + one.label, at, value);
  }
  return samples;
}

}  // namespace tocsin::agent
