#include "collector/replay/compare.hpp"

#include <cstdint>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

// What is compared, by name: the order in which it is printed.
using Decisions = std::vector<std::pair<std::string, std::string>>;

std::string at_text(const std::optional<Instant>& at) { return at ? time::rfc3339(*at) : "-"; }

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

// "opened duty@example.tw x2": how often whom was told why; those held back with their reason.
Result<std::string> told(StateReader& reader, IncidentId id) {
  const auto rows = reader.notifications(id, SIZE_MAX);
  if (!rows) return fail(rows.error());
  std::map<std::string, int> times;
  for (const model::Notification& row : *rows) {
    ++times[fmt::format("{} {} {}", row.reason, clean(row.recipient), row.suppressed)];
  }
  std::string text;
  for (const auto& [what, count] : times) {
    text += fmt::format("{}{} x{}", text.empty() ? "" : "; ", what, count);
  }
  return text;
}

Result<Decisions> decisions_of(StateReader& reader, const model::Incident& incident) {
  const auto notifications = told(reader, incident.id);
  if (!notifications) return fail(notifications.error());
  const auto grade = [](model::Severity severity) { return std::string(to_string(severity)); };
  return Decisions{{"host", clean(incident.host_name)},
                   {"kind", clean(incident.kind)},
                   {"number", clean(incident.number)},
                   {"opened", at_text(incident.opened)},
                   {"live", grade(incident.live)},
                   {"peak", grade(incident.peak)},
                   {"approved", grade(incident.approved)},
                   {"verdict", std::string(to_string(incident.verdict))},
                   {"rules", fmt::format("{}", fmt::join(incident.explanation.hits, " "))},
                   {"recovered", at_text(incident.recovered)},
                   {"closed", at_text(incident.closed)},
                   {"told", *notifications}};
}

Result<std::map<IncidentId, model::Incident>> all_incidents(StateReader& reader) {
  std::map<IncidentId, model::Incident> all;
  IncidentQuery query;
  query.limit = limits::kPageRows;
  for (;;) {
    auto page = reader.incidents(query);
    if (!page) return fail(page.error());
    if (page->empty()) return all;
    query.before = page->back().id;
    for (model::Incident& incident : *page) all.emplace(incident.id, std::move(incident));
  }
}

class Differences {
 public:
  explicit Differences(Comparison& to) : to_(to) {}
  void add(const model::Incident& incident, const std::string& text) {
    if (incident.id != last_) ++to_.different;
    last_ = incident.id;
    if (to_.lines.size() >= kDifferences) {
      ++to_.lines_left_out;
      return;
    }
    to_.lines.push_back(fmt::format("#{} {} {}: {}", incident.id.value,
                                    incident.number.empty() ? "-" : clean(incident.number),
                                    clean(incident.host_name), text));
  }

 private:
  Comparison& to_;
  IncidentId last_;
};

}  // namespace

Result<Comparison> compare(StateReader& recorded, StateReader& replayed) {
  const auto before = all_incidents(recorded);
  if (!before) return fail(before.error());
  const auto now = all_incidents(replayed);
  if (!now) return fail(now.error());
  Comparison comparison;
  Differences differences(comparison);
  comparison.incidents = before->size();
  for (const auto& [id, incident] : *before) {
    const auto other = now->find(id);
    if (other == now->end()) {
      differences.add(incident, "recorded, but this version opens none");
      continue;
    }
    const auto was = decisions_of(recorded, incident);
    if (!was) return fail(was.error());
    const auto is = decisions_of(replayed, other->second);
    if (!is) return fail(is.error());
    for (std::size_t i = 0; i < was->size(); ++i) {
      const auto& [name, value] = (*was)[i];
      if (value == (*is)[i].second) continue;
      differences.add(incident, fmt::format("{} {} -> {}", name, value.empty() ? "-" : value,
                                            (*is)[i].second.empty() ? "-" : (*is)[i].second));
    }
  }
  for (const auto& [id, incident] : *now) {
    if (before->contains(id)) continue;
    ++comparison.incidents;
    differences.add(incident, fmt::format("not recorded; this version opens one, peak {}",
                                          to_string(incident.peak)));
  }
  return comparison;
}

}  // namespace tocsin::collector
