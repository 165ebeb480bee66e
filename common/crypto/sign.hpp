// Signed documents (CMS, RFC 5652) that `openssl cms -verify` reads without us.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::crypto {

// PEM with the document, its signature, the time by this machine's clock and the certificate in it.
// Errors: invalid_argument unless both are PEM and the key is the certificate's.
Result<std::string> sign_document(std::string_view document, std::string_view certificate_pem,
                                  std::string_view key_pem);

}  // namespace tocsin::crypto
