// --watch: the same answer again and again until Ctrl-C.
#pragma once

#include <functional>
#include <string>

#include "collector/ctl/commands.hpp"

namespace tocsin::ctl {

struct Watch {
  bool terminal = false;  // repaint in place; else print what changed
  bool json = false;      // one object a line with "event" and "seq"
  int height = 0;         // lines of the terminal
};

// What to write for `now` so that it stands in place of `before`; empty: nothing changed. Pure.
std::string repainted(const Watch& watch, const Printed& before, const Printed& now, bool is_first);

// Asks every two seconds and writes to standard output. Returns when the process is asked to end:
// ExitCode::interrupted. Usage and permission errors end it at once, an unreachable collector does
// not. Takes SIGINT and SIGTERM of the process while it runs.
ExitCode watch(const Watch& watch, const std::function<Printed()>& ask);

}  // namespace tocsin::ctl
