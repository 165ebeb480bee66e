#include "common/rules/baseline.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/model/ports.hpp"
#include "common/rules/findings.hpp"
#include "common/rules/network.hpp"
#include "common/rules/programs.hpp"

namespace tocsin::rules {
namespace {

using model::BaselineEntry;
using model::EntryKind;
using model::ProgramFile;
using model::Tristate;

// By its package, whose next version is no change; by its hash where no package vouches for it.
void set_file(BaselineEntry& entry, const ProgramFile& file) {
  if (!file.package.empty() && file.intact != Tristate::no) {
    entry.package = file.package;
  } else {
    entry.sha256 = file.sha256;
  }
}

bool has_program(const BaselineEntry& approved, const BaselineEntry& shown) {
  const bool same_path = approved.kind == EntryKind::listener && approved.executable.empty()
                             ? true
                             : approved.executable == shown.executable;
  const ProgramFile file{shown.package, Tristate::unknown, shown.sha256};
  return same_path && approved.name == shown.name && approved.user == shown.user &&
         file_match(approved.package, approved.sha256, file) != FileMatch::changed;
}

bool has_port(const BaselineEntry& approved, const BaselineEntry& shown) {
  return shown.protocol == approved.protocol && shown.address_class == approved.address_class &&
         shown.port >= approved.port && shown.port <= std::max(approved.port, approved.port_to);
}

bool covers(const BaselineEntry& approved, const BaselineEntry& shown) {
  if (approved.kind != shown.kind) return false;
  if (approved.kind == EntryKind::listener && !has_port(approved, shown)) return false;
  return has_program(approved, shown);
}

model::ListenerRule listener_rule(const BaselineEntry& entry) {
  model::ListenerRule rule;
  rule.protocol = entry.protocol;
  rule.address_classes = {entry.address_class};
  rule.port = entry.port;
  rule.port_to = entry.port_to;
  rule.executable = entry.executable;
  rule.user = entry.user;
  rule.package = entry.package;
  rule.sha256 = entry.sha256;
  return rule;
}

void add_rule(const BaselineEntry& entry, model::Baseline& to) {
  switch (entry.kind) {
    case EntryKind::listener:
      return to.listeners.push_back(listener_rule(entry));
    case EntryKind::program:
      return to.processes.push_back(
          {entry.name, entry.executable, entry.user, {}, entry.package, entry.sha256});
    case EntryKind::unit:
      return to.units.push_back(entry.name);
  }
}

// Takes the word before the next space off the text.
std::string_view take_word(std::string_view& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

// "tcp any 443 /usr/sbin/nginx root", with the name of a network namespace where it has one.
bool is_listener_subject(const BaselineEntry& entry, std::string_view subject) {
  if (take_word(subject) != to_string(entry.protocol)) return false;
  if (take_word(subject) != to_string(entry.address_class)) return false;
  const std::string_view digits = take_word(subject);
  std::uint16_t port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (port < entry.port || port > std::max(entry.port, entry.port_to)) return false;
  const std::string program = subject_part(entry.executable) + " " + subject_part(entry.user);
  return subject == program || subject.starts_with(program + " ");
}

}  // namespace

BaselineEntry entry_of(const model::Listener& listener) {
  BaselineEntry entry;
  entry.protocol = listener.protocol;
  entry.address_class = listener.address_class;
  entry.port = listener.port;
  entry.executable = program_path(listener.executable);
  entry.user = user_text(listener.user, listener.uid);
  set_file(entry, listener.file);
  return entry;
}

BaselineEntry entry_of(const model::ProcessGroup& group) {
  BaselineEntry entry;
  entry.kind = EntryKind::program;
  entry.executable = program_path(group.executable);
  if (entry.executable.empty()) entry.name = group.name;
  entry.user = user_text(group.user, group.uid);
  set_file(entry, group.file);
  return entry;
}

BaselineEntry entry_of(const model::UnitEntry& unit) {
  BaselineEntry entry;
  entry.kind = EntryKind::unit;
  entry.name = unit.unit;
  return entry;
}

std::vector<BaselineEntry> entries_of(const model::Observation& observation) {
  std::set<BaselineEntry> entries;
  if (const auto* sockets = std::get_if<model::SocketsFacts>(&observation.facts)) {
    for (const model::Listener& listener : sockets->listeners) entries.insert(entry_of(listener));
  }
  if (const auto* processes = std::get_if<model::ProcessesFacts>(&observation.facts)) {
    for (const model::ProcessGroup& group : processes->groups) {
      if (needs_approval(group)) entries.insert(entry_of(group));
    }
    for (const model::UnitEntry& unit : processes->units) entries.insert(entry_of(unit));
  }
  return {entries.begin(), entries.end()};
}

bool is_about(const BaselineEntry& entry, std::string_view code, std::string_view subject) {
  switch (entry.kind) {
    case EntryKind::listener:
      return code == "port.unexpected" && is_listener_subject(entry, subject);
    case EntryKind::program:
      return code == "process.unexpected" &&
             subject == subject_part(entry.executable.empty() ? entry.name : entry.executable) +
                            " " + subject_part(entry.user);
    case EntryKind::unit:
      break;
  }
  return code == "unit.unexpected" && subject == subject_part(entry.name);
}

std::optional<model::Baseline> combined(const model::ApprovedBaseline* approved,
                                        const model::Baseline* policy, Instant now) {
  if (approved == nullptr && policy == nullptr) return std::nullopt;
  if (approved == nullptr) return *policy;
  model::Baseline both = policy == nullptr ? model::Baseline{} : *policy;
  both.name = to_string(approved->scope);
  both.version = approved->version;
  both.expired = now >= approved->expires;
  if (approved->has_listeners) {
    // A port that is passed on is never seen on the host, so that no list of what was seen has it.
    std::erase_if(both.listeners, [](const model::ListenerRule& rule) { return !rule.redirect; });
  }
  if (approved->has_programs) both.processes.clear();
  if (approved->has_units) both.units.clear();
  both.has_listeners = approved->has_listeners ? !both.expired : both.has_listeners;
  both.has_processes = approved->has_programs ? !both.expired : both.has_processes;
  both.has_units = approved->has_units ? !both.expired : both.has_units;
  if (both.expired) return both;
  for (const BaselineEntry& entry : approved->entries) add_rule(entry, both);
  return both;
}

std::string ports_of_fine_sources(const model::Baseline& baseline) {
  std::vector<std::uint16_t> ports;
  for (const model::SourceRule& rule : baseline.sources) {
    const bool fine =
        std::any_of(rule.networks.begin(), rule.networks.end(), [](const std::string& text) {
          const auto network = parse_network(text);
          return network && network->length > (network->v6 ? 64 : 24);
        });
    if (fine) ports.push_back(rule.port);
  }
  return model::ports_text(std::move(ports));
}

std::vector<model::BaselineScope> scopes_for(const model::SitePolicy& policy,
                                             const std::string& host) {
  std::vector<model::BaselineScope> scopes{{model::ScopeKind::host, host}};
  const model::HostPolicy* named = model::host_policy(policy, host);
  if (named != nullptr && !named->group.empty()) {
    scopes.push_back({model::ScopeKind::group, named->group});
  }
  return scopes;
}

EntryChanges changes(const std::vector<BaselineEntry>& from, const std::vector<BaselineEntry>& to) {
  EntryChanges changes;
  std::set_difference(to.begin(), to.end(), from.begin(), from.end(),
                      std::back_inserter(changes.added));
  std::set_difference(from.begin(), from.end(), to.begin(), to.end(),
                      std::back_inserter(changes.removed));
  return changes;
}

Difference difference(const std::vector<BaselineEntry>& approved,
                      const std::vector<model::Observation>& seen,
                      const std::vector<model::Judgement>& judged) {
  std::set<BaselineEntry> shown;
  std::set<BaselineEntry> unexpected;
  bool kinds[4] = {};  // by EntryKind: what was looked at
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const bool sockets = std::holds_alternative<model::SocketsFacts>(seen[i].facts);
    const auto* processes = std::get_if<model::ProcessesFacts>(&seen[i].facts);
    kinds[1] = kinds[1] || sockets;
    kinds[2] = kinds[2] || processes != nullptr;
    kinds[3] = kinds[3] || (processes != nullptr && processes->units_known != Tristate::no);
    for (BaselineEntry& entry : entries_of(seen[i])) {
      const auto about = [&](const model::Violation& v) {
        return is_about(entry, v.code, v.subject);
      };
      const auto& violations = judged[i].violations;
      if (std::any_of(violations.begin(), violations.end(), about)) unexpected.insert(entry);
      shown.insert(std::move(entry));
    }
  }
  Difference difference{{unexpected.begin(), unexpected.end()}, {}};
  for (const BaselineEntry& entry : approved) {
    const auto covered = [&](const BaselineEntry& one) { return covers(entry, one); };
    if (kinds[static_cast<std::size_t>(entry.kind)] &&
        std::none_of(shown.begin(), shown.end(), covered)) {
      difference.absent.push_back(entry);
    }
  }
  return difference;
}

}  // namespace tocsin::rules
