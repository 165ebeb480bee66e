#include "common/crypto/server_chain.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {
namespace {

constexpr int kCertificates = 8;
constexpr unsigned char kAlpn[] = {2, 'h', '2'};

using TlsContextPtr = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using TlsPtr = std::unique_ptr<SSL, FreeWith<&SSL_free>>;
using AddressesPtr = std::unique_ptr<addrinfo, FreeWith<&freeaddrinfo>>;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Each wait gets what is left. Counted in waits and not on a clock, which lives in common/time: the
// time between waits is small.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds longest) : left_(longest.count()) {}
  Status wait(int fd, short events) {
    for (; left_ > 0; left_ -= kSlice) {
      pollfd waiting{fd, events, 0};
      const int ready =
          ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left_, kSlice)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return fail(system_error("poll", errno));
    }
    return fail(ErrorCode::deadline_exceeded, "no answer in time");
  }

 private:
  static constexpr std::int64_t kSlice = 50;
  std::int64_t left_;
};

Status finish_connect(const Socket& socket, Patience& patience) {
  TOCSIN_TRY(patience.wait(socket.fd(), POLLOUT));
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail(system_error("connect", error));
  return {};
}

Result<Socket> connect_to(const std::string& host, std::uint16_t port, Patience& patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int why = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (why != 0) return fail(ErrorCode::unavailable, ::gai_strerror(why));
  const AddressesPtr addresses(found);
  Error last{ErrorCode::unavailable, "no address"};
  for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
    Socket socket(::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0) {
      last = system_error("socket", errno);
      continue;
    }
    if (::connect(socket.fd(), a->ai_addr, a->ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) {
      last = system_error("connect", errno);
      continue;
    }
    const Status connected = finish_connect(socket, patience);
    if (connected) return socket;
    last = connected.error();
  }
  return fail(last);
}

Status shake_hands(SSL* tls, const Socket& socket, Patience& patience) {
  while (true) {
    const int result = SSL_connect(tls);
    if (result == 1) return {};
    const int error = SSL_get_error(tls, result);
    if (error == SSL_ERROR_WANT_READ) {
      TOCSIN_TRY(patience.wait(socket.fd(), POLLIN));
    } else if (error == SSL_ERROR_WANT_WRITE) {
      TOCSIN_TRY(patience.wait(socket.fd(), POLLOUT));
    } else {
      return fail(ErrorCode::failed_precondition, fmt::format("not TLS: {}", last_reason()));
    }
  }
}

Result<std::vector<std::string>> chain_of(SSL* tls) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls);
  const int count = chain == nullptr ? 0 : sk_X509_num(chain);
  if (count == 0 || count > kCertificates) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("the server shows {} certificates", count));
  }
  std::vector<std::string> pems;
  for (int i = 0; i < count; ++i) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    TOCSIN_CHECK(out != nullptr && PEM_write_bio_X509(out.get(), sk_X509_value(chain, i)) == 1);
    pems.push_back(contents_of(out.get()));
  }
  return pems;
}

Result<std::vector<std::string>> fetch(const std::string& host, std::uint16_t port,
                                       Patience& patience) {
  const auto socket = connect_to(host, port, patience);
  if (!socket) return fail(socket.error());
  const TlsContextPtr context(SSL_CTX_new(TLS_client_method()));
  TOCSIN_CHECK(context != nullptr);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  const TlsPtr tls(SSL_new(context.get()));
  TOCSIN_CHECK(tls != nullptr && SSL_set_fd(tls.get(), socket->fd()) == 1 &&
               SSL_set_min_proto_version(tls.get(), TLS1_2_VERSION) == 1 &&
               SSL_set_alpn_protos(tls.get(), kAlpn, sizeof kAlpn) == 0);
  SSL_set_tlsext_host_name(tls.get(), host.c_str());
  TOCSIN_TRY(shake_hands(tls.get(), *socket, patience));
  return chain_of(tls.get());
}

}  // namespace

Result<std::vector<std::string>> fetch_server_chain(const std::string& host, std::uint16_t port,
                                                    std::chrono::milliseconds longest) {
  const ErrorScope scope;
  Patience patience(longest);
  auto chain = fetch(host, port, patience);
  if (chain) return chain;
  return fail(chain.error().code, fmt::format("{} port {}: {}", host, port, chain.error().message));
}

}  // namespace tocsin::crypto
