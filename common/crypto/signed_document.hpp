// Signed documents (CMS, RFC 5652) that `openssl cms -verify` reads without us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {

// PEM with the document, its signature, the time by this machine's clock and the certificate in it.
// Errors: invalid_argument unless both are PEM and the key is the certificate's.
Result<std::string> sign_document(std::string_view document, std::string_view certificate_pem,
                                  std::string_view key_pem);

enum class DocumentProblem : std::uint8_t {
  none,
  document_changed,      // signature and time are the signer's, the document is another
  signature_changed,     // or the time, or the certificate
  other_authority,       // the certificate is of none that is trusted here
  certificate_not_valid  // at the time of signing
};

// What sign_document() made, read again: what it says of itself, and what is wrong with it.
struct SignedDocument {
  std::string document;
  CertificateInfo signer;  // as its certificate says, which proves nothing unless `problem` is none
  Instant signed_at;       // by the signer's clock
  DocumentProblem problem = DocumentProblem::none;
};

// A certificate that has ended since is no problem: it was good when it signed. Revocation is not
// looked at. Errors: invalid_argument where it is no such document, is larger than 16 MiB, or was
// signed by what is no identity of ours.
Result<SignedDocument> open_document(std::string_view pem, std::string_view authority_pem);

}  // namespace tocsin::crypto
