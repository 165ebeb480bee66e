#include "common/net/neighbour_table.hpp"

#include <algorithm>
#include <cstring>

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/net/fd.hpp"

namespace tocsin::net {
namespace {

constexpr int kMostParts = 1024;  // of an answer
constexpr timeval kPatience{0, 200'000};
constexpr Duration kTick = 10ms;  // The kernel tells ages in USER_HZ.

template <class Head>
std::optional<Head> head_of(std::string_view bytes) {
  Head head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  return head;
}

// Netlink aligns everything to four bytes.
std::string_view behind(std::string_view bytes, std::size_t length) {
  return bytes.substr(std::min((length + 3) & ~std::size_t{3}, bytes.size()));
}

// Empty where it is missing or cut off.
std::string_view attribute(std::string_view attributes, std::uint16_t type) {
  while (const auto head = head_of<rtattr>(attributes)) {
    if (head->rta_len < sizeof *head || head->rta_len > attributes.size()) return {};
    if (head->rta_type == type) {
      return attributes.substr(sizeof *head, head->rta_len - sizeof *head);
    }
    attributes = behind(attributes, head->rta_len);
  }
  return {};
}

NeighbourState state_of(std::uint16_t state, std::string_view attributes, Duration moment) {
  if ((state & (NUD_PERMANENT | NUD_NOARP)) != 0) return NeighbourState::fixed;
  if ((state & NUD_FAILED) != 0) return NeighbourState::gone;
  const auto ages = head_of<nda_cacheinfo>(attribute(attributes, NDA_CACHEINFO));
  const bool fresh = ages && ages->ndm_confirmed * kTick <= moment;
  return (state & NUD_REACHABLE) != 0 && fresh ? NeighbourState::there : NeighbourState::pending;
}

bool is_about(std::string_view attributes, const IpAddress& address) {
  const std::string_view wanted(reinterpret_cast<const char*>(address.bytes.data()),
                                address.v6 ? 16U : 4U);
  return attribute(attributes, NDA_DST) == wanted;
}

bool ask(int fd, bool v6) {
  struct {
    nlmsghdr head{};
    ndmsg body{};
  } question;
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = RTM_GETNEIGH;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.body.ndm_family = v6 ? AF_INET6 : AF_INET;
  return ::send(fd, &question, sizeof question, 0) == sizeof question;
}

bool is_end(std::string_view messages) {
  const auto head = head_of<nlmsghdr>(messages);
  return !head || head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR;
}

}  // namespace

std::optional<NeighbourState> parse_neighbour(std::string_view messages, const IpAddress& address,
                                              std::uint32_t interface, Duration moment) {
  while (const auto head = head_of<nlmsghdr>(messages)) {
    if (head->nlmsg_len < sizeof *head || head->nlmsg_len > messages.size()) break;
    const std::string_view body = messages.substr(sizeof *head, head->nlmsg_len - sizeof *head);
    const auto neighbour = head_of<ndmsg>(body);
    if (head->nlmsg_type == RTM_NEWNEIGH && neighbour) {
      const bool here =
          interface == 0 || neighbour->ndm_ifindex == static_cast<std::int32_t>(interface);
      const std::string_view attributes = behind(body, sizeof *neighbour);
      if (here && is_about(attributes, address)) {
        return state_of(neighbour->ndm_state, attributes, moment);
      }
    }
    messages = behind(messages, head->nlmsg_len);
  }
  return std::nullopt;
}

std::optional<NeighbourState> neighbour_state(const IpAddress& address, std::uint32_t interface,
                                              Duration moment) {
  const Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return std::nullopt;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (!ask(fd.get(), address.v6)) return std::nullopt;
  char part[32'768];  // The kernel fills no more than this in one answer.
  for (int i = 0; i < kMostParts; ++i) {
    const ssize_t n = ::recv(fd.get(), part, sizeof part, 0);
    if (n <= 0) return std::nullopt;
    const std::string_view messages(part, static_cast<std::size_t>(n));
    if (const auto state = parse_neighbour(messages, address, interface, moment)) return state;
    if (is_end(messages)) return NeighbourState::absent;
  }
  return std::nullopt;
}

}  // namespace tocsin::net
