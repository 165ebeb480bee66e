#include "common/net/echo_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
// After the C library's headers, which define the same structures.
#include <linux/errqueue.h>
#include <linux/icmp.h>

#include "common/net/fd.hpp"

namespace tocsin::net {
namespace {

constexpr std::size_t kPacketBytes = 256;   // more than any answer that counts
constexpr std::size_t kAnswerBytes = 2048;  // what the kernel charges for one, and some more
constexpr std::size_t kLeastRoom = 16;      // answers
constexpr std::size_t kControlBytes = 128;  // a stamp, or an error with its address
constexpr int kIdentifiersTried = 8;

void fill_random(void* bytes, std::size_t count) {
  TOCSIN_CHECK(::getrandom(bytes, count, 0) == static_cast<ssize_t>(count));
}

sockaddr_in6 to_v6(const IpAddress& ip) {
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  std::memcpy(&raw.sin6_addr, ip.bytes.data(), 16);
  return raw;
}
sockaddr_in to_v4(const IpAddress& ip) {
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  std::memcpy(&raw.sin_addr, ip.bytes.data(), 4);
  return raw;
}

IpAddress ip_of(const sockaddr_storage& storage) {
  IpAddress ip;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 raw{};
    std::memcpy(&raw, &storage, sizeof raw);
    ip.v6 = true;
    std::memcpy(ip.bytes.data(), &raw.sin6_addr, 16);
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in raw{};
    std::memcpy(&raw, &storage, sizeof raw);
    std::memcpy(ip.bytes.data(), &raw.sin_addr, 4);
  }
  return ip;
}

template <class Value>
void set(const Fd& fd, int level, int option, const Value& value) {
  ::setsockopt(fd.get(), level, option, &value, sizeof value);
}

// A random identifier: the kernel's own come one after the other, and middle boxes remember them.
std::optional<std::uint16_t> take_identifier(const Fd& fd, bool v6) {
  sockaddr_storage address{};
  socklen_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  for (int i = 0; i <= kIdentifiersTried; ++i) {
    std::uint16_t identifier = 0;  // At last: whichever the kernel has left.
    if (i < kIdentifiersTried) fill_random(&identifier, sizeof identifier);
    sockaddr_in6 six = to_v6({});
    sockaddr_in four = to_v4({});
    six.sin6_port = identifier;
    four.sin_port = identifier;
    if (v6) {
      std::memcpy(&address, &six, sizeof six);
    } else {
      std::memcpy(&address, &four, sizeof four);
    }
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) break;
  }
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return std::nullopt;
  }
  sockaddr_in four{};  // The port lies at the same place in both.
  std::memcpy(&four, &address, sizeof four);
  return ntohs(four.sin_port);
}

void let_only_answers_in(const Fd& fd, bool v6) {
  if (v6) {
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    for (const int type : {ICMP6_ECHO_REPLY, ICMP6_DST_UNREACH, ICMP6_TIME_EXCEEDED}) {
      ICMP6_FILTER_SETPASS(type, &filter);
    }
    set(fd, IPPROTO_ICMPV6, ICMP6_FILTER, filter);
  } else {
    icmp_filter filter{};
    filter.data =
        ~((1U << ICMP_ECHOREPLY) | (1U << ICMP_DEST_UNREACH) | (1U << ICMP_TIME_EXCEEDED));
    set(fd, SOL_RAW, ICMP_FILTER, filter);
  }
}

// The kernel doubles what is asked for, and charges for its own structures.
std::size_t make_room(const Fd& fd, std::size_t answers) {
  const auto bytes = static_cast<int>(answers * kAnswerBytes / 2);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
    set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  }
  int got = 0;
  socklen_t size = sizeof got;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &got, &size);
  return std::max(static_cast<std::size_t>(std::max(got, 0)) / kAnswerBytes, kLeastRoom);
}

struct Slot {
  EchoBytes request{};
  std::array<char, kPacketBytes> packet{};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  sockaddr_storage to{};
  sockaddr_storage from{};
  iovec out{};
  iovec in{};
};

template <class Value>
std::optional<Value> control_value(msghdr& message, int level, int type) {
  for (cmsghdr* i = CMSG_FIRSTHDR(&message); i != nullptr; i = CMSG_NXTHDR(&message, i)) {
    if (i->cmsg_level != level || i->cmsg_type != type) continue;
    if (i->cmsg_len < CMSG_LEN(sizeof(Value))) continue;
    Value value{};
    std::memcpy(&value, CMSG_DATA(i), sizeof value);
    return value;
  }
  return std::nullopt;
}

}  // namespace

struct EchoSocket::Parts {
  Parts(Fd socket, bool six, bool is_raw, const time::TimeSource& source)
      : fd(std::move(socket)), v6(six), raw(is_raw), time(source), slots(kBatch) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      Slot& slot = slots[i];
      slot.out = {slot.request.data(), slot.request.size()};
      slot.in = {slot.packet.data(), slot.packet.size()};
      msghdr& message = sending[i].msg_hdr;
      message.msg_iov = &slot.out;
      message.msg_iovlen = 1;
      message.msg_name = &slot.to;
      message.msg_namelen = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    }
    received.reserve(kBatch);
  }

  void prepare_to_receive() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      msghdr& message = receiving[i].msg_hdr;
      message = {};
      message.msg_iov = &slots[i].in;
      message.msg_iovlen = 1;
      message.msg_name = &slots[i].from;
      message.msg_namelen = sizeof slots[i].from;
      message.msg_control = slots[i].control.data();
      message.msg_controllen = slots[i].control.size();
    }
  }

  // When the kernel received it. The stamp is of the wall clock: where that was set meanwhile, it
  // says nothing.
  MonoTime received_at(msghdr& message, MonoTime now, Instant wall) const {
    const auto stamp = control_value<timespec>(message, SOL_SOCKET, SCM_TIMESTAMPNS);
    if (!stamp) return now;
    const Instant at{std::int64_t{stamp->tv_sec} * 1'000'000'000 + stamp->tv_nsec};
    const Duration ago = wall - at;
    return ago < 0s || ago > 1s ? now : now + -ago;
  }

  void take(std::size_t i, std::size_t size, MonoTime now, Instant wall) {
    const std::string_view packet(slots[i].packet.data(), size);
    const auto answer = parse_echo(packet, key, v6, raw && !v6);
    if (!answer) return;
    received.push_back(
        {*answer, ip_of(slots[i].from), received_at(receiving[i].msg_hdr, now, wall)});
  }

  void take_error(std::size_t i, std::size_t size, MonoTime now) {
    auto answer = parse_refused_echo({slots[i].packet.data(), size}, key, v6);
    const int level = v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP);
    const auto error = control_value<sock_extended_err>(receiving[i].msg_hdr, level,
                                                        v6 ? IPV6_RECVERR : IP_RECVERR);
    const bool of_network =
        error && (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6);
    if (!answer || !of_network) return;
    answer->refusal = refusal_of(v6, error->ee_type, error->ee_code);
    if (answer->refusal == Refusal::none) return;
    answer->asked = ip_of(slots[i].from);
    received.push_back({*answer, {}, now});
  }

  // Returns how many came, or -1.
  int read(int flags) {
    prepare_to_receive();
    return ::recvmmsg(fd.get(), receiving.data(), kBatch, flags | MSG_DONTWAIT, nullptr);
  }

  Fd fd;
  bool v6;
  bool raw;
  const time::TimeSource& time;
  EchoKey key;
  std::size_t room = kLeastRoom;
  std::vector<Slot> slots;
  std::array<mmsghdr, kBatch> sending{};
  std::array<mmsghdr, kBatch> receiving{};
  std::vector<Received> received;
};

EchoSocket::EchoSocket(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
EchoSocket::EchoSocket(EchoSocket&&) noexcept = default;
EchoSocket& EchoSocket::operator=(EchoSocket&&) noexcept = default;
EchoSocket::~EchoSocket() = default;

int EchoSocket::descriptor() const { return parts_->fd.get(); }
std::size_t EchoSocket::room() const { return parts_->room; }
model::PingMethod EchoSocket::method() const {
  return parts_->raw ? model::PingMethod::icmp_raw : model::PingMethod::icmp_datagram;
}

tl::expected<EchoSocket, int> EchoSocket::open(bool v6, std::size_t answers,
                                               const time::TimeSource& time) {
  const int family = v6 ? AF_INET6 : AF_INET;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  Fd fd(::socket(family, SOCK_DGRAM | kFlags, protocol));
  const bool raw = !fd.valid();
  if (raw) fd = Fd(::socket(family, SOCK_RAW | kFlags, protocol));
  if (!fd.valid()) return tl::unexpected(errno);
  auto parts = std::make_unique<Parts>(std::move(fd), v6, raw, time);
  fill_random(parts->key.nonce.data(), parts->key.nonce.size());
  const int on = 1;
  set(parts->fd, SOL_SOCKET, SO_TIMESTAMPNS, on);
  parts->room = make_room(parts->fd, answers);
  if (raw) {
    fill_random(&parts->key.identifier, sizeof parts->key.identifier);
    let_only_answers_in(parts->fd, v6);
  } else {
    const auto identifier = take_identifier(parts->fd, v6);
    if (!identifier) return tl::unexpected(errno);
    parts->key.identifier = *identifier;
    set(parts->fd, v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP),
        v6 ? IPV6_RECVERR : IP_RECVERR, on);
  }
  return EchoSocket(std::move(parts));
}

EchoSocket::Sent EchoSocket::send(std::span<const Request> requests) {
  TOCSIN_CHECK(requests.size() <= kBatch);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Request& request = requests[i];
    Slot& slot = parts_->slots[i];
    slot.request = echo_request(parts_->key, request.serial, request.sequence, parts_->v6);
    if (parts_->v6) {
      sockaddr_in6 to = to_v6(request.to);
      to.sin6_scope_id = request.interface;
      std::memcpy(&slot.to, &to, sizeof to);
    } else {
      const sockaddr_in to = to_v4(request.to);
      std::memcpy(&slot.to, &to, sizeof to);
    }
  }
  Sent result;
  // An error of an earlier request, told by the network, is reported to whatever is sent next; the
  // error queue has it too, so the second answer is the one that counts.
  for (int i = 0; i < 2; ++i) {
    result.began = parts_->time.steady();
    const int n = ::sendmmsg(parts_->fd.get(), parts_->sending.data(),
                             static_cast<unsigned>(requests.size()), 0);
    result.error = n < 0 ? errno : 0;
    result.sent = static_cast<std::size_t>(std::max(n, 0));
    result.ended = parts_->time.steady();
    if (result.error == 0 || result.error == EAGAIN || result.error == ENOBUFS) break;
  }
  return result;
}

std::span<const EchoSocket::Received> EchoSocket::receive(bool& more) {
  Parts& parts = *parts_;
  parts.received.clear();
  more = false;
  int n = parts.read(0);
  const MonoTime now = parts.time.steady();
  if (n >= 0) {
    const Instant wall = parts.time.wall();
    for (int i = 0; i < n; ++i) {
      const auto slot = static_cast<std::size_t>(i);
      parts.take(slot, parts.receiving[slot].msg_len, now, wall);
    }
    more = n == static_cast<int>(kBatch);
    return parts.received;
  }
  // Nothing was there, or an error that the error queue explains.
  more = errno != EAGAIN && errno != EINTR;
  n = parts.read(MSG_ERRQUEUE);
  for (int i = 0; i < n; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    parts.take_error(slot, parts.receiving[slot].msg_len, now);
  }
  more = more || n > 0;
  return parts.received;
}

}  // namespace tocsin::net
