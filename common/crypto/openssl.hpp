// OpenSSL's objects as owned values, and the few steps that every file of this folder repeats.
// Included by common/crypto's own .cpp files only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::crypto {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, FreeWith<&EVP_PKEY_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<&X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, FreeWith<&X509_REQ_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, FreeWith<&ASN1_TIME_free>>;

// OpenSSL keeps a queue of errors per thread, and TLS reads it as its own: nothing of ours may stay
// in it. Every public function of this folder holds one of these.
class ErrorScope {
 public:
  ErrorScope() { ERR_clear_error(); }
  ~ErrorScope() { ERR_clear_error(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

// What OpenSSL last complained about, for the end of a message.
std::string last_reason();

// A memory BIO over `text`, which must outlive it.
BioPtr reader_of(std::string_view text);
std::string contents_of(BIO* bio);
Result<Instant> instant_of(const ASN1_TIME* time);

// One PEM object of at most 64 KiB; more than one is refused. Never asks for a pass phrase.
Result<CertificatePtr> parse_certificate(std::string_view pem);
Result<KeyPtr> parse_private_key(std::string_view pem);
Result<RequestPtr> parse_request(std::string_view der);

// invalid_argument unless the key is ECDSA on the named curve P-256.
Status require_p256(const EVP_PKEY* key, std::string_view of_what);

// SHA-256 of the key's SubjectPublicKeyInfo, hex.
std::string key_id(EVP_PKEY* key);

}  // namespace tocsin::crypto
