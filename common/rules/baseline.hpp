// From facts to entries of a baseline, and from an approved baseline to the rules that judge facts
// (procedure M-07, M-09, M-28). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/baseline.hpp"
#include "common/model/check.hpp"
#include "common/model/policy.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::rules {

// Linux hands these out to whoever does not ask for a number (net.ipv4.ip_local_port_range).
inline constexpr std::uint16_t kFirstDynamicPort = 32768;
inline constexpr std::uint16_t kLastPort = 65535;

// Without the service's or program's process ids, its number of processes, or its version.
model::BaselineEntry entry_of(const model::Listener& listener);
model::BaselineEntry entry_of(const model::ProcessGroup& group);
model::BaselineEntry entry_of(const model::UnitEntry& unit);

// Would it be a finding where programs have to be approved? What a package vouches for would not.
bool needs_approval(const model::ProcessGroup& group);

// What makes it look bad by itself, whatever is approved: codes such as "@why.world_writable".
std::vector<std::string> signs_of(const model::Listener& listener);
std::vector<std::string> signs_of(const model::ProcessGroup& group);

// Is a finding with this code and subject about this entry, or about a port within its range?
bool is_about(const model::BaselineEntry& entry, std::string_view code, std::string_view subject);
// Everything that an observation shows and somebody has to approve, once each, ordered; empty for
// kinds without a baseline.
std::vector<model::BaselineEntry> entries_of(const model::Observation& observation);

// The rules of an approved baseline, and of the site policy what the approved one does not say:
// sources, services, and parts that it lacks. Past its end the parts that it has are `expired`: an
// approval that is over does not fall back to an older one. Either may be nullptr; nullopt: both.
std::optional<model::Baseline> combined(const model::ApprovedBaseline* approved,
                                        const model::Baseline* policy, Instant now);

// The local ports of its rules of sources that are finer than the /24 or /64 by which a host counts
// who is connected: of these the host has to tell addresses (model::ports_text).
std::string ports_of_fine_sources(const model::Baseline& baseline);

// Whose approved baseline a host is judged by: the first of these that has one. Its own goes before
// its group's, past its end too.
std::vector<model::BaselineScope> scopes_for(const model::SitePolicy& policy,
                                             const std::string& host);

struct EntryChanges {
  std::vector<model::BaselineEntry> added;
  std::vector<model::BaselineEntry> removed;
};
// Both ordered by entry, each entry once.
EntryChanges changes(const std::vector<model::BaselineEntry>& from,
                     const std::vector<model::BaselineEntry>& to);

// What a host shows now beside what is approved: each entry that a finding is about, and what is
// approved and not there. Both ordered by entry.
struct Difference {
  std::vector<model::BaselineEntry> unexpected;
  std::vector<model::BaselineEntry> absent;
};
Difference difference(const std::vector<model::BaselineEntry>& approved,
                      const std::vector<model::Observation>& seen,
                      const std::vector<model::Judgement>& judged);

}  // namespace tocsin::rules
