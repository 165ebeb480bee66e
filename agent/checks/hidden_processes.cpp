#include "agent/checks/hidden_processes.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>

#include <sched.h>
#include <unistd.h>

#include "agent/os/cgroups.hpp"
#include "agent/os/files.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"

namespace tocsin::agent {
namespace {

constexpr int kLooks = 3;
constexpr Duration kBetweenLooks = 600ms;
constexpr std::uint32_t kBeyondHighest = 1024;
constexpr std::uint32_t kMostInUse = 32'768;
constexpr std::uint32_t kAskedAtOnce = 16'384;
constexpr std::uint32_t kMostPossible = 4'194'304;
constexpr std::string_view kKeptHead = "hidden 1";
constexpr std::size_t kGroups = 4096;
constexpr std::size_t kStatusBytes = 8192;
constexpr std::size_t kMountBytes = 1 << 20;

bool known(int result) { return result >= 0 || errno == EPERM; }

bool signal_reaches(std::uint32_t id, unsigned way) {
  const auto pid = static_cast<pid_t>(id);
  if (way % kWays == 0) return known(::kill(pid, 0));
  if (way % kWays == 1) return known(::getsid(pid));
  cpu_set_t processors;
  return known(::sched_getaffinity(pid, sizeof processors, &processors));
}

bool thread_of_another(std::uint32_t id) {
  const auto proc = os::ProcReader::open("/");
  if (!proc) return false;
  const auto status = proc->read(id, "status", kStatusBytes);
  const auto group = status ? os::parse_status_group(*status) : std::nullopt;
  return group && *group != id;
}

std::vector<std::uint32_t> listed_by_proc() {
  const auto proc = os::ProcReader::open("/");
  return proc ? proc->process_ids().value_or(std::vector<std::uint32_t>())
              : std::vector<std::uint32_t>();
}

// As the host's first process has them, and as this one does: either could be covered itself.
std::vector<std::uint32_t> covered_by_mounts() {
  std::vector<std::uint32_t> covered;
  for (const char* file : {"/proc/1/mountinfo", "/proc/self/mountinfo"}) {
    const auto mounts = os::read_start(file, kMountBytes);
    const auto found = os::parse_covered(mounts.value_or(std::string()));
    covered.insert(covered.end(), found.begin(), found.end());
  }
  return covered;
}

bool contains(const std::vector<std::uint32_t>& sorted, std::uint32_t id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

// The next of the numbers from `low` to `high`, at most `count`.
IdRange next_range(std::uint32_t low, std::uint32_t high, std::uint32_t count, IdRange& search) {
  if (search.from < low || search.from >= high) search.from = low;
  const IdRange range{search.from, std::min(search.from + count, high), search.round};
  search.from = range.to;
  if (range.to == high) ++search.round;
  return range;
}

// Those of a range that are not listed, and that one way knows.
void suspect(const ProcessSources& sources, const std::vector<std::uint32_t>& listed,
             const IdRange& range, std::vector<std::uint32_t>& suspects) {
  auto next = std::lower_bound(listed.begin(), listed.end(), range.from);
  for (std::uint32_t id = range.from; id < range.to; ++id) {
    if (next != listed.end() && *next == id) {
      ++next;
    } else if (sources.exists(id, id + range.round) && !sources.is_thread(id)) {
      suspects.push_back(id);
    }
  }
}

}  // namespace

ProcessSources host_sources() {
  return {listed_by_proc,
          [] { return os::cgroup_processes("/", kGroups).value_or(std::vector<std::uint32_t>()); },
          covered_by_mounts,
          signal_reaches,
          thread_of_another,
          os::pause};
}

std::uint32_t parse_highest_id(std::string_view text) {
  constexpr std::uint32_t kLeast = 32'768;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::clamp(value, kLeast, kMostPossible) : kLeast;
}

std::vector<IdRange> id_ranges(std::uint32_t highest_listed, std::uint32_t highest_possible,
                               IdSearch& search) {
  constexpr std::uint32_t kFirst = 2;
  const std::uint32_t top = std::max(
      std::min({highest_listed + kBeyondHighest, highest_possible, kMostInUse}), kFirst + 1);
  const bool others = top < highest_possible;
  std::vector<IdRange> ranges{
      next_range(kFirst, top, others ? kAskedAtOnce / 2 : kAskedAtOnce, search.in_use)};
  const std::uint32_t rest = kAskedAtOnce - (ranges[0].to - ranges[0].from);
  if (others) ranges.push_back(next_range(top, highest_possible, rest, search.others));
  return ranges;
}

HiddenProcesses find_hidden(const ProcessSources& sources, const std::vector<IdRange>& ranges,
                            const std::vector<std::uint32_t>& before, std::stop_token stop) {
  HiddenProcesses hidden;
  std::vector<std::uint32_t> listed = sources.listed();
  if (!contains(listed, 1)) return hidden;
  const auto exists = [&](std::uint32_t id) {
    unsigned way = 0;
    while (way < kWays && !sources.exists(id, way)) ++way;
    return way < kWays;
  };
  const auto is_hidden = [&](std::uint32_t id) {
    return !contains(listed, id) && exists(id) && !sources.is_thread(id);
  };
  std::vector<std::uint32_t> suspects;
  for (const IdRange& range : ranges) suspect(sources, listed, range, suspects);
  for (const auto& others : {sources.grouped(), before}) {
    for (const std::uint32_t id : others) {
      if (is_hidden(id)) suspects.push_back(id);
    }
  }
  for (int look = 1; look < kLooks && !suspects.empty(); ++look) {
    if (stop.stop_requested()) return hidden;
    sources.pause(kBetweenLooks);
    listed = sources.listed();
    std::erase_if(suspects, [&](std::uint32_t id) { return !is_hidden(id); });
  }
  for (const std::uint32_t id : sources.covered()) {
    if (exists(id)) suspects.push_back(id);
  }
  std::sort(suspects.begin(), suspects.end());
  suspects.erase(std::unique(suspects.begin(), suspects.end()), suspects.end());
  hidden.ids = std::move(suspects);
  hidden.searched = true;
  return hidden;
}

std::string hidden_to_text(const std::vector<std::uint32_t>& ids) {
  std::string text(kKeptHead);
  for (std::size_t i = 0; i < std::min(ids.size(), kHiddenKept); ++i) {
    text.append(" ").append(std::to_string(ids[i]));
  }
  return text;
}

std::vector<std::uint32_t> parse_hidden(std::string_view text) {
  if (!text.starts_with(kKeptHead)) return {};
  text.remove_prefix(kKeptHead.size());
  std::vector<std::uint32_t> ids;
  while (!text.empty()) {
    std::uint32_t id = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + 1, last, id);
    if (text.front() != ' ' || error != std::errc{} || ids.size() == kHiddenKept) return {};
    if (id == 0 || id > kMostPossible) return {};
    ids.push_back(id);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return ids;
}

}  // namespace tocsin::agent
