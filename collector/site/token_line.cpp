#include "collector/site/token_line.hpp"

#include "collector/site/authority.hpp"
#include "collector/site/token_store.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {
Result<TokenLine> make_token_line(const CollectorConfig& config, const TokenOptions& options,
                                  Instant now) {
  if (options.valid < 1min || options.valid > 24h * 7) {
    return fail(ErrorCode::invalid_argument, "a token is valid for 1min to 7d");
  }
  const auto authority = load_authority(config.authority_file, config.authority_key_file);
  if (!authority) return fail(authority.error());
  const auto fingerprint = crypto::fingerprint_of(authority->signing.certificate_pem);
  if (!fingerprint) return fail(fingerprint.error());
  const TokenStore::Wanted wanted{
      {"offline", model::Role::admin, ""}, options.host_name, options.valid, options.replace};
  const auto token = TokenStore(config.token_folder()).create(wanted, now);
  if (!token) return fail(token.error());
  return TokenLine{token->token + " " + *fingerprint + " " + config.enroll_address + "\n",
                   token->id, token->expires};
}

}  // namespace tocsin::collector
