// Hashes by OpenSSL's own functions for each, not through EVP, and chance from the kernel: the
// first use of EVP or RAND reads OpenSSL's configuration and sets up its providers, two megabytes
// of a process, such as the agent's observer, that needs nothing else of OpenSSL.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <cerrno>
#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kMd5Bytes = 16;

// One of OpenSSL's hashes under way. Its functions cannot fail, hence checks and no errors.
template <class Context, std::size_t bytes, int (*start)(Context*),
          int (*add)(Context*, const void*, std::size_t), int (*end)(unsigned char*, Context*)>
class Hash {
 public:
  Hash() { TOCSIN_CHECK(start(&context_) == 1); }
  void update(std::string_view more) {
    TOCSIN_CHECK(add(&context_, more.data(), more.size()) == 1);
  }
  std::string finish() {
    std::string digest(bytes, '\0');
    TOCSIN_CHECK(end(reinterpret_cast<unsigned char*>(digest.data()), &context_) == 1);
    TOCSIN_CHECK(start(&context_) == 1);
    return digest;
  }

 private:
  Context context_{};
};

}  // namespace

struct Sha256::Impl : Hash<SHA256_CTX, kSha256Bytes, SHA256_Init, SHA256_Update, SHA256_Final> {};
struct Md5::Impl : Hash<MD5_CTX, kMd5Bytes, MD5_Init, MD5_Update, MD5_Final> {};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
void Sha256::update(std::string_view bytes) { impl_->update(bytes); }
std::string Sha256::finish() { return impl_->finish(); }

Md5::Md5() : impl_(std::make_unique<Impl>()) {}
Md5::~Md5() = default;
void Md5::update(std::string_view bytes) { impl_->update(bytes); }
std::string Md5::finish() { return impl_->finish(); }

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  TOCSIN_CHECK(key.size() <= INT_MAX);
  std::string digest(kSha256Bytes, '\0');
  unsigned int size = 0;
  // An empty string_view may have no address, which HMAC takes for "use the key from before".
  const char* start = key.empty() ? "" : key.data();
  TOCSIN_CHECK(HMAC(EVP_sha256(), start, static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    reinterpret_cast<unsigned char*>(digest.data()), &size) != nullptr &&
               size == digest.size());
  return digest;
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
