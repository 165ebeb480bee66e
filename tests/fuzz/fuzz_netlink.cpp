// Datagrams: what the kernel answers about its sockets, and what the network answers to an echo
// request. Nobody but the holder of a request's key makes an answer to it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include "agent/os/sock_diag.hpp"
#include "common/base/result.hpp"
#include "common/net/icmp.hpp"
#include "common/net/neighbour.hpp"
#include "common/net/neighbour_table.hpp"
#include "common/net/sweep_core.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

struct Parsed {
  std::vector<os::Socket> sockets;
  bool done = false;
  bool interrupted = false;
};

Result<Parsed> parsed(std::string_view datagram, model::Protocol protocol) {
  Parsed all;
  const auto answer = os::parse_sock_diag(datagram, protocol, all.sockets);
  if (!answer) return fail(answer.error());
  all.done = answer->done;
  all.interrupted = answer->interrupted;
  return all;
}

void check_sock_diag(std::string_view datagram) {
  const auto tcp = parsed(datagram, model::Protocol::tcp);
  const auto udp = parsed(datagram, model::Protocol::udp);
  TOCSIN_CHECK(tcp.has_value() == udp.has_value());
  if (!tcp) {
    TOCSIN_CHECK(!tcp.error().message.empty() && tcp.error() == udp.error());
    return;
  }
  TOCSIN_CHECK(tcp->sockets.size() == udp->sockets.size());
  constexpr std::size_t kEntryBytes = sizeof(nlmsghdr) + sizeof(inet_diag_msg);
  TOCSIN_CHECK(tcp->sockets.size() <= datagram.size() / kEntryBytes);
  for (const os::Socket& socket : tcp->sockets) {
    TOCSIN_CHECK(socket.remote == net::unmapped(socket.remote));
    TOCSIN_CHECK(net::parse_ip(net::to_string(socket.local)) == socket.local);
  }
  if (tcp->done || datagram.size() % NLMSG_ALIGNTO != 0) return;
  // The end of the dump behind it adds nothing but the end.
  const nlmsghdr end{sizeof(nlmsghdr), NLMSG_DONE, NLM_F_MULTI, 1, 0};
  std::string more(datagram);
  more.append(reinterpret_cast<const char*>(&end), sizeof end);
  const auto ended = parsed(more, model::Protocol::tcp);
  TOCSIN_CHECK(ended.has_value() && ended->done);
  TOCSIN_CHECK(ended->sockets == tcp->sockets && ended->interrupted == tcp->interrupted);
}

// An answer for one address is none for another.
void check_neighbour(std::string_view packet) {
  for (const char* text : {"10.77.0.12", "2001:db8::12"}) {
    const net::IpAddress target = *net::parse_ip(text);
    net::IpAddress other = target;
    other.bytes[3] ^= 1;
    TOCSIN_CHECK(!net::is_arp_reply(packet, target) || !net::is_arp_reply(packet, other));
    TOCSIN_CHECK(!net::is_neighbour_advertisement(packet, target) ||
                 !net::is_neighbour_advertisement(packet, other));
    // Whoever is found is found whatever comes behind.
    const auto state = net::parse_neighbour(packet, target, 0, 1s);
    if (!state) continue;
    TOCSIN_CHECK(net::parse_neighbour(std::string(packet) + "more", target, 0, 1s) == state);
  }
}

void check_echo(std::string_view packet, bool v6, bool with_ip_header) {
  net::EchoKey key;
  key.identifier = 0x1234;
  key.nonce = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  const std::string_view nonce(key.nonce.data(), key.nonce.size());
  const auto answer = net::parse_echo(packet, key, v6, with_ip_header);
  if (!answer) return;
  const bool reply = answer->refusal == net::Refusal::none;
  TOCSIN_CHECK(!reply || (answer->serial && packet.size() >= net::kEchoBytes));
  TOCSIN_CHECK(!reply || packet.substr(packet.size() - 20).starts_with(nonce));
  // What is one key's reply is no other's; a router may quote too little for the nonce.
  net::EchoKey other = key;
  other.nonce[0] = 'x';
  TOCSIN_CHECK(!reply || !net::parse_echo(packet, other, v6, with_ip_header));
  other = key;
  other.identifier ^= 1;
  TOCSIN_CHECK(!net::parse_echo(packet, other, v6, with_ip_header));
  const net::EchoBytes bytes =
      net::echo_request(key, answer->serial.value_or(0), answer->sequence, v6);
  std::string own(bytes.data(), bytes.size());
  TOCSIN_CHECK(net::parse_refused_echo(own, key, v6).has_value());
  own[0] = v6 ? static_cast<char>(129) : '\0';
  const auto again = net::parse_echo(own, key, v6, false);
  TOCSIN_CHECK(again && again->refusal == net::Refusal::none &&
               again->sequence == answer->sequence);
}

// However answers lie, each packet is counted once and each target ends.
void check_sweep(std::string_view noise) {
  net::PingPlan plan;
  plan.address = *net::parse_ip("10.0.0.7");
  plan.packets = 2;
  plan.again = 1;
  plan.between = 1s;
  const std::vector<net::PingPlan> plans(3, plan);
  net::SweepPace pace;
  pace.in_flight = 2;
  net::SweepCore core(plans, pace, noise.size());
  MonoTime now{1};
  std::array<net::Probe, 4> probes{};
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(noise[i]);
    const std::size_t count = core.take_due(now, probes);
    for (std::size_t j = 0; j < count; ++j) core.sent(probes[j], now);
    net::EchoAnswer answer;
    answer.sequence = static_cast<std::uint16_t>(probes[0].sequence + (byte & 7) - 3);
    if ((byte & 8) == 0) answer.serial = probes[0].serial + (byte & 7) - 3;
    if ((byte & 16) != 0) answer.refusal = net::Refusal::prohibited;
    answer.asked = plan.address;
    core.take(answer, plan.address, now);
    now = now + Duration(1ms) * (byte >> 5 == 7 ? 1500 : byte >> 5);
    core.expire(now);
  }
  for (int i = 0; i < 100 && !core.done(); ++i) {
    const std::size_t count = core.take_due(now, probes);
    for (std::size_t j = 0; j < count; ++j) core.sent(probes[j], now);
    now = now + 1s;
    core.expire(now);
  }
  TOCSIN_CHECK(core.done() && !core.next());
  for (const net::PingResult& result : core.results()) {
    TOCSIN_CHECK(result.sent >= 1 && result.sent <= 3);
    TOCSIN_CHECK(result.received + result.unreachable <= result.sent);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_neighbour(bytes);
  check_sock_diag(bytes);
  check_sweep(bytes.substr(0, 256));
  for (const bool v6 : {false, true}) {
    for (const bool with_ip_header : {false, true}) check_echo(bytes, v6, with_ip_header);
  }
  return 0;
}
