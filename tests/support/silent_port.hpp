// A loopback port that takes connections and never answers, or, once closed, takes none.
#pragma once

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/result.hpp"

namespace tocsin::tests {

class SilentPort {
 public:
  SilentPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    TOCSIN_CHECK(::bind(fd_, raw, size) == 0 && ::listen(fd_, 8) == 0);
    TOCSIN_CHECK(::getsockname(fd_, raw, &size) == 0);
    port_ = std::to_string(::ntohs(address.sin_port));
  }
  ~SilentPort() { close(); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  const std::string& port() const { return port_; }
  int fd() const { return fd_; }  // for one who speaks all the same

 private:
  int fd_;
  std::string port_;
};

}  // namespace tocsin::tests
