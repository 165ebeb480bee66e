// The judge's state as the collector's core needs it. Adapters: collector/store (SQLite, memory).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/model/baseline.hpp"
#include "common/model/evidence.hpp"
#include "common/model/incident.hpp"
#include "common/model/severity.hpp"

namespace tocsin::collector {

// Everything that judging a run of entries changed. Rows replace the row with the same key, but the
// first result of a command stays, and a timeline item that exists already is an error. A timer
// that is both cleared and set is set.
struct StateDelta {
  Position cursor;    // the last entry judged
  Instant judged_at;  // its journal time
  std::vector<model::Host> hosts;
  std::vector<model::Finding> findings;
  std::vector<model::Incident> incidents;
  std::vector<model::TimelineItem> timeline;  // only added
  std::vector<model::Notification> notifications;
  std::vector<model::Evidence> evidence;
  std::vector<model::Timer> timers_set;
  std::vector<std::string> timers_cleared;
  std::vector<model::CommandResult> command_results;
  std::map<std::string, std::string> values;  // next ids, number series, policy
  std::vector<model::HostLearning> learned{};
  std::vector<model::BaselineRecord> baselines{};
  // Incidents that closed before this go for good, the oldest kForgottenAtOnce of them, with their
  // history, notifications and findings; and findings that belong to none.
  std::optional<Instant> forget_before;
  // Answers to commands that were decided before `since` go for good, and of the others all but the
  // newest `most`; those of this delta stay.
  struct KeptAnswers {
    Instant since;
    std::size_t most = 0;
    friend bool operator==(const KeptAnswers&, const KeptAnswers&) = default;
  };
  std::optional<KeptAnswers> keep_answers{};
};
inline constexpr std::size_t kForgottenAtOnce = 1000;

// What the judge keeps in memory: everything but what is closed and done.
struct StateSnapshot {
  Position cursor;
  Instant judged_at;
  std::vector<model::Host> hosts;
  std::vector<model::Finding> findings;    // open, or closed in the last 24 h before judged_at
  std::vector<model::Incident> incidents;  // not closed
  std::vector<model::Notification> notifications;  // pending
  std::vector<model::Evidence> evidence;           // all
  std::vector<model::Timer> timers;
  std::map<std::string, std::string> values;
  std::vector<model::HostLearning> learned{};
  std::vector<model::BaselineRecord> baselines{};  // proposed or in force
};

// Used by the judge's thread only.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<StateSnapshot> load() = 0;
  // Durable on return; all or nothing. The cursor only grows.
  virtual Status commit(const StateDelta& delta) = 0;
  // The answer already given to a command, so that repeating it is harmless.
  virtual Result<std::optional<model::CommandResult>> command_result(std::string_view id) = 0;
};

struct IncidentQuery {
  bool open_only = false;
  bool unacknowledged_only = false;
  model::Severity at_least = model::Severity::none;  // the approved grade, else the peak
  std::size_t limit = 100;
  IncidentId before;  // 0: from the newest
};

// What is named holds together; nothing named: all.
struct EvidenceQuery {
  model::EvidenceId id;
  IncidentId incident;
  std::string request_id;
  std::size_t limit = 100;
};

struct BaselineQuery {
  BaselineId id;                              // 0: any
  std::optional<model::BaselineScope> scope;  // nullopt: any
  std::uint32_t version = 0;                  // 0: any
  bool live_only = false;                     // proposed or in force
  std::size_t limit = 100;
};

// A baseline in a list: its entries are only counted, for there may be thousands.
struct BaselineSummary {
  model::BaselineRecord record;  // without entries and what is left out
  std::uint32_t entries = 0;
  std::uint32_t left_out = 0;
  std::uint32_t marked = 0;  // entries that somebody should look at
  friend bool operator==(const BaselineSummary&, const BaselineSummary&) = default;
};

// How many rows belong to one incident.
struct RowCounts {
  std::uint64_t findings = 0;
  std::uint64_t timeline = 0;
  std::uint64_t notifications = 0;
};

// Queries for operators, on connections of their own; thread-safe.
class StateReader {
 public:
  virtual ~StateReader() = default;
  struct AsOf {
    Position cursor;
    Instant judged_at;
  };
  virtual Result<AsOf> as_of() = 0;
  virtual Result<std::vector<model::Host>> hosts() = 0;
  // The same without their checks, which are most of what a host is.
  virtual Result<std::vector<model::Host>> agents() = 0;
  // Those of this whole name, or with this agent id; revoked ones too.
  virtual Result<std::vector<model::Host>> hosts_called(std::string_view reference) = 0;
  virtual Result<std::vector<model::Incident>> incidents(const IncidentQuery& query) = 0;
  // By official number or internal id ("42").
  virtual Result<std::optional<model::Incident>> incident(std::string_view reference) = 0;
  // Of one incident the newest rows, oldest of them first.
  virtual Result<std::vector<model::Finding>> findings(IncidentId incident, std::size_t newest) = 0;
  virtual Result<std::vector<model::TimelineItem>> timeline(IncidentId incident,
                                                            std::size_t newest) = 0;
  virtual Result<std::vector<model::Notification>> notifications(IncidentId incident,
                                                                 std::size_t newest) = 0;
  virtual Result<RowCounts> row_counts(IncidentId incident) = 0;
  // Pending ones, oldest due first; and the last outcome of each channel.
  virtual Result<std::vector<model::Notification>> pending_notifications() = 0;
  virtual Result<std::vector<model::Notification>> last_by_channel() = 0;
  virtual Result<std::optional<model::CommandResult>> command_result(std::string_view id) = 0;
  // Newest first.
  virtual Result<std::vector<model::Evidence>> evidence(const EvidenceQuery& query) = 0;
  // What the agent's collections that are here have together; what two of them share counts twice.
  virtual Result<std::uint64_t> evidence_bytes(const AgentId& agent) = 0;
  // The newest first.
  virtual Result<std::vector<model::BaselineRecord>> baselines(const BaselineQuery& query) = 0;
  virtual Result<std::vector<BaselineSummary>> baseline_list(const BaselineQuery& query) = 0;
};

}  // namespace tocsin::collector
