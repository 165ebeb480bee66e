#include <algorithm>
#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

#include "collector/store/memory_store.hpp"
#include "collector/store/state_rules.hpp"

namespace tocsin::collector {

struct MemoryState::Content {
  std::mutex mutex;
  Position cursor;
  Instant judged_at;
  std::map<AgentId, model::Host> hosts;
  std::map<FindingId, model::Finding> findings;
  std::map<IncidentId, model::Incident> incidents;
  std::map<std::pair<IncidentId, std::uint32_t>, model::TimelineItem> timeline;
  struct KeptNotification {
    Position changed;
    model::Notification row;
  };
  std::map<NotificationId, KeptNotification> notifications;
  std::map<model::EvidenceId, model::Evidence> evidence;
  std::map<std::string, Instant> timers;
  std::map<std::string, model::CommandResult, std::less<>> command_results;
  std::map<std::string, std::string> values;
  std::map<AgentId, model::HostLearning> learned;
  std::map<BaselineId, model::BaselineRecord> baselines;
};

namespace {

using Content = MemoryState::Content;

std::optional<model::CommandResult> find_result(const Content& content, std::string_view id) {
  const auto found = content.command_results.find(id);
  if (found == content.command_results.end()) return std::nullopt;
  return found->second;
}

template <class Rows, class Gone>
void drop(Rows& rows, std::size_t most, Gone gone) {
  for (auto at = rows.begin(); at != rows.end() && most > 0;) {
    if (gone(at->second)) {
      at = rows.erase(at);
      --most;
    } else {
      ++at;
    }
  }
}

void forget(Content& content, Instant before) {
  drop(content.incidents, kForgottenAtOnce, [&](const model::Incident& incident) {
    return incident.closed && *incident.closed < before;
  });
  const auto belongs = [&](IncidentId id) { return content.incidents.contains(id); };
  drop(content.timeline, SIZE_MAX,
       [&](const model::TimelineItem& item) { return !belongs(item.incident); });
  drop(content.notifications, SIZE_MAX,
       [&](const Content::KeptNotification& kept) { return !belongs(kept.row.incident); });
  drop(content.findings, kForgottenAtOnce, [&](const model::Finding& finding) {
    return finding.closed && *finding.closed < before && !belongs(finding.incident);
  });
}

void forget_answers(Content& content, const StateDelta::KeptAnswers& kept) {
  auto& results = content.command_results;
  std::erase_if(results, [&](const auto& row) { return row.second.decided < kept.since; });
  if (results.size() <= kept.most) return;
  std::vector<std::pair<Instant, std::string>> oldest;
  for (const auto& [id, result] : results) oldest.emplace_back(result.decided, id);
  std::sort(oldest.begin(), oldest.end());
  oldest.resize(oldest.size() - kept.most);
  for (const auto& [decided, id] : oldest) results.erase(id);
}

// The last `most` of them.
template <class Row>
std::vector<Row> newest_of(std::vector<Row> rows, std::size_t most) {
  if (rows.size() > most) {
    rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(most));
  }
  return rows;
}

class Store final : public StateStore {
 public:
  explicit Store(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<StateSnapshot> load() override {
    const std::lock_guard lock(content_->mutex);
    StateSnapshot snapshot;
    snapshot.cursor = content_->cursor;
    snapshot.judged_at = content_->judged_at;
    snapshot.values = content_->values;
    for (const auto& [id, host] : content_->hosts) snapshot.hosts.push_back(host);
    const Instant kept_from = content_->judged_at - kClosedFindingsKept;
    for (const auto& [id, finding] : content_->findings) {
      if (!finding.closed || *finding.closed >= kept_from) snapshot.findings.push_back(finding);
    }
    for (const auto& [id, incident] : content_->incidents) {
      if (!incident.closed) snapshot.incidents.push_back(incident);
    }
    for (const auto& [id, kept] : content_->notifications) {
      if (is_pending(kept.row)) snapshot.notifications.push_back(kept.row);
    }
    for (const auto& [id, evidence] : content_->evidence) snapshot.evidence.push_back(evidence);
    for (const auto& [key, due] : content_->timers) snapshot.timers.push_back({key, due});
    for (const auto& [agent, learned] : content_->learned) snapshot.learned.push_back(learned);
    for (const auto& [id, record] : content_->baselines) {
      if (is_live(record)) snapshot.baselines.push_back(record);
    }
    return snapshot;
  }

  Status commit(const StateDelta& delta) override {
    const std::lock_guard lock(content_->mutex);
    if (delta.cursor < content_->cursor) return cursor_went_back(content_->cursor, delta.cursor);
    TOCSIN_TRY(check_timeline(delta));
    Content& kept = *content_;
    if (delta.keep_answers) forget_answers(kept, *delta.keep_answers);
    for (const model::TimelineItem& item : delta.timeline) {
      kept.timeline.emplace(std::pair(item.incident, item.index), item);
    }
    for (const model::Host& host : delta.hosts) kept.hosts[host.agent] = host;
    for (const model::Finding& finding : delta.findings) kept.findings[finding.id] = finding;
    for (const model::Incident& incident : delta.incidents) kept.incidents[incident.id] = incident;
    for (const model::Notification& row : delta.notifications) {
      kept.notifications[row.id] = {delta.cursor, row};
    }
    for (const model::Evidence& evidence : delta.evidence) kept.evidence[evidence.id] = evidence;
    for (const std::string& key : delta.timers_cleared) kept.timers.erase(key);
    for (const model::Timer& timer : delta.timers_set) kept.timers[timer.key] = timer.due;
    for (const model::CommandResult& result : delta.command_results) {
      kept.command_results.try_emplace(result.command_id, result);
    }
    for (const auto& [key, value] : delta.values) kept.values[key] = value;
    for (const model::HostLearning& learned : delta.learned) kept.learned[learned.agent] = learned;
    for (const model::BaselineRecord& record : delta.baselines) kept.baselines[record.id] = record;
    if (delta.forget_before) forget(kept, *delta.forget_before);
    kept.cursor = delta.cursor;
    kept.judged_at = delta.judged_at;
    return {};
  }

  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    const std::lock_guard lock(content_->mutex);
    return find_result(*content_, id);
  }

 private:
  Status check_timeline(const StateDelta& delta) const {
    std::set<std::pair<IncidentId, std::uint32_t>> added;
    for (const model::TimelineItem& item : delta.timeline) {
      const std::pair key(item.incident, item.index);
      if (content_->timeline.contains(key) || !added.insert(key).second) {
        return timeline_item_exists(item);
      }
    }
    return {};
  }

  std::shared_ptr<Content> content_;
};

bool matches(const model::BaselineRecord& record, const BaselineQuery& query) {
  if (query.id && record.id != query.id) return false;
  if (query.scope && record.scope != *query.scope) return false;
  if (query.version != 0 && record.version != query.version) return false;
  return !query.live_only || is_live(record);
}

bool matches(const model::Incident& incident, const IncidentQuery& query) {
  if (query.before && incident.id >= query.before) return false;
  if (query.open_only && incident.closed) return false;
  if (query.unacknowledged_only && incident.acknowledged) return false;
  return listed_severity(incident) >= query.at_least;
}

class Reader final : public StateReader {
 public:
  explicit Reader(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<AsOf> as_of() override {
    const std::lock_guard lock(content_->mutex);
    return AsOf{content_->cursor, content_->judged_at};
  }

  Result<std::vector<model::Host>> hosts() override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Host> hosts;
    for (const auto& [id, host] : content_->hosts) hosts.push_back(host);
    std::stable_sort(hosts.begin(), hosts.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
    return hosts;
  }

  Result<std::vector<model::Host>> agents() override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Host> found;
    for (const auto& [id, host] : content_->hosts) {
      model::Host light = host;
      light.checks.clear();
      found.push_back(std::move(light));
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
    return found;
  }

  Result<std::vector<model::Host>> hosts_called(std::string_view reference) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Host> found;
    for (const auto& [id, host] : content_->hosts) {
      if (host.name == reference || id.hex == reference) found.push_back(host);
    }
    return found;
  }

  Result<std::vector<model::Incident>> incidents(const IncidentQuery& query) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Incident> found;
    for (auto at = content_->incidents.rbegin(); at != content_->incidents.rend(); ++at) {
      if (found.size() == page_rows(query)) break;
      if (matches(at->second, query)) found.push_back(at->second);
    }
    return found;
  }

  Result<std::optional<model::Incident>> incident(std::string_view reference) override {
    const std::lock_guard lock(content_->mutex);
    for (const auto& [id, incident] : content_->incidents) {
      if (!reference.empty() && incident.number == reference) return incident;
    }
    const std::optional<IncidentId> id = internal_id(reference);
    const auto found = id ? content_->incidents.find(*id) : content_->incidents.end();
    if (found == content_->incidents.end()) return std::nullopt;
    return found->second;
  }

  Result<std::vector<model::Finding>> findings(IncidentId incident, std::size_t newest) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Finding> found;
    for (const auto& [id, finding] : content_->findings) {
      if (finding.incident == incident) found.push_back(finding);
    }
    return newest_of(std::move(found), newest);
  }

  Result<std::vector<model::TimelineItem>> timeline(IncidentId incident,
                                                    std::size_t newest) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::TimelineItem> found;
    for (const auto& [key, item] : content_->timeline) {
      if (key.first == incident) found.push_back(item);
    }
    return newest_of(std::move(found), newest);
  }

  Result<std::vector<model::Notification>> notifications(IncidentId incident,
                                                         std::size_t newest) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Notification> found;
    for (const auto& [id, kept] : content_->notifications) {
      if (kept.row.incident == incident) found.push_back(kept.row);
    }
    return newest_of(std::move(found), newest);
  }

  Result<RowCounts> row_counts(IncidentId incident) override {
    RowCounts counts;
    counts.findings = findings(incident, SIZE_MAX)->size();
    counts.timeline = timeline(incident, SIZE_MAX)->size();
    counts.notifications = notifications(incident, SIZE_MAX)->size();
    return counts;
  }

  Result<std::vector<model::Notification>> pending_notifications() override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Notification> found;
    for (const auto& [id, kept] : content_->notifications) {
      if (is_pending(kept.row)) found.push_back(kept.row);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.due < b.due; });
    return found;
  }

  Result<std::vector<model::Notification>> last_by_channel() override {
    const std::lock_guard lock(content_->mutex);
    std::map<std::string, Content::KeptNotification> last;
    for (const auto& [id, kept] : content_->notifications) {
      if (!has_outcome(kept.row)) continue;
      const auto [found, is_new] = last.try_emplace(kept.row.channel, kept);
      if (!is_new && kept.changed >= found->second.changed) found->second = kept;
    }
    std::vector<model::Notification> rows;
    for (const auto& [channel, kept] : last) rows.push_back(kept.row);
    return rows;
  }

  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    const std::lock_guard lock(content_->mutex);
    return find_result(*content_, id);
  }

  Result<std::vector<model::Evidence>> evidence(const EvidenceQuery& query) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::Evidence> found;
    for (auto at = content_->evidence.rbegin(); at != content_->evidence.rend(); ++at) {
      const model::Evidence& evidence = at->second;
      if (found.size() == query.limit) break;
      if (query.id && evidence.id != query.id) continue;
      if (query.incident && evidence.incident != query.incident) continue;
      if (!query.request_id.empty() && evidence.request_id != query.request_id) continue;
      found.push_back(evidence);
    }
    return found;
  }

  Result<std::uint64_t> evidence_bytes(const AgentId& agent) override {
    const std::lock_guard lock(content_->mutex);
    std::uint64_t bytes = 0;
    for (const auto& [id, evidence] : content_->evidence) {
      if (evidence.agent == agent) bytes += bytes_here(evidence);
    }
    return bytes;
  }

  Result<std::vector<model::BaselineRecord>> baselines(const BaselineQuery& query) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<model::BaselineRecord> found;
    for (auto at = content_->baselines.rbegin(); at != content_->baselines.rend(); ++at) {
      if (found.size() == page_rows(query)) break;
      if (matches(at->second, query)) found.push_back(at->second);
    }
    return found;
  }

  Result<std::vector<BaselineSummary>> baseline_list(const BaselineQuery& query) override {
    auto records = baselines(query);
    std::vector<BaselineSummary> found;
    for (model::BaselineRecord& record : *records) {
      found.push_back(summary_of(std::move(record)));
    }
    return found;
  }

 private:
  std::shared_ptr<Content> content_;
};

}  // namespace

MemoryState::MemoryState() : content_(std::make_shared<Content>()) {}
std::unique_ptr<StateStore> MemoryState::open_store() const {
  return std::make_unique<Store>(content_);
}
std::unique_ptr<StateReader> MemoryState::open_reader() const {
  return std::make_unique<Reader>(content_);
}

}  // namespace tocsin::collector
