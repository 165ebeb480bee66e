#include "collector/core/timers.hpp"

#include <gmock/gmock.h>

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Timers, GiveWhatIsDueByTimeThenByKey) {
  Timers timers;
  timers.set("b", Instant{10});
  timers.set("a", Instant{10});
  timers.set("c", Instant{5});
  timers.set("d", Instant{11});
  std::vector<std::string> order;
  while (const auto key = timers.take_due(Instant{10})) order.push_back(*key);
  EXPECT_THAT(order, ElementsAre("c", "a", "b"));
  EXPECT_EQ(timers.next_due(), Instant{11});
}

TEST(Timers, SettingAgainMovesATimer) {
  Timers timers;
  timers.set("a", Instant{10});
  timers.set("a", Instant{20});
  EXPECT_FALSE(timers.take_due(Instant{19}));
  EXPECT_EQ(timers.take_due(Instant{20}), "a");
}

TEST(Timers, TakeEachChangeOnceForTheCommit) {
  Timers timers;
  timers.load({"kept", Instant{1}});
  timers.set("kept", Instant{1});  // No change.
  timers.set("new", Instant{2});
  timers.load({"gone", Instant{3}});
  timers.clear("gone");
  const Timers::Changes changes = timers.take_changed();
  EXPECT_THAT(changes.set, ElementsAre(model::Timer{"new", Instant{2}}));
  EXPECT_THAT(changes.cleared, ElementsAre("gone"));
  EXPECT_THAT(timers.take_changed().set, IsEmpty());
}

}  // namespace
}  // namespace tocsin::collector
