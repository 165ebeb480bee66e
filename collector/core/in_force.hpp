// Which baseline a host is judged by: the approved one of the host, else of its group, each with
// what the site policy's own says beside it; else the site policy's alone. Derived from records and
// policy, kept only to be quick: a host is judged at every fact.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "collector/core/table.hpp"
#include "common/model/baseline.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

using BaselineTable = Table<BaselineId, model::BaselineRecord>;

class InForce {
 public:
  // The record that is approved for a host of this name, past its end too; or nullptr.
  const model::BaselineRecord* record_for(const BaselineTable& records,
                                          const model::SitePolicy& policy, const std::string& host);
  // nullptr: none. Good until the next clear(). REQUIRES: the same records and policy until then.
  const model::Baseline* of(const BaselineTable& records, const model::SitePolicy& policy,
                            const std::string& host, Instant now);
  // A record or the policy changed, or an approval ended.
  void clear();

 private:
  const model::BaselineRecord* approved(const BaselineTable& records,
                                        const model::BaselineScope& scope);

  std::optional<std::map<model::BaselineScope, BaselineId>> approved_;
  std::map<std::string, const model::Baseline*> of_host_;  // by name
  // By record and by the name of the policy's baseline: hosts of a group share theirs.
  std::map<std::pair<BaselineId, std::string>, std::unique_ptr<const model::Baseline>> combined_;
};

}  // namespace tocsin::collector
