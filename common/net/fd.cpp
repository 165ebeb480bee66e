#include "common/net/fd.hpp"

#include <unistd.h>

namespace tocsin::net {

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tocsin::net
