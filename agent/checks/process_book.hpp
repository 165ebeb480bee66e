// The processes of this host, looked at again and again (procedure M-09). What cannot change while
// a process lives and runs the same program is read once; the rest in turns, so that a look at a
// thousand known processes costs two system calls for each and not twenty.
//
//   at every look           its folder's owner (the effective user), which program it runs
//   at every third or so    what it says of itself (name, command line); read_anew tells its reader
//   at every tenth or so    its environment, its unit, who may write its program
//
// A process that is new, changed its user or runs another program is read whole, at once and at the
// look after that.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "agent/checks/processes_facts.hpp"
#include "agent/os/procfs.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// Thread: one at a time.
class ProcessBook {
 public:
  struct Look {
    std::uint32_t vanished = 0;       // ended while they were looked at
    std::uint32_t not_permitted = 0;  // listed with what everybody may see
  };
  // Looks at these processes (sorted) and forgets all others. Errors: deadline_exceeded.
  Result<Look> look(const os::ProcReader& proc, std::span<const std::uint32_t> pids,
                    std::stop_token stop);

  // Of the last look, by process id. `user` and `packaged` are the caller's to fill in.
  std::span<SeenProcess> processes() { return seen_; }

 private:
  // Beside each of `seen_`.
  struct Page {
    std::uint32_t pid = 0;
    os::ProcessIdentity identity{};
    bool permitted = false;
    int sayings_left = 0;  // looks until they are read again
    int surroundings_left = 0;
  };
  static bool refresh(const os::ProcReader& proc, SeenProcess& seen, Page& page);

  std::vector<SeenProcess> seen_;
  std::vector<Page> pages_;
};

}  // namespace tocsin::agent
