// Is a host down, is the way to it broken, or is whoever asked cut off (procedure M-01)? Who is
// asked, and what their answers mean together. Pure; inquiry.hpp asks and keeps the answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/model/check.hpp"
#include "common/model/message.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// A place from which a host can be pinged. The collector itself has no agent id.
struct Vantage {
  AgentId agent;
  std::string name;
  std::string rack;  // empty: not known
  friend bool operator==(const Vantage&, const Vantage&) = default;
};

// Does the policy say of any host where it stands?
bool names_racks(const model::SitePolicy& policy);
// Are two of these places independent of each other: of two racks that are known and not the same,
// or one of them the collector? Where the policy names no racks at all, any two are.
bool are_independent(const std::vector<Vantage>& places, bool racks_named);

// What one vantage saw of the target. `missed` counts only with its own gateway in reach, or where
// it has none and is on the network of the target; a vantage that reaches nothing, could not look,
// or did not answer in time is blind.
enum class Sight : std::uint8_t { waiting, reached, missed, blind };
struct Look {
  Vantage vantage;
  Sight sight = Sight::waiting;
  model::Tristate gateway = model::Tristate::unknown;
  friend bool operator==(const Look&, const Look&) = default;
};

enum class Reach : std::uint8_t {
  asking,       // not everybody has answered
  reachable,    // whoever can see reaches it
  host,         // two or more that are independent miss it and nobody reaches it: confirmed
  path,         // some reach it and some do not: the network between
  vantage,      // who could not reach it is cut off; others reach it
  cannot_tell,  // too few can see
  suspected,    // two or more miss it and nobody reaches it, but no two of them are independent
};
std::string_view to_string(Reach reach);

// At most two agents and the collector, whom to ask about a target in `rack`. Agents of other racks
// come first, and the second from another rack than the first; where there are none, others of the
// same rack are asked all the same, for one who reaches it is believed wherever it stands. `agents`
// in any order; those who have looked already are left out by the caller. The same set gives the
// same choice.
std::vector<Vantage> choose_vantages(std::string_view rack, std::vector<Vantage> agents);

// One observation of ping as a sight. An observation that could not look is blind.
Look look_of(Vantage vantage, const model::Observation& observation);

// Judges who reaches whom. Anything but `asking` is final for these looks. `racks_named`: as above.
Reach judge_reach(const std::vector<Look>& looks, bool racks_named);

// Who reaches whom, for people: "web2 [A]: ✗, web3 [B]: ✓". ✗ only with its own gateway, or a
// network without one, in reach.
std::string matrix_text(const std::vector<Look>& looks);
// "reach.host_down", "reach.path", …: what was found about a host, with the matrix.
model::Message reach_message(Reach reach, const std::string& host, const std::string& address,
                             const std::vector<Look>& looks);

}  // namespace tocsin::collector
