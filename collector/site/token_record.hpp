// What the file of an enrolment token holds: the token itself is not in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

struct TokenRecord {
  Instant expires;
  model::Principal creator;
  std::string host_name;  // empty: any
  AgentId agent;          // the key that has shown it
  bool replace = false;
  friend bool operator==(const TokenRecord&, const TokenRecord&) = default;
};

// A name that a record can hold; an empty one too.
bool fits_token_record(std::string_view name);

// One line. REQUIRES: every name fits.
std::string to_text(const TokenRecord& record);
// Nothing where it is anything else: a damaged record is not guessed.
std::optional<TokenRecord> parse_token_record(std::string_view text);

}  // namespace tocsin::collector
