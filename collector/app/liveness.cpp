#include "collector/app/liveness.hpp"

namespace tocsin::collector {

std::vector<std::string> Liveness::stuck(const std::vector<Turns>& turns, MonoTime now) {
  std::vector<std::string> parts;
  for (const Turns& turn : turns) {
    const auto [seen, added] = seen_.try_emplace(turn.part, Seen{turn.count, now});
    if (seen->second.count != turn.count) seen->second = {turn.count, now};
    if (now - seen->second.at > patience_) parts.push_back(turn.part);
  }
  return parts;
}

}  // namespace tocsin::collector
