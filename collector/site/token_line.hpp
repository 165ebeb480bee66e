// What a host's administrator carries to the host: the token and what proves the collector to it.
#pragma once

#include <string>
#include <string_view>

#include "collector/config/collector_config.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {

struct TokenLine {
  std::string
      line;  // "TOKEN FINGERPRINT HOST:PORT\n": the content of `tocsin-agent enroll --token-file`
  std::string id;
  Instant expires;
};

// Makes a token without the running collector; both may use the file of tokens at the same time.
// The creator is "offline" with role admin: whoever may write the collector's files. Errors:
// invalid_argument (valid for 1 min to 7 days; the name), or of the files.
struct TokenOptions {
  std::string host_name;  // empty: any
  Duration valid{};
  bool replace = false;  // the host may take its name from another key, which is revoked then
};
Result<TokenLine> make_token_line(const CollectorConfig& config, const TokenOptions& options,
                                  Instant now);

}  // namespace tocsin::collector
