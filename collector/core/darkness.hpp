// When nearly all agents fall silent at once it is more likely that the collector hears nothing
// than that every host is down: its own network, or the door that agents come in by. That is one
// incident of the collector, and what is silent since is part of it (severity: corroboration, "the
// collector sees everything dark").
#pragma once

#include <optional>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

inline constexpr const char* kDark = "collector.dark";
// Agents that fall silent for one reason do so within a heartbeat. Then it is looked how many did.
inline constexpr Duration kDarkSettles = 6s;
// A silence waits this long for those that belong to it.
inline constexpr Duration kSilenceSettles = 10s;
// Of fewer nobody can say that all of them are silent.
inline constexpr std::size_t kFewestDark = 3;

// REQUIRES: the presence was taken.
void look_for_darkness(Context& context, const model::AgentPresence& presence);

// "dark". nullopt where the key is another.
std::optional<Judged> fire_darkness_timer(Context& context, std::string_view key);

// The incident of the darkness that this silence, or this host that nobody reaches, is part of.
std::optional<IncidentId> incident_of_darkness(const Context& context,
                                               const model::Finding& finding);

// How long what a finding says waits to be told: a silence might be one of all.
Duration settles(const World& world, const model::Finding& finding);

}  // namespace tocsin::collector
