#include "agent/config/probe_account.hpp"

#include <algorithm>

namespace tocsin::agent {

bool is_probe_account(std::string_view name) {
  constexpr std::string_view kPrefix = "tocsin-";
  constexpr std::size_t kLongest = 32;
  if (!name.starts_with(kPrefix) || name.size() <= kPrefix.size() || name.size() > kLongest) {
    return false;
  }
  // The agent's own accounts are no accounts to log in with.
  if (name == "tocsin-observer" || name == "tocsin-link") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace tocsin::agent
