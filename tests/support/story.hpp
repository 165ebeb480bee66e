// A story as the judge lives it, with a clock that runs as fast as the test: "at ten minutes host
// web1 sees this; who was told?" Time passes as in the collector: every timer that is due gets its
// tick.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/core/fold.hpp"
#include "collector/store/memory_store.hpp"
#include "common/base/result.hpp"
#include "common/model/journal.hpp"
#include "common/model/last_word.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::tests {

// 2026-11-22 10:00:00 UTC, a Sunday evening in Taipei.
inline constexpr Instant kStoryBegins{1'795'341'600'000'000'000};

inline AgentId agent_of(std::string_view host) {
  std::string hex(64, '0');
  for (std::size_t i = 0; i < host.size() && i < 32; ++i) {
    fmt::format_to(&hex[2 * i], "{:02x}", static_cast<unsigned char>(host[i]));
  }
  return {hex};
}

inline model::Observation observation(model::CheckRef check, model::Facts facts) {
  model::Observation seen;
  seen.check = std::move(check);
  seen.facts = std::move(facts);
  return seen;
}

inline model::Observation service_is(const std::string& unit, const std::string& active_state) {
  model::ServiceFacts facts;
  facts.unit = unit;
  facts.load_state = "loaded";
  facts.active_state = active_state;
  facts.sub_state = active_state == "active" ? "running" : "dead";
  facts.result = active_state == "failed" ? "exit-code" : "success";
  facts.main_pid = active_state == "active" ? 42 : 0;
  facts.state_since = kStoryBegins - 24h;
  return observation({model::CheckKind::service, unit}, facts);
}

inline model::Listener listener(std::uint16_t port, const std::string& executable) {
  model::Listener listening;
  listening.address = "0.0.0.0";
  listening.port = port;
  listening.executable = executable;
  listening.executable_deleted = model::Tristate::no;
  listening.executable_world_writable = model::tristate(executable.starts_with("/tmp/"));
  listening.user = "root";
  return listening;
}

inline model::Observation ports_are(std::vector<model::Listener> listeners) {
  model::SocketsFacts facts;
  facts.listeners = std::move(listeners);
  return observation({model::CheckKind::sockets, ""}, facts);
}

inline model::Observation ping_of(const std::string& address, std::uint32_t received) {
  model::PingFacts facts;
  facts.address = address;
  facts.sent = 5;
  facts.received = received;
  facts.rtt_avg_us = 400;
  facts.gateway_reachable = model::Tristate::yes;
  return observation({model::CheckKind::ping, address}, facts);
}

inline model::Observation cannot_see(model::CheckRef check) {
  model::Observation blind;
  blind.check = std::move(check);
  blind.outcome = model::Outcome::timed_out;
  blind.detail = {"check.deadline", {}};
  return blind;
}

inline model::Observation ended(model::CheckRef check) {
  return model::last_word(std::move(check), {});
}

// A site with one core host (core1), others standard; sshd must run and only port 22 may listen
// everywhere; a duty operator who is told everything and an officer from C on.
inline model::SitePolicy story_policy() {
  model::SitePolicy site;
  site.site = "story";
  model::Baseline baseline;
  baseline.name = "all";
  baseline.version = 1;
  baseline.has_listeners = true;
  model::ListenerRule ssh;
  ssh.port = 22;
  baseline.listeners = {ssh};
  baseline.services = {{"ssh.service", true}};
  site.baselines = {baseline};
  model::HostPolicy any;
  any.host = "*";
  any.baseline = "all";
  any.criticality = model::Criticality::standard;
  model::HostPolicy core = any;
  core.host = "core1";
  core.criticality = model::Criticality::core;
  site.hosts = {any, core};
  model::ChannelPolicy mail;
  mail.name = "mail";
  mail.kind = "email";
  site.channels = {mail};
  model::ContactPolicy duty;
  duty.name = "duty";
  duty.channel = "mail";
  duty.address = "duty@example.tw";
  model::ContactPolicy officer = duty;
  officer.name = "officer";
  officer.role = model::Role::officer;
  officer.address = "officer@example.tw";
  officer.at_least = model::Severity::c;
  site.contacts = {duty, officer};
  return site;
}

class Story {
 public:
  explicit Story(model::SitePolicy policy = story_policy())
      : policies_(std::make_shared<std::vector<model::SitePolicy>>(1, std::move(policy))),
        store_(state_.open_store()),
        reader_(state_.open_reader()) {
    resume();
    push(model::PolicyChange{"site", "digest", "0", {}});
  }

  // Goes to `since_begin`: every timer that becomes due on the way gets its tick.
  Story& at(Duration since_begin) {
    const Instant target = kStoryBegins + since_begin;
    for (auto due = fold_->next_due(); due && *due <= target; due = fold_->next_due()) {
      now_ = std::max(now_, *due);
      push(model::Tick{});
    }
    now_ = std::max(now_, target);
    return *this;
  }

  void admit(const std::string& host) {
    push(model::Command{"admit-" + host,
                        {"admin", model::Role::admin, ""},
                        0,
                        "",
                        model::AdmitAgent{agent_of(host), host, "token"}});
    heard(host);
  }
  void heard(const std::string& host) { presence(host, model::Presence::heard); }
  void silent(const std::string& host) { presence(host, model::Presence::silent); }
  void presence(const std::string& host, model::Presence state) {
    model::AgentPresence presence;
    presence.agent = agent_of(host);
    presence.state = state;
    presence.since = now_;
    push(presence);
  }

  // The host sees it now, or saw it `ago`.
  void sees(const std::string& host, model::Observation seen, Duration ago = {}) {
    seen.at = now_ - ago;
    fact(host, seen);
  }
  void fact(const std::string& host, decltype(model::Fact::body) body) {
    model::AgentFact fact;
    fact.agent = agent_of(host);
    fact.epoch = {1};
    fact.seq = {++seq_};
    fact.fact.wall = now_;
    fact.fact.body = std::move(body);
    push(fact);
  }

  // Returns the answer, which may be an earlier one.
  model::CommandResult asks(model::Command asked) {
    const std::string id = asked.id;
    push(std::move(asked));
    return *store_->command_result(id).value();
  }
  void policy(model::SitePolicy changed) {
    policies_->push_back(std::move(changed));
    push(model::PolicyChange{"site", "digest", std::to_string(policies_->size() - 1), {}});
  }

  void push(model::JournalBody body) {
    ++position_.value;
    const model::JournalEntry entry{position_, now_, std::move(body)};
    journal_.push_back(entry);
    const std::string_view id = collector::command_of(entry.body);
    const auto earlier = id.empty() ? std::nullopt : store_->command_result(id).value();
    collector::Effects effects = fold_->apply(entry, earlier);
    for (auto& request : effects.requests) requests_.push_back(std::move(request));
    for (auto& look : effects.own_looks) own_looks_.push_back(std::move(look));
    for (auto& agent : effects.revoked) revoked_.push_back(std::move(agent));
    for (auto& agent : effects.admitted) admitted_.push_back(std::move(agent));
    if (effects.outbox_changed) ++outbox_woken_;
    const Status committed = store_->commit(fold_->take_delta());
    TOCSIN_CHECK(committed.has_value());
  }

  // The collector starts again from what was committed.
  void resume() {
    auto fold = collector::Fold::resume(store_->load().value(), parser());
    TOCSIN_CHECK(fold.has_value());
    fold_ = std::make_unique<collector::Fold>(std::move(*fold));
  }

  // What was told since the last call, in order: "opened D duty@example.tw". What was not sent is
  // in brackets with its reason: "(opened D officer@example.tw below_threshold)".
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const model::Notification& row : all_notifications()) {
      if (row.id.value <= told_) continue;
      told_ = row.id.value;
      const std::string line = fmt::format("{} {} {}", row.reason, severity_of(row), row.recipient);
      lines.push_back(row.suppressed.empty() ? line : fmt::format("({} {})", line, row.suppressed));
    }
    return lines;
  }

  std::vector<model::Incident> incidents() {
    collector::IncidentQuery query;
    query.limit = 1000;
    auto found = reader_->incidents(query).value();
    std::reverse(found.begin(), found.end());  // oldest first
    return found;
  }
  // REQUIRES: there is exactly one.
  model::Incident incident() {
    const auto all = incidents();
    TOCSIN_CHECK(all.size() == 1);
    return all.front();
  }
  std::vector<std::string> timeline(IncidentId id) {
    std::vector<std::string> codes;
    const auto items = reader_->timeline(id, SIZE_MAX).value();
    for (const auto& item : items) codes.push_back(item.message.code);
    return codes;
  }
  std::vector<model::Notification> all_notifications() {
    std::vector<model::Notification> rows;
    for (const model::Incident& incident : incidents()) {
      const auto more = reader_->notifications(incident.id, SIZE_MAX).value();
      rows.insert(rows.end(), more.begin(), more.end());
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return rows;
  }

  // Every row as it is stored, in one order.
  std::string state_bytes() { return state_bytes_of(state_); }
  static std::string state_bytes_of(const collector::MemoryState& state) {
    return state_bytes_of(*state.open_store(), *state.open_reader());
  }
  static std::string state_bytes_of(collector::StateStore& store, collector::StateReader& reader) {
    const collector::StateSnapshot kept = store.load().value();
    std::string bytes;
    for (const auto& row : kept.hosts) bytes += wire::encode_host(row);
    for (const auto& row : kept.findings) bytes += wire::encode_finding(row);
    for (const auto& row : kept.evidence) bytes += wire::encode_evidence(row);
    for (const auto& row : kept.learned) bytes += wire::encode_learning(row);
    const auto baselines = reader.baselines({}).value();
    for (const auto& row : baselines) bytes += wire::encode_baseline(row);
    for (const auto& timer : kept.timers) bytes += fmt::format("{}@{};", timer.key, timer.due.ns);
    for (const auto& [key, value] : kept.values) bytes += fmt::format("{}={};", key, value);
    collector::IncidentQuery query;
    query.limit = 1000;
    const auto incidents = reader.incidents(query).value();
    for (const auto& incident : incidents) {
      bytes += wire::encode_incident(incident);
      const auto findings = reader.findings(incident.id, SIZE_MAX).value();
      for (const auto& row : findings) bytes += wire::encode_finding(row);
      const auto timeline = reader.timeline(incident.id, SIZE_MAX).value();
      for (const auto& row : timeline) bytes += wire::encode_timeline(row);
      const auto notifications = reader.notifications(incident.id, SIZE_MAX).value();
      for (const auto& row : notifications) bytes += wire::encode_notification(row);
    }
    return bytes;
  }

  // Reads "0", "1", …: the policies of this story, in the order they were given.
  collector::ParsePolicy parser() const {
    return [policies = policies_](std::string_view toml,
                                  std::string_view) -> Result<model::SitePolicy> {
      const std::size_t number = std::stoul("0" + std::string(toml));
      if (toml.empty() || number >= policies->size()) {
        return fail(ErrorCode::invalid_argument, "no such policy");
      }
      return (*policies)[number];
    };
  }

  Instant now() const { return now_; }
  const collector::World& world() const { return fold_->world(); }
  const std::vector<model::JournalEntry>& journal() const { return journal_; }
  const std::vector<collector::AgentRequest>& requests() const { return requests_; }
  const std::vector<model::Request>& own_looks() const { return own_looks_; }
  const std::vector<AgentId>& revoked() const { return revoked_; }
  const std::vector<AgentId>& admitted() const { return admitted_; }
  std::size_t outbox_woken() const { return outbox_woken_; }
  collector::StateReader& reader() { return *reader_; }

 private:
  static std::string severity_of(const model::Notification& row) {
    const auto& parameters = row.subject.parameters;
    return parameters.empty() ? std::string() : parameters.front().value;
  }

  std::shared_ptr<std::vector<model::SitePolicy>> policies_;
  collector::MemoryState state_;
  std::unique_ptr<collector::StateStore> store_;
  std::unique_ptr<collector::StateReader> reader_;
  std::unique_ptr<collector::Fold> fold_;
  Instant now_ = kStoryBegins;
  Position position_;
  std::uint64_t seq_ = 0;
  std::uint64_t told_ = 0;
  std::vector<model::JournalEntry> journal_;
  std::vector<collector::AgentRequest> requests_;
  std::vector<model::Request> own_looks_;
  std::vector<AgentId> revoked_;
  std::vector<AgentId> admitted_;
  std::size_t outbox_woken_ = 0;
};

}  // namespace tocsin::tests
