#include "collector/core/reach.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace tocsin::collector {
namespace {

constexpr std::size_t kAgents = 2;

std::size_t count(const std::vector<Look>& looks, Sight sight) {
  return static_cast<std::size_t>(std::count_if(
      looks.begin(), looks.end(), [&](const Look& look) { return look.sight == sight; }));
}

std::vector<Vantage> who(const std::vector<Look>& looks, Sight sight) {
  std::vector<Vantage> places;
  for (const Look& look : looks) {
    if (look.sight == sight) places.push_back(look.vantage);
  }
  return places;
}

bool is_collector(const Vantage& vantage) { return vantage.agent.hex.empty(); }

std::string_view mark(Sight sight) {
  switch (sight) {
    case Sight::reached:
      return "✓";
    case Sight::missed:
      return "✗";
    case Sight::waiting:
    case Sight::blind:
      break;
  }
  return "?";
}

// One network without a gateway. That the vantage is on it shows in its answer reaching us.
bool is_flat(const model::PingFacts& facts) { return facts.gateway.empty() && facts.on_link; }

std::string_view gateway_mark(model::Tristate gateway) {
  switch (gateway) {
    case model::Tristate::yes:
      return "✓";
    case model::Tristate::no:
      return "✗";
    case model::Tristate::unknown:
      break;
  }
  return "?";
}

}  // namespace

std::string_view to_string(Reach reach) {
  switch (reach) {
    case Reach::asking:
      return "asking";
    case Reach::reachable:
      return "reachable";
    case Reach::host:
      return "host_down";
    case Reach::path:
      return "path";
    case Reach::vantage:
      return "vantage";
    case Reach::suspected:
      return "suspected";
    case Reach::cannot_tell:
      break;
  }
  return "cannot_tell";
}

bool names_racks(const model::SitePolicy& policy) {
  return std::any_of(policy.hosts.begin(), policy.hosts.end(),
                     [](const model::HostPolicy& host) { return !host.rack.empty(); });
}

bool are_independent(const std::vector<Vantage>& places, bool racks_named) {
  if (places.size() < 2) return false;
  if (!racks_named || std::any_of(places.begin(), places.end(), is_collector)) return true;
  std::set<std::string_view> racks;
  for (const Vantage& place : places) racks.insert(place.rack);
  racks.erase("");
  return racks.size() >= 2;
}

std::vector<Vantage> choose_vantages(std::string_view rack, std::vector<Vantage> agents) {
  std::vector<Vantage> chosen;
  while (chosen.size() < kAgents && !agents.empty()) {
    const auto worth = [&](const Vantage& vantage) {
      const bool taken = std::any_of(chosen.begin(), chosen.end(),
                                     [&](const Vantage& c) { return c.rack == vantage.rack; });
      // Smaller is better: another rack than the target's, a rack that nobody asks from yet, a rack
      // that is known at all; then by name and id, so that chance has no part in it.
      return std::tuple(vantage.rack == rack, taken, vantage.rack.empty(), vantage.name,
                        vantage.agent.hex);
    };
    const auto best =
        std::min_element(agents.begin(), agents.end(),
                         [&](const Vantage& a, const Vantage& b) { return worth(a) < worth(b); });
    chosen.push_back(*best);
    agents.erase(best);
  }
  chosen.push_back({{}, "collector", {}});
  return chosen;
}

Look look_of(Vantage vantage, const model::Observation& observation) {
  Look look{std::move(vantage), Sight::blind, model::Tristate::unknown};
  const auto* facts = std::get_if<model::PingFacts>(&observation.facts);
  if (facts == nullptr || facts->sent == 0) return look;
  look.gateway = facts->gateway_reachable;
  if (facts->received > 0) {
    look.sight = Sight::reached;
  } else if (facts->gateway_reachable == model::Tristate::yes || is_flat(*facts)) {
    look.sight = Sight::missed;
  }
  return look;
}

Reach judge_reach(const std::vector<Look>& looks, bool racks_named) {
  if (count(looks, Sight::waiting) > 0) return Reach::asking;
  const std::size_t reached = count(looks, Sight::reached);
  const std::size_t missed = count(looks, Sight::missed);
  if (reached == 0) {
    if (missed < 2) return Reach::cannot_tell;
    return are_independent(who(looks, Sight::missed), racks_named) ? Reach::host : Reach::suspected;
  }
  if (missed > 0) return Reach::path;
  const bool cut_off = std::any_of(looks.begin(), looks.end(), [](const Look& look) {
    return look.sight == Sight::blind && look.gateway == model::Tristate::no;
  });
  return cut_off ? Reach::vantage : Reach::reachable;
}

std::string matrix_text(const std::vector<Look>& looks) {
  std::string text;
  for (const Look& look : looks) {
    const std::string rack =
        look.vantage.rack.empty() ? "" : fmt::format(" [{}]", look.vantage.rack);
    text += fmt::format("{}{}{} {}", text.empty() ? "" : "; ", look.vantage.name, rack,
                        mark(look.sight));
    if (look.sight == Sight::missed && look.gateway != model::Tristate::yes) {
      text += " (LAN ✓)";  // It has no gateway.
    } else if (look.sight != Sight::reached) {
      text += fmt::format(" (GW {})", gateway_mark(look.gateway));
    }
  }
  return text;
}

model::Message reach_message(Reach reach, const std::string& host, const std::string& address,
                             const std::vector<Look>& looks) {
  return {fmt::format("reach.{}", to_string(reach)),
          {{"host", host}, {"address", address}, {"matrix", matrix_text(looks)}}};
}

}  // namespace tocsin::collector
