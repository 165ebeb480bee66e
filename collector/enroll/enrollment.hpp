// How an agent gets its certificate: the first one against a one-time token, each later one against
// the certificate in use. No transport here; service.hpp is the gRPC door of the first.
//
//   key not revoked ─► token taken for this key ─► signed ─► AdmitAgent journaled ─► judged ─►
//   token spent ─► the certificate is handed out
//
// Where it ends before the judge has decided, the same key may try again with the same token.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "collector/engine/judge.hpp"
#include "collector/enroll/peer_limiter.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"
#include "common/model/incident.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

inline constexpr Duration kAgentCertificateLife = 30 * 24h;

// What a token stood for.
struct TokenGrant {
  std::string token_id;
  model::Principal creator;
  bool replace = false;  // the host may take its name from another key
};

struct IssuedCertificate {
  AgentId agent;
  std::string certificate_pem;
  std::string authorities_pem;
  Instant not_after;
};

// Who signs, and whom an agent trusts from then on: several while one authority takes over from
// another.
struct Signer {
  const crypto::Authority& authority;
  const std::string& authorities_pem;
};

// Thread-safe. Blocks; runs on Workers.
class Enrollment {
 public:
  struct Parts {
    Signer signer;
    Intake& intake;
    Judge& judge;
    StateReader& state;
    const time::TimeSource& time;
    // Takes the token for this key, if it is good for this host name now. Errors: unauthenticated
    // (whatever is wrong with the token), any other: the store.
    std::function<Result<TokenGrant>(std::string_view token, std::string_view host_name,
                                     const AgentId& agent)>
        take_token;
    std::function<Status(std::string_view token)> spend_token;  // it opens nothing any more
    PeerLimits limits;
  };
  explicit Enrollment(Parts parts);

  // Errors: resource_exhausted (too many tries from `peer_address`), invalid_argument (the
  // request's shape), unauthenticated (the token: one answer for unknown, expired, used and meant
  // for another host), permission_denied (a revoked key, which
  // uses up no token; or the judge refused: the name is another key's), unavailable (not judged
  // in time).
  Result<IssuedCertificate> enroll(const std::string& peer_address, std::string_view token,
                                   std::string_view signing_request, std::string_view host_name);

  std::uint64_t refused_for_rate() const;
  std::uint64_t refused_tokens() const;

 private:
  Status allow(const std::string& peer_address);
  Status admit(const AgentId& agent, std::string_view host_name, const TokenGrant& grant);

  const Parts parts_;
  mutable std::mutex mutex_;  // of the two below
  PeerLimiter limiter_;
  std::uint64_t refused_tokens_ = 0;
};

// A new certificate for the agent that speaks; `agent` is what its certificate proved. Errors:
// permission_denied (unknown, revoked, or another key), invalid_argument. Thread-safe.
using Renewer = std::function<Result<IssuedCertificate>(const AgentId& agent,
                                                        std::string_view signing_request)>;
// What they refer to must outlive the function.
Renewer make_renewer(const Signer& signer, const Judge& judge, const time::TimeSource& time);

}  // namespace tocsin::collector
