#include "agent/login/tcp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>

#include "common/base/text.hpp"
#include "common/config/endpoint.hpp"
#include "common/net/tcp.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;

// RFC 4253 allows 255 bytes, the line end among them.
constexpr std::size_t kBannerBytes = 255;
constexpr std::size_t kMostAddresses = 4;
constexpr Duration kLook = 20ms;

int milliseconds_to(MonoTime deadline, const time::TimeSource& time) {
  const Duration left = deadline - time.steady();
  return left <= 0s ? 0 : static_cast<int>(left / 1ms) + 1;
}

std::string end_of(const os::Fd& socket) {
  PeerAddress own;
  own.size = sizeof own.address;
  auto* raw = reinterpret_cast<sockaddr*>(&own.address);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(socket.get(), raw, &own.size) != 0 ||
      ::getnameinfo(raw, own.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return fmt::format("{}:{}", host.data(), port.data());
}

// 0 or why not, of one that was begun.
int connected(const net::Connecting& begun, MonoTime deadline, const time::TimeSource& time) {
  if (begun.error != EINPROGRESS) return begun.error;
  pollfd wait{begun.fd.get(), POLLOUT, 0};
  const int ready = ::poll(&wait, 1, milliseconds_to(deadline, time));
  if (ready == 0) return ETIMEDOUT;
  return ready < 0 ? errno : net::connect_error(begun.fd);
}

LoginOutcome outcome_of_connect(int error) {
  if (error == ECONNREFUSED || error == ECONNRESET) return LoginOutcome::refused;
  return error == ETIMEDOUT ? LoginOutcome::timed_out : LoginOutcome::unreachable;
}

// Looks at what came without taking it: the SSH library reads it anew.
void wait_for_banner(TcpEnd& end, MonoTime deadline, const time::TimeSource& time) {
  std::array<char, kBannerBytes> bytes;
  std::size_t before = 0;
  for (;;) {
    pollfd wait{end.socket.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, milliseconds_to(deadline, time));
    const ssize_t count =
        ready > 0 ? ::recv(end.socket.get(), bytes.data(), bytes.size(), MSG_PEEK) : -1;
    if (ready > 0 && count <= 0) {
      end.outcome = LoginOutcome::refused;
      end.said = "it hung up before it named itself";
      return;
    }
    if (ready <= 0) {
      end.outcome = LoginOutcome::timed_out;
      end.said = "connected, then silence";
      return;
    }
    const auto got = static_cast<std::size_t>(count);
    const std::string_view text(bytes.data(), got);
    const std::size_t line_end = text.find('\n');
    if (line_end != text.npos || got == bytes.size()) {
      const std::size_t cut = std::min(text.find('\r'), std::min(line_end, got));
      end.banner = clean_text(text.substr(0, cut), kBannerBytes);
      return;
    }
    // Half a line: poll would say at once that it is there, so wait a little for more.
    if (got == before) ::poll(nullptr, 0, static_cast<int>(kLook / 1ms));
    before = got;
    if (milliseconds_to(deadline, time) == 0) {
      end.banner = clean_text(text, kBannerBytes);
      end.outcome = LoginOutcome::banner_only;
      end.said = "half a banner, then silence";
      return;
    }
  }
}

}  // namespace

Result<std::vector<PeerAddress>> look_up(const std::string& endpoint) {
  const auto where = config::parse_endpoint(endpoint);
  if (!where) return fail(where.error());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(where->host.c_str(), std::to_string(where->port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  if (error != 0)
    return fail(ErrorCode::not_found, fmt::format("{}: {}", endpoint, ::gai_strerror(error)));
  std::vector<PeerAddress> addresses;
  for (const addrinfo* one = found; one != nullptr && addresses.size() < kMostAddresses;
       one = one->ai_next) {
    PeerAddress& address = addresses.emplace_back();
    address.size = std::min<socklen_t>(one->ai_addrlen, sizeof address.address);
    std::memcpy(&address.address, one->ai_addr, address.size);
  }
  return addresses;
}

TcpEnd connect_and_wait_for_banner(const std::vector<PeerAddress>& addresses, MonoTime deadline,
                                   const time::TimeSource& time) {
  TcpEnd end;
  end.outcome = LoginOutcome::unreachable;
  end.said = "no address";
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // What is left of the time is shared by the addresses that are left.
    const Duration share =
        (deadline - time.steady()) / static_cast<std::int64_t>(addresses.size() - i);
    net::Connecting begun = net::begin_connect(addresses[i].address, addresses[i].size);
    const int error = connected(begun, time.steady() + share, time);
    if (error == 0) {
      end.own_end = end_of(begun.fd);
      end.socket = std::move(begun.fd);
      end.outcome = LoginOutcome::succeeded;
      end.said.clear();
      wait_for_banner(end, deadline, time);
      return end;
    }
    end.outcome = outcome_of_connect(error);
    end.said = std::strerror(error);
  }
  return end;
}

}  // namespace tocsin::agent
