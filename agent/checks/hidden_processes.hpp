// Processes that the kernel knows and its list of processes does not show (procedure M-09).
//
// A process that ends between two looks is the usual reason for a difference; tools that report on
// one look cry wolf. So three looks over more than a second must agree, and threads, which have
// numbers too and stand in no list, are left out.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::agent {

// The ways to learn of a process, apart from each other; tests put their own here.
struct ProcessSources {
  std::function<std::vector<std::uint32_t>()> listed;   // of /proc, sorted
  std::function<std::vector<std::uint32_t>()> grouped;  // of the control groups, sorted
  std::function<bool(std::uint32_t)> exists;            // a signal would reach it
  std::function<bool(std::uint32_t)> is_thread;         // of another process
  std::function<void(Duration)> pause;
};
// The host's own. `root` must be "/": numbers are asked of the kernel.
ProcessSources host_sources();

// Numbers from `from` up to `to`, without it.
struct IdRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};
// Which numbers one run asks the kernel about: those in use lately, and a stretch of the others
// that moves on from run to run until all were asked. `next` is where it stands.
std::vector<IdRange> id_ranges(std::uint32_t highest_listed, std::uint32_t highest_possible,
                               std::uint32_t& next);

struct HiddenProcesses {
  std::vector<std::uint32_t> ids;  // sorted
  bool searched = false;  // false: /proc does not show this agent everything (hidepid), or stopped
};
HiddenProcesses find_hidden(const ProcessSources& sources, const std::vector<IdRange>& ranges,
                            std::stop_token stop);

// /proc/sys/kernel/pid_max; 32768 where it cannot be read.
std::uint32_t parse_highest_id(std::string_view text);

}  // namespace tocsin::agent
