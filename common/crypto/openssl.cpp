#include "common/crypto/openssl.hpp"

#include <algorithm>
#include <climits>
#include <ctime>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::size_t kPemBytes = 64 << 10;
constexpr std::size_t kRequestBytes = 16 << 10;
constexpr std::string_view kBegin = "-----BEGIN ";

// OpenSSL's own callback would ask on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

Status require_one_object(std::string_view pem, std::string_view what) {
  if (pem.size() > kPemBytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} bytes is more than {}", what, pem.size(), kPemBytes));
  }
  const std::size_t first = pem.find(kBegin);
  if (first == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: no PEM block", what));
  }
  if (pem.find(kBegin, first + 1) != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: more than one PEM block; give exactly one", what));
  }
  return {};
}

}  // namespace

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "not readable" : reason;
}

BioPtr reader_of(std::string_view text) {
  TOCSIN_CHECK(text.size() <= INT_MAX);
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  TOCSIN_CHECK(bio != nullptr);
  return bio;
}

Result<Instant> instant_of(const ASN1_TIME* time) {
  std::tm civil{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &civil) != 1) {
    return fail(ErrorCode::invalid_argument, "a time is not readable");
  }
  const std::int64_t seconds = timegm(&civil);
  // "No end" is written as the year 9999, which nanoseconds cannot count to.
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() / kNanos;
  return Instant{std::clamp(seconds, -kLast, kLast) * kNanos};
}

std::string contents_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<CertificatePtr> parse_certificate(std::string_view pem) {
  TOCSIN_TRY(require_one_object(pem, "certificate"));
  CertificatePtr certificate(
      PEM_read_bio_X509(reader_of(pem).get(), nullptr, &no_pass_phrase, nullptr));
  if (certificate == nullptr) {
    return fail(ErrorCode::invalid_argument, fmt::format("certificate: {}", last_reason()));
  }
  return certificate;
}

Result<KeyPtr> parse_private_key(std::string_view pem) {
  TOCSIN_TRY(require_one_object(pem, "private key"));
  KeyPtr key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, &no_pass_phrase, nullptr));
  if (key == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("private key: damaged, or with a passphrase ({})", last_reason()));
  }
  TOCSIN_TRY(require_p256(key.get(), "private key"));
  const KeyContextPtr context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_pairwise_check(context.get()) != 1) {
    return fail(ErrorCode::invalid_argument, "private key: its halves do not belong together");
  }
  return key;
}

Result<RequestPtr> parse_request(std::string_view der) {
  if (der.empty() || der.size() > kRequestBytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("signing request: {} bytes is not between 1 and {}", der.size(),
                            kRequestBytes));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  RequestPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (request == nullptr) {
    return fail(ErrorCode::invalid_argument, fmt::format("signing request: {}", last_reason()));
  }
  if (at != end) {
    return fail(ErrorCode::invalid_argument, "signing request: bytes follow its end");
  }
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("signing request: public key: {}", last_reason()));
  }
  TOCSIN_TRY(require_p256(key, "signing request"));
  if (X509_REQ_verify(request.get(), key) != 1) {
    return fail(ErrorCode::invalid_argument, "signing request: not signed by its own key");
  }
  return request;
}

Status require_p256(const EVP_PKEY* key, std::string_view of_what) {
  char curve[32] = {};
  std::size_t length = 0;
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                     &length) != 1 ||
      std::string_view(curve, length) != "prime256v1") {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the key must be ECDSA on curve P-256", of_what));
  }
  return {};
}

std::string key_id(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  TOCSIN_CHECK(size > 0);
  const std::string digest =
      sha256(std::string_view(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return to_hex(digest);
}

}  // namespace tocsin::crypto
