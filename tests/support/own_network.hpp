// A network of its own for a test: a loopback that is up, and nobody else. Needs root.
#pragma once

#include <thread>

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin::tests {

// Runs `body` on a thread of its own there, and waits for it.
template <class Body>
void in_own_network(Body body) {
  std::jthread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
    const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq loopback{};
    loopback.ifr_name[0] = 'l';
    loopback.ifr_name[1] = 'o';
    loopback.ifr_flags = IFF_UP;
    const int raised = ::ioctl(any, SIOCSIFFLAGS, &loopback);
    ::close(any);
    ASSERT_EQ(raised, 0);
    body();
  }).join();
}

}  // namespace tocsin::tests
