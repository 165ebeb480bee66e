#include "collector/core/learning.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "common/base/limits.hpp"
#include "common/rules/baseline.hpp"

namespace tocsin::collector {
namespace {

using model::BaselineEntry;
using model::EntryKind;
using model::LearnedEntry;

// What one observation shows of an entry beside that it is there.
struct Shown {
  std::set<std::uint16_t> ports;
  std::set<std::string> signs;
};

struct Look {
  std::map<BaselineEntry, Shown> entries;
  bool listeners = false;  // this kind was looked at
  bool programs = false;
  bool units = false;

  bool covers(EntryKind kind) const {
    if (kind == EntryKind::listener) return listeners;
    return kind == EntryKind::program ? programs : units;
  }
};

void add(Look& look, BaselineEntry entry, const std::vector<std::string>& signs) {
  Shown shown;
  shown.signs.insert(signs.begin(), signs.end());
  // The system chose the number, or it is one of many: the program's range is what may be normal.
  if (entry.kind == EntryKind::listener && entry.port >= rules::kFirstDynamicPort) {
    shown.ports.insert(entry.port);
    entry.port = rules::kFirstDynamicPort;
    entry.port_to = rules::kLastPort;
  }
  Shown& all = look.entries[std::move(entry)];
  all.ports.merge(shown.ports);
  all.signs.merge(shown.signs);
}

Look look_of(const model::Observation& observation) {
  Look look;
  if (const auto* sockets = std::get_if<model::SocketsFacts>(&observation.facts)) {
    look.listeners = true;
    for (const model::Listener& listener : sockets->listeners) {
      add(look, rules::entry_of(listener), rules::signs_of(listener));
    }
  }
  if (const auto* processes = std::get_if<model::ProcessesFacts>(&observation.facts)) {
    look.programs = true;
    look.units = processes->units_known == model::Tristate::yes;
    for (const model::ProcessGroup& group : processes->groups) {
      if (rules::needs_approval(group)) add(look, rules::entry_of(group), rules::signs_of(group));
    }
    for (const model::UnitEntry& unit : processes->units) {
      if (look.units) add(look, rules::entry_of(unit), {});
    }
  }
  return look;
}

bool is_there(const LearnedEntry& learned) { return learned.there_since.ns != 0; }

bool knows(const LearnedEntry& learned, const Shown& shown) {
  const auto known_port = [&](std::uint16_t port) {
    return std::find(learned.ports.begin(), learned.ports.end(), port) != learned.ports.end();
  };
  const auto known_sign = [&](const std::string& sign) {
    return std::find(learned.signs.begin(), learned.signs.end(), sign) != learned.signs.end();
  };
  return is_there(learned) &&
         (learned.more_ports || std::all_of(shown.ports.begin(), shown.ports.end(), known_port)) &&
         std::all_of(shown.signs.begin(), shown.signs.end(), known_sign);
}

// Nothing came, nothing went: the usual look.
bool says_nothing_new(const model::HostLearning& learning, const Look& look) {
  std::size_t known = 0;
  for (const LearnedEntry& learned : learning.entries) {
    if (!look.covers(learned.entry.kind)) continue;
    const auto shown = look.entries.find(learned.entry);
    if (shown == look.entries.end()) {
      if (is_there(learned)) return false;
    } else {
      if (!knows(learned, shown->second)) return false;
      ++known;
    }
  }
  const auto began = [](Instant since, bool looked) { return !looked || since.ns != 0; };
  return known == look.entries.size() && began(learning.listeners_since, look.listeners) &&
         began(learning.programs_since, look.programs) && began(learning.units_since, look.units);
}

void note(LearnedEntry& learned, const Shown& shown) {
  for (const std::uint16_t port : shown.ports) {
    if (std::find(learned.ports.begin(), learned.ports.end(), port) != learned.ports.end()) {
      continue;
    }
    if (learned.ports.size() < limits::kBaselinePorts) {
      learned.ports.push_back(port);
    } else {
      learned.more_ports = true;
    }
  }
  for (const std::string& sign : shown.signs) {
    const bool known =
        std::find(learned.signs.begin(), learned.signs.end(), sign) != learned.signs.end();
    if (!known && learned.signs.size() < limits::kBaselineMarks) learned.signs.push_back(sign);
  }
}

void came(LearnedEntry& learned, Instant at) {
  if (is_there(learned)) return;
  learned.there_since = at;
  learned.seen.last = std::max(learned.seen.last, at);
  ++learned.seen.appearances;
}

void went(LearnedEntry& learned, Instant at) {
  if (!is_there(learned)) return;
  learned.seen = seen_until(learned, at);
  learned.there_since = {};
}

// Room for one more: what is gone for the longest makes it. False: all of it is there now.
bool make_room(model::HostLearning& learning) {
  if (learning.entries.size() < limits::kBaselineEntries) return true;
  auto oldest = learning.entries.end();
  for (auto it = learning.entries.begin(); it != learning.entries.end(); ++it) {
    const bool older = oldest == learning.entries.end() || it->seen.last < oldest->seen.last;
    if (!is_there(*it) && older) oldest = it;
  }
  if (oldest == learning.entries.end()) return false;
  learning.entries.erase(oldest);
  ++learning.forgotten;
  return true;
}

// REQUIRES: whoever calls puts the entries in order again.
void add_new(model::HostLearning& learning, const BaselineEntry& entry, const Shown& shown,
             Instant at) {
  if (!make_room(learning)) {
    ++learning.not_kept;
    learning.last_not_kept = at;
    return;
  }
  LearnedEntry fresh;
  fresh.entry = entry;
  fresh.seen.first = at;
  came(fresh, at);
  note(fresh, shown);
  learning.entries.push_back(std::move(fresh));
}

void begin(Instant& since, bool looked, Instant at) {
  if (looked && since.ns == 0) since = at;
}

void take(model::HostLearning& learning, Look look, Instant at) {
  begin(learning.listeners_since, look.listeners, at);
  begin(learning.programs_since, look.programs, at);
  begin(learning.units_since, look.units, at);
  for (LearnedEntry& learned : learning.entries) {
    if (!look.covers(learned.entry.kind)) continue;
    const auto shown = look.entries.find(learned.entry);
    if (shown == look.entries.end()) {
      went(learned, at);
    } else {
      came(learned, at);
      note(learned, shown->second);
      look.entries.erase(shown);
    }
  }
  learning.forgotten += std::erase_if(learning.entries, [&](const LearnedEntry& learned) {
    return !is_there(learned) && learned.seen.last + kLearnedKept < at;
  });
  if (look.entries.empty()) return;
  for (const auto& [entry, shown] : look.entries) add_new(learning, entry, shown, at);
  std::sort(learning.entries.begin(), learning.entries.end(),
            [](const LearnedEntry& a, const LearnedEntry& b) { return a.entry < b.entry; });
}

}  // namespace

model::Sightings seen_until(const LearnedEntry& learned, Instant now) {
  model::Sightings seen = learned.seen;
  if (!is_there(learned)) return seen;
  // Whole milliseconds, as rows keep it: what is summed up must not depend on when it was stored.
  seen.present += std::chrono::floor<std::chrono::milliseconds>(
      std::max(Duration{}, now - learned.there_since));
  seen.last = std::max(seen.last, now);
  return seen;
}

void learn(World& world, const AgentId& agent, const model::Observation& observation, Instant at) {
  if (observation.outcome != model::Outcome::seen) return;
  Look look = look_of(observation);
  if (!look.listeners && !look.programs) return;
  if (const model::HostLearning* known = world.learned.find(agent)) {
    if (!says_nothing_new(*known, look)) take(*world.learned.change(agent), std::move(look), at);
    return;
  }
  model::HostLearning fresh;
  fresh.agent = agent;
  take(fresh, std::move(look), at);
  world.learned.put(agent, std::move(fresh));
}

void remember_verdict(World& world, const model::Incident& incident) {
  if (incident.verdict == model::IncidentVerdict::undetermined) return;
  const bool condemned = incident.verdict == model::IncidentVerdict::security ||
                         incident.verdict == model::IncidentVerdict::confirmed;
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || world.learned.find(finding->agent) == nullptr) continue;
    for (LearnedEntry& learned : world.learned.change(finding->agent)->entries) {
      if (rules::is_about(learned.entry, finding->code, finding->subject)) {
        learned.condemned = condemned;
      }
    }
  }
}

}  // namespace tocsin::collector
