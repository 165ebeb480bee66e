#include "common/crypto/sign.hpp"

#include <fmt/format.h>
#include <openssl/cms.h>
#include <openssl/pem.h>

#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {
namespace {

using CmsPtr = std::unique_ptr<CMS_ContentInfo, FreeWith<&CMS_ContentInfo_free>>;

}  // namespace

Result<std::string> sign_document(std::string_view document, std::string_view certificate_pem,
                                  std::string_view key_pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(certificate_pem);
  if (!certificate) return fail(certificate.error());
  const auto key = parse_private_key(key_pem);
  if (!key) return fail(key.error());
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    return fail(ErrorCode::invalid_argument, "the key is not the certificate's");
  }
  const BioPtr content = reader_of(document);
  const CmsPtr cms(CMS_sign(certificate->get(), key->get(), nullptr, content.get(),
                            CMS_BINARY | CMS_NOSMIMECAP));
  unsigned char* der = nullptr;
  const int size = cms == nullptr ? -1 : i2d_CMS_ContentInfo(cms.get(), &der);
  const BioPtr out(BIO_new(BIO_s_mem()));
  const bool written =
      size > 0 && out != nullptr && PEM_write_bio(out.get(), PEM_STRING_CMS, "", der, size) > 0;
  OPENSSL_free(der);
  if (!written) return fail(ErrorCode::internal, fmt::format("sign: {}", last_reason()));
  return contents_of(out.get());
}

}  // namespace tocsin::crypto
