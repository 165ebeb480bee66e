// Gets a host its first certificate. Blocks; used once, by a person, before the agent runs.
//
//   key (made, or found from a try that was interrupted; another one only where asked for)
//     -> the server's certificates, of which one must be the authority with the pinned fingerprint
//     -> TLS that trusts this authority only -> token and signing request -> certificate
//
// The key never leaves the folder, and the token is neither printed nor kept.
#pragma once

#include <string>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct EnrollOptions {
  std::string collector;    // host:port of its enrolment door
  std::string server_name;  // in the collector's certificate, where it is not the host
  std::string token;
  std::string fingerprint;  // of the collector's authority: 64 lower-case hex digits
  std::string host_name;
  std::string directory;  // gets agent.key (0600), agent.pem and ca.pem; made if needed
  // A host that has a certificate enrols anew: with the key that it has, or with a new one.
  bool again = false;
  bool new_key = false;
  std::chrono::milliseconds longest{30'000};
};

struct Enrolled {
  AgentId agent;
  Instant not_after;
};

// Files belong to the folder's owner afterwards (root enrols for the agent's account). Errors:
// already_exists (there is a certificate, and not `again`), permission_denied (another authority
// than the pinned one; the collector refuses: the key is revoked, or the name is another host's),
// unauthenticated (the token), unavailable, or of the files. Every error but one of the last writes
// leaves nothing but the first key, and an identity that was there as it was.
Result<Enrolled> enroll(const EnrollOptions& options, const time::TimeSource& time);

}  // namespace tocsin::agent
