// One-time enrolment tokens in a file of the collector's data directory. Only their hashes are
// kept. The running collector and `tocsin-collector token create` may use the file at the same
// time: every operation locks, reads, and replaces it by a synced rename. Thread-safe; blocks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

class TokenStore {
 public:
  static constexpr std::size_t kTokens = 10'000;

  // The file is made at the first token; its lock is `path` + ".lock".
  explicit TokenStore(std::string path) : path_(std::move(path)) {}

  struct Created {
    std::string token;  // shown once: 64 hex digits
    std::string id;     // for the journal; says nothing of the token
    Instant expires;
  };
  // `host_name` empty: any host. Errors: invalid_argument (names), resource_exhausted (kTokens
  // wait), data_loss, or the system's.
  Result<Created> create(const model::Principal& creator, std::string_view host_name,
                         Duration valid, Instant now);

  struct Taken {
    std::string id;
    model::Principal creator;
  };
  // Uses the token up. On return it is gone from the disk. Errors: unauthenticated (unknown, used,
  // expired, for another host; the message says which, for the log only), data_loss, or the
  // system's.
  Result<Taken> take(std::string_view token, std::string_view host_name, Instant now);

 private:
  const std::string path_;
};

}  // namespace tocsin::collector
