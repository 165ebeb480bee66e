#include "collector/core/in_force.hpp"

#include "common/rules/baseline.hpp"

namespace tocsin::collector {

const model::BaselineRecord* InForce::approved(const BaselineTable& records,
                                               const model::BaselineScope& scope) {
  if (!approved_) {
    approved_.emplace();
    for (const auto& [id, record] : records.rows()) {
      if (record.status == model::BaselineStatus::approved) (*approved_)[record.scope] = id;
    }
  }
  const auto known = approved_->find(scope);
  return known == approved_->end() ? nullptr : records.find(known->second);
}

const model::BaselineRecord* InForce::record_for(const BaselineTable& records,
                                                 const model::SitePolicy& policy,
                                                 const std::string& host) {
  for (const model::BaselineScope& scope : rules::scopes_for(policy, host)) {
    if (const auto* record = approved(records, scope)) return record;
  }
  return nullptr;
}

const model::Baseline* InForce::of(const BaselineTable& records, const model::SitePolicy& policy,
                                   const std::string& host, Instant now) {
  const auto known = of_host_.find(host);
  if (known != of_host_.end()) return known->second;
  const model::Baseline* own = model::baseline_of(policy, host);
  const model::BaselineRecord* record = record_for(records, policy, host);
  if (record == nullptr) return of_host_[host] = own;
  auto& both = combined_[{record->id, own == nullptr ? std::string() : own->name}];
  if (both == nullptr) {
    const model::ApprovedBaseline entries = model::approved(*record);
    both = std::make_unique<const model::Baseline>(*rules::combined(&entries, own, now));
  }
  return of_host_[host] = both.get();
}

void InForce::clear() {
  approved_.reset();
  of_host_.clear();
  combined_.clear();
}

}  // namespace tocsin::collector
