#include "agent/link/send_turns.hpp"

#include <algorithm>

namespace tocsin::agent {

std::optional<std::string> SendTurns::next(const std::vector<std::string>& ready, MonoTime now) {
  std::erase_if(turns_, [&](const auto& entry) {
    return std::find(ready.begin(), ready.end(), entry.first) == ready.end();
  });
  std::optional<std::string> chosen;
  MonoTime since{};
  for (const std::string& id : ready) {
    const auto known = turns_.find(id);
    const MonoTime at = known == turns_.end() ? MonoTime{} : known->second.not_before;
    if (at > now || (chosen && at >= since)) continue;
    chosen = id;
    since = at;
  }
  return chosen;
}

std::optional<MonoTime> SendTurns::due() const {
  std::optional<MonoTime> first;
  for (const auto& [id, turn] : turns_) {
    first = first ? std::min(*first, turn.not_before) : turn.not_before;
  }
  return first;
}

SendTurns::Turn& SendTurns::turn_of(const std::string& id) {
  const Turn fresh{MonoTime{}, async::Backoff(pauses_.first, pauses_.longest)};
  return turns_.try_emplace(id, fresh).first->second;
}

void SendTurns::broke(const std::string& id, bool went_on, MonoTime now, std::uint64_t random) {
  Turn& turn = turn_of(id);
  if (went_on) turn.backoff.reset();
  turn.not_before = now + turn.backoff.next(random);
}

void SendTurns::refused(const std::string& id, MonoTime now) {
  turn_of(id).not_before = now + pauses_.refused;
}

}  // namespace tocsin::agent
