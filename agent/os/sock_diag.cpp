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
  constexpr auto kLast = static_cast<unsigned>(SocketState::closing);
  return number <= kLast ? static_cast<SocketState>(number) : SocketState::other;
}

constexpr std::uint32_t bit(SocketState state) { return 1U << static_cast<unsigned>(state); }

void put_address(int family, const void* bytes, net::IpAddress& address) {
  address.v6 = family == AF_INET6;
  std::memcpy(address.bytes.data(), bytes, address.v6 ? 16 : 4);
}

void put_socket(const inet_diag_msg& message, model::Protocol protocol, Socket& socket) {
  socket.protocol = protocol;
  socket.state = state_from(message.idiag_state);
  put_address(message.idiag_family, message.id.idiag_src, socket.local);
  socket.local_port = ntohs(message.id.idiag_sport);
  put_address(message.idiag_family, message.id.idiag_dst, socket.remote);
  if (socket.remote.v6) socket.remote = net::unmapped(socket.remote);
  socket.remote_port = ntohs(message.id.idiag_dport);
  socket.uid = message.idiag_uid;
  socket.inode = message.idiag_inode;
}

// A half-open connection says nothing of its source, which may be forged: not one of these.
constexpr std::uint32_t kConnected = bit(SocketState::established) | bit(SocketState::fin_wait_1) |
                                     bit(SocketState::fin_wait_2) | bit(SocketState::time_wait) |
                                     bit(SocketState::close_wait) | bit(SocketState::last_ack) |
                                     bit(SocketState::closing);

constexpr std::uint32_t kEveryState = 0xFFFFFFFF;

std::uint32_t states_of(SocketQuery query, model::Protocol protocol) {
  if (query == SocketQuery::everything) return kEveryState;
  const bool tcp = protocol == model::Protocol::tcp;
  if (query == SocketQuery::connections) return tcp ? kConnected : bit(SocketState::established);
  return bit(tcp ? SocketState::listen : SocketState::closed);
}

bool wanted(const Socket& socket, std::uint32_t states) {
  return (bit(socket.state) & states) != 0 &&
         (socket.state != SocketState::closed || socket.local_port != 0);
}

// In `into` from `first` on, only what is wanted stays.
void keep_wanted(std::size_t first, std::uint32_t states, std::vector<Socket>& into) {
  const auto begin = into.begin() + static_cast<std::ptrdiff_t>(first);
  into.erase(std::remove_if(begin, into.end(), [&](const Socket& s) { return !wanted(s, states); }),
             into.end());
}

}  // namespace

class SocketReader::Diag {
 public:
  static Result<std::unique_ptr<Diag>> open() {
    std::unique_ptr<Diag> diag(new Diag(mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC)));
    if (!diag->handle_) return fail(system_error("open sock_diag", errno));
    if (mnl_socket_bind(diag->handle_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
      return fail(system_error("bind sock_diag", errno));
    }
    return diag;
  }

  // Appends one family's sockets of one protocol; of TCP also both families' (AF_UNSPEC).
  Status dump(SocketQuery query, model::Protocol protocol, int family, std::vector<Socket>& into) {
    const std::size_t first = into.size();
    const std::uint32_t states = states_of(query, protocol);
    for (int i = 0; i < kDumpTries; ++i) {
      into.resize(first);
      TOCSIN_TRY(family == AF_UNSPEC ? ask_both_families(states) : ask(states, protocol, family));
      const auto complete = receive(protocol, into);
      if (!complete) return fail(complete.error());
      if (*complete) break;
    }
    // The kernel filters TCP itself; of UDP it also gives sockets that are bound to nothing.
    if (protocol == model::Protocol::udp) keep_wanted(first, states, into);
    return {};
  }

 private:
  using Handle = std::unique_ptr<mnl_socket, int (*)(mnl_socket*)>;
  explicit Diag(mnl_socket* socket) : handle_(socket, mnl_socket_close), buffer_(kBufferBytes) {}

  Status ask(std::uint32_t states, model::Protocol protocol, int family) {
    inet_diag_req_v2 request{};
    request.sdiag_family = static_cast<std::uint8_t>(family);
    request.sdiag_protocol = protocol == model::Protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP;
    request.idiag_states = states;
    return send(SOCK_DIAG_BY_FAMILY, &request, sizeof request);
  }

  // The older question, which the kernel still answers, is about TCP of any family: its table,
  // which holds both, is walked once and not twice.
  Status ask_both_families(std::uint32_t states) {
    inet_diag_req request{};
    request.idiag_family = AF_INET;
    request.idiag_states = states;
    return send(TCPDIAG_GETSOCK, &request, sizeof request);
  }

  Status send(std::uint16_t type, const void* request, std::size_t size) {
    std::array<char, 256> buffer{};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = ++sequence_;
    std::memcpy(mnl_nlmsg_put_extra_header(header, size), request, size);
    if (mnl_socket_sendto(handle_.get(), header, header->nlmsg_len) < 0) {
      return fail(system_error("ask sock_diag", errno));
    }
    return {};
  }

  // False: the table changed during the dump.
  Result<bool> receive(model::Protocol protocol, std::vector<Socket>& into) {
    bool complete = true;
    while (into.size() < kMaxSockets) {
      // The kernel answers a dump while it is read: waiting means that it has nothing to say.
      const ssize_t n =
          ::recv(mnl_socket_get_fd(handle_.get()), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        TOCSIN_TRY(wait());
        continue;
      }
      if (n < 0) return fail(system_error("read sock_diag", errno));
      const auto answer =
          parse_sock_diag({buffer_.data(), static_cast<std::size_t>(n)}, protocol, into);
      if (!answer) return fail(answer.error());
      complete = complete && !answer->interrupted;
      if (answer->done) return complete;
    }
    return fail(ErrorCode::resource_exhausted, "more sockets than the agent reads");
  }

  Status wait() {
    pollfd waiting{mnl_socket_get_fd(handle_.get()), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kAnswerTimeoutMs);
    if (ready > 0 || (ready < 0 && errno == EINTR)) return {};
    return fail(ErrorCode::unavailable, "sock_diag does not answer");
  }

  Handle handle_;
  std::vector<char> buffer_;
  unsigned sequence_ = 0;
};

namespace {

struct ProcNetFile {
  const char* path;
  model::Protocol protocol;
  bool must_exist;
};
constexpr std::array kProcNetFiles{
    ProcNetFile{"/tcp", model::Protocol::tcp, true},
    ProcNetFile{"/tcp6", model::Protocol::tcp, false},
    ProcNetFile{"/udp", model::Protocol::udp, true},
    ProcNetFile{"/udp6", model::Protocol::udp, false},
};

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
bool parse_endpoint(std::string_view text, net::IpAddress& address, std::uint16_t& port) {
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
  socket.remote = net::unmapped(socket.remote);
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

// The error number that ends a dump or refuses it.
Status check_code(std::string_view payload) {
  int code = 0;
  if (payload.size() < sizeof code) return {};
  std::memcpy(&code, payload.data(), sizeof code);
  if (code == 0) return {};
  if (code > 0 || code < -4095) {
    return fail(ErrorCode::invalid_argument, "netlink error number out of range");
  }
  return fail(system_error("sock_diag", -code));
}

}  // namespace

Result<DiagAnswer> parse_sock_diag(std::string_view datagram, model::Protocol protocol,
                                   std::vector<Socket>& into) {
  if (datagram.empty()) return fail(ErrorCode::invalid_argument, "empty netlink datagram");
  DiagAnswer answer;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};  // Copied: the caller's buffer may be at any address.
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) break;
    const std::string_view payload = datagram.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      TOCSIN_TRY(check_code(payload));
      answer.done = header.nlmsg_type == NLMSG_DONE;
      if (answer.done) return answer;
    }
    const bool socket =
        header.nlmsg_type == SOCK_DIAG_BY_FAMILY || header.nlmsg_type == TCPDIAG_GETSOCK;
    if (socket && payload.size() >= sizeof(inet_diag_msg)) {
      inet_diag_msg message;
      std::memcpy(&message, payload.data(), sizeof message);
      if (message.idiag_family == AF_INET || message.idiag_family == AF_INET6) {
        put_socket(message, protocol, into.emplace_back());
      }
    }
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  if (!datagram.empty()) return fail(ErrorCode::invalid_argument, "netlink message cut short");
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

Status read_proc_net(SocketQuery query, const std::string& folder, std::vector<Socket>& into) {
  into.clear();
  for (const ProcNetFile& file : kProcNetFiles) {
    if (query == SocketQuery::tcp_listeners && file.protocol != model::Protocol::tcp) continue;
    const auto text = read_start(folder + file.path, kProcNetBytes);
    if (!text) {
      if (!file.must_exist && text.error().code == ErrorCode::not_found) continue;
      return fail(text.error());
    }
    for (const Socket& socket : parse_proc_net(*text, file.protocol)) {
      if (wanted(socket, states_of(query, file.protocol))) into.push_back(socket);
    }
  }
  return {};
}

SocketReader::SocketReader(std::string root) : root_(std::move(root)) {}
SocketReader::~SocketReader() = default;

Status SocketReader::read(SocketQuery query, std::vector<Socket>& into) {
  if (root_ != "/") return read_proc_net(query, under(root_, "/proc/net"), into);
  const Status asked = ask_kernel(query, into);
  if (asked) return asked;
  // An answer that was not read to its end would be taken for the next one's.
  diag_.reset();
  // No sock_diag (an old kernel, a sandbox): the text says the same, slower.
  const Status text = read_proc_net(query, "/proc/net", into);
  return text ? text : asked;
}

Status SocketReader::ask_kernel(SocketQuery query, std::vector<Socket>& into) {
  TOCSIN_TRY(ask_for_tcp(query, into));
  if (query == SocketQuery::tcp_listeners) return {};
  for (const int family : {AF_INET, AF_INET6}) {
    TOCSIN_TRY(diag_->dump(query, model::Protocol::udp, family, into));
  }
  return {};
}

Status SocketReader::open_diag() {
  if (diag_) return {};
  auto opened = Diag::open();
  if (!opened) return fail(opened.error());
  diag_ = std::move(*opened);
  return {};
}

Status SocketReader::ask_for_tcp(SocketQuery query, std::vector<Socket>& into) {
  into.clear();
  TOCSIN_TRY(open_diag());
  if (both_families_) {
    const Status asked = diag_->dump(query, model::Protocol::tcp, AF_UNSPEC, into);
    if (asked || asked.error().code == ErrorCode::resource_exhausted) return asked;
    // A kernel that no longer knows the older question. Anew: something may be left of its answer.
    both_families_ = false;
    diag_.reset();
    into.clear();
    TOCSIN_TRY(open_diag());
  }
  for (const int family : {AF_INET, AF_INET6}) {
    TOCSIN_TRY(diag_->dump(query, model::Protocol::tcp, family, into));
  }
  return {};
}

}  // namespace tocsin::agent::os
