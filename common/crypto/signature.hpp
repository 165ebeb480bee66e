// Signatures by an agent's key (ECDSA P-256 over SHA-256, DER), as the openssl command verifies
// them: openssl dgst -sha256 -verify KEY -signature FILE DATA.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace tocsin::crypto {

// Errors: invalid_argument (no such key), internal.
Result<std::string> sign(std::string_view private_key_pem, std::string_view bytes);
// Errors: invalid_argument (no such key), permission_denied (not signed by it).
Status verify(std::string_view public_key_pem, std::string_view bytes, std::string_view signature);

// The public half, PEM.
Result<std::string> public_key_of(std::string_view private_key_pem);
Result<std::string> public_key_of_certificate(std::string_view certificate_pem);
// SHA-256 of the key as SubjectPublicKeyInfo: who an agent is.
Result<AgentId> agent_id_of_public_key(std::string_view public_key_pem);

}  // namespace tocsin::crypto
