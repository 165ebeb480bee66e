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

// The site's authority, and everybody whom the site trusts. The file of certificates holds several
// while one authority takes over from another: the one that the key belongs to signs.
struct SiteAuthority {
  crypto::Authority signing;
  std::string all_pem;  // the whole file: agents get all of them
};
// The key's mode is checked. Errors: as of reading a file; invalid_argument (the key belongs to
// none of the certificates).
Result<SiteAuthority> load_authority(const std::string& certificate_file,
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
// Errors: already_exists, or the system's. Where root writes they are the folder's owner's.
Status write_key_pair(const SignedKey& key, const KeyPair& files);

Result<SignedKey> sign_operator(const crypto::Authority& authority, std::string_view name,
                                model::Role role, Instant now);
// DIR/NAME.key and DIR/NAME.pem of an operator; the folder is made if needed.
Result<KeyPair> add_operator(const crypto::Authority& authority, const std::string& dir,
                             std::string_view name, model::Role role, Instant now);

// A new certificate of the server: for the same name, DNS names and addresses unless others are
// given, followed by its authority's.
struct ServerRenewal {
  KeyPair files;
  bool new_key = false;
  std::vector<std::string> dns_names;  // both empty: as before
  std::vector<std::string> ip_addresses;
};
// What a renewal wrote.
struct Renewed {
  std::string certificate_file;
  Instant not_after;
};
// Each file is replaced as a whole and stays its owner's. A running collector uses the new ones
// within ten seconds. Errors: of reading the old files; failed_precondition (the authority has
// ended).
Result<Renewed> renew_server(const crypto::Authority& authority, const ServerRenewal& renewal,
                             Instant now);
// The same for DIR/NAME.pem of an operator, whose role stays.
Result<Renewed> renew_operator(const crypto::Authority& authority, const std::string& dir,
                               std::string_view name, bool new_key, Instant now);

}  // namespace tocsin::collector
