#include "collector/ingest/presence.hpp"

#include <utility>

namespace tocsin::collector {
namespace {

constexpr Duration kCloneForgotten = 10min;  // since it last tried

std::string seconds(Duration duration) { return std::to_string(duration / 1s); }

}  // namespace

using model::Presence;

std::optional<AgentWatch::Change> AgentWatch::become(Presence state, Duration since,
                                                     model::Message detail) {
  if (state_ == state) return std::nullopt;
  state_ = state;
  return Change{state, since, std::move(detail)};
}

std::optional<AgentWatch::Change> AgentWatch::greeted(MonoTime now,
                                                      const std::string& description) {
  heard_ = now;
  stalled_ = false;
  const bool told = std::exchange(greeted_, true) && description == description_;
  description_ = description;
  if (state_ == Presence::clone_suspected) return std::nullopt;
  if (told && state_ == Presence::heard) return std::nullopt;
  state_ = Presence::heard;
  return Change{};
}

std::optional<AgentWatch::Change> AgentWatch::heard(MonoTime now) {
  heard_ = now;
  if (stalled_ || state_ == Presence::clone_suspected) return std::nullopt;
  return become(Presence::heard, {}, {});
}

std::optional<AgentWatch::Change> AgentWatch::stalled(MonoTime now, Duration idle) {
  heard_ = now;
  const bool stalled_now = idle > Duration{};
  if (stalled_now == stalled_) return std::nullopt;
  stalled_ = stalled_now;
  if (!stalled_now) return heard(now);
  return become(Presence::silent, idle, {"link.observer_stalled", {{"limit", seconds(idle)}}});
}

std::optional<AgentWatch::Change> AgentWatch::look(MonoTime now, Duration silent_after) {
  const Duration quiet = now - heard_;
  if (quiet > silent_after && state_) {
    stalled_ = false;
    if (greeted_) {
      return become(Presence::silent, quiet, {"link.silent", {{"limit", seconds(silent_after)}}});
    }
    return become(Presence::silent, quiet, {"link.never_back", {}});
  }
  if (state_ == Presence::clone_suspected && now - clone_ > kCloneForgotten) {
    return become(Presence::heard, {}, {});
  }
  return std::nullopt;
}

std::optional<AgentWatch::Change> AgentWatch::clone_seen(MonoTime now) {
  clone_ = now;
  return become(Presence::clone_suspected, {}, {"link.clone", {}});
}

std::optional<AgentWatch::Change> AgentWatch::restored_seen(MonoTime now) {
  clone_ = now;
  return become(Presence::clone_suspected, {}, {"link.epoch_required", {}});
}

}  // namespace tocsin::collector
