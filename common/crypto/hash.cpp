#include <array>
#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::size_t kSha256Bytes = 32;
using Digest = std::array<unsigned char, kSha256Bytes>;

std::string text_of(const Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

}  // namespace

// Only memory can run out in these, hence checks and no errors.
struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { start(); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  void start() const {
    TOCSIN_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  TOCSIN_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  Digest digest{};
  TOCSIN_CHECK(EVP_DigestFinal_ex(impl_->context, digest.data(), nullptr) == 1);
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
  Digest digest{};
  TOCSIN_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return text_of(digest);
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
  TOCSIN_CHECK(count <= INT_MAX);
  std::string bytes(count, '\0');
  TOCSIN_CHECK(
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tocsin::crypto
