// What operators ask: who may, what it does, what is answered. The answer to a command id is given
// once; asking again changes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// An agent has this long to do what it was asked.
inline constexpr Duration kRequestLife = 60s;

inline constexpr Duration kLongestEstimate = 90 * 24h;

// Under this and an operator's name a value of the state says when the operator was revoked, in ns.
inline constexpr std::string_view kRevokedOperators = "revoked/operator/";
std::string revoked_operator_key(std::string_view name);

// The name of an act: "acknowledge", "register", "judge", "run_check", "revoke_agent", …;
// "unknown" for one that this version does not know.
std::string_view act_name(const model::Command& command);
// May this role do it? Nobody may do what is unknown.
bool may(model::Role role, std::string_view act);

// REQUIRES: the command's id was not answered before. What changed on hosts is returned.
Judged take_command(Context& context, const model::Command& command);

// The agent's answer to a request becomes a CommandResult under the request's id (the command's own
// answer names it). What it saw is judged by take_fact; an answer to nothing that was asked is
// counted.
void take_request_result(Context& context, const AgentId& agent,
                         const model::RequestResult& result);

// What an agent was asked and has not answered: only that, and until when, is in the state. What it
// is stands in the journal, where the command is.
struct OpenRequest {
  AgentId agent;
  std::string request_id;
  Instant due;
  Position command;
};
std::vector<OpenRequest> open_requests(const World& world);
// The request anew, for the link of a collector that has just started: agents may not have had it,
// and one that had it knows its id. Nothing where `command` did not ask for it, or where nobody
// waits for the answer any more.
std::optional<AgentRequest> ask_again(const Context& context, const OpenRequest& open,
                                      const model::Command& command);

// "request/AGENT/REQUEST": no answer came in time. False where the key is another.
bool fire_request_timer(Context& context, std::string_view key);

}  // namespace tocsin::collector
