// An identity as the URI in a certificate, and back. Pure. Included by common/crypto only.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {

// Errors: invalid_argument where a name is not [A-Za-z0-9._-]{1,64} (operators: lower case only) or
// an agent's id is not 64 lower-case hex digits.
Result<std::string> uri_of(const Identity& identity);
Result<Identity> identity_of(std::string_view uri);
// Letters, digits, dots and hyphens, no wildcard.
bool is_dns_name(std::string_view name);

}  // namespace tocsin::crypto
