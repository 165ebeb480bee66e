// Asks other places about a host of the policy that fell silent or does not answer a ping
// (procedure M-01), and says what their answers mean. What is asked and answered is kept in the
// state, so that an inquiry survives a restart. While it runs, what was found first waits: nobody
// is called out of bed for a vantage that is cut off.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "collector/core/looked_at.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// Everybody has answered by then, or counts as blind.
inline constexpr Duration kInquiryLife = 15s;
// While something is wrong, it is asked again.
inline constexpr Duration kAskAgain = 60s;
// Nobody could tell for so long whether a host without an agent is there: that is said (grade E).
inline constexpr Duration kUnseenFor = 10min;

// The host, as the policy names it, that a finding says cannot be reached; nullptr where it is
// another kind of finding or the policy gives no address.
const model::HostPolicy* unreachable_host(const Context& context, const model::Finding& finding);

// Looks at what an agent saw or how it stands, and begins an inquiry where that is called for.
void ask_about(Context& context, const model::AgentFact& fact);
void ask_about(Context& context, const model::AgentPresence& presence);

// Is this the answer to an inquiry?
bool is_inquiry(std::string_view request_id);
Judged take_answer(Context& context, const AgentId& agent, const model::RequestResult& result);
Judged take_look(Context& context, const model::CollectorLook& look);

// What the collector's own looks at the hosts that are silent now show of its network:
// "@own_view.reaches", ".cut_off", ".misses" or ".unknown".
std::string_view own_view(const Context& context);

// The policy changed: nobody asks any more about a host that it does not name.
Judged forget_unnamed(Context& context);

// "reach/ADDRESS". nullopt where the key is another.
std::optional<Judged> fire_inquiry_timer(Context& context, std::string_view key);

// Does an inquiry run about what this finding says?
bool waits_for_inquiry(const Context& context, const model::Finding& finding);
// The same host is known to be down: the incident of that, if there is one.
std::optional<IncidentId> incident_of_down_host(const Context& context,
                                                const model::Finding& finding);

}  // namespace tocsin::collector
