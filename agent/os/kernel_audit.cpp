#include "agent/os/kernel_audit.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kMostText = 512;

Error audit_error(std::string_view what, int number) {
  // No such protocol, or nobody behind it: built without, or started with audit=0.
  if (number == EPROTONOSUPPORT || number == ECONNREFUSED) {
    return {ErrorCode::not_found, "this kernel does not audit"};
  }
  return system_error(what, number);
}

Result<Fd> open_audit() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT));
  if (!socket.valid()) return fail(audit_error("open the audit socket", errno));
  return socket;
}

Status send_to_kernel(const Fd& socket, std::uint16_t type, std::uint16_t flags,
                      std::string_view payload) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(payload.size()));
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.nlmsg_seq = 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(payload);
  bytes.resize(NLMSG_ALIGN(bytes.size()), '\0');
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto* to = reinterpret_cast<const sockaddr*>(&kernel);
  if (::sendto(socket.get(), bytes.data(), bytes.size(), 0, to, sizeof kernel) < 0) {
    return fail(audit_error("ask the kernel about auditing", errno));
  }
  return {};
}

// The one message of a datagram.
Result<nlmsghdr> header_of(std::string_view datagram) {
  nlmsghdr header{};
  if (datagram.size() < sizeof header) {
    return fail(ErrorCode::invalid_argument, "audit answer cut short");
  }
  std::memcpy(&header, datagram.data(), sizeof header);
  return header;
}

// What an NLMSG_ERROR carries; 0: done.
Result<int> error_number(std::string_view payload) {
  int code = 0;
  if (payload.size() < sizeof code) {
    return fail(ErrorCode::invalid_argument, "audit answer cut short");
  }
  std::memcpy(&code, payload.data(), sizeof code);
  if (code > 0 || code < -4095) {
    return fail(ErrorCode::invalid_argument, "netlink error number out of range");
  }
  return -code;
}

}  // namespace

Result<std::string> receive_from_kernel(const net::Fd& socket, const time::TimeSource& time,
                                        MonoTime until) {
  for (;;) {
    const auto left = std::max<std::int64_t>((until - time.steady()) / 1ms, 0);
    pollfd waiting{socket.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(left)) <= 0 && left == 0) break;
    std::array<char, 8192> buffer;
    sockaddr_nl from{};
    socklen_t size = sizeof from;
    const ssize_t n = ::recvfrom(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return fail(audit_error("read the kernel's answer", errno));
    }
    if (n > 0 && from.nl_pid == 0) return std::string(buffer.data(), static_cast<std::size_t>(n));
    if (time.steady() >= until) break;
  }
  return fail(ErrorCode::unavailable, "the kernel does not say whether it audits");
}

Result<AuditStatus> parse_audit_status(std::string_view datagram) {
  const auto header = header_of(datagram);
  if (!header) return fail(header.error());
  datagram.remove_prefix(NLMSG_HDRLEN);
  if (header->nlmsg_type == NLMSG_ERROR) {
    const auto number = error_number(datagram);
    if (!number) return fail(number.error());
    if (*number != 0) return fail(audit_error("the kernel's auditing", *number));
  }
  // The length in the header counts itself in some of audit's answers and not in others: the
  // datagram's own tells. Old kernels end after `backlog`.
  constexpr std::size_t kLeast = offsetof(::audit_status, backlog) + sizeof(std::uint32_t);
  if (header->nlmsg_type != AUDIT_GET || datagram.size() < kLeast) {
    return fail(ErrorCode::invalid_argument, "not an answer about auditing");
  }
  ::audit_status raw{};
  std::memcpy(&raw, datagram.data(), std::min(datagram.size(), sizeof raw));
  AuditStatus status;
  status.enabled = raw.enabled != 0;
  status.locked = raw.enabled == 2;
  status.failure = raw.failure;
  status.reader_pid = raw.pid;
  status.lost = raw.lost;
  status.backlog = raw.backlog;
  status.backlog_limit = raw.backlog_limit;
  return status;
}

Result<AuditStatus> audit_status(const time::TimeSource& time, MonoTime until) {
  const auto socket = open_audit();
  if (!socket) return fail(socket.error());
  TOCSIN_TRY(send_to_kernel(*socket, AUDIT_GET, 0, {}));
  const auto datagram = receive_from_kernel(*socket, time, until);
  if (!datagram) return fail(datagram.error());
  return parse_audit_status(*datagram);
}

Status write_audit_record(std::string_view text, const time::TimeSource& time, MonoTime until) {
  const auto socket = open_audit();
  if (!socket) return fail(socket.error());
  std::string payload(text.substr(0, kMostText));
  payload.push_back('\0');
  TOCSIN_TRY(send_to_kernel(*socket, AUDIT_USER, NLM_F_ACK, payload));
  const auto datagram = receive_from_kernel(*socket, time, until);
  if (!datagram) return fail(datagram.error());
  const auto header = header_of(*datagram);
  if (!header) return fail(header.error());
  if (header->nlmsg_type != NLMSG_ERROR) {
    return fail(ErrorCode::invalid_argument, "not an answer about auditing");
  }
  const auto number = error_number(std::string_view(*datagram).substr(NLMSG_HDRLEN));
  if (!number) return fail(number.error());
  if (*number != 0) return fail(audit_error("write to the audit trail", *number));
  return {};
}

}  // namespace tocsin::agent::os
