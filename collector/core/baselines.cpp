#include "collector/core/baselines.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/core/names.hpp"
#include "collector/core/proposal.hpp"
#include "common/base/limits.hpp"
#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

using model::BaselineRecord;
using model::BaselineStatus;
using model::CommandOutcome;

constexpr std::string_view kPrefix = "baseline/";
constexpr Duration kWarnBefore = 7 * 24h;
// What goes to a host in one message, and a document of the store.
constexpr std::size_t kTextBytes = 2 << 20;

BaselineAnswer refused(std::string code, std::vector<model::Parameter> parameters = {}) {
  return {CommandOutcome::refused, {std::move(code), std::move(parameters)}};
}

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string timer_of(const BaselineRecord& record) {
  return fmt::format("{}{}", kPrefix, record.id.value);
}

// Where findings about a scope's baseline are kept apart from all others: no check that a host
// runs.
model::CheckRef check_of(const model::BaselineScope& scope) {
  return {model::CheckKind::collector, fmt::format("{}{}", kPrefix, to_string(scope))};
}

std::vector<model::Parameter> about(const BaselineRecord& record) {
  return {{"id", number(record.id.value)},
          {"scope", fmt::format("@baseline.scope.{}", to_string(record.scope.kind))},
          {"name", record.scope.name},
          {"version", number(record.version)}};
}

BaselineAnswer done(std::string_view code, const BaselineRecord& record) {
  return {CommandOutcome::done, {fmt::format("command.{}", code), about(record)}, record.revision};
}

const BaselineRecord* find(const World& world, const model::BaselineScope& scope,
                           BaselineStatus status) {
  for (const auto& [id, record] : world.baselines.rows()) {
    if (record.scope == scope && record.status == status) return &record;
  }
  return nullptr;
}

// Leaves memory; the store keeps it to be read.
void end(World& world, BaselineId id, BaselineStatus status) {
  BaselineRecord& record = *world.baselines.change(id);
  record.status = status;
  ++record.revision;
  world.timers.clear(timer_of(record));
  world.baselines.forget(id);
}

bool is_large(const BaselineRecord& record) {
  std::size_t bytes = 0;
  for (const auto* entries : {&record.entries, &record.left_out}) {
    if (entries->size() > limits::kBaselineEntries) return true;
    for (const model::ProposedEntry& one : *entries) {
      bytes += one.entry.name.size() + one.entry.executable.size() + one.entry.user.size() + 128;
    }
  }
  return bytes > kTextBytes;
}

bool has_parts(const BaselineRecord& record) {
  return record.has_listeners || record.has_programs || record.has_units;
}

// The approved one, and beside it what one finding is about.
std::optional<BaselineAnswer> extend(const Context& context, const model::ProposeBaseline& act,
                                     const std::vector<const model::Host*>& hosts,
                                     BaselineRecord& record) {
  const BaselineRecord* approved = find(context.world, record.scope, BaselineStatus::approved);
  if (approved == nullptr) return refused("command.baseline_none", about(record));
  const model::Finding* finding = context.world.finding(act.from_finding);
  const bool here =
      finding != nullptr && std::any_of(hosts.begin(), hosts.end(),
                                        [&](const auto* h) { return h->agent == finding->agent; });
  if (!here) {
    return BaselineAnswer{CommandOutcome::not_found,
                          {"command.no_finding", {{"name", number(act.from_finding.value)}}}};
  }
  const auto entry = entry_of(context, *finding);
  if (!entry) {
    return refused("command.finding_has_no_entry", {{"id", number(act.from_finding.value)}});
  }
  const auto present = std::chrono::floor<std::chrono::milliseconds>(context.now - finding->since);
  model::ProposedEntry added{*entry, {finding->since, context.now, present, 1}, 1, {}};
  added.marks.push_back({"baseline.mark.finding", {{"id", number(finding->id.value)}}});
  record.has_listeners = approved->has_listeners;
  record.has_programs = approved->has_programs;
  record.has_units = approved->has_units;
  record.entries = approved->entries;
  for (model::ProposedEntry& old : record.entries) old.marks.clear();
  record.window_from = approved->window_from;
  record.window_to = approved->window_to;
  const auto place =
      std::lower_bound(record.entries.begin(), record.entries.end(), added,
                       [](const auto& a, const auto& b) { return a.entry < b.entry; });
  if (place == record.entries.end() || place->entry != added.entry) {
    record.entries.insert(place, std::move(added));
  }
  return std::nullopt;
}

bool scans_others(const model::Host& host) {
  return !host.revoked &&
         std::any_of(host.checks.begin(), host.checks.end(), [](const model::CheckStatus& status) {
           return status.check.kind == model::CheckKind::port_scan;
         });
}

// Those of the scope, and those that look at hosts from outside: such a look is judged by the
// baseline of the host that it is about.
std::vector<AgentId> agents_of(const Context& context, const BaselineRecord& record) {
  std::set<AgentId> agents;
  for (const model::Host* host : hosts_of(context, record.scope)) agents.insert(host->agent);
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (scans_others(host)) agents.insert(agent);
  }
  return {agents.begin(), agents.end()};
}

void append(Judged& all, Judged more) {
  std::move(more.transitions.begin(), more.transitions.end(), std::back_inserter(all.transitions));
  std::move(more.changed.begin(), more.changed.end(), std::back_inserter(all.changed));
}

Instant warns_at(const BaselineRecord& record) {
  return record.expires - std::min((record.expires - record.decided.at) / 4, kWarnBefore);
}

// What is known about its end by now, when to look again, and its hosts judged by it.
Judged look(Context& context, const BaselineRecord& record) {
  std::vector<model::Violation> violations;
  const bool expired = context.now >= record.expires;
  if (expired || context.now >= warns_at(record)) {
    std::vector<model::Parameter> parameters = about(record);
    parameters.push_back({"until", time::rfc3339(record.expires).substr(0, 16)});
    parameters.push_back({"why", expired ? "@why.baseline_expired" : "@why.baseline_expiring"});
    violations.push_back({"baseline.ends", to_string(record.scope), {"baseline.ends", parameters}});
  }
  if (!expired) {
    const bool warned = context.now >= warns_at(record);
    context.world.timers.set(timer_of(record), warned ? record.expires : warns_at(record));
  }
  context.world.in_force.clear();
  Judged judged = judge_again(context, agents_of(context, record));
  append(judged, find_about(context, {}, check_of(record.scope), violations));
  return judged;
}

// The proposal that is meant, as it was seen; or what to answer.
std::optional<BaselineAnswer> objection(const Context& context, const model::Command& command,
                                        BaselineId id) {
  const BaselineRecord* record = context.world.baselines.find(id);
  if (record == nullptr) {
    return BaselineAnswer{CommandOutcome::not_found,
                          {"command.no_proposal", {{"name", number(id.value)}}}};
  }
  if (record->status != BaselineStatus::proposed) {
    BaselineAnswer answer{CommandOutcome::conflict, {"command.baseline_decided", about(*record)}};
    answer.detail.parameters.push_back({"by", record->decided.by.name});
    answer.revision = record->revision;
    answer.conflict_with = record->decided.by;
    return answer;
  }
  if (command.seen_revision != 0 && command.seen_revision != record->revision) {
    return BaselineAnswer{
        CommandOutcome::conflict,
        {"command.changed_meanwhile",
         {{"by", record->proposed.by.name}, {"revision", number(record->revision)}}},
        record->revision,
        record->proposed.by};
  }
  if (command.note.empty()) return refused("command.reason_needed");
  return std::nullopt;
}

// Two certificates of one name, or two names of one certificate, are one person.
bool is_same_person(const model::Principal& a, const model::Principal& b) {
  return same_name(a.name, b.name) || (!a.fingerprint.empty() && a.fingerprint == b.fingerprint);
}

}  // namespace

BaselineAnswer propose_baseline(Context& context, const model::Command& command,
                                const model::ProposeBaseline& act) {
  if (command.note.empty()) return refused("command.reason_needed");
  if (act.since > kLongestWindow) return refused("command.window_too_long");
  const std::vector<const model::Host*> hosts = hosts_of(context, act.scope);
  BaselineRecord record;
  record.scope = act.scope;
  if (hosts.empty()) {
    return {CommandOutcome::not_found,
            {fmt::format("command.no_{}", to_string(act.scope.kind)), {{"name", act.scope.name}}}};
  }
  if (act.scope.kind == model::ScopeKind::host) record.scope.name = hosts.front()->name;
  if (act.from_finding) {
    if (auto no = extend(context, act, hosts, record)) return *std::move(no);
  } else {
    record = learned_baseline(context, record.scope, hosts, context.now - act.since);
    if (!has_parts(record)) return refused("command.nothing_learned", about(record));
  }
  for (const std::string& entry : act.leave_out) {
    if (!leave_out(record, entry)) return refused("command.no_entry", {{"name", entry}});
  }
  if (is_large(record)) return refused("command.baseline_too_large");
  const BaselineRecord* earlier = find(context.world, record.scope, BaselineStatus::proposed);
  if (earlier != nullptr) end(context.world, earlier->id, BaselineStatus::replaced);
  record.id = {context.world.add("last/baseline")};
  record.proposed = {command.principal, context.now, command.note};
  BaselineAnswer answer = done("baseline_proposed", record);
  answer.detail.parameters.push_back({"entries", number(record.entries.size())});
  answer.detail.parameters.push_back({"marked", number(marked(record))});
  answer.detail.parameters.push_back({"left_out", number(record.left_out.size())});
  const BaselineId id = record.id;
  context.world.baselines.put(id, std::move(record));
  return answer;
}

BaselineAnswer approve_baseline(Context& context, const model::Command& command,
                                const model::ApproveBaseline& act) {
  if (auto no = objection(context, command, act.baseline)) return *std::move(no);
  const BaselineRecord& proposal = *context.world.baselines.find(act.baseline);
  if (is_same_person(proposal.proposed.by, command.principal)) {
    return refused("command.four_eyes", {{"by", proposal.proposed.by.name}});
  }
  if (act.valid_for < kShortestApproval || act.valid_for > kLongestApproval) {
    return refused("command.approval_out_of_range");
  }
  const BaselineRecord* earlier = find(context.world, proposal.scope, BaselineStatus::approved);
  if (earlier != nullptr) end(context.world, earlier->id, BaselineStatus::superseded);
  BaselineRecord& record = *context.world.baselines.change(act.baseline);
  record.status = BaselineStatus::approved;
  record.version = static_cast<std::uint32_t>(
      context.world.add(fmt::format("last/baseline/{}", to_string(record.scope))));
  record.decided = {command.principal, context.now, command.note};
  record.expires = context.now + act.valid_for;
  ++record.revision;
  context.effects.baselines_changed = true;
  BaselineAnswer answer = done("baseline_approved", record);
  answer.detail.parameters.push_back({"until", time::rfc3339(record.expires).substr(0, 16)});
  answer.judged = look(context, record);
  return answer;
}

BaselineAnswer reject_baseline(Context& context, const model::Command& command,
                               const model::RejectBaseline& act) {
  if (auto no = objection(context, command, act.baseline)) return *std::move(no);
  BaselineRecord& record = *context.world.baselines.change(act.baseline);
  record.decided = {command.principal, context.now, command.note};
  BaselineAnswer answer = done("baseline_rejected", record);
  ++answer.revision;
  end(context.world, act.baseline, BaselineStatus::rejected);
  return answer;
}

std::optional<Judged> fire_baseline_timer(Context& context, std::string_view key) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  BaselineId id;
  std::from_chars(key.data(), key.data() + key.size(), id.value);
  const BaselineRecord* record = context.world.baselines.find(id);
  return record == nullptr ? Judged{} : look(context, *record);
}

const model::Baseline* baseline_in_force(Context& context, const std::string& host) {
  return context.world.in_force.of(context.world.baselines, context.policy, host, context.now);
}

}  // namespace tocsin::collector
