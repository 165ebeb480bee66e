// What the status says, from rows of the state. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "common/model/incident.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

inline constexpr std::size_t kNeedsYou = 20;

// The grade that counts for a person: the approved one, else what the facts say now, else (when it
// is over) the highest that was reached.
model::Severity shown_severity(const model::Incident& incident);

// Agents heard and silent. A revoked agent is no agent any more; one that is refused or that looks
// cloned is not heard.
void count_agents(const std::vector<model::Host>& hosts, v1::Status& status);

// Open incidents by grade, those nobody took over, and the worst and oldest of these.
void count_incidents(std::vector<model::Incident> open, v1::Status& status);

// One row for each channel of the policy and for each other with notifications, by name. A channel
// is healthy until an attempt failed after its last success.
void describe_channels(const model::SitePolicy& policy,
                       const std::vector<model::Notification>& pending,
                       const std::vector<model::Notification>& last_by_channel, v1::Status& status);

// Not heard from, or with a check that is abnormal or cannot tell, or with none that is normal: a
// host that nothing was seen of is not a normal one.
bool needs_attention(const model::Host& host);

}  // namespace tocsin::collector
