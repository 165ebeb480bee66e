// What the judge knows, in memory: the rows of the state store, indexed, with the changes that wait
// for the next commit. Only data and its upkeep; what the rows mean is decided in hosts, incident,
// notify_decision and commands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/core/in_force.hpp"
#include "collector/core/table.hpp"
#include "collector/core/timers.hpp"
#include "collector/ports/state.hpp"
#include "common/base/ids.hpp"
#include "common/model/baseline.hpp"
#include "common/model/evidence.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

// How long a closed finding is remembered, to recognize it when it comes again.
inline constexpr Duration kRemembered = 24h;

class World {
 public:
  explicit World(StateSnapshot snapshot);

  Table<AgentId, model::Host> hosts;
  Table<IncidentId, model::Incident> incidents;              // not closed
  Table<NotificationId, model::Notification> notifications;  // pending
  Table<model::EvidenceId, model::Evidence> evidence;        // all
  Timers timers;
  Table<AgentId, model::HostLearning> learned;
  BaselineTable baselines;  // proposed or in force
  InForce in_force;         // derived from them and the policy

  // Findings are reached through these, which keep the index by dedup key.
  const model::Finding* finding(FindingId id) const { return findings_.find(id); }
  const model::Finding* finding_by_key(const std::string& dedup_key) const;
  // Of one check, open or remembered, in the order of their dedup keys.
  std::vector<FindingId> findings_of(const AgentId& agent, const model::CheckRef& check) const;
  std::size_t open_findings(const AgentId& agent) const;
  // Looks through all findings.
  std::vector<FindingId> open_findings(IncidentId incident) const;
  model::Finding& add_finding(model::Finding finding);
  model::Finding& change_finding(FindingId id);  // REQUIRES: it exists
  void close_finding(FindingId id, Instant when, Position position);
  // Closed as well, but because nobody looks any more.
  void leave_finding(FindingId id, Instant when, Position position);
  void reopen_finding(FindingId id);
  // Forgets findings that closed kRemembered ago.
  void forget_old_findings(Instant now);

  void add_timeline(model::TimelineItem item);
  void answer(model::CommandResult result);
  // The answer given since the last commit, or nullptr.
  const model::CommandResult* fresh_answer(std::string_view command_id) const;

  const std::string& value(const std::string& key) const;  // empty where there is none
  const std::map<std::string, std::string>& values() const { return values_; }
  void set_value(const std::string& key, std::string text);
  std::uint64_t number(const std::string& key) const;  // 0 where there is none
  // Adds to a number and returns it: counters ("counter/…"), next ids ("last/…").
  std::uint64_t add(const std::string& key, std::uint64_t by = 1);

  // Everything that changed since the last call.
  StateDelta take_delta(Position cursor, Instant judged_at);

 private:
  Table<FindingId, model::Finding> findings_;
  std::map<std::string, FindingId> finding_by_key_;
  std::set<std::pair<Instant, FindingId>> closed_findings_;
  std::map<AgentId, std::size_t> open_findings_;
  std::vector<model::TimelineItem> timeline_;
  std::map<std::string, model::CommandResult, std::less<>> answers_;
  std::map<std::string, std::string> values_;
  std::set<std::string> changed_values_;
};

// "agent/check/code/subject": what makes two findings the same.
std::string dedup_key(const AgentId& agent, const model::CheckRef& check, std::string_view code,
                      std::string_view subject);

}  // namespace tocsin::collector
