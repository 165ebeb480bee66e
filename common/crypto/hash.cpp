// SHA-256 by OpenSSL's own functions for it, not through EVP, and chance from the kernel: the first
// use of EVP or RAND reads OpenSSL's configuration and sets up its providers, two megabytes of a
// process, such as the agent's observer, that needs nothing else of OpenSSL.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <array>
#include <cerrno>
#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::size_t kSha256Bytes = 32;
using Digest = std::array<unsigned char, kSha256Bytes>;

std::string text_of(const Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

}  // namespace

// These cannot fail, hence checks and no errors.
struct Sha256::Impl {
  SHA256_CTX context{};
  Impl() { start(); }
  void start() { TOCSIN_CHECK(SHA256_Init(&context) == 1); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  TOCSIN_CHECK(SHA256_Update(&impl_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  Digest digest{};
  TOCSIN_CHECK(SHA256_Final(digest.data(), &impl_->context) == 1);
  impl_->start();
  return text_of(digest);
}

struct Md5::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { start(); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  void start() const {
    TOCSIN_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_md5(), nullptr) == 1);
  }
};

Md5::Md5() : impl_(std::make_unique<Impl>()) {}
Md5::~Md5() = default;

void Md5::update(std::string_view bytes) {
  TOCSIN_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
}

std::string Md5::finish() {
  std::array<unsigned char, 16> digest{};
  TOCSIN_CHECK(EVP_DigestFinal_ex(impl_->context, digest.data(), nullptr) == 1);
  impl_->start();
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  TOCSIN_CHECK(key.size() <= INT_MAX);
  Digest digest{};
  unsigned int size = 0;
  // An empty string_view may have no address, which HMAC takes for "use the key from before".
  const char* start = key.empty() ? "" : key.data();
  TOCSIN_CHECK(HMAC(EVP_sha256(), start, static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    digest.data(), &size) != nullptr &&
               size == digest.size());
  return text_of(digest);
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    TOCSIN_CHECK(got > 0 || errno == EINTR);
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tocsin::crypto
