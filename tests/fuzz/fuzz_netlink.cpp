// Datagrams: what the kernel answers about its sockets, and what the network answers to an echo
// request. Nobody but the holder of a request's key makes an answer to it.
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
  }
}

void check_echo(std::string_view packet, bool v6, bool with_ip_header) {
  net::EchoKey key;
  key.identifier = 0x1234;
  for (const bool raw : {false, true}) {
    key.identifier_is_ours = raw;
    key.nonce = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    const std::string_view nonce(key.nonce.data(), key.nonce.size());
    const auto answer = net::parse_echo(packet, key, v6, with_ip_header);
    if (!answer) continue;
    TOCSIN_CHECK(!answer->reply || packet.find(nonce) != std::string_view::npos);
    net::EchoKey other = key;
    other.nonce[0] = 'x';
    // A router may quote too little for the nonce; a reply never does.
    const auto stolen = net::parse_echo(packet, other, v6, with_ip_header);
    TOCSIN_CHECK(!stolen || !stolen->reply || packet.find("x123456789abcdef") != packet.npos);
    std::string reply = net::echo_request(key, answer->sequence, v6);
    reply[0] = v6 ? static_cast<char>(129) : '\0';
    const auto own = net::parse_echo(reply, key, v6, false);
    TOCSIN_CHECK(own && own->reply && own->sequence == answer->sequence);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_neighbour(bytes);
  check_sock_diag(bytes);
  for (const bool v6 : {false, true}) {
    for (const bool with_ip_header : {false, true}) check_echo(bytes, v6, with_ip_header);
  }
  return 0;
}
