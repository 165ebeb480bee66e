#include "agent/os/sock_diag.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kBufferBytes = 32768;
constexpr std::size_t kMaxSockets = 1 << 20;
constexpr std::size_t kProcNetBytes = 256 << 20;
constexpr int kAnswerTimeoutMs = 2000;
constexpr int kDumpTries = 3;

SocketState state_from(unsigned number) {
  switch (number) {
    case 1:
      return SocketState::established;
    case 7:
      return SocketState::closed;
    case 10:
      return SocketState::listen;
    default:
      return SocketState::other;
  }
}

IpAddress address_from(int family, const void* bytes) {
  IpAddress address;
  address.v6 = family == AF_INET6;
  std::memcpy(address.bytes.data(), bytes, address.v6 ? 16 : 4);
  return address;
}

Socket socket_from(const inet_diag_msg& message, model::Protocol protocol) {
  Socket socket;
  socket.protocol = protocol;
  socket.state = state_from(message.idiag_state);
  socket.local = address_from(message.idiag_family, message.id.idiag_src);
  socket.local_port = ntohs(message.id.idiag_sport);
  socket.remote = unmapped(address_from(message.idiag_family, message.id.idiag_dst));
  socket.remote_port = ntohs(message.id.idiag_dport);
  socket.uid = message.idiag_uid;
  socket.inode = message.idiag_inode;
  return socket;
}

bool wanted(const Socket& socket, SocketQuery query) {
  if (query == SocketQuery::connections) return socket.state == SocketState::established;
  if (socket.protocol == model::Protocol::tcp) return socket.state == SocketState::listen;
  return socket.state == SocketState::closed && socket.local_port != 0;
}

std::uint32_t states_of(SocketQuery query, model::Protocol protocol) {
  if (query == SocketQuery::connections) return 1U << 1;
  return protocol == model::Protocol::tcp ? 1U << 10 : 1U << 7;
}

class DiagSocket {
 public:
  static Result<DiagSocket> open() {
    DiagSocket socket(mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC));
    if (!socket.handle_) return fail(system_error("open sock_diag", errno));
    if (mnl_socket_bind(socket.handle_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
      return fail(system_error("bind sock_diag", errno));
    }
    return socket;
  }

  // Appends one family's sockets of one protocol.
  Status dump(SocketQuery query, model::Protocol protocol, int family, std::vector<Socket>& into) {
    for (int i = 0; i < kDumpTries; ++i) {
      std::vector<Socket> sockets;
      TOCSIN_TRY(ask(query, protocol, family));
      const auto complete = receive(protocol, sockets);
      if (!complete) return fail(complete.error());
      if (!*complete && i + 1 < kDumpTries) continue;
      for (const Socket& socket : sockets) {
        if (wanted(socket, query)) into.push_back(socket);
      }
      break;
    }
    return {};
  }

 private:
  using Handle = std::unique_ptr<mnl_socket, int (*)(mnl_socket*)>;
  explicit DiagSocket(mnl_socket* socket) : handle_(socket, mnl_socket_close) {}

  Status ask(SocketQuery query, model::Protocol protocol, int family) {
    std::array<char, 256> buffer{};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = ++sequence_;
    auto* request = static_cast<inet_diag_req_v2*>(
        mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    request->sdiag_family = static_cast<std::uint8_t>(family);
    request->sdiag_protocol = protocol == model::Protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP;
    request->idiag_states = states_of(query, protocol);
    if (mnl_socket_sendto(handle_.get(), header, header->nlmsg_len) < 0) {
      return fail(system_error("ask sock_diag", errno));
    }
    return {};
  }

  // False: the table changed during the dump.
  Result<bool> receive(model::Protocol protocol, std::vector<Socket>& into) {
    std::vector<char> buffer(kBufferBytes);
    bool complete = true;
    while (into.size() < kMaxSockets) {
      pollfd waiting{mnl_socket_get_fd(handle_.get()), POLLIN, 0};
      const int ready = ::poll(&waiting, 1, kAnswerTimeoutMs);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return fail(ErrorCode::unavailable, "sock_diag does not answer");
      const ssize_t n = mnl_socket_recvfrom(handle_.get(), buffer.data(), buffer.size());
      if (n < 0) return fail(system_error("read sock_diag", errno));
      auto answer = parse_sock_diag({buffer.data(), static_cast<std::size_t>(n)}, protocol);
      if (!answer) return fail(answer.error());
      into.insert(into.end(), answer->sockets.begin(), answer->sockets.end());
      complete = complete && !answer->interrupted;
      if (answer->done) return complete;
    }
    return fail(ErrorCode::resource_exhausted, "more sockets than the agent reads");
  }

  Handle handle_;
  unsigned sequence_ = 0;
};

Result<std::vector<Socket>> read_kernel(SocketQuery query) {
  auto diag = DiagSocket::open();
  if (!diag) return fail(diag.error());
  std::vector<Socket> sockets;
  for (const auto protocol : {model::Protocol::tcp, model::Protocol::udp}) {
    for (const int family : {AF_INET, AF_INET6}) {
      TOCSIN_TRY(diag->dump(query, protocol, family, sockets));
    }
  }
  return sockets;
}

struct ProcNetFile {
  const char* path;
  model::Protocol protocol;
  bool must_exist;
};
constexpr std::array kProcNetFiles{
    ProcNetFile{"/proc/net/tcp", model::Protocol::tcp, true},
    ProcNetFile{"/proc/net/tcp6", model::Protocol::tcp, false},
    ProcNetFile{"/proc/net/udp", model::Protocol::udp, true},
    ProcNetFile{"/proc/net/udp6", model::Protocol::udp, false},
};

Result<std::vector<Socket>> read_proc_net(SocketQuery query, std::string_view root) {
  std::vector<Socket> sockets;
  for (const ProcNetFile& file : kProcNetFiles) {
    const auto text = read_start(under(root, file.path), kProcNetBytes);
    if (!text) {
      if (!file.must_exist && text.error().code == ErrorCode::not_found) continue;
      return fail(text.error());
    }
    for (const Socket& socket : parse_proc_net(*text, file.protocol)) {
      if (wanted(socket, query)) sockets.push_back(socket);
    }
  }
  return sockets;
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(' ');
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "0100007F:1F90": each word of four bytes is printed as this machine reads it.
bool parse_endpoint(std::string_view text, IpAddress& address, std::uint16_t& port) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  address = {};
  address.v6 = colon == 32;
  for (std::size_t i = 0; i < colon / 8; ++i) {
    const auto word = number<std::uint32_t>(text.substr(i * 8, 8), 16);
    if (!word) return false;
    std::memcpy(address.bytes.data() + i * 4, &*word, 4);
  }
  const auto parsed = number<std::uint16_t>(text.substr(colon + 1), 16);
  if (!parsed) return false;
  port = *parsed;
  return true;
}

std::optional<Socket> parse_proc_net_line(std::string_view line, model::Protocol protocol) {
  Socket socket;
  socket.protocol = protocol;
  take_word(line);  // "0:"
  if (!parse_endpoint(take_word(line), socket.local, socket.local_port)) return std::nullopt;
  if (!parse_endpoint(take_word(line), socket.remote, socket.remote_port)) return std::nullopt;
  socket.remote = unmapped(socket.remote);
  const auto state = number<unsigned>(take_word(line), 16);
  for (int i = 0; i < 3; ++i) take_word(line);  // Queues, timer, retransmissions.
  const auto uid = number<std::uint32_t>(take_word(line), 10);
  take_word(line);  // Timeout.
  const auto inode = number<std::uint64_t>(take_word(line), 10);
  if (!state || !uid || !inode) return std::nullopt;
  socket.state = state_from(*state);
  socket.uid = *uid;
  socket.inode = *inode;
  return socket;
}

// mnl_nlmsg_ok alone takes a length above 2 GiB for a negative one, which fits anywhere.
bool fits(const nlmsghdr& header, int left) {
  return left >= static_cast<int>(sizeof header) && header.nlmsg_len <= INT32_MAX &&
         mnl_nlmsg_ok(&header, left);
}

// The error number that ends a dump or refuses it.
Status check_code(const nlmsghdr& header) {
  int code = 0;
  if (mnl_nlmsg_get_payload_len(&header) < sizeof code) return {};
  std::memcpy(&code, mnl_nlmsg_get_payload(&header), sizeof code);
  if (code == 0) return {};
  if (code > 0 || code < -4095) {
    return fail(ErrorCode::invalid_argument, "netlink error number out of range");
  }
  return fail(system_error("sock_diag", -code));
}

}  // namespace

Result<DiagAnswer> parse_sock_diag(std::string_view datagram, model::Protocol protocol) {
  if (datagram.empty()) return fail(ErrorCode::invalid_argument, "empty netlink datagram");
  // Copied, so that headers are aligned whatever the caller's buffer is.
  std::vector<std::uint64_t> aligned((datagram.size() + 7) / 8);
  std::memcpy(aligned.data(), datagram.data(), datagram.size());
  DiagAnswer answer;
  int left = static_cast<int>(std::min<std::size_t>(datagram.size(), 1 << 24));
  const auto* header = reinterpret_cast<const nlmsghdr*>(aligned.data());
  while (fits(*header, left)) {
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    const std::size_t payload = mnl_nlmsg_get_payload_len(header);
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      TOCSIN_TRY(check_code(*header));
      answer.done = header->nlmsg_type == NLMSG_DONE;
      if (answer.done) return answer;
    }
    if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY && payload >= sizeof(inet_diag_msg)) {
      inet_diag_msg message{};
      std::memcpy(&message, mnl_nlmsg_get_payload(header), sizeof message);
      if (message.idiag_family == AF_INET || message.idiag_family == AF_INET6) {
        answer.sockets.push_back(socket_from(message, protocol));
      }
    }
    header = mnl_nlmsg_next(header, &left);
  }
  if (left > 0) return fail(ErrorCode::invalid_argument, "netlink message cut short");
  return answer;
}

std::vector<Socket> parse_proc_net(std::string_view text, model::Protocol protocol) {
  std::vector<Socket> sockets;
  while (!text.empty() && sockets.size() < kMaxSockets) {
    const std::size_t end = text.find('\n');
    if (const auto socket = parse_proc_net_line(text.substr(0, end), protocol)) {
      sockets.push_back(*socket);
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return sockets;
}

Result<std::vector<Socket>> read_sockets(SocketQuery query, std::string_view root) {
  if (root == "/") {
    auto sockets = read_kernel(query);
    if (sockets) return sockets;
    // No sock_diag (an old kernel, a sandbox): the text says the same, slower.
    auto text = read_proc_net(query, root);
    if (text) return text;
    return fail(sockets.error());
  }
  return read_proc_net(query, root);
}

}  // namespace tocsin::agent::os
