#include "common/crypto/signed_document.hpp"

#include <fmt/format.h>
#include <openssl/cms.h>
#include <openssl/pem.h>

#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::size_t kDocumentBytes = 16 << 20;

struct FreeCertificates {
  void operator()(STACK_OF(X509) * certificates) const {
    sk_X509_pop_free(certificates, &X509_free);
  }
};
using CmsPtr = std::unique_ptr<CMS_ContentInfo, FreeWith<&CMS_ContentInfo_free>>;
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), FreeCertificates>;

tl::unexpected<Error> no_document(std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("no signed document: {}", why));
}

Result<CmsPtr> parse_document(std::string_view pem) {
  if (pem.size() > kDocumentBytes) {
    return no_document(fmt::format("{} bytes is more than {}", pem.size(), kDocumentBytes));
  }
  unsigned char* der = nullptr;
  long size = 0;
  if (PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_CMS, reader_of(pem).get(), nullptr,
                         nullptr) != 1) {
    return no_document(last_reason());
  }
  const unsigned char* at = der;
  CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &at, size));
  OPENSSL_free(der);
  if (cms == nullptr) return no_document(last_reason());
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed) {
    return no_document("it is not signed");
  }
  return cms;
}

// The one signer. The pointer is the document's own.
Result<CMS_SignerInfo*> signer_of(CMS_ContentInfo* cms) {
  STACK_OF(CMS_SignerInfo)* signers = CMS_get0_SignerInfos(cms);
  if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1) {
    return no_document("it has not exactly one signer");
  }
  return sk_CMS_SignerInfo_value(signers, 0);
}

// The signer's certificate as the document carries it.
Result<std::string> certificate_of(CMS_ContentInfo* cms, CMS_SignerInfo* signer) {
  const CertificatesPtr carried(CMS_get1_certs(cms));
  const int count = carried == nullptr ? 0 : sk_X509_num(carried.get());
  for (int i = 0; i < count; ++i) {
    X509* certificate = sk_X509_value(carried.get(), i);
    if (CMS_SignerInfo_cert_cmp(signer, certificate) != 0) continue;
    CMS_SignerInfo_set1_signer_cert(signer, certificate);
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (out == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1) break;
    return contents_of(out.get());
  }
  return no_document("the signer's certificate is not in it");
}

Result<Instant> signing_time_of(CMS_SignerInfo* signer) {
  const int at = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
  X509_ATTRIBUTE* attribute = at < 0 ? nullptr : CMS_signed_get_attr(signer, at);
  const ASN1_TYPE* value = attribute == nullptr ? nullptr : X509_ATTRIBUTE_get0_type(attribute, 0);
  const bool is_time =
      value != nullptr && (value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME);
  if (!is_time) return no_document("it does not say when it was signed");
  return instant_of(value->value.asn1_string);
}

// Is this the document whose digest was signed? Only digests that nobody can forge count.
bool is_what_was_signed(CMS_SignerInfo* signer, std::string_view document) {
  X509_ALGOR* algorithm = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &algorithm, nullptr);
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  if (OBJ_obj2nid(object) != NID_sha256) return false;
  const auto* digest = static_cast<const ASN1_OCTET_STRING*>(CMS_signed_get0_data_by_OBJ(
      signer, OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING));
  if (digest == nullptr) return false;
  const std::string_view told(reinterpret_cast<const char*>(ASN1_STRING_get0_data(digest)),
                              static_cast<std::size_t>(ASN1_STRING_length(digest)));
  return told == sha256(document);
}

DocumentProblem problem_of(CMS_SignerInfo* signer, const SignedDocument& opened,
                           std::string_view certificate_pem, std::string_view authority_pem) {
  if (CMS_SignerInfo_verify(signer) != 1) return DocumentProblem::signature_changed;
  const CertificateInfo& certificate = opened.signer;
  const bool was_valid =
      opened.signed_at >= certificate.not_before && opened.signed_at <= certificate.not_after;
  const Instant at = was_valid ? opened.signed_at : certificate.not_before;
  if (!verify_certificate(certificate_pem, authority_pem, at)) {
    return DocumentProblem::other_authority;
  }
  if (!was_valid) return DocumentProblem::certificate_not_valid;
  return is_what_was_signed(signer, opened.document) ? DocumentProblem::none
                                                     : DocumentProblem::document_changed;
}

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

Result<SignedDocument> open_document(std::string_view pem, std::string_view authority_pem) {
  const ErrorScope scope;
  const auto cms = parse_document(pem);
  if (!cms) return fail(cms.error());
  ASN1_OCTET_STRING** content = CMS_get0_content(cms->get());
  if (content == nullptr || *content == nullptr) return no_document("there is nothing in it");
  const auto signer = signer_of(cms->get());
  if (!signer) return fail(signer.error());
  const auto certificate = certificate_of(cms->get(), *signer);
  if (!certificate) return fail(certificate.error());
  SignedDocument opened;
  opened.document.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(*content)),
                         static_cast<std::size_t>(ASN1_STRING_length(*content)));
  auto info = read_certificate(*certificate);
  if (!info) return fail(info.error());
  opened.signer = *std::move(info);
  const auto signed_at = signing_time_of(*signer);
  if (!signed_at) return fail(signed_at.error());
  opened.signed_at = *signed_at;
  opened.problem = problem_of(*signer, opened, *certificate, authority_pem);
  return opened;
}

}  // namespace tocsin::crypto
