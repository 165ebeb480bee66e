#include "common/model/policy.hpp"

#include <algorithm>

namespace tocsin::model {

const HostPolicy* host_policy(const SitePolicy& site, std::string_view host) {
  const auto named = [&](std::string_view name) {
    const auto it = std::find_if(site.hosts.begin(), site.hosts.end(),
                                 [&](const HostPolicy& h) { return h.host == name; });
    return it == site.hosts.end() ? nullptr : &*it;
  };
  const HostPolicy* own = named(host);
  return own != nullptr ? own : named("*");
}

const Baseline* baseline_of(const SitePolicy& site, std::string_view host) {
  const HostPolicy* policy = host_policy(site, host);
  if (policy == nullptr) return nullptr;
  const auto it = std::find_if(site.baselines.begin(), site.baselines.end(),
                               [&](const Baseline& b) { return b.name == policy->baseline; });
  return it == site.baselines.end() ? nullptr : &*it;
}

RuleLimits rule_limits(const SitePolicy& site, std::string_view host) {
  RuleLimits limits = site.limits;
  const HostPolicy* policy = host_policy(site, host);
  if (policy != nullptr && policy->backup_rpo > 0s) limits.backup.rpo = policy->backup_rpo;
  return limits;
}

}  // namespace tocsin::model
