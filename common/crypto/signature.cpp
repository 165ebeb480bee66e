#include "common/crypto/signature.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {
namespace {

using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<&EVP_MD_CTX_free>>;

constexpr std::size_t kPublicKeyBytes = 1024;
constexpr std::size_t kSignatureBytes = 256;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Result<KeyPtr> parse_public_key(std::string_view pem) {
  if (pem.size() > kPublicKeyBytes) {
    return fail(ErrorCode::invalid_argument, "public key: too large");
  }
  KeyPtr key(PEM_read_bio_PUBKEY(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (key == nullptr) {
    return fail(ErrorCode::invalid_argument, fmt::format("public key: {}", last_reason()));
  }
  TOCSIN_TRY(require_p256(key.get(), "public key"));
  return key;
}

Result<std::string> public_pem(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_PUBKEY(out.get(), key) != 1) {
    return fail(ErrorCode::internal, fmt::format("write a public key: {}", last_reason()));
  }
  return contents_of(out.get());
}

}  // namespace

Result<std::string> sign(std::string_view private_key_pem, std::string_view bytes) {
  const ErrorScope scope;
  const auto key = parse_private_key(private_key_pem);
  if (!key) return fail(key.error());
  const DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = kSignatureBytes;
  std::string signature(size, '\0');
  const bool done =
      context != nullptr &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key->get()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     raw(bytes), bytes.size()) == 1;
  if (!done) return fail(ErrorCode::internal, fmt::format("sign: {}", last_reason()));
  signature.resize(size);
  return signature;
}

Status verify(std::string_view public_key_pem, std::string_view bytes, std::string_view signature) {
  const ErrorScope scope;
  const auto key = parse_public_key(public_key_pem);
  if (!key) return fail(key.error());
  const DigestContextPtr context(EVP_MD_CTX_new());
  const bool signed_by_it =
      context != nullptr && signature.size() <= kSignatureBytes &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key->get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(bytes), bytes.size()) ==
          1;
  if (signed_by_it) return {};
  return fail(ErrorCode::permission_denied, "the signature is not by this key, or not of this");
}

Result<std::string> public_key_of(std::string_view private_key_pem) {
  const ErrorScope scope;
  const auto key = parse_private_key(private_key_pem);
  if (!key) return fail(key.error());
  return public_pem(key->get());
}

Result<std::string> public_key_of_certificate(std::string_view certificate_pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(certificate_pem);
  if (!certificate) return fail(certificate.error());
  EVP_PKEY* key = X509_get0_pubkey(certificate->get());
  if (key == nullptr) return fail(ErrorCode::invalid_argument, "certificate: no public key");
  TOCSIN_TRY(require_p256(key, "certificate"));
  return public_pem(key);
}

Result<AgentId> agent_id_of_public_key(std::string_view public_key_pem) {
  const ErrorScope scope;
  const auto key = parse_public_key(public_key_pem);
  if (!key) return fail(key.error());
  return AgentId{key_id(key->get())};
}

}  // namespace tocsin::crypto
