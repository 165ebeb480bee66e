#include "common/net/neighbour.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/net/fd.hpp"

namespace tocsin::net {
namespace {

constexpr Duration kOneAnswer = 250ms;              // On a LAN it comes in one.
constexpr char kArpHead[] = {0, 1, 8, 0, 6, 4, 0};  // Ethernet, IPv4, their lengths; then the act.
constexpr char kAdvertisement = static_cast<char>(ND_NEIGHBOR_ADVERT);

using Interfaces = std::unique_ptr<ifaddrs, void (*)(ifaddrs*)>;

Interfaces interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) first = nullptr;
  return {first, ::freeifaddrs};
}

std::optional<IpAddress> ip_of(const sockaddr* address, bool v6) {
  if (address == nullptr || address->sa_family != (v6 ? AF_INET6 : AF_INET)) return std::nullopt;
  IpAddress ip;
  ip.v6 = v6;
  if (v6) {
    sockaddr_in6 raw{};
    std::memcpy(&raw, address, sizeof raw);
    std::memcpy(ip.bytes.data(), &raw.sin6_addr, 16);
  } else {
    sockaddr_in raw{};
    std::memcpy(&raw, address, sizeof raw);
    std::memcpy(ip.bytes.data(), &raw.sin_addr, 4);
  }
  return ip;
}

bool contains(const IpAddress& own, const IpAddress& mask, const IpAddress& target) {
  for (std::size_t i = 0; i < (own.v6 ? 16U : 4U); ++i) {
    if (((own.bytes[i] ^ target.bytes[i]) & mask.bytes[i]) != 0) return false;
  }
  return true;
}

std::optional<HardwareAddress> hardware_of(const ifaddrs* first, std::string_view name) {
  for (const ifaddrs* i = first; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_PACKET || name != i->ifa_name) {
      continue;
    }
    sockaddr_ll raw{};
    std::memcpy(&raw, i->ifa_addr, sizeof raw);
    if (raw.sll_hatype != ARPHRD_ETHER || raw.sll_halen != 6) return std::nullopt;
    HardwareAddress hardware{};
    std::memcpy(hardware.data(), raw.sll_addr, hardware.size());
    return hardware;
  }
  return std::nullopt;
}

template <class Bytes>
void append(std::string& packet, const Bytes& bytes, std::size_t count) {
  packet.append(reinterpret_cast<const char*>(bytes.data()), count);
}

std::string_view bytes_of(const IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? 16U : 4U};
}

// One socket that asks and hears the answers.
struct Asker {
  Fd fd;
  sockaddr_storage to{};
  socklen_t size = 0;
  std::string question;
  bool (*answers)(std::string_view, const IpAddress&) = nullptr;
};

Asker arp_asker(const Lan& lan, const IpAddress& target) {
  Asker asker;
  asker.fd = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP)));
  sockaddr_ll everybody{};
  everybody.sll_family = AF_PACKET;
  everybody.sll_protocol = htons(ETH_P_ARP);
  everybody.sll_ifindex = lan.interface_index;
  ::bind(asker.fd.get(), reinterpret_cast<const sockaddr*>(&everybody), sizeof everybody);
  everybody.sll_halen = 6;
  std::fill_n(everybody.sll_addr, 6, std::uint8_t{0xFF});
  std::memcpy(&asker.to, &everybody, sizeof everybody);
  asker.size = sizeof everybody;
  asker.question = arp_request(lan, target);
  asker.answers = is_arp_reply;
  return asker;
}

Asker nd_asker(const Lan& lan, const IpAddress& target) {
  Asker asker;
  asker.fd = Fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  const int hops = 255;  // Others are ignored (RFC 4861, 7.1.1).
  ::setsockopt(asker.fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
  ::setsockopt(asker.fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  sockaddr_in6 group{};
  group.sin6_family = AF_INET6;
  group.sin6_scope_id = static_cast<std::uint32_t>(lan.interface_index);
  const std::array<std::uint8_t, 13> solicited{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF};
  std::memcpy(&group.sin6_addr, solicited.data(), solicited.size());
  std::memcpy(group.sin6_addr.s6_addr + 13, target.bytes.data() + 13, 3);
  std::memcpy(&asker.to, &group, sizeof group);
  asker.size = sizeof group;
  asker.question = neighbour_solicitation(lan, target);
  asker.answers = is_neighbour_advertisement;
  return asker;
}

// Reads what is there; true where one of it is the answer.
bool hears(const Asker& asker, const IpAddress& target) {
  char packet[2048];
  for (;;) {
    const ssize_t n = ::recv(asker.fd.get(), packet, sizeof packet, MSG_DONTWAIT);
    if (n < 0) return false;
    if (asker.answers({packet, static_cast<std::size_t>(n)}, target)) return true;
  }
}

}  // namespace

std::optional<Lan> lan_of(const IpAddress& target) {
  const Interfaces all = interfaces();
  for (const ifaddrs* i = all.get(); i != nullptr; i = i->ifa_next) {
    constexpr unsigned kCannot = IFF_LOOPBACK | IFF_NOARP | IFF_POINTOPOINT;
    if ((i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & kCannot) != 0) continue;
    const auto own = ip_of(i->ifa_addr, target.v6);
    const auto mask = ip_of(i->ifa_netmask, target.v6);
    if (!own || !mask || *own == target || !contains(*own, *mask, target)) continue;
    const auto hardware = hardware_of(all.get(), i->ifa_name);
    if (!hardware) continue;
    return Lan{static_cast<int>(::if_nametoindex(i->ifa_name)), *hardware, *own};
  }
  return std::nullopt;
}

std::string arp_request(const Lan& lan, const IpAddress& target) {
  std::string packet(kArpHead, sizeof kArpHead);
  packet += '\1';  // A request.
  append(packet, lan.hardware, 6);
  append(packet, lan.own.bytes, 4);
  packet.append(6, '\0');
  append(packet, target.bytes, 4);
  return packet;
}

bool is_arp_reply(std::string_view packet, const IpAddress& target) {
  constexpr std::size_t kSender = 14;
  return !target.v6 && packet.size() >= 28 &&
         packet.starts_with(std::string_view(kArpHead, sizeof kArpHead)) && packet[7] == '\2' &&
         packet.substr(kSender, 4) == bytes_of(target);
}

std::string neighbour_solicitation(const Lan& lan, const IpAddress& target) {
  std::string packet(8, '\0');
  packet[0] = static_cast<char>(ND_NEIGHBOR_SOLICIT);  // The kernel fills in the checksum.
  append(packet, target.bytes, 16);
  packet += "\1\1";  // Our hardware address, in units of eight bytes.
  append(packet, lan.hardware, 6);
  return packet;
}

bool is_neighbour_advertisement(std::string_view packet, const IpAddress& target) {
  return target.v6 && packet.size() >= 24 && packet[0] == kAdvertisement && packet[1] == '\0' &&
         packet.substr(8, 16) == bytes_of(target);
}

Result<PingResult> ping_neighbour(const PingPlan& plan, const time::TimeSource& time,
                                  std::stop_token stop) {
  const auto lan = lan_of(plan.address);
  if (!lan) return fail(ErrorCode::not_found, to_string(plan.address) + " is on no LAN of ours");
  const Asker asker =
      plan.address.v6 ? nd_asker(*lan, plan.address) : arp_asker(*lan, plan.address);
  if (!asker.fd.valid()) return fail(system_error("open a socket for neighbours", errno));
  PingResult result;
  result.method = model::PingMethod::neighbour;
  while (static_cast<int>(result.sent) < plan.packets && time.steady() < plan.deadline) {
    const MonoTime asked = time.steady();
    const MonoTime until = std::min(asked + kOneAnswer, plan.deadline);
    if (::sendto(asker.fd.get(), asker.question.data(), asker.question.size(), 0,
                 reinterpret_cast<const sockaddr*>(&asker.to), asker.size) < 0) {
      return fail(system_error("ask neighbours for " + to_string(plan.address), errno));
    }
    ++result.sent;
    for (MonoTime now = asked; now < until; now = time.steady()) {
      if (stop.stop_requested()) {
        return fail(ErrorCode::deadline_exceeded, "ask neighbours for " + to_string(plan.address));
      }
      pollfd waiting{asker.fd.get(), POLLIN, 0};
      const Duration left = std::min<Duration>(until - now, 50ms);
      ::poll(&waiting, 1, static_cast<int>(left.count() / 1'000'000 + 1));
      if (!hears(asker, plan.address)) continue;
      result.round_trips.push_back(time.steady() - asked);
      result.sent = 1;  // It is there: the questions before it were asked too early, not lost.
      return result;
    }
  }
  return result;
}

}  // namespace tocsin::net
