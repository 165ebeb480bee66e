#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {

Result<std::string> make_key_pem() {
  const ErrorScope scope;
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) {
    return fail(ErrorCode::internal, fmt::format("make a key: {}", last_reason()));
  }
  const BioPtr out(BIO_new(BIO_s_secmem()));
  if (out == nullptr || PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0,
                                                      nullptr, nullptr) != 1) {
    return fail(ErrorCode::internal, fmt::format("write a key: {}", last_reason()));
  }
  return contents_of(out.get());
}

Result<AgentId> agent_id_of_key(std::string_view key_pem) {
  const ErrorScope scope;
  const auto key = parse_private_key(key_pem);
  if (!key) return fail(key.error());
  return AgentId{key_id(key->get())};
}

Result<std::string> make_signing_request(std::string_view key_pem, std::string_view common_name) {
  const ErrorScope scope;
  const auto key = parse_private_key(key_pem);
  if (!key) return fail(key.error());
  const std::string name = clean_text(common_name, ub_common_name);
  const RequestPtr request(X509_REQ_new());
  TOCSIN_CHECK(request != nullptr);
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  const bool built =
      X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
      (name.empty() || X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, bytes,
                                                  static_cast<int>(name.size()), -1, 0) == 1) &&
      X509_REQ_set_pubkey(request.get(), key->get()) == 1 &&
      X509_REQ_sign(request.get(), key->get(), EVP_sha256()) > 0;
  unsigned char* der = nullptr;
  const int size = built ? i2d_X509_REQ(request.get(), &der) : -1;
  if (size <= 0) {
    return fail(ErrorCode::internal, fmt::format("make a signing request: {}", last_reason()));
  }
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

Result<AgentId> agent_id_of_request(std::string_view request_der) {
  const ErrorScope scope;
  const auto request = parse_request(request_der);
  if (!request) return fail(request.error());
  return AgentId{key_id(X509_REQ_get0_pubkey(request->get()))};
}

}  // namespace tocsin::crypto
