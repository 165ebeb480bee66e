// The site's own authority on disk, and the certificates it signs for the site's people and
// servers. Blocks. Private keys are files of mode 0600; nothing is ever overwritten.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {

inline constexpr Duration kAuthorityLife = 24h * 3650;
inline constexpr Duration kServerLife = 24h * 825;
inline constexpr Duration kOperatorLife = 24h * 365;

// The key's mode is checked. Errors: as of reading a file; invalid_argument (the two do not fit).
Result<crypto::Authority> load_authority(const std::string& certificate_file,
                                         const std::string& key_file);

// Where a new key and its certificate lie.
struct KeyPair {
  std::string key_file;
  std::string certificate_file;
};
// A new key and the certificate that the authority signed for it, in memory.
struct SignedKey {
  std::string key_pem;
  std::string certificate_pem;
};
// Errors: invalid_argument (a name).
Result<SignedKey> sign_new_key(const crypto::Authority& authority,
                               const crypto::CertificateRequest& request);
// Errors: already_exists, or the system's.
Status write_key_pair(const SignedKey& key, const KeyPair& files);

Result<SignedKey> sign_operator(const crypto::Authority& authority, std::string_view name,
                                model::Role role, Instant now);
// DIR/NAME.key and DIR/NAME.pem of an operator; the folder is made if needed.
Result<KeyPair> add_operator(const crypto::Authority& authority, const std::string& dir,
                             std::string_view name, model::Role role, Instant now);

}  // namespace tocsin::collector
