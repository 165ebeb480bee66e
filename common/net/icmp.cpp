#include "common/net/icmp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "common/net/fd.hpp"

namespace tocsin::net {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kIpv6HeaderBytes = 40;
constexpr Duration kLastAnswer = 1s;  // how long the last request is waited for

struct Types {
  std::uint8_t request;
  std::uint8_t reply;
  std::uint8_t unreachable;
};
constexpr Types kV4{8, 0, 3};
constexpr Types kV6{128, 129, 1};

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}
std::uint16_t big_endian(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>((byte_at(bytes, i) << 8) | byte_at(bytes, i + 1));
}
void put_big_endian(std::string& bytes, std::size_t i, std::uint16_t value) {
  bytes[i] = static_cast<char>(value >> 8);
  bytes[i + 1] = static_cast<char>(value & 0xFF);
}

// RFC 1071
std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += big_endian(bytes, i);
  if (bytes.size() % 2 != 0)
    sum += static_cast<std::uint32_t>(byte_at(bytes, bytes.size() - 1)) << 8;
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Takes an IPv4 header off; false where it is not one.
bool skip_ipv4_header(std::string_view& packet) {
  if (packet.size() < 20 || (byte_at(packet, 0) >> 4) != 4) return false;
  const std::size_t length = (byte_at(packet, 0) & 0x0FU) * 4U;
  if (length < 20 || packet.size() < length) return false;
  packet.remove_prefix(length);
  return true;
}

std::optional<std::uint16_t> our_sequence(std::string_view message, std::uint8_t type,
                                          const EchoKey& key, bool nonce_needed) {
  if (message.size() < kHeaderBytes || byte_at(message, 0) != type) return std::nullopt;
  if (key.identifier_is_ours && big_endian(message, 4) != key.identifier) return std::nullopt;
  const std::string_view payload = message.substr(kHeaderBytes);
  const std::string_view nonce(key.nonce.data(), key.nonce.size());
  // Routers quote as little as the first 8 bytes of what they refuse.
  if (nonce_needed || payload.size() >= nonce.size()) {
    if (!payload.starts_with(nonce)) return std::nullopt;
  }
  return big_endian(message, 6);
}

std::uint64_t random_number() {
  std::uint64_t value = 0;
  TOCSIN_CHECK(::getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address socket_address(const IpAddress& ip, int port) {
  Address address;
  if (ip.v6) {
    sockaddr_in6 raw{};
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&raw.sin6_addr, ip.bytes.data(), 16);
    std::memcpy(&address.storage, &raw, sizeof raw);
    address.size = sizeof raw;
  } else {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&raw.sin_addr, ip.bytes.data(), 4);
    std::memcpy(&address.storage, &raw, sizeof raw);
    address.size = sizeof raw;
  }
  return address;
}

// Waits at most `limit` for the socket; in slices, so that a stop is heard.
bool wait_for(const Fd& fd, short events, Duration limit) {
  const auto ms = std::clamp<std::int64_t>((limit.count() + 999'999) / 1'000'000, 0, 100);
  pollfd waiting{fd.get(), events, 0};
  return ::poll(&waiting, 1, static_cast<int>(ms)) > 0;
}

// One series of echo requests over one socket.
class Series {
 public:
  Series(Fd fd, const PingPlan& plan, model::PingMethod method, const time::TimeSource& time)
      : fd_(std::move(fd)), plan_(plan), time_(time), raw_(method == model::PingMethod::icmp_raw) {
    result_.method = method;
    key_.identifier = static_cast<std::uint16_t>(random_number());
    key_.identifier_is_ours = raw_;
    for (std::size_t i = 0; i < key_.nonce.size(); i += 8) {
      const std::uint64_t random = random_number();
      std::memcpy(key_.nonce.data() + i, &random, 8);
    }
    sequence_ = static_cast<std::uint16_t>(random_number());
  }

  Result<PingResult> run(std::stop_token stop) {
    int last_error = 0;
    int tried = 0;
    MonoTime next = time_.steady();
    MonoTime until = next;
    while (!stop.stop_requested()) {
      const MonoTime now = time_.steady();
      if (tried < plan_.packets && now >= next) {
        last_error = send() ? 0 : errno;
        ++tried;
        next = now + gap();
        until = std::min(now + kLastAnswer, plan_.deadline);
      }
      const bool all_answered = tried == plan_.packets && waiting_.empty();
      const MonoTime end = tried < plan_.packets ? plan_.deadline : until;
      if (all_answered || now >= end) return finish(last_error);
      const Duration pause = (tried < plan_.packets ? std::min(next, end) : end) - now;
      if (wait_for(fd_, POLLIN, pause)) receive();
    }
    return fail(ErrorCode::deadline_exceeded, "ping " + to_string(plan_.address));
  }

 private:
  Duration gap() const {
    const std::int64_t quarter = plan_.between.count() / 4;
    if (quarter <= 0) return plan_.between;
    const auto span = static_cast<std::uint64_t>(2 * quarter + 1);
    return plan_.between + Duration(static_cast<std::int64_t>(random_number() % span) - quarter);
  }

  bool send() {
    const std::string request = echo_request(key_, sequence_, plan_.address.v6);
    const Address to = socket_address(plan_.address, 0);
    waiting_[sequence_] = time_.steady();
    if (::sendto(fd_.get(), request.data(), request.size(), 0, to.get(), to.size) < 0) {
      waiting_.erase(sequence_);
      return false;
    }
    ++sequence_;
    ++result_.sent;
    return true;
  }

  void receive() {
    char packet[2048];
    // What is queued as an error first: unreachable answers to a datagram socket.
    for (const int queue : {int{MSG_ERRQUEUE}, 0}) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t n = ::recvfrom(fd_.get(), packet, sizeof packet, queue | MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n <= 0) continue;
      const std::string_view bytes(packet, static_cast<std::size_t>(n));
      const bool queued = queue != 0;
      note(queued ? parse_refused(bytes)
                  : parse_echo(bytes, key_, plan_.address.v6, raw_ && !plan_.address.v6));
    }
  }

  // The error queue gives back what was sent.
  std::optional<EchoAnswer> parse_refused(std::string_view bytes) const {
    const std::uint8_t type = plan_.address.v6 ? kV6.request : kV4.request;
    const auto sequence = our_sequence(bytes, type, key_, true);
    if (!sequence) return std::nullopt;
    return EchoAnswer{false, *sequence};
  }

  void note(const std::optional<EchoAnswer>& answer) {
    if (!answer) return;
    const auto sent = waiting_.find(answer->sequence);
    if (sent == waiting_.end()) return;  // A duplicate.
    if (answer->reply) {
      result_.round_trips.push_back(time_.steady() - sent->second);
    } else {
      ++result_.unreachable;
    }
    waiting_.erase(sent);
  }

  Result<PingResult> finish(int last_error) const {
    if (result_.sent == 0) {
      // No route: the network says at once what a router would have said.
      if (last_error == ENETUNREACH || last_error == EHOSTUNREACH) {
        PingResult lost = result_;
        lost.sent = static_cast<std::uint32_t>(plan_.packets);
        lost.unreachable = lost.sent;
        return lost;
      }
      return fail(system_error("ping " + to_string(plan_.address), last_error));
    }
    return result_;
  }

  Fd fd_;
  const PingPlan& plan_;
  const time::TimeSource& time_;
  bool raw_;
  EchoKey key_;
  std::uint16_t sequence_ = 0;
  std::map<std::uint16_t, MonoTime> waiting_;
  PingResult result_;
};

Fd open_icmp(const IpAddress& address, int type) {
  const int family = address.v6 ? AF_INET6 : AF_INET;
  const int protocol =
      address.v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  Fd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (fd.valid() && type == SOCK_DGRAM) {
    const int on = 1;
    ::setsockopt(fd.get(),
                 address.v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP),
                 address.v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
  }
  return fd;
}

enum class Connected { yes, refused, unreachable, no };

Connected try_connect(const PingPlan& plan, const time::TimeSource& time, MonoTime until,
                      std::stop_token stop) {
  const Fd fd(::socket(plan.address.v6 ? AF_INET6 : AF_INET,
                       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const Address to = socket_address(plan.address, plan.tcp_port);
  int error = ::connect(fd.get(), to.get(), to.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    bool ready = false;
    while (!ready && !stop.stop_requested() && time.steady() < until) {
      ready = wait_for(fd, POLLOUT, until - time.steady());
    }
    if (!ready) return Connected::no;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return Connected::no;
  }
  if (error == 0) return Connected::yes;
  if (error == ECONNREFUSED) return Connected::refused;
  return error == ENETUNREACH || error == EHOSTUNREACH ? Connected::unreachable : Connected::no;
}

}  // namespace

std::string echo_request(const EchoKey& key, std::uint16_t sequence, bool v6) {
  std::string message(kHeaderBytes, '\0');
  message[0] = static_cast<char>(v6 ? kV6.request : kV4.request);
  put_big_endian(message, 4, key.identifier);
  put_big_endian(message, 6, sequence);
  message.append(key.nonce.data(), key.nonce.size());
  if (!v6) put_big_endian(message, 2, checksum(message));
  return message;
}

std::optional<EchoAnswer> parse_echo(std::string_view packet, const EchoKey& key, bool v6,
                                     bool with_ip_header) {
  if (with_ip_header && !skip_ipv4_header(packet)) return std::nullopt;
  const Types types = v6 ? kV6 : kV4;
  if (const auto sequence = our_sequence(packet, types.reply, key, true)) {
    return EchoAnswer{true, *sequence};
  }
  if (packet.size() < kHeaderBytes || byte_at(packet, 0) != types.unreachable) return std::nullopt;
  std::string_view quoted = packet.substr(kHeaderBytes);
  if (v6) {
    if (quoted.size() < kIpv6HeaderBytes) return std::nullopt;
    quoted.remove_prefix(kIpv6HeaderBytes);
  } else if (!skip_ipv4_header(quoted)) {
    return std::nullopt;
  }
  const auto sequence = our_sequence(quoted, types.request, key, false);
  if (!sequence) return std::nullopt;
  return EchoAnswer{false, *sequence};
}

Result<PingResult> ping_tcp(const PingPlan& plan, const time::TimeSource& time,
                            std::stop_token stop) {
  PingResult result;
  result.method = model::PingMethod::tcp;
  for (int i = 0; i < plan.packets && time.steady() < plan.deadline; ++i) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, "ping " + to_string(plan.address));
    }
    const MonoTime start = time.steady();
    const Connected connected =
        try_connect(plan, time, std::min(start + kLastAnswer, plan.deadline), stop);
    ++result.sent;
    if (connected == Connected::unreachable) ++result.unreachable;
    if (connected == Connected::yes || connected == Connected::refused) {
      result.round_trips.push_back(time.steady() - start);
    }
  }
  return result;
}

Result<PingResult> ping(const PingPlan& plan, const time::TimeSource& time, std::stop_token stop) {
  Fd fd = open_icmp(plan.address, SOCK_DGRAM);
  auto method = model::PingMethod::icmp_datagram;
  if (!fd.valid()) {
    fd = open_icmp(plan.address, SOCK_RAW);
    method = model::PingMethod::icmp_raw;
  }
  const int error = errno;
  if (fd.valid()) {
    auto result = Series(std::move(fd), plan, method, time).run(stop);
    // ICMP that nobody answers may be filtered; a known port may still answer.
    const bool answered = result && !result->round_trips.empty();
    if (answered || plan.tcp_port == 0 || stop.stop_requested()) return result;
    return ping_tcp(plan, time, stop);
  }
  if (plan.tcp_port != 0) return ping_tcp(plan, time, stop);
  return fail(system_error("open an ICMP socket", error));
}

}  // namespace tocsin::net
