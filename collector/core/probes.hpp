// A service that its own host calls bad may answer all the same when it is asked from outside
// (severity: corroboration, "service bad, probe good"). Whoever probes it is asked to look again
// before that is believed: a look from before the failure proves nothing.
//
// Which probe is about which service follows from what the host showed: the ports on which a unit
// listened last. All of it is kept in the state's values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// Whoever was asked has answered by then, or nothing is known.
inline constexpr Duration kProbeLife = 15s;

// Where a probe connects to: "10.0.0.9" and 443 of "https://10.0.0.9/health". Port 0: it names
// none.
struct ProbePlace {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const ProbePlace&, const ProbePlace&) = default;
};
ProbePlace probe_place(std::string_view url);

// Remembers on which ports the units listen that the host has service checks of.
void remember_ports(World& world, const model::Host& host, const model::Observation& sockets);

// Asks those who probe a service that was found bad.
void ask_probes(Context& context, const Judged& judged);
bool is_probe_question(std::string_view request_id);
// The finding that the question was about.
FindingId probed_finding(std::string_view request_id);

// What the probes of the service said since it was found bad. REQUIRES: the finding is open.
enum class Probed : std::uint8_t { nothing, good, bad };
Probed probed(const World& world, const model::Finding& finding);
// Who reaches it, for people; nullopt: nobody does.
std::optional<model::Message> said_by_probe(const World& world, const model::Finding& finding);
// Is this one of its probes?
bool is_probed_by(const World& world, const model::Finding& finding, const model::CheckRef& check);

}  // namespace tocsin::collector
