// What runs on a host, grouped so that a person can read it (procedure M-09). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "agent/os/procfs.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// One process as read. Text is raw, as the host gave it.
struct SeenProcess {
  os::ProcStat stat;
  std::string link;     // of /proc/PID/exe; empty where it cannot be seen or there is none
  std::string command;  // the first word of its command line
  std::uint32_t uid = 0;
  std::string user;
  std::string unit;
  model::Tristate world_writable = model::Tristate::unknown;
  model::Tristate preload = model::Tristate::unknown;
  model::Tristate packaged = model::Tristate::unknown;
  model::ProgramFile file{};
  bool read_anew = true;  // at this look, or is a new one: its program is looked at again
};

// Groups by name, executable, user, unit and every sign of danger, sorted. A kernel thread's name
// is taken without its number ("kworker/3:1-events" is "kworker"), because those come and go.
// Past limits::kProcessGroups groups are counted; those with a sign of danger stay before others.
model::ProcessesFacts processes_facts(std::span<const SeenProcess> processes);

// True where a program calls itself like a kernel thread: "[kworker/0:1]" as its command, or a name
// that only the kernel's own threads have.
bool looks_like_kernel_thread(std::string_view name, std::string_view command);

}  // namespace tocsin::agent
