// Hosts without an agent (NT and old UNIX in the procedure): a page made of what other hosts see of
// them. Pure.
#pragma once

#include <vector>

#include "common/model/incident.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// The hosts of the policy with an address that none of `hosts` is called, each with the checks of
// others that look at it (who looked stands in the last reason, "agentless.seen_from"), and one
// check for each sub-item that nobody can look at from outside: cannot tell, never normal
// ("agentless.not_seen"). Their agent is empty. Ordered by name.
std::vector<model::Host> hosts_without_agent(const model::SitePolicy& policy,
                                             const std::vector<model::Host>& hosts);

// Like `needs_attention` of a host with an agent, but that nobody looks into such a host is known:
// one that was seen from outside and is normal there needs nobody.
bool agentless_needs_attention(const model::Host& host);

}  // namespace tocsin::collector
