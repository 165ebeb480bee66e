// Procedure M-07 from two sides: a port that answers from outside and that the host itself does not
// list is hidden there, or is somebody else's answer. Then the host itself is asked to try these
// ports: what it finds comes with its own facts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/core/effects.hpp"
#include "common/model/journal.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::collector {

// A question is answered within this time, or not any more.
inline constexpr Duration kPortQuestionLife = 30s;

// What a scan found beside what the scanned host lists.
struct HiddenPorts {
  std::string address;
  std::optional<AgentId> agent;      // nullopt: the host has no agent, or its list is not whole
  std::vector<std::uint16_t> ports;  // open and not listed
};
// `baseline`: what is approved on the host that was scanned. nullopt: the observation is no port
// scan.
std::optional<HiddenPorts> hidden_ports(const World& world, const model::SitePolicy& policy,
                                        const model::Baseline* baseline,
                                        const model::Observation& scan);
// What the scan itself was judged to be, with that.
model::Judgement with_hidden_ports(model::Judgement judgement, const HiddenPorts& hidden);
// Every ten minutes at most, about the first few.
void ask_about_ports(Context& context, const HiddenPorts& hidden);

// Is this the answer to such a question? Its facts say nothing that the host's own check does not.
bool is_port_question(std::string_view request_id);
void take_port_answer(Context& context, const AgentId& agent, const model::RequestResult& result);
// "bind/ADDRESS": no answer came. False where the key is another.
bool fire_port_timer(Context& context, std::string_view key);

}  // namespace tocsin::collector
