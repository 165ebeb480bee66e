#include "collector/core/proposal.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "collector/core/learning.hpp"
#include "collector/core/names.hpp"
#include "common/base/limits.hpp"
#include "common/rules/baseline.hpp"
#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

using model::BaselineEntry;
using model::EntryKind;
using model::Message;
using model::ProposedEntry;

Message mark(std::string_view what, std::vector<model::Parameter> parameters = {}) {
  return {"baseline.mark." + std::string(what), std::move(parameters)};
}

std::string day(Instant at) { return time::rfc3339(at).substr(0, 16); }

Instant since(const model::HostLearning& learning, EntryKind kind) {
  if (kind == EntryKind::listener) return learning.listeners_since;
  return kind == EntryKind::program ? learning.programs_since : learning.units_since;
}

// All hosts of the scope together, as it grows.
struct Gathered {
  model::Sightings seen;
  std::uint32_t hosts = 0;
  std::set<std::string> signs;
  std::set<std::uint64_t> findings;
  bool condemned = false;
  bool late = true;   // on every host that shows it
  bool brief = true;  // the same
};
using Entries = std::map<BaselineEntry, Gathered>;

bool is_share(Duration part, Duration whole, int permille) {
  return part / 1ms * 1000 < whole / 1ms * permille;
}

// The window as far as this host was watched in it.
struct Window {
  Instant from;
  Instant to;
  Instant began;  // the host's own beginning
};

void add(Gathered& all, const model::LearnedEntry& learned, const Window& window) {
  const model::Sightings seen = seen_until(learned, window.to);
  const Duration length = window.to - window.from;
  all.seen.first = all.hosts == 0 ? seen.first : std::min(all.seen.first, seen.first);
  all.seen.last = std::max(all.seen.last, seen.last);
  all.seen.present = std::max(all.seen.present, seen.present);
  all.seen.appearances += seen.appearances;
  ++all.hosts;
  all.signs.insert(learned.signs.begin(), learned.signs.end());
  all.condemned = all.condemned || learned.condemned;
  const bool late =
      seen.first > window.began && is_share(window.to - seen.first, length, kLatePermille);
  all.late = all.late && late;
  all.brief = all.brief && is_share(seen.present, length, kBriefPermille);
}

// A few fixed numbers are what they are; many are the range that the system chose them from.
std::vector<BaselineEntry> exact(const model::LearnedEntry& learned) {
  if (learned.ports.empty() || learned.more_ports || learned.ports.size() > kFixedPorts) {
    return {learned.entry};
  }
  std::vector<BaselineEntry> entries;
  for (const std::uint16_t port : learned.ports) {
    BaselineEntry& entry = entries.emplace_back(learned.entry);
    entry.port = port;
    entry.port_to = 0;
  }
  return entries;
}

bool is_real(const Context& context, const model::Finding& finding) {
  const model::Incident* incident = context.world.incidents.find(finding.incident);
  return incident != nullptr && (incident->verdict == model::IncidentVerdict::security ||
                                 incident->verdict == model::IncidentVerdict::confirmed);
}

void add_findings(const Context& context, const AgentId& agent, Entries& entries) {
  for (const model::CheckKind kind : {model::CheckKind::sockets, model::CheckKind::processes}) {
    for (const FindingId id : context.world.findings_of(agent, {kind, {}})) {
      const model::Finding& finding = *context.world.finding(id);
      for (auto& [entry, all] : entries) {
        if (!rules::is_about(entry, finding.code, finding.subject)) continue;
        all.condemned = all.condemned || is_real(context, finding);
        if (!finding.closed) all.findings.insert(id.value);
      }
    }
  }
}

auto without_program(const BaselineEntry& entry) {
  return std::tuple(entry.kind, entry.protocol, entry.address_class, entry.port, entry.port_to,
                    entry.user);
}
auto without_file(const BaselineEntry& entry) {
  return std::tuple(entry.kind, entry.protocol, entry.address_class, entry.port, entry.port_to,
                    entry.executable, entry.name, entry.user);
}

// A look that came while a program began to listen does not know which; it was seen a moment later.
void drop_half_seen(Entries& entries) {
  using Key = decltype(without_program(BaselineEntry{}));
  std::set<Key> whole;
  for (const auto& [entry, all] : entries) {
    if (!entry.executable.empty()) whole.insert(without_program(entry));
  }
  std::erase_if(entries, [&](const auto& row) {
    return row.first.kind == EntryKind::listener && row.first.executable.empty() &&
           whole.contains(without_program(row.first));
  });
}

std::vector<Message> marks_of(const BaselineEntry& entry, const Gathered& all, std::size_t files,
                              std::uint32_t hosts) {
  std::vector<Message> marks;
  for (const std::string& sign : all.signs) marks.push_back(mark("sign", {{"why", sign}}));
  for (const std::uint64_t id : all.findings) {
    if (marks.size() < limits::kBaselineMarks / 2) {
      marks.push_back(mark("finding", {{"id", std::to_string(id)}}));
    }
  }
  if (all.late) marks.push_back(mark("late", {{"since", day(all.seen.first)}}));
  if (all.brief) marks.push_back(mark("brief"));
  if (files > 1) marks.push_back(mark("two_files"));
  const bool few = hosts > 2 && all.hosts * 1000 <= hosts * kFewHostsPermille;
  if (few || (hosts > 2 && all.hosts == 1)) {
    marks.push_back(
        mark("few_hosts", {{"hosts", std::to_string(all.hosts)}, {"of", std::to_string(hosts)}}));
  }
  const bool is_program = entry.kind != EntryKind::unit;
  if (entry.kind == EntryKind::listener && entry.executable.empty()) {
    marks.push_back(mark("any_program"));
  } else if (is_program && entry.package.empty()) {
    marks.push_back(mark(entry.sha256.empty() ? "any_file" : "no_package"));
  }
  if (entry.port_to != 0) marks.push_back(mark("range"));
  return marks;
}

// Agents of before, and hosts without packages and hashes, say nothing about files: once for all.
bool says_files(const Entries& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const auto& row) {
    return !row.first.package.empty() || !row.first.sha256.empty();
  });
}

void put_entries(const Entries& entries, model::BaselineRecord& record) {
  const bool files_known = says_files(entries);
  if (!files_known && !entries.empty()) record.notes.push_back({"baseline.note.no_files", {}});
  std::map<decltype(without_file(BaselineEntry{})), std::size_t> files;
  for (const auto& [entry, all] : entries) ++files[without_file(entry)];
  for (const auto& [entry, all] : entries) {
    ProposedEntry proposed{entry, all.seen, all.hosts,
                           marks_of(entry, all, files[without_file(entry)], record.host_count)};
    if (!files_known) std::erase(proposed.marks, mark("any_file"));
    if (all.condemned) {
      proposed.marks.insert(proposed.marks.begin(), mark("condemned"));
      record.left_out.push_back(std::move(proposed));
    } else {
      record.entries.push_back(std::move(proposed));
    }
  }
}

void add_learned(const model::HostLearning& learning, Instant from, Instant to,
                 model::BaselineRecord& record, Entries& entries) {
  record.has_listeners = record.has_listeners || learning.listeners_since.ns != 0;
  record.has_programs = record.has_programs || learning.programs_since.ns != 0;
  record.has_units = record.has_units || learning.units_since.ns != 0;
  for (const model::LearnedEntry& learned : learning.entries) {
    const Instant began = since(learning, learned.entry.kind);
    const Window window{std::max(from, began), to, began};
    if (seen_until(learned, to).last < from) continue;
    for (const BaselineEntry& entry : exact(learned)) add(entries[entry], learned, window);
  }
}

}  // namespace

std::vector<const model::Host*> hosts_of(const Context& context,
                                         const model::BaselineScope& scope) {
  std::vector<const model::Host*> hosts;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (host.revoked) continue;
    const model::HostPolicy* policy = model::host_policy(context.policy, host.name);
    const bool mine = scope.kind == model::ScopeKind::host
                          ? same_name(host.name, scope.name)
                          : policy != nullptr && policy->group == scope.name;
    if (mine) hosts.push_back(&host);
  }
  std::sort(hosts.begin(), hosts.end(), [](const model::Host* a, const model::Host* b) {
    return std::tie(a->name, a->agent) < std::tie(b->name, b->agent);
  });
  return hosts;
}

model::BaselineRecord learned_baseline(const Context& context, const model::BaselineScope& scope,
                                       const std::vector<const model::Host*>& hosts, Instant from) {
  model::BaselineRecord record;
  record.scope = scope;
  record.window_from = from;
  record.window_to = context.now;
  record.host_count = static_cast<std::uint32_t>(hosts.size());
  Entries entries;
  std::size_t unseen = 0;
  std::size_t incomplete = 0;
  Instant began;  // the last to be watched
  for (const model::Host* host : hosts) {
    if (record.hosts.size() < limits::kBaselineHosts) record.hosts.push_back(host->name);
    const model::HostLearning* learning = context.world.learned.find(host->agent);
    if (learning == nullptr) {
      ++unseen;
      continue;
    }
    // While it is silent nobody knows what is there.
    const bool heard = host->presence == model::Presence::heard;
    const Instant to = heard ? context.now : std::min(host->presence_since, context.now);
    add_learned(*learning, from, to, record, entries);
    began = std::max({began, learning->listeners_since, learning->programs_since});
    if (learning->last_not_kept >= from && learning->not_kept > 0) ++incomplete;
  }
  // After all: a finding of one host is about what the others show too.
  for (const model::Host* host : hosts) add_findings(context, host->agent, entries);
  drop_half_seen(entries);
  put_entries(entries, record);
  const auto note = [&](std::string_view what, std::vector<model::Parameter> parameters) {
    record.notes.push_back({"baseline.note." + std::string(what), std::move(parameters)});
  };
  if (began > from) note("window_short", {{"since", day(began)}});
  if (unseen > 0) note("unseen", {{"count", std::to_string(unseen)}});
  if (incomplete > 0) note("incomplete", {{"count", std::to_string(incomplete)}});
  return record;
}

bool leave_out(model::BaselineRecord& record, const std::string& entry) {
  bool found = false;
  for (auto row = record.entries.begin(); row != record.entries.end();) {
    if (to_string(row->entry) != entry) {
      ++row;
      continue;
    }
    found = true;
    row->marks.insert(row->marks.begin(), mark("left_out"));
    record.left_out.push_back(std::move(*row));
    row = record.entries.erase(row);
  }
  return found;
}

std::optional<BaselineEntry> entry_of(const Context& context, const model::Finding& finding) {
  const model::Host* host = context.world.hosts.find(finding.agent);
  if (host == nullptr) return std::nullopt;
  for (const model::CheckStatus& status : host->checks) {
    if (status.check != finding.check) continue;
    for (BaselineEntry& entry : rules::entries_of(status.observation)) {
      if (rules::is_about(entry, finding.code, finding.subject)) return std::move(entry);
    }
  }
  return std::nullopt;
}

std::size_t marked(const model::BaselineRecord& record) {
  return static_cast<std::size_t>(
      std::count_if(record.entries.begin(), record.entries.end(),
                    [](const ProposedEntry& one) { return !one.marks.empty(); }));
}

}  // namespace tocsin::collector
