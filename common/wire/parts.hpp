// What several documents are made of; private to common/wire.
#pragma once

#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"

namespace tocsin::wire {

Result<AgentId> take_agent_id(const std::string& hex);
std::uint32_t seconds_of(Duration duration);
void put_decided(const model::Decided& from, v1::Decided& to);
Result<model::Decided> take_decided(const v1::Decided& from);

// Of a command: what is asked about a baseline. The first does nothing for other acts.
void put_baseline_act(const model::Command& from, v1::Command& to);
Result<model::ProposeBaseline> take_propose(const v1::ProposeBaseline& from);

}  // namespace tocsin::wire
