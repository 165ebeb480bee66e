// What the journal has acknowledged is there after the power was cut at any step, and nothing is
// there by half.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/sqlite_journal.hpp"
#include "tests/support/every_fault.hpp"

namespace tocsin::collector {
namespace {

using tests::Fault;
using tests::Place;

SqliteJournalOptions options_of(const Place& place) {
  SqliteJournalOptions options;
  options.directory = place.directory + "/journal";
  options.segment_bytes = 24 << 10;  // So that a segment ends in the middle of the scenario,
  options.checkpoint_pages = 8;      // and pages are copied back while it runs.
  options.vfs = place.disk.name();
  return options;
}

constexpr int kGroups = 8;

std::string body_of(int group, int entry) {
  return "group " + std::to_string(group) + " entry " + std::to_string(entry) +
         std::string(static_cast<std::size_t>(group) * 97, 'x');
}

std::vector<std::string> bodies_of(int group) {
  const int size = group % 3 == 0 ? 17 : group;
  std::vector<std::string> bodies;
  for (int entry = 0; entry < size; ++entry) bodies.push_back(body_of(group, entry));
  return bodies;
}

SpoolCursor cursor_of(int group) {
  return {AgentId{"agent"}, Epoch{1}, Seq{static_cast<std::uint64_t>(group)}};
}

Status append(JournalWriter& writer, int group) {
  const std::vector<std::string> bodies = bodies_of(group);
  const SpoolCursor cursor = cursor_of(group);
  const Result<Position> first = writer.append(bodies, Instant{group}, {&cursor, 1});
  if (!first) return fail(first.error());
  return {};
}

// Groups 1 to n as they are read back; fails the test where anything is there by half.
int groups_in(const Place& place) {
  const auto reader = open_journal_reader(options_of(place));
  const Result<std::vector<StoredEntry>> entries = (*reader)->read(Position{1}, 10'000);
  EXPECT_TRUE(entries) << entries.error().message;
  if (!entries) return -1;
  std::size_t at = 0;
  for (int group = 1; group <= kGroups + 1; ++group) {
    if (at == entries->size()) return group - 1;
    for (const std::string& body : bodies_of(group)) {
      if (at == entries->size() || (*entries)[at].body != body ||
          (*entries)[at].at != Instant{group} || (*entries)[at].position.value != at + 1) {
        ADD_FAILURE() << "group " << group << " is there by half or is another, at " << at;
        return -1;
      }
      ++at;
    }
  }
  return kGroups + 1;
}

void check_journal(const Place& place, int at_least, int at_most) {
  const auto writer = open_journal_writer(options_of(place));
  ASSERT_TRUE(writer) << writer.error().message;
  const int groups = groups_in(place);
  EXPECT_GE(groups, at_least);
  EXPECT_LE(groups, at_most);
  const Result<std::vector<SpoolCursor>> cursors = (*writer)->spool_cursors();
  ASSERT_TRUE(cursors) << cursors.error().message;
  if (groups == 0) {
    EXPECT_TRUE(cursors->empty());
  } else {
    EXPECT_THAT(*cursors, ::testing::ElementsAre(cursor_of(groups)));
  }
  const auto next = append(**writer, groups + 1);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(groups_in(place), groups + 1);
  const Result<ChainReport> report = (*open_journal_reader(options_of(place)))->verify();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->intact) << report->problem.code;
  EXPECT_EQ(report->groups, static_cast<std::uint64_t>(groups + 1));
}

TEST(JournalPower, WhatIsAcknowledgedSurvivesACutAtEveryStep) {
  const auto run = [](const Place& place) {
    int acknowledged = 0;
    const auto writer = open_journal_writer(options_of(place));
    for (int group = 1; writer && group <= kGroups; ++group) {
      if (!append(**writer, group)) break;
      acknowledged = group;
    }
    return acknowledged;
  };
  tests::cut_the_power_everywhere(run, [](const Place& place, int acknowledged) {
    // The group that was cut off may have made it as a whole.
    check_journal(place, acknowledged, acknowledged + 1);
  });
}

TEST(JournalPower, TheScenarioHasSeveralSegments) {
  const tests::TempDir directory = tests::TempDir::in_memory();
  tests::PowerCutVfs disk;
  const Place place{disk, directory.path()};
  {
    const auto writer = open_journal_writer(options_of(place));
    for (int group = 1; group <= kGroups; ++group) ASSERT_TRUE(append(**writer, group));
  }
  EXPECT_TRUE(std::filesystem::exists(place.directory + "/journal/journal-000003.db"));
}

TEST(JournalPower, ACutAfterACutLosesNothingEither) {
  // Recovery writes too: cut it at each of its own steps, after a cut in the middle.
  const auto run = [](const Place& place) {
    int acknowledged = 0;
    {
      const auto writer = open_journal_writer(options_of(place));
      for (int group = 1; writer && group <= 5; ++group) {
        if (append(**writer, group)) acknowledged = group;
      }
      place.disk.cut();
    }
    place.disk.restart();
    const auto writer = open_journal_writer(options_of(place));
    for (int group = acknowledged + 1; writer && group <= kGroups; ++group) {
      if (!append(**writer, group)) break;
      acknowledged = group;
    }
    return acknowledged;
  };
  tests::cut_the_power_everywhere(
      run,
      [](const Place& place, int acknowledged) {
        check_journal(place, acknowledged, acknowledged + 1);
      },
      1);
}

// Appends every group until it is taken, as the writer's thread does; a fault that stays is
// repaired after the second refusal.
int append_with_patience(const Place& place) {
  auto writer = open_journal_writer(options_of(place));
  if (!writer) {
    EXPECT_EQ(writer.error().message.empty(), false);
    place.disk.make_room();
    writer = open_journal_writer(options_of(place));
    if (!writer) ADD_FAILURE() << writer.error().message;
    if (!writer) return 0;
  }
  int acknowledged = 0;
  for (int group = 1; group <= kGroups; ++group) {
    Status appended = append(**writer, group);
    for (int refusals = 0; !appended && refusals < 3; ++refusals) {
      EXPECT_EQ(appended.error().code, ErrorCode::resource_exhausted) << appended.error().message;
      EXPECT_EQ(groups_in(place), acknowledged) << "a refused group is seen";
      if (refusals == 1) place.disk.make_room();
      appended = append(**writer, group);
    }
    if (!appended) ADD_FAILURE() << "group " << group << ": " << appended.error().message;
    if (!appended) return acknowledged;
    acknowledged = group;
  }
  return acknowledged;
}

void check_all_there(const Place& place, int acknowledged) {
  EXPECT_EQ(acknowledged, kGroups);
  check_journal(place, kGroups, kGroups);
}

TEST(JournalPower, AFullDiskAtEveryWriteChangesNothingAndPasses) {
  tests::fail_every_write(Fault::disk_full, append_with_patience, check_all_there);
}

TEST(JournalPower, AShortWriteAtEveryWriteChangesNothingAndPasses) {
  tests::fail_every_write(Fault::short_write, append_with_patience, check_all_there);
}

TEST(JournalPower, AnErrorAtEveryWriteOrSyncChangesNothingAndPasses) {
  std::uint64_t operations = 0;
  {
    const tests::TempDir directory = tests::TempDir::in_memory();
    tests::PowerCutVfs disk;
    append_with_patience({disk, directory.path()});
    operations = disk.operations();
  }
  for (std::uint64_t nth = 1; nth <= operations && !HasFailure(); ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    const tests::TempDir directory = tests::TempDir::in_memory();
    tests::PowerCutVfs disk;
    const Place place{disk, directory.path()};
    disk.plan(nth, Fault::io_error);
    check_all_there(place, append_with_patience(place));
  }
}

TEST(JournalPower, AnErrorThenACutLosesNothingThatWasAcknowledged) {
  // What a failed sync should have written is gone; the next group must not stand on it.
  std::uint64_t operations = 0;
  {
    const tests::TempDir directory = tests::TempDir::in_memory();
    tests::PowerCutVfs disk;
    append_with_patience({disk, directory.path()});
    operations = disk.operations();
  }
  for (std::uint64_t nth = 1; nth <= operations && !HasFailure(); ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    const tests::TempDir directory = tests::TempDir::in_memory();
    tests::PowerCutVfs disk;
    const Place place{disk, directory.path()};
    {
      const auto writer = open_journal_writer(options_of(place));
      disk.plan(nth, Fault::io_error);
      int acknowledged = 0;
      for (int group = 1; group <= kGroups; ++group) {
        if (append(**writer, group) || append(**writer, group)) acknowledged = group;
      }
      EXPECT_EQ(acknowledged, kGroups);
      disk.cut();
    }
    disk.restart();
    disk.plan_nothing();
    check_journal(place, kGroups, kGroups);
  }
}

}  // namespace
}  // namespace tocsin::collector
