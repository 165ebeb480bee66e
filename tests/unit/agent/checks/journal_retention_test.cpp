#include "agent/checks/journal_retention.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

using model::HistoryGone;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;
constexpr Instant kNow{1'800'000'000'000'000'000};

TEST(JournalSettings, ReadSizesAsSystemdDoes) {
  EXPECT_EQ(parse_journal_size("512"), 512U);
  EXPECT_EQ(parse_journal_size(" 64K "), 64U << 10);
  EXPECT_EQ(parse_journal_size("8 M"), 8 * kMiB);
  EXPECT_EQ(parse_journal_size("2G"), 2 * kGiB);
  for (const char* other : {"", "M", "1.5G", "1G 1M", "5MB", "-1", "99999999999999999999", "99E"}) {
    EXPECT_EQ(parse_journal_size(other), std::nullopt) << other;
  }
}

TEST(JournalSettings, ReadSpansAsSystemdDoes) {
  EXPECT_EQ(parse_journal_span("90"), 90s);
  EXPECT_EQ(parse_journal_span("1month"), Duration(2'629'800s));
  EXPECT_EQ(parse_journal_span("2week 3d"), Duration(17 * 24h));
  EXPECT_EQ(parse_journal_span("1h30min"), Duration(90min));
  EXPECT_EQ(parse_journal_span("1M"), parse_journal_span("1month"));
  EXPECT_EQ(parse_journal_span("infinity"), Duration{});
  for (const char* other : {"", "d", "1 fortnight", "1.5h", "999999999999y", "300y"}) {
    EXPECT_EQ(parse_journal_span(other), std::nullopt) << other;
  }
}

TEST(JournalSettings, TheLaterFileCountsAndOnlyItsOwnSection) {
  const JournalSettings settings =
      journal_settings({"# SystemMaxUse=1K\n[Other]\nSystemMaxUse=2K\n[Journal]\n"
                        "SystemMaxUse = 1G\nSystemMaxFiles=7\nMaxRetentionSec=1week\n",
                        "[Journal]\nSystemMaxUse=64M\r\nRuntimeKeepFree=5M\nMaxRetentionSec=\n"},
                       true);
  EXPECT_EQ(settings.on_disk.most_bytes, 64 * kMiB);
  EXPECT_EQ(settings.on_disk.most_files, 7U);
  EXPECT_EQ(settings.in_memory.keep_free, 5 * kMiB);
  EXPECT_EQ(settings.oldest, Duration{});
  EXPECT_FALSE(settings.unclear);
}

TEST(JournalSettings, SayWhereSomethingWasNotUnderstood) {
  EXPECT_TRUE(journal_settings({}, false).unclear);
  for (const char* line : {"SystemMaxUse=1.5G", "MaxRetentionSec=soon", "SystemMaxFiles=many",
                           "SystemKeepFree=\\", "SystemMaxFileSize=8MB"}) {
    EXPECT_TRUE(journal_settings({std::string("[Journal]\n") + line}, true).unclear) << line;
  }
  EXPECT_FALSE(journal_settings({"[Journal]\nStorage=auto\nCompress\n"}, true).unclear);
}

// journald.conf(5), and what journald says of itself when it starts.
TEST(JournalLimits, AreJournaldsOwnWhereNobodySaysOtherwise) {
  const JournalLimits limits = journal_limits({}, true, 20 * kGiB);
  EXPECT_EQ(limits.most_bytes, 2 * kGiB);
  EXPECT_EQ(limits.largest_file, 128 * kMiB);
  EXPECT_EQ(limits.keep_free, kGiB);
  EXPECT_EQ(limits.most_files, 100U);
  EXPECT_EQ(journal_limits({}, true, 900 * kGiB).most_bytes, 4 * kGiB);
  EXPECT_EQ(journal_limits({}, true, 900 * kGiB).keep_free, 4 * kGiB);
  EXPECT_EQ(journal_limits({}, true, kMiB).most_bytes, kMiB);
  EXPECT_EQ(journal_limits({}, true, kMiB).largest_file, kMiB / 2);
}

TEST(JournalLimits, AreOfThePlaceWhereTheJournalIs) {
  JournalSettings settings;
  settings.on_disk.most_bytes = 64 * kMiB;
  settings.in_memory.most_bytes = 8 * kMiB;
  settings.in_memory.largest_file = 6 * kMiB;
  EXPECT_EQ(journal_limits(settings, true, kGiB).most_bytes, 64 * kMiB);
  EXPECT_EQ(journal_limits(settings, true, kGiB).largest_file, 8 * kMiB);
  EXPECT_EQ(journal_limits(settings, false, kGiB).most_bytes, 12 * kMiB);
  settings.on_disk.most_bytes = 0;
  EXPECT_EQ(journal_limits(settings, true, kGiB).most_bytes, UINT64_MAX);
}

// A host whose journal has 40 MiB of the 1 GiB it may have, and had 400.
struct Case {
  JournalLoss loss{kNow - 720h, kNow - 10s, 400 * kMiB, 40 * kMiB, false, kNow};
  JournalPlaceSeen now{"0123", true, 5, 40 * kMiB, 8 * kGiB, journal_limits({}, true, 10 * kGiB)};
  std::optional<JournalPlaceKept> before = kept_of(now);
  HistoryGone why() const { return why_gone(loss, before, now); }
};
template <class Change>
HistoryGone why(Change change) {
  Case c;
  change(c);
  return c.why();
}

TEST(JournalHistory, IsNotGoneByItself) { EXPECT_EQ(Case{}.why(), HistoryGone::unexplained); }

TEST(JournalHistory, EndsWhereItsShareIsFull) {
  EXPECT_EQ(why([](Case& c) { c.loss.bytes = c.now.bytes = 1000 * kMiB; }),
            HistoryGone::by_retention);
  EXPECT_EQ(why([](Case& c) { c.loss.bytes = c.now.bytes = 900 * kMiB; }),
            HistoryGone::by_retention);
  EXPECT_EQ(why([](Case& c) { c.loss.bytes = c.now.bytes = 700 * kMiB; }),
            HistoryGone::unexplained);
  EXPECT_EQ(why([](Case& c) { c.now.files = 100; }), HistoryGone::by_retention);
  EXPECT_EQ(why([](Case& c) { c.now.files = 90; }), HistoryGone::unexplained);
}

TEST(JournalHistory, EndsWhereItIsTooOld) {
  const auto with_oldest = [](Duration oldest, Duration left) {
    return why([&](Case& c) {
      c.now.limits.oldest = oldest;
      c.loss.oldest = kNow - left;
      c.before = kept_of(c.now);
    });
  };
  EXPECT_EQ(with_oldest(600h, 590h), HistoryGone::by_retention);
  // A file is removed whole, and may have had a month.
  EXPECT_EQ(with_oldest(600h, 1h), HistoryGone::maybe_by_retention);
  // What went was younger than that.
  EXPECT_EQ(with_oldest(800h, 790h), HistoryGone::unexplained);
}

TEST(JournalHistory, HasItsBenignCauses) {
  EXPECT_EQ(why([](Case& c) { c.before->machine_id = "4567"; }), HistoryGone::machine_changed);
  EXPECT_EQ(why([](Case& c) { c.now.free = 500 * kMiB; }), HistoryGone::disk_short);
  EXPECT_EQ(why([](Case& c) { c.before->disk_short = true; }), HistoryGone::disk_short);
  EXPECT_EQ(why([](Case& c) { c.now.bytes = 300 * kMiB; }), HistoryGone::files_unread);
  EXPECT_EQ(why([](Case& c) { c.before->on_disk = false, c.loss.new_boot = true; }),
            HistoryGone::in_memory);
  EXPECT_EQ(why([](Case& c) { c.now.limits.unclear = true, c.before = kept_of(c.now); }),
            HistoryGone::maybe_by_retention);
  EXPECT_EQ(why([](Case& c) { c.before.reset(); }), HistoryGone::maybe_by_retention);
  EXPECT_EQ(why_gone(Case{}.loss, Case{}.before, std::nullopt), HistoryGone::maybe_by_retention);
}

// journald was restarted with smaller files and less room before we looked; what there is of large
// ones goes whole.
TEST(JournalHistory, EndsWhereAFileOfEarlierSettingsGoesWhole) {
  const auto left_of_1024 = [](std::uint64_t largest) {
    return why([&](Case& c) {
      c.loss.bytes = c.now.bytes = 700 * kMiB;
      c.before->largest = largest;
    });
  };
  EXPECT_EQ(left_of_1024(400 * kMiB), HistoryGone::by_retention);
  EXPECT_EQ(left_of_1024(128 * kMiB), HistoryGone::unexplained);
}

// Else anybody could take one along.
TEST(JournalHistory, HasNoExcuseThatDoesNotExplainIt) {
  EXPECT_EQ(why([](Case& c) { c.loss.new_boot = true; }), HistoryGone::unexplained);
  EXPECT_EQ(why([](Case& c) { c.before->on_disk = false; }), HistoryGone::unexplained);
  EXPECT_EQ(why([](Case& c) { c.now.bytes += 2 * kMiB; }), HistoryGone::unexplained);
  EXPECT_EQ(why([](Case& c) { c.now.limits.most_bytes -= kMiB; }), HistoryGone::unexplained);
}

TEST(JournalHistory, ASettingThatIsNewIsNoReasonToSayThatAllIsWell) {
  const auto made_small = [](Case& c) { c.now.limits.most_bytes = 40 * kMiB; };
  EXPECT_EQ(why(made_small), HistoryGone::settings_changed);
  EXPECT_EQ(why([&](Case& c) { made_small(c), c.before = kept_of(c.now); }),
            HistoryGone::by_retention);
}

// What journald does, of which the documents are journald.conf(5) and its own source: it writes to
// one file, begins another when that is full or somebody asks, and removes the oldest archived
// ones.
class Journald {
 public:
  explicit Journald(const JournalLimits& limits) : limits_(limits) { active_.head = now_; }

  void write(std::uint64_t bytes) {
    for (; bytes > 0; now_ = now_ + 1s) {
      if (active_.size >= limits_.largest_file) rotate();
      const std::uint64_t part = std::min(bytes, limits_.largest_file - active_.size);
      active_.size += part;
      bytes -= part;
      if (active_.size == limits_.largest_file) rotate();
    }
  }
  void wait(Duration time) { now_ = now_ + time; }
  void configure(const JournalLimits& limits) { limits_ = limits; }  // and restart
  void rotate() {
    if (active_.size > 0) archived_.push_back(active_);
    active_ = {now_, 0};
    const auto has_to_go = [&](const File& file) {
      return total_archived() > limits_.most_bytes ||
             (limits_.most_files > 0 && archived_.size() + 1 > limits_.most_files) ||
             (limits_.oldest > Duration{} && file.head < now_ - limits_.oldest);
    };
    while (!archived_.empty() && has_to_go(archived_.front())) archived_.erase(archived_.begin());
  }
  void wipe() { archived_.clear(); }

  Instant oldest() const { return archived_.empty() ? active_.head : archived_.front().head; }
  std::uint64_t bytes() const { return total_archived() + active_.size; }
  Instant now() const { return now_; }
  JournalPlaceSeen look() const {
    JournalPlaceSeen seen{"0123", true, archived_.size() + 1, bytes(), UINT64_MAX, limits_};
    seen.largest = active_.size;
    for (const File& file : archived_) seen.largest = std::max(seen.largest, file.size);
    return seen;
  }

 private:
  struct File {
    Instant head;
    std::uint64_t size = 0;
  };
  std::uint64_t total_archived() const {
    return std::accumulate(archived_.begin(), archived_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const File& file) { return sum + file.size; });
  }
  JournalLimits limits_;
  std::vector<File> archived_;
  File active_;
  Instant now_{kNow};
};

JournalLimits some_limits() {
  JournalSettings settings;
  if (*rc::gen::arbitrary<bool>()) {
    settings.on_disk.most_bytes = *rc::gen::inRange<std::uint64_t>(1, 64) * kMiB;
  }
  if (*rc::gen::arbitrary<bool>()) {
    settings.on_disk.largest_file = *rc::gen::inRange<std::uint64_t>(1, 32) * kMiB;
  }
  if (*rc::gen::arbitrary<bool>()) {
    settings.on_disk.most_files = *rc::gen::inRange<std::uint64_t>(0, 12);
  }
  if (*rc::gen::arbitrary<bool>()) settings.oldest = std::chrono::hours(*rc::gen::inRange(1, 900));
  return journal_limits(settings, true, kGiB);
}

TEST(JournalHistory, WhatJournaldRemovesIsNoFinding) {
  int removed = 0;
  EXPECT_TRUE(rc::check("retention is no finding", [&] {
    Journald journald(some_limits());
    if (*rc::gen::arbitrary<bool>()) {
      journald.write(*rc::gen::inRange<std::uint64_t>(0, 80 * kMiB));
      journald.configure(some_limits());
    }
    for (int looks = *rc::gen::inRange(2, 20); looks > 0; --looks) {
      const Instant was = journald.oldest();
      const std::uint64_t bytes = journald.bytes();
      const auto before = kept_of(journald.look());
      for (int steps = *rc::gen::inRange(0, 4); steps > 0; --steps) {
        journald.write(*rc::gen::inRange<std::uint64_t>(0, 40 * kMiB));
        journald.wait(std::chrono::hours(*rc::gen::inRange(0, 200)));
        if (*rc::gen::arbitrary<bool>()) journald.rotate();
      }
      if (journald.oldest() <= was) continue;
      ++removed;
      const JournalLoss loss{was,   journald.oldest(), bytes, journald.bytes(),
                             false, journald.now()};
      RC_ASSERT(why_gone(loss, before, journald.look()) != HistoryGone::unexplained);
    }
  }));
  EXPECT_GT(removed, 100);
}

TEST(JournalHistory, WhoRemovesItAllIsFoundWhereMoreMayBeKept) {
  EXPECT_TRUE(rc::check("a wiped journal is found", [] {
    Journald journald(journal_limits({}, true, kGiB));  // about 102 MiB in files of 13
    journald.write(*rc::gen::inRange<std::uint64_t>(14, 400) * kMiB);
    const Instant was = journald.oldest();
    const std::uint64_t bytes = journald.bytes();
    const auto before = kept_of(journald.look());
    if (*rc::gen::arbitrary<bool>()) journald.rotate();
    journald.wipe();
    journald.write(*rc::gen::inRange<std::uint64_t>(1, kMiB));
    const JournalLoss loss{was, journald.oldest(), bytes, journald.bytes(), false, journald.now()};
    RC_ASSERT(why_gone(loss, before, journald.look()) == HistoryGone::unexplained);
  }));
}

TEST(JournalPlaceKept, ReadsBackWhatItWrote) {
  const JournalPlaceKept kept{"0123", true, false, "40000000-1-2-3-0-0", 4096};
  EXPECT_EQ(parse_journal_place_kept(to_text(kept)), kept);
  const JournalPlaceKept older{"0123", true, false, "40000000-1-2-3-0-0"};
  EXPECT_EQ(parse_journal_place_kept("0123,1,0,40000000-1-2-3-0-0"), older);
  EXPECT_EQ(parse_journal_place_kept(to_text(kept_of(Case{}.now))), kept_of(Case{}.now));
  for (const char* other : {"", "a,1,0", "a,1,0,b,x", "a,1,0,b,c,", "a,2,0,b", "a,1,,b"}) {
    EXPECT_EQ(parse_journal_place_kept(other), std::nullopt) << other;
  }
  EXPECT_TRUE(rc::check("any bytes", [](const std::string& noise) {
    parse_journal_place_kept(noise);
    parse_journal_size(noise);
    parse_journal_span(noise);
    (void)journal_settings({"[Journal]\nSystemMaxUse=" + noise, noise}, true);
  }));
}

}  // namespace
}  // namespace tocsin::agent
