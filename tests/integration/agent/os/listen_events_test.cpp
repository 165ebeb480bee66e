#include "agent/os/listen_events.hpp"

#include <array>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/support/temp_dir.hpp"
#include "tests/support/trace_points.hpp"

namespace tocsin::agent::os {
namespace {

Fd listen_somewhere(int family) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::listen(fd.get(), 1), 0);
  return fd;
}

class Watch {
 public:
  explicit Watch(const ListenEvents& events) : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (const int descriptor : events.descriptors()) {
      epoll_event event{};
      event.events = EPOLLIN;
      EXPECT_EQ(::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, descriptor, &event), 0);
    }
  }
  bool is_told() const {
    std::array<epoll_event, 1> event{};
    return ::epoll_wait(fd_.get(), event.data(), 1, 5000) == 1;
  }

 private:
  Fd fd_;
};

TEST(ListenEvents, TellEachTimeThatSomethingBeginsToListen) {
  bool mounted = false;
  auto events = tests::open_listen_events(mounted);
  ASSERT_EQ(events.has_value(), mounted) << (events ? "" : events.error().message);
  if (!mounted) return;
  const Watch watch(*events);
  for (const int family : {AF_INET, AF_INET6, AF_INET}) {
    const Fd listener = listen_somewhere(family);
    EXPECT_TRUE(watch.is_told());
    events->take();
  }
  // More than the kernel keeps until they are taken.
  for (int i = 0; i < 2000; ++i) listen_somewhere(AF_INET);
  EXPECT_TRUE(watch.is_told());
  events->take();
  const Fd last = listen_somewhere(AF_INET);
  EXPECT_TRUE(watch.is_told());
}

TEST(ListenEvents, AreNoneWhereThereAreNoTracePoints) {
  const tests::TempDir root;
  const auto events = ListenEvents::open(root.path());
  ASSERT_FALSE(events.has_value());
  EXPECT_EQ(events.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tocsin::agent::os
