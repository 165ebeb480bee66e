// Processes that the kernel knows and its list of processes does not show (procedure M-09).
//
// A process that ends between two looks is the usual reason for a difference; tools that report on
// one look cry wolf. So three looks over more than a second must agree, and threads, which have
// numbers too and stand in no list, are left out. Who mounts something over a process's folder in
// /proc hides it as well, though its number is listed; a mount is no race, so that is told at once.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::agent {

// The calls that tell whether a process exists: a kernel that lies in one rarely lies in all.
constexpr unsigned kWays = 3;

// The ways to learn of a process, apart from each other; tests put their own here.
struct ProcessSources {
  std::function<std::vector<std::uint32_t>()> listed;   // of /proc, sorted
  std::function<std::vector<std::uint32_t>()> grouped;  // of the control groups, sorted
  std::function<std::vector<std::uint32_t>()> covered;  // something is mounted over them
  // A signal would reach it, as one of the kernel's calls tells: the `way` modulo kWays.
  std::function<bool(std::uint32_t, unsigned way)> exists;
  std::function<bool(std::uint32_t)> is_thread;  // of another process
  std::function<void(Duration)> pause;
};
// The host's own. `root` must be "/": numbers are asked of the kernel.
ProcessSources host_sources();

// Numbers from `from` up to `to`, without it. In each round another way is tried with a number.
struct IdRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  unsigned round = 0;
};
// Where the search stands between runs: which number is next, and how often all had their turn.
struct IdSearch {
  IdRange in_use;  // numbers that were in use lately; `to` is not used
  IdRange others;
};
// Which numbers one run asks the kernel about, about 5 ms of one processor: a part of those in use
// lately (32768 of them in four runs) and of the others, until all had their turn. Where the kernel
// has 4194304 numbers that takes 508 runs, 4 h 14 min at one each 30 s, and three times as long
// until each was asked about in all ways; who is in a control group is found without it.
std::vector<IdRange> id_ranges(std::uint32_t highest_listed, std::uint32_t highest_possible,
                               IdSearch& search);

struct HiddenProcesses {
  std::vector<std::uint32_t> ids;  // sorted
  bool searched = false;  // false: /proc does not show this agent everything (hidepid), or stopped
};
// `before`: what earlier runs found, which is asked about at each run, in every way: whose number
// has no turn is hidden all the same.
HiddenProcesses find_hidden(const ProcessSources& sources, const std::vector<IdRange>& ranges,
                            const std::vector<std::uint32_t>& before, std::stop_token stop);

// What a run found, for the next one and over a restart: at most kHiddenKept numbers.
inline constexpr std::size_t kHiddenKept = 1024;
std::string hidden_to_text(const std::vector<std::uint32_t>& ids);
// Empty where that is no such text.
std::vector<std::uint32_t> parse_hidden(std::string_view text);

// /proc/sys/kernel/pid_max; 32768 where it cannot be read.
std::uint32_t parse_highest_id(std::string_view text);

}  // namespace tocsin::agent
