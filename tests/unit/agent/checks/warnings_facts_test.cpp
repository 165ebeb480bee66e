#include "agent/checks/warnings_facts.hpp"

#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

using model::WarningLevel;

constexpr Instant kNow{1'795'300'000'000'000'000};
const WarningsSettings kNoProbe;  // The counter keeps no copy.
constexpr char kFailed[] = "Failed password for root from 203.0.113.9 port 4711 ssh2";

const catalogue::Catalogue& shipped() {
  static const catalogue::Catalogue catalogue = catalogue::Catalogue::shipped();
  return catalogue;
}

TEST(LogRecord, TakesSyslogLinesApart) {
  const auto record = parse_log_record("Nov 22 22:14:54 tsm01 sshd[42]: Failed password for x");
  EXPECT_EQ(record.program, "sshd");
  EXPECT_EQ(record.message, "Failed password for x");
  EXPECT_EQ(record.pid, 42U);
  EXPECT_EQ(parse_log_record("Nov  2 02:14:54 h kernel: oops").program, "kernel");
  EXPECT_EQ(parse_log_record("Nov  2 02:14:54 h kernel: oops").pid, 0U);
  EXPECT_EQ(parse_log_record("Nov  2 02:14:54 h sshd[x]: oops").pid, 0U);
  const auto iso = parse_log_record("2026-11-22T22:14:54.123+08:00 h su: FAILED SU (to root)");
  EXPECT_EQ(iso.program, "su");
  EXPECT_EQ(iso.message, "FAILED SU (to root)");
}

TEST(LogRecord, IsAMessageWhereNothingElseIsKnown) {
  for (const std::string line : {"11/22/2026 22:14:54 ANS1017E Session rejected", "", "Nov 22",
                                 "sshd[42]: Failed", "Nov 22 22:14:54"}) {
    EXPECT_EQ(parse_log_record(line).program, "") << line;
    EXPECT_EQ(parse_log_record(line).message, line) << line;
  }
}

TEST(WarningCounter, CountsByMeaningAndPutsTheGravestFirst) {
  WarningCounter counter(shipped(), kNoProbe, {});
  counter.add({"sshd", kFailed}, kNow);
  counter.add({"sshd", kFailed}, kNow + 1s);
  counter.add({"kernel", "Kernel panic - not syncing: \x1b[31mred\n"}, kNow);
  counter.add({"sshd", "Accepted publickey for x"}, kNow);
  model::WarningsFacts facts;
  counter.finish(kNow + 2s, facts);
  ASSERT_EQ(facts.groups.size(), 2U);
  EXPECT_EQ(facts.groups[0].id, "kernel.panic");
  EXPECT_EQ(facts.groups[0].example, "Kernel panic - not syncing: \\x1b[31mred\\x0a");
  EXPECT_EQ(facts.groups[1].count, 2U);
  EXPECT_EQ(facts.groups[1].level, WarningLevel::notice);
  EXPECT_EQ(facts.groups[1].last, kNow + 1s);
}

// Ten within five minutes are graver than one, also when the agent restarted in between.
TEST(WarningCounter, RaisesTheLevelWhereManyComeSoon) {
  ManyWindows windows;
  for (int i = 1; i <= 11; ++i) {
    WarningCounter counter(shipped(), kNoProbe, windows);
    counter.add({"sshd", kFailed}, kNow + i * 1s);
    model::WarningsFacts facts;
    counter.finish(kNow + i * 1s, facts);
    EXPECT_EQ(facts.groups.front().level, i < 10 ? WarningLevel::notice : WarningLevel::error) << i;
    const auto kept = parse_warnings_position(to_text({counter.windows(), {}, "r"}));
    ASSERT_TRUE(kept);
    windows = kept->windows;
  }
  WarningCounter later(shipped(), kNoProbe, windows);
  later.add({"sshd", kFailed}, kNow + 1h);
  model::WarningsFacts facts;
  later.finish(kNow + 1h, facts);
  EXPECT_EQ(facts.groups.front().level, WarningLevel::notice);
}

TEST(WarningCounter, StaysInBoundsWhateverCodesComeIn) {
  WarningCounter counter(shipped(), kNoProbe, {});
  for (int i = 0; i < 10'000; ++i) {
    counter.add({"", "ANR" + std::to_string(10'000 + i).substr(1) + "E x"}, kNow);
  }
  model::WarningsFacts facts;
  counter.finish(kNow, facts);
  EXPECT_EQ(facts.groups.size(), limits::kWarningGroups);
  EXPECT_GT(facts.groups_over_limit, 0U);
}

TEST(WarningCounter, SendsASitesOwnWordsAlong) {
  catalogue::Catalogue catalogue = catalogue::Catalogue::shipped();
  ASSERT_TRUE(
      catalogue.add("[[message]]\nid = \"payroll.failed\"\nlevel = \"error\"\nmatch = [\"lost\"]\n"
                    "meaning = { \"zh-TW\" = \"薪資\", en = \"payroll\" }\n",
                    "site.toml"));
  WarningCounter counter(catalogue, kNoProbe, {});
  counter.add({"", "it was lost"}, kNow);
  counter.add({"sshd", kFailed}, kNow);
  counter.add({"", "ANR0001E of no list"}, kNow);
  model::WarningsFacts facts;
  counter.finish(kNow, facts);
  ASSERT_EQ(facts.groups.size(), 3U);
  for (const model::WarningGroup& group : facts.groups) {
    const model::Meaning site{"payroll", "薪資"};
    EXPECT_EQ(group.meaning, group.id == "payroll.failed" ? site : model::Meaning{}) << group.id;
  }
}

// procedure M-04: what is not there cannot be read, and a rotation has a minute to make it anew.
TEST(LogPresent, IsUnknownForAMinuteAfterALogWent) {
  using model::Tristate;
  constexpr MonoTime kStart{1'000};
  std::optional<MonoTime> missing_since;
  EXPECT_EQ(log_present(true, true, kStart, missing_since), Tristate::yes);
  EXPECT_EQ(log_present(false, true, kStart + 1s, missing_since), Tristate::unknown);
  EXPECT_EQ(log_present(false, false, kStart + 60s, missing_since), Tristate::unknown);
  EXPECT_EQ(log_present(false, false, kStart + 61s, missing_since), Tristate::no);
  EXPECT_EQ(log_present(true, false, kStart + 90s, missing_since), Tristate::yes);
  EXPECT_EQ(log_present(false, true, kStart + 99s, missing_since), Tristate::unknown)
      << "another time, another minute";
}

TEST(LogPresent, IsNoAtOnceWhereThereWasNoneAtTheLookBefore) {
  std::optional<MonoTime> missing_since;  // nothing is remembered: first look, or a restart
  EXPECT_EQ(log_present(false, false, MonoTime{5}, missing_since), model::Tristate::no);
  EXPECT_EQ(log_present(false, false, MonoTime{6}, missing_since), model::Tristate::no);
}

TEST(WarningsPosition, RefusesWhatItDidNotWrite) {
  EXPECT_EQ(parse_warnings_position(""), std::nullopt);
  EXPECT_EQ(parse_warnings_position("warnings1\n"), std::nullopt);
  EXPECT_EQ(parse_warnings_position("warnings1\na b c\nreader\n"), std::nullopt);
  ASSERT_TRUE(parse_warnings_position("warnings1\nssh.failed 1 3\nreader\n"));
  EXPECT_EQ(parse_warnings_position("warnings1\nssh.failed -9223372036854775808 3\nreader\n"),
            std::nullopt);
  EXPECT_EQ(parse_warnings_position("warnings1\nreader\nwhatever")->reader, "whatever");
}

RC_GTEST_PROP(WarningCounterProperty, AnyBytesAreCountedOrLeftAlone, ()) {
  const auto line = *rc::gen::container<std::string>(rc::gen::element(
      'N', 'o', 'v', ' ', '2', ':', '[', ']', '\x1b', '\n', '\xe8', '\x9d', 'A', 'R', 'E', '\0'));
  WarningCounter counter(shipped(), kNoProbe, {});
  const LogRecord record = parse_log_record(line);
  counter.add(record, kNow);
  model::WarningsFacts facts;
  counter.finish(kNow, facts);
  RC_ASSERT(facts.groups.size() <= 1U);
}

// procedure M-04: a record that its own program calls critical, of a program that nobody listed
TEST(WarningCounter, TakesAnUnlistedRecordForWhatItsProgramCallsIt) {
  const auto catalogue = catalogue::Catalogue::shipped();
  const WarningsSettings settings;
  WarningCounter counter(catalogue, settings, {});
  counter.add({"haproxy", "backend www has no server available!", 7, 0}, kNow);
  counter.add({"app", "cannot go on", 8, 2}, kNow + 1s);
  counter.add({"app", "only an error", 8, 3}, kNow);
  counter.add({"app", "of unknown priority"}, kNow);
  counter.add({"kernel", "Out of memory: Killed process 42 (x)", 0, 2}, kNow);
  model::WarningsFacts facts;
  counter.finish(kNow + 1s, facts);
  ASSERT_EQ(facts.groups.size(), 2U);
  EXPECT_EQ(facts.groups[0].id, "kernel.oom") << "what is listed is that";
  EXPECT_EQ(facts.groups[1].id, kSevereId);
  EXPECT_EQ(facts.groups[1].count, 2U);
  EXPECT_EQ(facts.groups[1].level, model::WarningLevel::error);
  EXPECT_EQ(facts.groups[1].example, "haproxy: backend www has no server available!");
}

// Of one numbering the numbers say how many; a journal that was made anew says nothing.
TEST(LostEntries, AreCountedWhereTheirNumbersSaySo) {
  model::WarningsFacts facts;
  note_lost_entries("s=a;i=10;b=c;m=1;t=1;x=1", "s=a;i=15;b=c;m=1;t=2;x=1", facts);
  EXPECT_EQ(facts.lost_bytes, 4U);
  EXPECT_FALSE(facts.lost_track);
  for (const char* first : {"s=other;i=15;b=c;m=1;t=2;x=1", "s=a;i=f;b=c;m=1;t=2;x=1", ""}) {
    facts = {};
    note_lost_entries("s=a;i=10;b=c;m=1;t=1;x=1", first, facts);
    EXPECT_EQ(facts.lost_bytes, 0U) << first;
    EXPECT_TRUE(facts.lost_track) << first;
  }
}

}  // namespace
}  // namespace tocsin::agent
