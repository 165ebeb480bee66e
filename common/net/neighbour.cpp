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

struct Question {
  std::size_t plan = 0;
  sockaddr_storage to{};
  socklen_t size = 0;
  std::string packet;
  MonoTime asked;
};

// One socket for one LAN, which asks about several targets and hears their answers.
struct Asker {
  Lan lan;
  Fd fd;
  bool (*answers)(std::string_view, const IpAddress&) = nullptr;
  std::vector<Question> questions;  // those without an answer
};

sockaddr_ll arp_address(const Lan& lan) {
  sockaddr_ll everybody{};
  everybody.sll_family = AF_PACKET;
  everybody.sll_protocol = htons(ETH_P_ARP);
  everybody.sll_ifindex = lan.interface_index;
  return everybody;
}

Asker arp_asker(const Lan& lan) {
  Asker asker{lan, {}, is_arp_reply, {}};
  asker.fd = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP)));
  const sockaddr_ll here = arp_address(lan);
  ::bind(asker.fd.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here);
  return asker;
}

Asker nd_asker(const Lan& lan) {
  Asker asker{lan, {}, is_neighbour_advertisement, {}};
  asker.fd = Fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  const int hops = 255;  // Others are ignored (RFC 4861, 7.1.1).
  ::setsockopt(asker.fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
  ::setsockopt(asker.fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  return asker;
}

Question arp_question(const Lan& lan, const IpAddress& target) {
  Question question;
  sockaddr_ll everybody = arp_address(lan);
  everybody.sll_halen = 6;
  std::fill_n(everybody.sll_addr, 6, std::uint8_t{0xFF});
  std::memcpy(&question.to, &everybody, sizeof everybody);
  question.size = sizeof everybody;
  question.packet = arp_request(lan, target);
  return question;
}

Question nd_question(const Lan& lan, const IpAddress& target) {
  Question question;
  sockaddr_in6 group{};
  group.sin6_family = AF_INET6;
  group.sin6_scope_id = static_cast<std::uint32_t>(lan.interface_index);
  const std::array<std::uint8_t, 13> solicited{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF};
  std::memcpy(&group.sin6_addr, solicited.data(), solicited.size());
  std::memcpy(group.sin6_addr.s6_addr + 13, target.bytes.data() + 13, 3);
  std::memcpy(&question.to, &group, sizeof group);
  question.size = sizeof group;
  question.packet = neighbour_solicitation(lan, target);
  return question;
}

std::optional<Lan> lan_of(const ifaddrs* all, const IpAddress& target, std::uint32_t interface) {
  for (const ifaddrs* i = all; i != nullptr; i = i->ifa_next) {
    constexpr unsigned kCannot = IFF_LOOPBACK | IFF_NOARP | IFF_POINTOPOINT;
    constexpr unsigned kMust = IFF_UP | IFF_RUNNING;
    if ((i->ifa_flags & kMust) != kMust || (i->ifa_flags & kCannot) != 0) continue;
    const auto own = ip_of(i->ifa_addr, target.v6);
    const auto mask = ip_of(i->ifa_netmask, target.v6);
    if (!own || !mask || *own == target || !contains(*own, *mask, target)) continue;
    const unsigned index = ::if_nametoindex(i->ifa_name);
    if (interface != 0 && index != interface) continue;
    const auto hardware = hardware_of(all, i->ifa_name);
    if (!hardware) continue;
    return Lan{static_cast<int>(index), *hardware, *own};
  }
  return std::nullopt;
}

// Those of the plans that can be asked, by their LAN.
std::vector<Asker> askers_for(std::span<const PingPlan> plans) {
  std::vector<Asker> askers;
  const Interfaces all = interfaces();
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const IpAddress& target = plans[i].address;
    const auto lan = lan_of(all.get(), target, plans[i].interface);
    if (!lan) continue;
    auto asker = std::find_if(askers.begin(), askers.end(),
                              [&](const Asker& one) { return one.lan == *lan; });
    if (asker == askers.end()) {
      askers.push_back(target.v6 ? nd_asker(*lan) : arp_asker(*lan));
      asker = askers.end() - 1;
    }
    Question question = target.v6 ? nd_question(*lan, target) : arp_question(*lan, target);
    question.plan = i;
    asker->questions.push_back(std::move(question));
  }
  std::erase_if(askers, [](const Asker& asker) { return !asker.fd.valid(); });
  return askers;
}

bool all_answered(const std::vector<Asker>& askers) {
  return std::all_of(askers.begin(), askers.end(),
                     [](const Asker& asker) { return asker.questions.empty(); });
}

void ask(std::vector<Asker>& askers, std::vector<PingResult>& results, MonoTime now) {
  for (Asker& asker : askers) {
    for (Question& question : asker.questions) {
      question.asked = now;
      const bool sent =
          ::sendto(asker.fd.get(), question.packet.data(), question.packet.size(), 0,
                   reinterpret_cast<const sockaddr*>(&question.to), question.size) >= 0;
      if (sent) ++results[question.plan].sent;
    }
  }
}

// Reads what is there.
void hear(Asker& asker, std::span<const PingPlan> plans, std::vector<PingResult>& results,
          MonoTime now) {
  char packet[2048];
  for (;;) {
    const ssize_t n = ::recv(asker.fd.get(), packet, sizeof packet, MSG_DONTWAIT);
    if (n < 0) return;
    const std::string_view bytes(packet, static_cast<std::size_t>(n));
    std::erase_if(asker.questions, [&](const Question& question) {
      if (!asker.answers(bytes, plans[question.plan].address)) return false;
      PingResult& result = results[question.plan];
      result.add(now - question.asked);
      result.sent = 1;  // It is there: the questions before it were asked too early, not lost.
      return true;
    });
  }
}

void wait_for_any(const std::vector<Asker>& askers, Duration limit) {
  std::vector<pollfd> waiting;
  for (const Asker& asker : askers) waiting.push_back({asker.fd.get(), POLLIN, 0});
  ::poll(waiting.data(), waiting.size(), static_cast<int>(limit.count() / 1'000'000 + 1));
}

}  // namespace

std::optional<Lan> lan_of(const IpAddress& target, std::uint32_t interface) {
  return lan_of(interfaces().get(), target, interface);
}

bool may_ask_neighbours() {
  return Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP))).valid();
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

Result<std::vector<PingResult>> ping_neighbours(std::span<const PingPlan> plans, int questions,
                                                MonoTime deadline, const time::TimeSource& time,
                                                std::stop_token stop) {
  std::vector<PingResult> results(plans.size());
  for (PingResult& result : results) result.method = model::PingMethod::neighbour;
  std::vector<Asker> askers = askers_for(plans);
  for (int i = 0; i < questions && !all_answered(askers) && time.steady() < deadline; ++i) {
    MonoTime now = time.steady();
    const MonoTime until = std::min(now + kOneAnswer, deadline);
    ask(askers, results, now);
    for (; now < until && !all_answered(askers); now = time.steady()) {
      if (stop.stop_requested()) {
        return fail(ErrorCode::deadline_exceeded, "stopped while asking neighbours");
      }
      wait_for_any(askers, std::min<Duration>(until - now, 50ms));
      for (Asker& asker : askers) hear(asker, plans, results, time.steady());
    }
  }
  return results;
}

}  // namespace tocsin::net
