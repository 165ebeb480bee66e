// false_alarms_per_day: judges a journal of benign events as if they had been spread over a day,
// and counts what nobody should have been told. What lies between two marks keeps its own pace; the
// quiet before each mark is drawn out, so that whatever an event left behind has the time to become
// an incident.
//
// bench_false_alarms JOURNAL MARKS    JOURNAL: a folder of segments; MARKS: lines "NANOSECONDS
// NAME",
//     in order, the last of them where real faults begin
//
// Prints "FALSE_INCIDENTS FALSE_NOTIFICATIONS REAL_INCIDENTS REAL_NOTIFICATIONS", then a line for
// each finding that the real faults made: its code, and what it is about. On standard error what
// was raised, each with the event in which it was.
#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/core/fold.hpp"
#include "collector/store/memory_store.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "common/config/site_policy.hpp"
#include "common/i18n/i18n.hpp"
#include "common/wire/wire.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::collector;

constexpr Duration kDay = 24h;

struct Mark {
  Instant at;
  std::string name;
};

std::vector<Mark> read_marks(const char* path) {
  std::ifstream file(path);
  std::vector<Mark> marks;
  for (Mark mark; file >> mark.at.ns >> mark.name;) marks.push_back(mark);
  TOCSIN_CHECK(marks.size() > 1);
  return marks;
}

// From the time that was recorded to that of the long day.
class LongDay {
 public:
  LongDay(std::vector<Mark> marks, Instant begins) : marks_(std::move(marks)) {
    const Duration real = marks_.back().at - begins;
    quiet_ = std::max(Duration{}, kDay - real) / static_cast<std::int64_t>(marks_.size());
  }
  Duration added(Instant recorded) const { return quiet_ * passed(recorded); }
  Instant moved(Instant recorded) const { return recorded + added(recorded); }
  // What was going on at a time of the long day.
  std::string_view going_on(Instant at) const {
    std::string_view name = "the beginning";
    for (const Mark& mark : marks_) {
      if (moved(mark.at) <= at) name = mark.name;
    }
    return name;
  }
  Instant faults_begin() const { return moved(marks_.back().at); }

 private:
  std::int64_t passed(Instant recorded) const {
    return std::count_if(marks_.begin(), marks_.end(),
                         [&](const Mark& mark) { return mark.at <= recorded; });
  }
  std::vector<Mark> marks_;
  Duration quiet_{};
};

// The host's clock may be wrong: its times move by as much as the entry that brings them.
void move(model::Observation& observation, Duration by, const LongDay& day) {
  observation.at = observation.at + by;
  if (auto* service = std::get_if<model::ServiceFacts>(&observation.facts)) {
    service->state_since = day.moved(service->state_since);
  }
}

void move(model::JournalEntry& entry, const LongDay& day) {
  const Duration by = day.added(entry.at);
  entry.at = entry.at + by;
  if (auto* fact = std::get_if<model::AgentFact>(&entry.body)) {
    fact->fact.wall = fact->fact.wall + by;
    if (auto* seen = std::get_if<model::Observation>(&fact->fact.body)) move(*seen, by, day);
    if (auto* result = std::get_if<model::RequestResult>(&fact->fact.body)) {
      for (model::Observation& seen : result->observations) move(seen, by, day);
    }
  } else if (auto* presence = std::get_if<model::AgentPresence>(&entry.body)) {
    if (presence->since.ns != 0) presence->since = day.moved(presence->since);
  } else if (auto* look = std::get_if<model::CollectorLook>(&entry.body)) {
    move(look->observation, by, day);
  }
}

std::vector<model::JournalEntry> read_journal(const char* folder) {
  SqliteJournalOptions options;
  options.directory = folder;
  auto journal = open_journal_reader(options);
  TOCSIN_CHECK(journal.has_value());
  std::vector<model::JournalEntry> entries;
  for (Position next{1};; next.value = entries.back().position.value + 1) {
    const auto rows = (*journal)->read(next, 1000);
    TOCSIN_CHECK(rows.has_value());
    if (rows->empty()) return entries;
    for (const StoredEntry& row : *rows) {
      auto body = wire::decode_journal(row.body);
      TOCSIN_CHECK(body.has_value());
      entries.push_back({row.position, row.at, *std::move(body)});
    }
  }
}

// Folds as the judge does, with a tick for each timer that becomes due on the way.
class Judge {
 public:
  Judge() : store_(state_.open_store()), reader_(state_.open_reader()), fold_(resumed()) {}

  void until(Instant target) {
    for (auto due = fold_.next_due(); due && *due <= target; due = fold_.next_due()) {
      push(std::max(now_, *due), model::Tick{});
    }
  }
  void push(Instant at, const model::JournalBody& body) {
    now_ = std::max(now_, at);
    ++position_.value;
    fold_.apply(position_, now_, body);
    TOCSIN_CHECK(store_->commit(fold_.take_delta()).has_value());
  }
  Instant now() const { return now_; }
  std::vector<model::Incident> incidents() {
    IncidentQuery query;
    query.limit = 100'000;
    auto found = reader_->incidents(query).value();
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return found;
  }
  std::vector<model::Finding> findings(IncidentId id) {
    return reader_->findings(id, SIZE_MAX).value();
  }
  // Those that somebody got.
  std::vector<model::Notification> notifications(IncidentId id) {
    auto rows = reader_->notifications(id, SIZE_MAX).value();
    std::erase_if(rows, [](const auto& row) { return !row.suppressed.empty(); });
    return rows;
  }

 private:
  Fold resumed() {
    auto fold =
        Fold::resume(store_->load().value(), [](std::string_view toml, std::string_view name) {
          return config::read_site_policy(toml, name);
        });
    TOCSIN_CHECK(fold.has_value());
    return *std::move(fold);
  }
  MemoryState state_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<StateReader> reader_;
  Fold fold_;
  Instant now_{0};
  Position position_;
};

void print(const model::Finding& finding) {
  fmt::print("{}", finding.code);
  for (const model::Parameter& parameter : finding.message.parameters) {
    fmt::print(" {}", parameter.value);
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<model::JournalEntry> entries = read_journal(argv[1]);
  TOCSIN_CHECK(!entries.empty());
  const LongDay day(read_marks(argv[2]), entries.front().at);
  Judge judge;
  for (model::JournalEntry& entry : entries) {
    // What became of the notifications of that run is of none in this one.
    if (std::holds_alternative<model::DeliveryOutcome>(entry.body)) continue;
    move(entry, day);
    judge.until(entry.at);
    judge.push(entry.at, entry.body);
  }
  judge.until(judge.now() + 1h);

  std::size_t count[2][2] = {};
  std::vector<model::Finding> found;
  const Instant faults = day.faults_begin();
  for (const model::Incident& incident : judge.incidents()) {
    const bool real = incident.opened >= faults;
    ++count[real ? 1 : 0][0];
    for (const model::Notification& row : judge.notifications(incident.id)) {
      ++count[row.created >= faults ? 1 : 0][1];
    }
    for (model::Finding& finding : judge.findings(incident.id)) {
      if (finding.opened >= faults) found.push_back(std::move(finding));
    }
    fmt::print(stderr, "  {} in {} of {}: {}\n", real ? "found" : "FALSE ALARM",
               day.going_on(incident.opened), incident.host_name,
               i18n::render(i18n::Language::en, incident.title));
  }
  fmt::print("{} {} {} {}\n", count[0][0], count[0][1], count[1][0], count[1][1]);
  for (const model::Finding& finding : found) print(finding);
  return 0;
}
