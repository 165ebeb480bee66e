// Rows by key in memory, and which of them changed since they were last taken for a commit.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace tocsin::collector {

template <class Key, class Row>
class Table {
 public:
  const std::map<Key, Row>& rows() const { return rows_; }
  const Row* find(const Key& key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? nullptr : &it->second;
  }

  // Fills the table from the store: the row is not a change.
  void load(const Key& key, Row row) { rows_.insert_or_assign(key, std::move(row)); }

  Row& put(const Key& key, Row row) {
    changed_.insert(key);
    return rows_.insert_or_assign(key, std::move(row)).first->second;
  }

  // The row to be changed, or nullptr. The reference is good until the row is forgotten.
  Row* change(const Key& key) {
    const auto it = rows_.find(key);
    if (it == rows_.end()) return nullptr;
    changed_.insert(key);
    return &it->second;
  }

  // Leaves memory; the store keeps it, with the changes not taken yet.
  void forget(const Key& key) {
    const auto it = rows_.find(key);
    if (it == rows_.end()) return;
    if (changed_.erase(key) > 0) leaving_.push_back(std::move(it->second));
    rows_.erase(it);
  }

  // Every row changed since the last call, once each, as it is now.
  std::vector<Row> take_changed() {
    std::vector<Row> taken = std::exchange(leaving_, {});
    for (const Key& key : changed_) taken.push_back(rows_.at(key));
    changed_.clear();
    return taken;
  }

 private:
  std::map<Key, Row> rows_;
  std::set<Key> changed_;
  std::vector<Row> leaving_;
};

}  // namespace tocsin::collector
