// What is due when, in one order for every collector: by due time, then by key.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

// A key is "purpose/subject" ("regrade/42"); setting it again moves it. Timers are durable: what
// changed since the last commit is taken together with the rows.
class Timers {
 public:
  void load(const model::Timer& timer) { place(timer.key, timer.due); }
  void set(const std::string& key, Instant due);
  void clear(const std::string& key);

  std::optional<Instant> due(const std::string& key) const;
  std::optional<Instant> next_due() const;
  // Those whose key begins so, by key.
  std::vector<model::Timer> beginning_with(std::string_view prefix) const;
  // Removes and returns the first timer that is due at or before `now`.
  std::optional<std::string> take_due(Instant now);

  struct Changes {
    std::vector<model::Timer> set;
    std::vector<std::string> cleared;
  };
  Changes take_changed();

 private:
  void place(const std::string& key, Instant due);
  void remove(const std::string& key);

  std::map<std::string, Instant> due_by_key_;
  std::set<std::pair<Instant, std::string>> order_;
  std::set<std::string> changed_;
};

}  // namespace tocsin::collector
