// After the power was cut at any step there are the judge's first commits, each whole, with its
// cursor, and all that were there when sync_state() returned.
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/sqlite_state.hpp"
#include "tests/support/every_fault.hpp"

namespace tocsin::collector {
namespace {

using tests::Fault;
using tests::Place;

constexpr int kCommits = 6;

SqliteStateOptions options_of(const Place& place) {
  return {place.directory + "/state.db", place.disk.name()};
}

std::uint64_t number(int commit) { return static_cast<std::uint64_t>(commit); }

// Each commit touches every table: a new incident with its finding, timeline and notification, and
// the one host, value and timer that all commits change.
StateDelta delta_of(int commit) {
  StateDelta delta;
  delta.cursor = Position{number(commit)};
  delta.judged_at = Instant{commit};
  model::Host host;
  host.agent = AgentId{std::string(64, 'a')};
  host.name = "host as of " + std::to_string(commit) + std::string(2000, 'x');
  host.presence = model::Presence::heard;
  host.name.resize(200);
  host.facts = number(commit);
  delta.hosts = {host};
  model::Finding finding;
  finding.id = FindingId{number(commit)};
  finding.incident = IncidentId{number(commit)};
  finding.agent = host.agent;
  finding.opened = Instant{1};
  delta.findings = {finding};
  model::Incident incident;
  incident.id = IncidentId{number(commit)};
  incident.agent = host.agent;
  incident.opened = Instant{1};
  delta.incidents = {incident};
  model::TimelineItem item;
  item.incident = incident.id;
  item.at = Instant{1};
  delta.timeline = {item};
  model::Notification notification;
  notification.id = NotificationId{number(commit)};
  notification.incident = incident.id;
  delta.notifications = {notification};
  model::CommandResult result;
  result.command_id = "command " + std::to_string(commit);
  delta.command_results = {result};
  delta.timers_set = {{"next", Instant{commit}}};
  delta.values = {{"next.incident", std::to_string(commit)}, {"policy", std::string(9000, 'p')}};
  return delta;
}

// How many commits are there; fails the test where one is there by half.
int commits_in(StateStore& store, const Place& place) {
  const Result<StateSnapshot> snapshot = store.load();
  EXPECT_TRUE(snapshot) << snapshot.error().message;
  if (!snapshot) return -1;
  const int commits = static_cast<int>(snapshot->cursor.value);
  const auto all = static_cast<std::size_t>(commits);
  EXPECT_EQ(snapshot->judged_at, Instant{commits});
  EXPECT_EQ(snapshot->findings.size(), all);
  EXPECT_EQ(snapshot->incidents.size(), all);
  EXPECT_EQ(snapshot->notifications.size(), all);
  EXPECT_EQ(snapshot->hosts.size(), commits == 0 ? 0U : 1U);
  if (commits > 0) {
    EXPECT_EQ(snapshot->hosts[0], delta_of(commits).hosts[0]);
    EXPECT_EQ(snapshot->timers, delta_of(commits).timers_set);
    EXPECT_EQ(snapshot->values, delta_of(commits).values);
  }
  const auto reader = open_state_reader(options_of(place));
  EXPECT_TRUE(reader) << reader.error().message;
  for (int commit = 1; reader && commit <= kCommits + 1; ++commit) {
    const bool there = commit <= commits;
    EXPECT_EQ((*reader)->timeline(IncidentId{number(commit)}, SIZE_MAX)->size(), there ? 1U : 0U);
    EXPECT_EQ(store.command_result("command " + std::to_string(commit))->has_value(), there);
  }
  return commits;
}

void check_state(const Place& place, int at_least, int at_most) {
  const auto store = open_state_store(options_of(place));
  ASSERT_TRUE(store) << store.error().message;
  const int commits = commits_in(**store, place);
  EXPECT_GE(commits, at_least);
  EXPECT_LE(commits, at_most);
  const Status next = (*store)->commit(delta_of(commits + 1));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(commits_in(**store, place), commits + 1);
}

// What a run knows at its end.
struct Reached {
  int committed = 0;
  int synced = 0;
};

// Commits all, and syncs after each whose number is in `sync_after`.
Reached commit_until_the_cut(const Place& place, const std::set<int>& sync_after) {
  Reached reached;
  const auto store = open_state_store(options_of(place));
  for (int commit = 1; store && commit <= kCommits; ++commit) {
    if (!(*store)->commit(delta_of(commit))) break;
    reached.committed = commit;
    if (!sync_after.contains(commit)) continue;
    if (!sync_state(options_of(place))) break;
    reached.synced = commit;
  }
  return reached;
}

TEST(StatePower, ACutAtEveryStepLeavesWholeCommitsAndWhatWasSynced) {
  const auto run = [](const Place& place) { return commit_until_the_cut(place, {2, 3}); };
  tests::cut_the_power_everywhere(run, [](const Place& place, const Reached& reached) {
    check_state(place, reached.synced, reached.committed + 1);
  });
}

TEST(StatePower, EverythingThatWasSyncedIsThere) {
  const auto run = [](const Place& place) {
    return commit_until_the_cut(place, {1, 2, 3, 4, 5, kCommits});
  };
  tests::cut_the_power_everywhere(run, [](const Place& place, const Reached& reached) {
    check_state(place, reached.synced, reached.committed + 1);
  });
}

int commit_with_patience(const Place& place) {
  auto store = open_state_store(options_of(place));
  if (!store) {
    place.disk.make_room();
    store = open_state_store(options_of(place));
    if (!store) ADD_FAILURE() << store.error().message;
    if (!store) return 0;
  }
  int acknowledged = 0;
  for (int commit = 1; commit <= kCommits; ++commit) {
    Status committed = (*store)->commit(delta_of(commit));
    for (int refusals = 0; !committed && refusals < 3; ++refusals) {
      EXPECT_EQ(committed.error().code, ErrorCode::resource_exhausted) << committed.error().message;
      EXPECT_EQ((*store)->load()->cursor, Position{number(acknowledged)});
      if (refusals == 1) place.disk.make_room();
      committed = (*store)->commit(delta_of(commit));
    }
    if (!committed) ADD_FAILURE() << "commit " << commit << ": " << committed.error().message;
    if (!committed) return acknowledged;
    acknowledged = commit;
  }
  return acknowledged;
}

void check_all_there(const Place& place, int acknowledged) {
  EXPECT_EQ(acknowledged, kCommits);
  check_state(place, kCommits, kCommits);
}

TEST(StatePower, AFullDiskAtEveryWriteChangesNothingAndPasses) {
  tests::fail_every_write(Fault::disk_full, commit_with_patience, check_all_there);
}

TEST(StatePower, AShortWriteAtEveryWriteChangesNothingAndPasses) {
  tests::fail_every_write(Fault::short_write, commit_with_patience, check_all_there);
}

TEST(StatePower, AnErrorAtEveryWriteChangesNothingAndPasses) {
  tests::fail_every_write(Fault::io_error, commit_with_patience, check_all_there);
}

}  // namespace
}  // namespace tocsin::collector
