// One-time enrolment tokens: a file each, named by the token's hash, in a folder of the collector's
// data. Only hashes are kept, and finding one does not read the others. The running collector and
// `tocsin-collector token create` may use the folder at the same time: every operation locks, and
// files are replaced by a synced rename. Thread-safe; blocks.
//
// A token is good for one key: the first that shows it. Until the key's admission is decided it may
// show it again; then the token is spent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

class TokenStore {
 public:
  static constexpr std::size_t kTokens = 10'000;

  // The folder is made at the first token; its lock is `path` + ".lock".
  explicit TokenStore(std::string path) : path_(std::move(path)) {}

  struct Wanted {
    model::Principal creator;
    std::string host_name;  // empty: any host
    Duration valid{};
    bool replace = false;  // the host may take its name from another key
  };
  struct Created {
    std::string token;  // shown once: 64 hex digits
    std::string id;     // for the journal; says nothing of the token
    Instant expires;
  };
  // Expired ones are removed. Errors: invalid_argument (names), resource_exhausted (kTokens wait),
  // or the system's.
  Result<Created> create(const Wanted& wanted, Instant now);

  struct Taken {
    std::string id;
    model::Principal creator;
    bool replace = false;
  };
  // From now on the token is good for this key only. Errors: unauthenticated (unknown, spent,
  // expired, for another host or key; the message says which, for the log only), data_loss, or the
  // system's.
  Result<Taken> take(std::string_view token, std::string_view host_name, const AgentId& agent,
                     Instant now);
  // On return it is gone from the disk. One that is not there is spent already.
  Status spend(std::string_view token);

 private:
  const std::string path_;
};

}  // namespace tocsin::collector
