#include "collector/core/world.hpp"

#include <charconv>

#include <fmt/format.h>

#include "common/base/result.hpp"

namespace tocsin::collector {

std::string dedup_key(const AgentId& agent, const model::CheckRef& check, std::string_view code,
                      std::string_view subject) {
  return fmt::format("{}/{}/{}/{}", agent.hex, model::to_string(check), code, subject);
}

World::World(StateSnapshot snapshot) : values_(std::move(snapshot.values)) {
  for (model::Host& host : snapshot.hosts) {
    const AgentId agent = host.agent;
    hosts.load(agent, std::move(host));
  }
  for (model::Incident& incident : snapshot.incidents) incidents.load(incident.id, incident);
  for (model::Notification& row : snapshot.notifications) notifications.load(row.id, row);
  for (model::Evidence& row : snapshot.evidence) {
    const model::EvidenceId id = row.id;
    evidence.load(id, std::move(row));
  }
  for (const model::Timer& timer : snapshot.timers) timers.load(timer);
  for (model::HostLearning& learning : snapshot.learned) {
    const AgentId agent = learning.agent;
    learned.load(agent, std::move(learning));
  }
  for (model::BaselineRecord& record : snapshot.baselines) {
    const BaselineId id = record.id;
    baselines.load(id, std::move(record));
  }
  for (model::Finding& finding : snapshot.findings) {
    finding_by_key_[finding.dedup_key] = finding.id;
    if (finding.closed) {
      closed_findings_.emplace(*finding.closed, finding.id);
    } else {
      ++open_findings_[finding.agent];
    }
    const FindingId id = finding.id;
    findings_.load(id, std::move(finding));
  }
}

const model::Finding* World::finding_by_key(const std::string& dedup_key) const {
  const auto it = finding_by_key_.find(dedup_key);
  return it == finding_by_key_.end() ? nullptr : finding(it->second);
}

std::vector<FindingId> World::findings_of(const AgentId& agent,
                                          const model::CheckRef& check) const {
  const std::string prefix = fmt::format("{}/{}/", agent.hex, model::to_string(check));
  std::vector<FindingId> found;
  for (auto it = finding_by_key_.lower_bound(prefix);
       it != finding_by_key_.end() && it->first.starts_with(prefix); ++it) {
    // A target may contain a slash, so the prefix alone does not say that the check is the same.
    if (finding(it->second)->check == check) found.push_back(it->second);
  }
  return found;
}

std::size_t World::open_findings(const AgentId& agent) const {
  const auto it = open_findings_.find(agent);
  return it == open_findings_.end() ? 0 : it->second;
}

std::vector<FindingId> World::open_findings(IncidentId incident) const {
  std::vector<FindingId> open;
  for (const auto& [id, finding] : findings_.rows()) {
    if (finding.incident == incident && !finding.closed) open.push_back(id);
  }
  return open;
}

model::Finding& World::add_finding(model::Finding finding) {
  finding.id = {add("last/finding")};
  finding_by_key_[finding.dedup_key] = finding.id;
  ++open_findings_[finding.agent];
  const FindingId id = finding.id;
  return findings_.put(id, std::move(finding));
}

model::Finding& World::change_finding(FindingId id) {
  model::Finding* finding = findings_.change(id);
  TOCSIN_CHECK(finding != nullptr);
  return *finding;
}

void World::close_finding(FindingId id, Instant when, Position position) {
  model::Finding& finding = change_finding(id);
  TOCSIN_CHECK(!finding.closed);
  finding.closed = when;
  finding.closed_position = position;
  closed_findings_.emplace(when, id);
  --open_findings_[finding.agent];
}

void World::leave_finding(FindingId id, Instant when, Position position) {
  close_finding(id, when, position);
  change_finding(id).unwatched = true;
}

void World::reopen_finding(FindingId id) {
  model::Finding& finding = change_finding(id);
  TOCSIN_CHECK(finding.closed.has_value());
  closed_findings_.erase({*finding.closed, id});
  finding.closed.reset();
  finding.closed_position = {};
  finding.unwatched = false;
  ++open_findings_[finding.agent];
}

void World::forget_old_findings(Instant now) {
  while (!closed_findings_.empty() && closed_findings_.begin()->first + kRemembered <= now) {
    const FindingId id = closed_findings_.begin()->second;
    finding_by_key_.erase(finding(id)->dedup_key);
    findings_.forget(id);
    closed_findings_.erase(closed_findings_.begin());
  }
}

void World::add_timeline(model::TimelineItem item) {
  // One counter for all: ascending within an incident is all that a reader needs.
  item.index = static_cast<std::uint32_t>(add("last/timeline"));
  timeline_.push_back(std::move(item));
}

void World::answer(model::CommandResult result) {
  std::string id = result.command_id;
  answers_.insert_or_assign(std::move(id), std::move(result));
}

const model::CommandResult* World::fresh_answer(std::string_view command_id) const {
  const auto it = answers_.find(command_id);
  return it == answers_.end() ? nullptr : &it->second;
}

const std::string& World::value(const std::string& key) const {
  static const std::string none;
  const auto it = values_.find(key);
  return it == values_.end() ? none : it->second;
}

void World::set_value(const std::string& key, std::string text) {
  values_.insert_or_assign(key, std::move(text));
  changed_values_.insert(key);
}

std::uint64_t World::number(const std::string& key) const {
  const std::string& text = value(key);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t World::add(const std::string& key, std::uint64_t by) {
  const std::uint64_t sum = number(key) + by;
  set_value(key, std::to_string(sum));
  return sum;
}

StateDelta World::take_delta(Position cursor, Instant judged_at) {
  StateDelta delta;
  delta.cursor = cursor;
  delta.judged_at = judged_at;
  delta.hosts = hosts.take_changed();
  delta.findings = findings_.take_changed();
  delta.incidents = incidents.take_changed();
  delta.timeline = std::exchange(timeline_, {});
  delta.notifications = notifications.take_changed();
  delta.evidence = evidence.take_changed();
  delta.learned = learned.take_changed();
  delta.baselines = baselines.take_changed();
  Timers::Changes changes = timers.take_changed();
  delta.timers_set = std::move(changes.set);
  delta.timers_cleared = std::move(changes.cleared);
  for (auto& [id, result] : answers_) delta.command_results.push_back(std::move(result));
  answers_.clear();
  for (const std::string& key : changed_values_) delta.values[key] = values_.at(key);
  changed_values_.clear();
  return delta;
}

}  // namespace tocsin::collector
