// A network of hosts that answer echo requests as a test says, behind a tun device: the kernel
// routes and the sockets are real, only who answers is not. Needs root and a network namespace of
// its own, which the constructor gives to the calling thread: use a thread for each test.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/result.hpp"

namespace tocsin::tests {

// By the third byte of a host's address: 10.99.KIND.x
enum class HostKind : std::uint8_t {
  live = 1,
  dead,        // nothing comes back
  delayed,     // by 120 ms
  prohibited,  // a router says so, and quotes all of the request
  no_route,    // a router says so, and quotes 8 bytes of it
  twice,       // answers, and answers again
  cut,         // the reply is a byte shorter than the request
  stranger,    // the reply has other bytes in it
  elsewhere,   // the reply comes from another address
  flaky,       // answers every second request
};

class TunHosts {
 public:
  // `unprivileged`: sockets that need no privilege are allowed, as a distribution may have it.
  explicit TunHosts(bool unprivileged) {
    TOCSIN_CHECK(::unshare(CLONE_NEWNET) == 0);  // needs root
    if (unprivileged) {
      std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 2147483647";
    }
    tun_ = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    ifreq request{};
    std::strncpy(request.ifr_name, "hosts", IFNAMSIZ);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    TOCSIN_CHECK(::ioctl(tun_, TUNSETIFF, &request) == 0);
    const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_qlen = 5000;
    TOCSIN_CHECK(::ioctl(any, SIOCSIFTXQLEN, &request) == 0);
    set_address(request, "10.99.255.1");
    TOCSIN_CHECK(::ioctl(any, SIOCSIFADDR, &request) == 0);
    set_address(request, "255.255.0.0");
    TOCSIN_CHECK(::ioctl(any, SIOCSIFNETMASK, &request) == 0);
    bring_up(any, request);
    std::strncpy(request.ifr_name, "lo", IFNAMSIZ);
    bring_up(any, request);
    ::close(any);
    answering_ = std::jthread([this](const std::stop_token& stop) { answer(stop); });
  }
  ~TunHosts() {
    answering_.request_stop();
    answering_.join();
    ::close(tun_);
  }
  TunHosts(const TunHosts&) = delete;
  TunHosts& operator=(const TunHosts&) = delete;

  static std::string address(HostKind kind, int number) {
    return "10.99." + std::to_string(static_cast<int>(kind)) + "." + std::to_string(number);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kIpHeader = 20;

  static void set_address(ifreq& request, const char* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, text, &address.sin_addr);
    std::memcpy(&request.ifr_addr, &address, sizeof address);
  }
  static void bring_up(int any, ifreq& request) {
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    TOCSIN_CHECK(::ioctl(any, SIOCSIFFLAGS, &request) == 0);
  }

  static void put_checksum(std::string& bytes, std::size_t from, std::size_t count,
                           std::size_t at) {
    bytes[at] = bytes[at + 1] = '\0';
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[from + i]);
      sum += i % 2 == 0 ? static_cast<std::uint32_t>(byte) << 8 : byte;
    }
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    bytes[at] = static_cast<char>(~sum >> 8);
    bytes[at + 1] = static_cast<char>(~sum);
  }

  static std::string packet(const std::string& header, std::string message) {
    std::string whole = header + std::move(message);
    whole[2] = static_cast<char>(whole.size() >> 8);
    whole[3] = static_cast<char>(whole.size());
    put_checksum(whole, 0, kIpHeader, 10);
    put_checksum(whole, kIpHeader, whole.size() - kIpHeader, kIpHeader + 2);
    return whole;
  }

  void take(const std::string& request) {
    if (request.size() < kIpHeader + 8 || request[9] != 1 || request[kIpHeader] != 8) return;
    std::string back = request.substr(0, kIpHeader);  // its header the other way round
    std::swap_ranges(back.begin() + 12, back.begin() + 16, back.begin() + 16);
    std::string reply = request.substr(kIpHeader);
    reply[0] = '\0';
    std::string refusal(8, '\0');
    refusal[0] = 3;
    const auto send = [&](std::string message, Clock::duration late = {}) {
      waiting_.emplace(Clock::now() + late, packet(back, std::move(message)));
    };
    switch (static_cast<HostKind>(request[18])) {
      case HostKind::live:
        return send(reply);
      case HostKind::dead:
        return;
      case HostKind::delayed:
        return send(reply, std::chrono::milliseconds(120));
      case HostKind::prohibited:
        refusal[1] = 13;
        return send(refusal + request);
      case HostKind::no_route:
        return send(refusal + request.substr(0, kIpHeader + 8));
      case HostKind::twice:
        send(reply);
        return send(reply);
      case HostKind::cut:
        reply.pop_back();
        return send(reply);
      case HostKind::stranger:
        reply[12] = static_cast<char>(reply[12] ^ 1);
        return send(reply);
      case HostKind::elsewhere:
        back[14] = static_cast<char>(HostKind::live);
        back[15] = '\xFA';
        return send(reply);
      case HostKind::flaky:
        if (++asked_[request.substr(16, 4)] % 2 == 0) send(reply);
        return;
    }
  }

  void answer(const std::stop_token& stop) {
    std::string buffer(2048, '\0');
    while (!stop.stop_requested()) {
      while (!waiting_.empty() && waiting_.begin()->first <= Clock::now()) {
        const std::string& next = waiting_.begin()->second;
        static_cast<void>(::write(tun_, next.data(), next.size()));
        waiting_.erase(waiting_.begin());
      }
      const ssize_t n = ::read(tun_, buffer.data(), buffer.size());
      if (n > 0) {
        take(buffer.substr(0, static_cast<std::size_t>(n)));
        continue;
      }
      pollfd readable{tun_, POLLIN, 0};
      ::poll(&readable, 1, waiting_.empty() ? 20 : 1);
    }
  }

  int tun_ = -1;
  std::multimap<Clock::time_point, std::string> waiting_;
  std::map<std::string, int> asked_;
  std::jthread answering_;
};

}  // namespace tocsin::tests
