// What a host looks like at this moment, as tables a person reads and a program splits at tabs:
// each is one item of evidence. Text of the host is cleaned; what cannot be seen is said.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::agent {

// Takes rows until it says false. What one source keeps from being read ends its table, not the
// rows that came before.
using RowSink = std::function<bool(std::string_view)>;

// Each returns why it is not whole ("stopped"; "not_permitted": what of some process this agent may
// not see has a question mark; empty: it is).
// Every TCP and UDP socket with the processes that hold it. Errors: as the kernel says.
Result<std::string> sockets_table(const std::string& root, std::stop_token stop,
                                  const RowSink& sink);
// Every process. Errors: not_found (no /proc).
Result<std::string> processes_table(const std::string& root, std::stop_token stop,
                                    const RowSink& sink);
// SHA-256 of the program of every process, each once, also where its file is deleted.
Result<std::string> programs_table(const std::string& root, std::stop_token stop,
                                   const RowSink& sink);
// The services and timers that run or start by themselves. Errors: unavailable (no systemd).
Result<std::string> units_table(const std::string& root, std::stop_token stop, const RowSink& sink);

}  // namespace tocsin::agent
