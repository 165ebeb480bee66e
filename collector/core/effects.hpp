// What a decision asks of the world outside, once it is durable.
#pragma once

#include <vector>

#include "collector/core/world.hpp"
#include "common/base/ids.hpp"
#include "common/model/fact.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// Asks an agent to act.
struct AgentRequest {
  AgentId agent;
  model::Request request;
  friend bool operator==(const AgentRequest&, const AgentRequest&) = default;
};

struct Effects {
  std::vector<AgentRequest> requests;
  std::vector<model::Request> own_looks;  // the collector itself is asked to look
  std::vector<AgentId> revoked;           // their streams end now
  std::vector<AgentId> admitted;          // new: expected to be heard from now on
  bool outbox_changed = false;
  bool baselines_changed = false;  // what is approved, or until when
};

// What every rule of the core is given: the state to change, the policy in force, and the journal
// entry's time and position. Lives for one entry.
struct Context {
  World& world;
  const model::SitePolicy& policy;
  Instant now;
  Position position;
  Effects& effects;
};

}  // namespace tocsin::collector
