#include "agent/os/clamd.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "agent/os/local_socket.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kAnswerBytes = 4096;

Status send_text(const Fd& socket, std::string_view text) {
  // Shorter than any socket buffer: never sent in parts.
  const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size())) return fail(socket_error("clamd", errno));
  return {};
}

Status send_descriptor(const Fd& socket, int descriptor) {
  char one = 0;
  iovec data{&one, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) != 1) {
    return fail(socket_error("clamd", errno));
  }
  return {};
}

Result<std::string> receive(const Fd& socket) {
  std::string answer;
  std::array<char, 512> bytes;
  while (answer.size() < kAnswerBytes) {
    const ssize_t count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(socket_error("clamd", errno));
    if (count == 0) break;
    answer.append(bytes.data(), static_cast<std::size_t>(count));
    if (answer.back() == '\0') break;
  }
  if (answer.empty()) return fail(ErrorCode::unavailable, "clamd: it hung up without an answer");
  return answer;
}

}  // namespace

Result<std::string> Clamd::version(Duration limit) const {
  const auto socket = connect_local_socket(path_, limit);
  if (!socket) return fail(socket.error());
  TOCSIN_TRY(send_text(*socket, std::string_view("zVERSION\0", 9)));
  return receive(*socket);
}

Result<std::string> Clamd::scan(const Fd& file, Duration limit) const {
  const auto socket = connect_local_socket(path_, limit);
  if (!socket) return fail(socket.error());
  TOCSIN_TRY(send_text(*socket, std::string_view("zFILDES\0", 8)));
  TOCSIN_TRY(send_descriptor(*socket, file.get()));
  return receive(*socket);
}

}  // namespace tocsin::agent::os
