// Keys, certificates, hashes, random bytes and signatures. OpenSSL stays behind this header.
// Keys are ECDSA P-256. Private keys exist as PEM only in files of mode 0600 and in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/severity.hpp"

namespace tocsin::crypto {

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string random_bytes(std::size_t count);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// Incremental, for the journal's chain.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string finish();  // 32 bytes; the object may be used anew afterwards

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// MD5, only to compare with what dpkg keeps of a file: it shows that a file changed, and proves
// nothing against somebody who could choose both.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;
  void update(std::string_view bytes);
  std::string finish();  // 16 bytes; the object may be used anew afterwards

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Result<std::string> make_key_pem();
// AgentId of the key: SHA-256 of its SubjectPublicKeyInfo.
Result<AgentId> agent_id_of_key(std::string_view key_pem);

// PKCS#10 in DER, signed with the key. The common name is only a hint for people.
Result<std::string> make_signing_request(std::string_view key_pem, std::string_view common_name);
// Checks the request's own signature, curve and size. Returns the id of its key.
Result<AgentId> agent_id_of_request(std::string_view request_der);

// Who a certificate speaks for; in its URI subject alternative name:
//   tocsin://agent/<agent id>      tocsin://operator/<role>/<name>      tocsin://collector/<site>
struct Identity {
  enum class Kind : std::uint8_t { agent, operator_, collector } kind = Kind::agent;
  AgentId agent;  // kind agent: also equal to the hash of the certificate's key
  model::Role role = model::Role::duty;  // kind operator_
  std::string name;  // kind operator_: [a-z0-9._-]{1,64}; kind collector: the site
};

struct CertificateInfo {
  Identity identity;
  std::string fingerprint;  // SHA-256 of the DER, hex
  std::string serial;       // hex
  Instant not_before;
  Instant not_after;
};
// Parses one PEM certificate. Does not verify its chain (TLS did, or verify_certificate does).
Result<CertificateInfo> read_certificate(std::string_view pem);
// What a server's certificate is good for, beside its identity: as the names to sign it for again.
struct ServerNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};
Result<ServerNames> server_names_of(std::string_view pem);
// From when until when; also of an authority, which names no identity.
struct Validity {
  Instant not_before;
  Instant not_after;
};
Result<Validity> validity_of(std::string_view pem);
// SHA-256 of the DER of one PEM certificate, hex; also of an authority, which names no identity.
Result<std::string> fingerprint_of(std::string_view pem);
// The certificates of a PEM bundle, at most 8, each a PEM of its own. Does not parse them.
Result<std::vector<std::string>> split_certificates(std::string_view bundle);

struct Authority {
  std::string certificate_pem;
  std::string key_pem;
};
// invalid_argument unless the certificate may sign others and the key is its own.
Status check_authority(const Authority& authority);
Result<Authority> make_authority(std::string_view site, Instant now, Duration life);

struct CertificateRequest {
  Identity identity;
  std::vector<std::string> dns_names;  // collector only
  std::vector<std::string> ip_addresses;
  Instant not_before;
  Duration life{};
};
// Signs for the key of `request_der`. For kind agent the identity's id must be the key's. The
// certificate ends no later than the authority's own.
Result<std::string> sign_certificate(const Authority& authority, std::string_view request_der,
                                     const CertificateRequest& request);
// Is `pem` signed by the authority (or one of several in one PEM) and valid at `now`?
// permission_denied says why not.
Status verify_certificate(std::string_view pem, std::string_view authority_pem, Instant now);

}  // namespace tocsin::crypto
