// A baseline as it is proposed: what the hosts of its scope showed within a window, and what a
// second person should look at before approving it. An intruder who was there in the window must be
// seen by whoever reviews. Pure, but for reading the world.
#pragma once

#include <string>
#include <vector>

#include "collector/core/effects.hpp"
#include "common/model/baseline.hpp"

namespace tocsin::collector {

// A program that listens on more numbers than this of the dynamic range has the range.
inline constexpr std::size_t kFixedPorts = 3;
// There for less than this share of the window: brief; first seen in this last share of it: late.
inline constexpr int kBriefPermille = 50;
inline constexpr int kLatePermille = 250;
// Shown by at most this share of the hosts of a group.
inline constexpr int kFewHostsPermille = 100;

// Hosts that are admitted and not revoked: of this name, or whose policy names this group.
std::vector<const model::Host*> hosts_of(const Context& context, const model::BaselineScope& scope);

// Entries, what is left out, window, hosts and notes of a record; nothing else of it.
model::BaselineRecord learned_baseline(const Context& context, const model::BaselineScope& scope,
                                       const std::vector<const model::Host*>& hosts, Instant from);

// Puts out what `entry`, as to_string() has it, names. False: nothing is named so.
bool leave_out(model::BaselineRecord& record, const std::string& entry);

// What the finding is about, as its host shows it now; nullopt: nothing that an entry can approve.
std::optional<model::BaselineEntry> entry_of(const Context& context, const model::Finding& finding);

// Entries that somebody should look at.
std::size_t marked(const model::BaselineRecord& record);

}  // namespace tocsin::collector
