#include "agent/checks/hidden_processes.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>

#include <sched.h>
#include <unistd.h>

#include "agent/os/cgroups.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"

namespace tocsin::agent {
namespace {

constexpr int kLooks = 3;
constexpr Duration kBetweenLooks = 600ms;
constexpr std::uint32_t kBeyondHighest = 1024;
// About 5 ms of one processor a run.
constexpr std::uint32_t kMostInUse = 32'768;
constexpr std::uint32_t kStretch = 16'384;
constexpr std::size_t kGroups = 4096;
constexpr std::size_t kStatusBytes = 8192;

bool known(int result) { return result >= 0 || errno == EPERM; }

// Each call by itself: a kernel that lies in one of them rarely lies in all.
bool signal_reaches(std::uint32_t id) {
  const auto pid = static_cast<pid_t>(id);
  if (known(::kill(pid, 0))) return true;
  if (known(::getsid(pid))) return true;
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

bool contains(const std::vector<std::uint32_t>& sorted, std::uint32_t id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

}  // namespace

ProcessSources host_sources() {
  return {listed_by_proc,
          [] { return os::cgroup_processes("/", kGroups).value_or(std::vector<std::uint32_t>()); },
          signal_reaches, thread_of_another, os::pause};
}

std::uint32_t parse_highest_id(std::string_view text) {
  constexpr std::uint32_t kLeast = 32'768;
  constexpr std::uint32_t kMost = 4'194'304;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::clamp(value, kLeast, kMost) : kLeast;
}

std::vector<IdRange> id_ranges(std::uint32_t highest_listed, std::uint32_t highest_possible,
                               std::uint32_t& next) {
  const std::uint32_t top =
      std::min({highest_listed + kBeyondHighest, highest_possible, kMostInUse});
  std::vector<IdRange> ranges{{2, std::max<std::uint32_t>(top, 2)}};
  if (top >= highest_possible) return ranges;
  if (next < top || next >= highest_possible) next = top;
  const std::uint32_t end = std::min(next + kStretch, highest_possible);
  ranges.push_back({next, end});
  next = end;
  return ranges;
}

HiddenProcesses find_hidden(const ProcessSources& sources, const std::vector<IdRange>& ranges,
                            std::stop_token stop) {
  HiddenProcesses hidden;
  std::vector<std::uint32_t> listed = sources.listed();
  if (!contains(listed, 1)) return hidden;
  const auto is_hidden = [&](std::uint32_t id) {
    return !contains(listed, id) && sources.exists(id) && !sources.is_thread(id);
  };
  std::vector<std::uint32_t> suspects;
  for (const IdRange& range : ranges) {
    for (std::uint32_t id = range.from; id < range.to; ++id) {
      if (is_hidden(id)) suspects.push_back(id);
    }
  }
  for (const std::uint32_t id : sources.grouped()) {
    if (is_hidden(id)) suspects.push_back(id);
  }
  for (int look = 1; look < kLooks && !suspects.empty(); ++look) {
    if (stop.stop_requested()) return hidden;
    sources.pause(kBetweenLooks);
    listed = sources.listed();
    std::erase_if(suspects, [&](std::uint32_t id) { return !is_hidden(id); });
  }
  std::sort(suspects.begin(), suspects.end());
  suspects.erase(std::unique(suspects.begin(), suspects.end()), suspects.end());
  hidden.ids = std::move(suspects);
  hidden.searched = true;
  return hidden;
}

}  // namespace tocsin::agent
