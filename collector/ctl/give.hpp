// Giving the collector a command: made, sent, waited for and its answer printed, the same for every
// kind of command.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/ctl/client.hpp"
#include "collector/ctl/commands.hpp"

namespace tocsin::ctl {

// With an id of its own and the reason or note; what is to be done is still to be set.
v1::Command new_command(const std::string& note);
// A request's field of seconds; what it cannot say is for the collector to refuse.
std::uint32_t seconds_field(std::chrono::seconds duration);

// The collector's answer, which is "pending" a little before this side gives up.
Result<v1::ExecuteReply> execute(const v1::Command& command, const Settings& settings,
                                 Client& client);
// Sent and answered, or with --dry-run only shown. `what` it is about, for people.
Printed give(std::string_view what, const v1::Command& command, const Settings& settings,
             Client& client);

}  // namespace tocsin::ctl
