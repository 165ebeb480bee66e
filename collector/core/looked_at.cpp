#include "collector/core/looked_at.hpp"

#include <algorithm>

namespace tocsin::collector {
namespace {

// "ssh://10.20.0.7:22", "https://[2001:db8::7]:443/health": what stands for the host.
std::string_view host_of_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = url.substr(scheme + 3);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find_first_of(":/"));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

std::string_view target_address(const model::CheckRef& check) {
  switch (check.kind) {
    case model::CheckKind::ping:
    case model::CheckKind::port_scan:
      return check.target;
    case model::CheckKind::answer:
    case model::CheckKind::login:
      return host_of_url(check.target);
    default:
      return {};
  }
}

}  // namespace

std::string address_looked_at(const model::CheckRef& check) {
  const std::string_view address = target_address(check);
  return is_loopback(address) ? std::string() : std::string(address);
}

const model::HostPolicy* host_at(const model::SitePolicy& policy, std::string_view address) {
  if (address.empty()) return nullptr;
  const auto found = std::find_if(policy.hosts.begin(), policy.hosts.end(),
                                  [&](const auto& host) { return host.address == address; });
  return found == policy.hosts.end() ? nullptr : &*found;
}

}  // namespace tocsin::collector
