// The collector's insides as plain vectors, for tests of the services around them: rows that a test
// writes, an intake that keeps what it was given, and a judge that answers commands when told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "collector/engine/judge.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "collector/store/state_rules.hpp"
#include "common/base/limits.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::tests {

inline constexpr Instant kNow{1'795'363'267'000'000'000};  // 2026-11-22T16:01:07Z

class FakeClock final : public time::TimeSource {
 public:
  Instant wall() const override { return Instant{wall_.load()}; }
  MonoTime steady() const override { return MonoTime{steady_.load()}; }
  void advance(Duration by) {
    wall_ += by.count();
    steady_ += static_cast<std::uint64_t>(by.count());
  }

 private:
  std::atomic<std::int64_t> wall_{kNow.ns};
  std::atomic<std::uint64_t> steady_{5'000'000'000'000};
};

class FakeState final : public collector::StateReader {
 public:
  Position cursor;
  Instant judged_at = kNow;
  std::vector<model::Host> host_rows;
  std::vector<model::Incident> incident_rows;  // oldest first
  std::vector<model::Finding> finding_rows;
  std::vector<model::TimelineItem> timeline_rows;
  std::vector<model::Notification> notification_rows;
  std::vector<model::Notification> pending_rows;
  std::vector<model::Notification> last_rows;
  std::vector<model::Evidence> evidence_rows;  // newest first
  std::map<std::string, model::CommandResult> results;
  std::vector<model::BaselineRecord> baseline_rows;  // oldest first
  std::optional<Error> broken;
  mutable std::mutex mutex;

  Result<AsOf> as_of() override {
    const std::lock_guard lock(mutex);
    if (broken) return fail(*broken);
    return AsOf{cursor, judged_at};
  }
  Result<std::vector<model::Evidence>> evidence(const collector::EvidenceQuery& query) override {
    std::vector<model::Evidence> found;
    for (const model::Evidence& row : evidence_rows) {
      if ((!query.id || row.id == query.id) &&
          (!query.incident || row.incident == query.incident)) {
        found.push_back(row);
      }
    }
    return found;
  }
  Result<std::uint64_t> evidence_bytes(const AgentId& agent) override {
    std::uint64_t bytes = 0;
    for (const model::Evidence& row : evidence_rows) {
      if (row.agent == agent && !row.manifest.empty()) bytes += row.bytes;
    }
    return bytes;
  }
  Result<std::vector<model::Host>> hosts() override { return host_rows; }
  Result<std::vector<model::Host>> agents() override {
    std::vector<model::Host> found = host_rows;
    for (model::Host& host : found) host.checks.clear();
    return found;
  }
  Result<std::vector<model::Host>> hosts_called(std::string_view reference) override {
    std::vector<model::Host> found;
    for (const model::Host& host : host_rows) {
      if (host.name == reference || host.agent.hex == reference) found.push_back(host);
    }
    return found;
  }
  Result<std::vector<model::Incident>> incidents(const collector::IncidentQuery& query) override {
    std::vector<model::Incident> found;
    for (auto row = incident_rows.rbegin(); row != incident_rows.rend(); ++row) {
      if (query.open_only && row->closed) continue;
      if (query.unacknowledged_only && row->acknowledged) continue;
      if (std::max(row->live, row->approved) < query.at_least) continue;
      if (query.before && row->id >= query.before) continue;
      if (found.size() == std::min(query.limit, limits::kPageRows)) break;
      found.push_back(*row);
    }
    return found;
  }
  Result<std::optional<model::Incident>> incident(std::string_view reference) override {
    for (const model::Incident& row : incident_rows) {
      if (row.number == reference || std::to_string(row.id.value) == reference) return row;
    }
    return std::nullopt;
  }
  Result<std::vector<model::Finding>> findings(IncidentId incident, std::size_t newest) override {
    return of_incident(finding_rows, incident, newest);
  }
  Result<std::vector<model::TimelineItem>> timeline(IncidentId incident,
                                                    std::size_t newest) override {
    return of_incident(timeline_rows, incident, newest);
  }
  Result<std::vector<model::Notification>> notifications(IncidentId incident,
                                                         std::size_t newest) override {
    return of_incident(notification_rows, incident, newest);
  }
  Result<collector::RowCounts> row_counts(IncidentId incident) override {
    return collector::RowCounts{of_incident(finding_rows, incident, SIZE_MAX).size(),
                                of_incident(timeline_rows, incident, SIZE_MAX).size(),
                                of_incident(notification_rows, incident, SIZE_MAX).size()};
  }
  Result<std::vector<model::Notification>> pending_notifications() override { return pending_rows; }
  Result<std::vector<model::Notification>> last_by_channel() override { return last_rows; }
  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    const std::lock_guard lock(mutex);
    const auto found = results.find(std::string(id));
    if (found == results.end()) return std::nullopt;
    return found->second;
  }
  Result<std::vector<model::BaselineRecord>> baselines(
      const collector::BaselineQuery& query) override {
    std::vector<model::BaselineRecord> found;
    for (auto row = baseline_rows.rbegin(); row != baseline_rows.rend(); ++row) {
      if (query.id && row->id != query.id) continue;
      if (query.scope && row->scope != *query.scope) continue;
      if (query.version != 0 && row->version != query.version) continue;
      const bool live = row->status == model::BaselineStatus::proposed ||
                        row->status == model::BaselineStatus::approved;
      if (query.live_only && !live) continue;
      if (found.size() == query.limit) break;
      found.push_back(*row);
    }
    return found;
  }
  Result<std::vector<collector::BaselineSummary>> baseline_list(
      const collector::BaselineQuery& query) override {
    auto rows = baselines(query);
    std::vector<collector::BaselineSummary> found;
    for (model::BaselineRecord& row : *rows) {
      found.push_back(collector::summary_of(std::move(row)));
    }
    return found;
  }

 private:
  template <class Row>
  static std::vector<Row> of_incident(const std::vector<Row>& rows, IncidentId incident,
                                      std::size_t newest) {
    std::vector<Row> found;
    for (const Row& row : rows) {
      if (row.incident == incident) found.push_back(row);
    }
    if (found.size() > newest) {
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(newest));
    }
    return found;
  }
};

class FakeJudge final : public collector::Judge {
 public:
  std::atomic<std::uint64_t> judged{0};
  std::atomic<std::uint64_t> unknown_entries{0};
  model::SitePolicy site;
  std::map<std::string, Admission> admissions;
  std::map<std::string, std::uint64_t> counted;
  std::optional<Error> failed;

  void committed(std::vector<collector::CommittedRun>) override {}
  collector::Progress progress() const override {
    return {Position{judged}, kNow, unknown_entries};
  }
  collector::JudgeCounters counters() const override { return {}; }
  std::map<std::string, std::uint64_t> counts() const override { return counted; }
  bool wait_for(Position position, std::chrono::milliseconds) override {
    return position.value <= judged;
  }
  std::shared_ptr<const model::SitePolicy> policy() const override {
    return std::make_shared<model::SitePolicy>(site);
  }
  std::shared_ptr<const model::ApprovedBaseline> approved_baseline(
      const std::string&) const override {
    return nullptr;
  }
  std::uint64_t baselines_revision() const override { return 0; }
  Admission admission(const AgentId& agent) const override {
    const auto found = admissions.find(agent.hex);
    return found == admissions.end() ? Admission{} : found->second;
  }
  std::map<std::string, Instant, std::less<>> revoked_operators;
  std::optional<Instant> operator_revoked(std::string_view name) const override {
    const auto found = revoked_operators.find(name);
    if (found == revoked_operators.end()) return std::nullopt;
    return found->second;
  }
  std::optional<Error> failure() const override { return failed; }
};

// Commits at once; `decide` makes the judge's answer to a command where `judging`.
// The judge's answer, done, which names the token where one was asked for.
inline model::CommandResult token_answer(const model::Command& command) {
  model::CommandResult result;
  if (const auto* token = std::get_if<model::CreateToken>(&command.act)) {
    result.detail = {"command.token_created", {{"token", token->token_id}}};
  }
  return result;
}

class FakeIntake final : public collector::Intake {
 public:
  FakeIntake(FakeState& state, FakeJudge& judge) : state_(state), judge_(judge) {}
  std::atomic<bool> judging{true};
  std::optional<Error> full;
  std::function<model::CommandResult(const model::Command&)> decide = token_answer;
  std::vector<model::JournalBody> entries;
  std::vector<std::string> bytes;

  Status submit(std::vector<collector::PendingEntry>&& pending,
                std::optional<collector::SpoolCursor>, Done done) override {
    for (auto& entry : pending) {
      auto committed = submit_and_wait(std::move(entry));
      if (!committed) return fail(committed.error());
      done(*committed);
    }
    return {};
  }
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override {
    const std::lock_guard lock(state_.mutex);
    if (full) return fail(*full);
    entries.push_back(*entry.body);
    bytes.push_back(std::move(entry.bytes));
    const Position position{++head_};
    if (judging) {
      if (const auto* command = std::get_if<model::Command>(entry.body.get())) {
        model::CommandResult result = decide(*command);
        result.command_id = command->id;
        if (result.principal.empty()) result.principal = command->principal.name;
        result.position = position;
        result.decided = kNow;
        state_.results[command->id] = result;
      }
      judge_.judged = position.value;
      state_.cursor = position;
    }
    return collector::Committed{position, position, kNow};
  }
  Instant journal_now() const override { return kNow; }
  Position head() const { return Position{head_}; }

 private:
  FakeState& state_;
  FakeJudge& judge_;
  std::atomic<std::uint64_t> head_{0};
};

struct FakeCollector {
  FakeClock clock;
  FakeState state;
  FakeJudge judge;
  FakeIntake intake{state, judge};
};

inline AgentId an_agent(char digit) { return AgentId{std::string(64, digit)}; }

inline model::Host a_host(std::string name, char digit) {
  model::Host host;
  host.agent = an_agent(digit);
  host.name = std::move(name);
  host.agent_version = "0.1.0";
  host.operating_system = "Debian GNU/Linux 12";
  host.presence = model::Presence::heard;
  host.presence_since = kNow - 1h;
  host.last_fact = kNow - 3s;
  return host;
}

inline model::Incident an_incident(std::uint64_t id, const model::Host& host,
                                   model::Severity severity) {
  model::Incident incident;
  incident.id = IncidentId{id};
  incident.dedup_key = host.agent.hex + "/" + std::to_string(id);
  incident.agent = host.agent;
  incident.host_name = host.name;
  incident.kind = "logical_access";
  incident.title = {"port.unexpected", {{"port", "4444"}, {"protocol", "tcp"}}};
  incident.live = severity;
  incident.peak = severity;
  incident.first_bad = kNow - 10min;
  incident.opened = kNow - 9min;
  return incident;
}

}  // namespace tocsin::tests
