#include "agent/app/glances.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/support/trace_points.hpp"

namespace tocsin::agent {
namespace {

using model::CheckKind;
using model::CheckRef;

class GlancesTest : public testing::Test {
 protected:
  std::shared_ptr<CheckContext> context() {
    return std::shared_ptr<CheckContext>(new CheckContext{clock, {}, "/", {}, {}, nullptr});
  }
  bool eventually(const std::function<bool()>& holds) const {
    const MonoTime start = clock.steady();
    while (!holds() && clock.steady() - start < 20s) std::this_thread::sleep_for(1ms);
    return holds();
  }
  void note(const CheckRef& check) {
    const std::lock_guard lock(mutex);
    seen.push_back(check.target);
  }
  std::vector<std::string> seen_now() {
    const std::lock_guard lock(mutex);
    return seen;
  }

  time::SystemTime clock;
  std::mutex mutex;
  std::vector<std::string> seen;
};

TEST_F(GlancesTest, TellsOnceAndGlancesNoMoreUntilItBeginsAgain) {
  std::atomic<int> looks = 0;
  Glances glances(clock, [this](const CheckRef& check) { note(check); }, {});
  const Glance third = [&](CheckContext&) { return ++looks == 3; };
  glances.begin({CheckKind::sockets, "a"}, third, context(), clock.steady(), 1ms);
  EXPECT_TRUE(eventually([&] { return !seen_now().empty(); }));
  // Another goes on meanwhile, so the first had its chances.
  std::atomic<int> others = 0;
  const Glance never = [&](CheckContext&) { return ++others < 0; };
  glances.begin({CheckKind::sockets, "b"}, never, context(), clock.steady(), 1ms);
  EXPECT_TRUE(eventually([&] { return others > 20; }));
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(seen_now(), std::vector<std::string>{"a"});
  looks = 2;
  glances.begin({CheckKind::sockets, "a"}, third, context(), clock.steady(), 1ms);
  EXPECT_TRUE(eventually([&] { return seen_now().size() == 2; }));
}

// The run that begins then has the context alone.
TEST_F(GlancesTest, NoGlanceRunsOnceItsEndReturned) {
  std::atomic<bool> running = false;
  std::atomic<int> looks = 0;
  Glances glances(clock, [this](const CheckRef& check) { note(check); }, {});
  const Glance slow = [&](CheckContext&) {
    running = true;
    ++looks;
    std::this_thread::yield();
    running = false;
    return false;
  };
  for (int i = 0; i < 100; ++i) {
    const int before = looks;
    glances.begin({CheckKind::sockets, {}}, slow, context(), clock.steady(), 0s);
    ASSERT_TRUE(eventually([&] { return looks > before; }));
    glances.end({CheckKind::sockets, {}});
    EXPECT_FALSE(running);
    const int after = looks;
    std::this_thread::yield();
    EXPECT_EQ(looks, after);
  }
}

TEST_F(GlancesTest, OneThatIsDueSoonerIsNotKeptWaitingByAnother) {
  std::atomic<int> looks = 0;
  Glances glances(clock, [this](const CheckRef& check) { note(check); }, {});
  const Glance count = [&](CheckContext&) { return ++looks < 0; };
  glances.begin({CheckKind::sockets, "late"}, count, context(), clock.steady() + 1h, 1h);
  glances.begin({CheckKind::sockets, "soon"}, count, context(), clock.steady(), 1h);
  EXPECT_TRUE(eventually([&] { return looks == 1; }));
}

// Not when it would have been its turn.
TEST_F(GlancesTest, LookAtOnceWhereTheKernelTellsThatSomethingListens) {
  bool mounted = false;
  auto events = tests::open_listen_events(mounted);
  ASSERT_EQ(events.has_value(), mounted) << (events ? "" : events.error().message);
  std::optional<os::ListenEvents> told;
  if (events) told = *std::move(events);
  std::atomic<int> looks = 0;
  Glances glances(
      clock, [this](const CheckRef& check) { note(check); }, std::move(told));
  EXPECT_EQ(glances.is_told(), mounted);
  const Glance count = [&](CheckContext&) { return ++looks < 0; };
  const Duration every = mounted ? Duration(1h) : Duration(1ms);
  glances.begin({CheckKind::sockets, "a"}, count, context(), clock.steady() + every, every);
  for (int i = 0; i < 3; ++i) {
    const int before = looks;
    const os::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_TRUE(eventually([&] { return looks > before; }));
  }
}

}  // namespace
}  // namespace tocsin::agent
