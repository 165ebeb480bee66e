#include "collector/core/timers.hpp"

namespace tocsin::collector {

void Timers::place(const std::string& key, Instant due) {
  remove(key);
  due_by_key_.emplace(key, due);
  order_.emplace(due, key);
}

void Timers::remove(const std::string& key) {
  const auto it = due_by_key_.find(key);
  if (it == due_by_key_.end()) return;
  order_.erase({it->second, key});
  due_by_key_.erase(it);
}

void Timers::set(const std::string& key, Instant due) {
  if (this->due(key) == due) return;
  place(key, due);
  changed_.insert(key);
}

void Timers::clear(const std::string& key) {
  if (!due(key)) return;
  remove(key);
  changed_.insert(key);
}

std::optional<Instant> Timers::due(const std::string& key) const {
  const auto it = due_by_key_.find(key);
  if (it == due_by_key_.end()) return std::nullopt;
  return it->second;
}

std::optional<Instant> Timers::next_due() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

std::vector<model::Timer> Timers::beginning_with(std::string_view prefix) const {
  std::vector<model::Timer> found;
  for (auto timer = due_by_key_.lower_bound(std::string(prefix));
       timer != due_by_key_.end() && timer->first.starts_with(prefix); ++timer) {
    found.push_back({timer->first, timer->second});
  }
  return found;
}

std::optional<std::string> Timers::take_due(Instant now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  std::string key = order_.begin()->second;
  clear(key);
  return key;
}

Timers::Changes Timers::take_changed() {
  Changes changes;
  for (const std::string& key : changed_) {
    if (const std::optional<Instant> when = due(key)) {
      changes.set.push_back({key, *when});
    } else {
      changes.cleared.push_back(key);
    }
  }
  changed_.clear();
  return changes;
}

}  // namespace tocsin::collector
