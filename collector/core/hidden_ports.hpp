// Procedure M-07 from two sides: a port that answers from outside and that the host itself does not
// list is hidden there, or is somebody else's answer. Pure.
#pragma once

#include <string_view>

#include "collector/core/effects.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::collector {

// Adds what a port scan found of that kind to its judgement, and has the host itself try these
// ports, every ten minutes at most: what it finds comes with its own facts. Nothing where the
// scanned host has no agent, or its own list is not whole.
void add_hidden_ports(const Context& context, const model::Observation& scan,
                      model::Judgement& judgement);

// Is this the answer to such a question? Its facts say nothing that the host's own check does not.
bool is_port_question(std::string_view request_id);

}  // namespace tocsin::collector
