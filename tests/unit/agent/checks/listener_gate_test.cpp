#include "agent/checks/listener_gate.hpp"

#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

using os::SocketCounts;

constexpr MonoTime kStart{1'000'000'000'000};

TEST(ListenerGate, ReadsTheListFirstAndThenWhereANumberMoved) {
  ListenerGate gate;
  EXPECT_TRUE(gate.must_list(SocketCounts{3, 1, 0}, false, kStart));
  gate.listed(SocketCounts{3, 1, 0}, kStart);
  const MonoTime soon = kStart + 100ms;
  EXPECT_FALSE(gate.must_list(SocketCounts{3, 1, 0}, false, soon));
  EXPECT_TRUE(gate.must_list(SocketCounts{4, 1, 0}, false, soon));
  EXPECT_TRUE(gate.must_list(SocketCounts{3, 2, 0}, false, soon));
  EXPECT_TRUE(gate.must_list(SocketCounts{3, 1, 1}, false, soon));
}

TEST(ListenerGate, ReadsTheListWhereASocketEndedThoughTheNumbersAreTheSame) {
  ListenerGate gate;
  gate.listed(SocketCounts{3, 1, 0}, kStart);
  EXPECT_TRUE(gate.must_list(SocketCounts{3, 1, 0}, true, kStart + 100ms));
}

TEST(ListenerGate, AlwaysReadsTheListWhereThereAreNoNumbers) {
  ListenerGate gate;
  gate.listed(std::nullopt, kStart);
  EXPECT_TRUE(gate.must_list(std::nullopt, false, kStart + 100ms));
}

// Listeners and connections come and go at random; some ends are not told. Whatever happens, a
// listener that stays is in the list that was read last before two more looks have passed after
// kListAgain; where every end is told, after the next look; and where an end is not told though
// they usually are, before two more looks have passed after kListAgainTold.
TEST(ListenerGate, FindsEveryListenerInTheEnd) {
  EXPECT_TRUE(rc::check("no listener stays unseen", [](bool events, bool one_is_lost) {
    const bool ends_are_told = events && !one_is_lost;
    ListenerGate gate;
    std::map<int, MonoTime> listening;  // since when
    std::map<int, MonoTime> seen;       // as of the last list
    std::uint64_t connections = 0;
    bool ended = false;
    int next = 0;
    for (MonoTime now = kStart; now < kStart + 20s; now = now + 100ms) {
      const auto what = *rc::gen::inRange(0, 8);
      const auto opens = [&] { listening.emplace(next++, now); };
      const auto ends = [&] { ended = ended || ends_are_told; };
      const auto closes = [&] {
        if (listening.empty()) return;
        listening.erase(listening.begin());
        ends();
      };
      if (what == 0) opens();
      if (what == 1) closes();
      if (what == 2) ++connections;
      if (what == 3 && connections > 0) {
        --connections;
        opens();
        ends();
      }
      if (what >= 6) {
        closes();
        opens();
      }
      const SocketCounts counts{listening.size() + connections, 0, 0};
      const MonoTime look = now + 50ms;
      if (gate.must_list(counts, events ? std::optional(ended) : std::nullopt, look)) {
        gate.listed(counts, look);
        seen = listening;
        ended = false;
      }
      const Duration again = events ? ListenerGate::kListAgainTold : ListenerGate::kListAgain;
      const Duration longest = ends_are_told ? Duration(100ms) : again + 200ms;
      for (const auto& [id, since] : listening) {
        if (look - since >= longest) RC_ASSERT(seen.contains(id));
      }
    }
  }));
}

}  // namespace
}  // namespace tocsin::agent
