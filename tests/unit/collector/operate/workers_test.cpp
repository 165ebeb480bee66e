#include "collector/operate/workers.hpp"

#include <atomic>
#include <latch>

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

TEST(Workers, RefusesAndCountsWhatDoesNotFit) {
  Workers workers(1, 1);
  std::latch running(1);
  std::latch may_end(1);
  std::atomic<int> done{0};
  ASSERT_TRUE(workers.post([&] {
    running.count_down();
    may_end.wait();
    ++done;
  }));
  running.wait();
  ASSERT_TRUE(workers.post([&] { ++done; }));  // waits
  EXPECT_FALSE(workers.post([&] { ++done; }));
  EXPECT_EQ(workers.rejected(), 1U);
  EXPECT_EQ(workers.busy(), 2U);
  may_end.count_down();
  workers.stop();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(workers.busy(), 0U);
}

TEST(Workers, TakesNothingAfterItWasStopped) {
  Workers workers(2, 10);
  workers.stop();
  EXPECT_FALSE(workers.post([] {}));
  workers.stop();
}

}  // namespace
}  // namespace tocsin::collector
