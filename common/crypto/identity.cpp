#include "common/crypto/identity.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::string_view kAgent = "tocsin://agent/";
constexpr std::string_view kOperator = "tocsin://operator/";
constexpr std::string_view kCollector = "tocsin://collector/";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

bool is_name(std::string_view name, bool upper_allowed) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_digit(c) || is_lower(c) || (upper_allowed && is_upper(c)) || c == '.' || c == '_' ||
           c == '-';
  });
}

bool is_agent_id(std::string_view hex) {
  return hex.size() == 64 && std::all_of(hex.begin(), hex.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Result<std::string> uri_of(const Identity& identity) {
  switch (identity.kind) {
    case Identity::Kind::agent:
      if (!is_agent_id(identity.agent.hex)) break;
      return fmt::format("{}{}", kAgent, identity.agent.hex);
    case Identity::Kind::operator_:
      if (!is_name(identity.name, false)) break;
      return fmt::format("{}{}/{}", kOperator, model::to_string(identity.role), identity.name);
    case Identity::Kind::collector:
      if (!is_name(identity.name, true)) break;
      return fmt::format("{}{}", kCollector, identity.name);
  }
  return fail(ErrorCode::invalid_argument,
              "identity: a name is 1 to 64 of a-z 0-9 . _ - (a site also A-Z), an agent's id is 64 "
              "hex digits");
}

Result<Identity> identity_of(std::string_view uri) {
  Identity identity;
  if (uri.starts_with(kAgent) && is_agent_id(uri.substr(kAgent.size()))) {
    identity.kind = Identity::Kind::agent;
    identity.agent.hex = uri.substr(kAgent.size());
    return identity;
  }
  if (uri.starts_with(kCollector) && is_name(uri.substr(kCollector.size()), true)) {
    identity.kind = Identity::Kind::collector;
    identity.name = uri.substr(kCollector.size());
    return identity;
  }
  if (uri.starts_with(kOperator)) {
    const std::string_view rest = uri.substr(kOperator.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const auto role = model::role_from(rest.substr(0, slash));
    if (role && slash < rest.size() && is_name(rest.substr(slash + 1), false)) {
      identity.kind = Identity::Kind::operator_;
      identity.role = *role;
      identity.name = rest.substr(slash + 1);
      return identity;
    }
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("certificate: \"{}\" names no identity", clean_text(uri, 128)));
}

bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_digit(c) || is_lower(c) || is_upper(c) || c == '.' || c == '-';
         });
}

}  // namespace tocsin::crypto
