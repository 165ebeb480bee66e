// Answers as the documentation gives them (tests/data/tsm).
#include "agent/backup/tsm.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using model::BackupEvent;
using model::BackupSource;
using model::BackupSpace;
using model::Tristate;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 2026-11-23 02:00:00 UTC; the server is in Taipei.
constexpr Instant kNow{1'795'399'200'000'000'000};

std::string sample(const std::string& name) {
  std::ifstream in(std::string(TOCSIN_TEST_DATA "/tsm/") + name + ".txt");
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

Instant utc(const char* text) { return *parse_tsm_time(text); }

BackupSettings settings() {
  BackupSettings backup;
  backup.name = "tsm1";
  backup.tool = BackupTool::tsm;
  backup.program = "/usr/bin/dsmadmc";
  backup.credentials_file = "/etc/tocsin/tsm";
  backup.sources = {"DB01", "mail01", "NEW01"};
  return backup;
}

class Tsm : public testing::Test {
 protected:
  void ask(TsmQuestion question, const std::string& name) {
    facts_.add(question, read_tsm_answer(0, sample(name), ""));
  }
  model::BackupJobFacts take() { return std::move(facts_).take(); }

  BackupSettings backup_ = settings();
  TsmFacts facts_{backup_, kNow};
};

TEST_F(Tsm, ReadsEveryAnswerOfABadNight) {
  ask(TsmQuestion::clock, "clock");
  ask(TsmQuestion::database, "database");
  ask(TsmQuestion::log, "log");
  ask(TsmQuestion::pools, "pools");
  ask(TsmQuestion::client_events, "client_events");
  ask(TsmQuestion::admin_events, "admin_events");
  ask(TsmQuestion::activity, "activity");
  ask(TsmQuestion::drives, "drives");
  ask(TsmQuestion::paths, "paths");
  ask(TsmQuestion::volumes, "volumes");
  ask(TsmQuestion::nodes, "nodes");
  const auto facts = take();
  EXPECT_EQ(facts.reachable, Tristate::yes);
  EXPECT_THAT(facts.blind, ElementsAre());
  EXPECT_EQ(facts.last_database_backup, utc("2026-11-21 22:30:44"));
  EXPECT_THAT(facts.spaces,
              ElementsAre(BackupSpace{"database", 865}, BackupSpace{"recovery_log", 850},
                          BackupSpace{"BACKUPPOOL", 634}, BackupSpace{"COPYPOOL", 971},
                          BackupSpace{"DISKPOOL", 0}));
  EXPECT_THAT(facts.schedules,
              ElementsAre(BackupEvent{"NIGHTLY WEB01", "Missed", utc("2026-11-22 14:00:00"), 1},
                          BackupEvent{"NIGHTLY DB01, OLD", "Failed", utc("2026-11-22 14:00:00"), 1},
                          BackupEvent{"NIGHTLY MAIL01", "Failed 12", utc("2026-11-22 14:00:00"), 1},
                          BackupEvent{"BACKUP_DB", "Failed", utc("2026-11-22 15:30:00"), 1}));
  ASSERT_EQ(facts.errors.size(), 4U);
  EXPECT_EQ(facts.errors[0].name, "ANR8779E");
  EXPECT_EQ(facts.errors[0].count, 3U);
  EXPECT_EQ(facts.errors[0].at, utc("2026-11-22 19:12:09"));
  EXPECT_THAT(facts.errors[0].status, HasSubstr("/dev/rmt1, error"));
  EXPECT_EQ(facts.errors[3].name, "ANR0131S");
  EXPECT_THAT(facts.devices,
              ElementsAre(BackupEvent{"drive LIB1/DRIVE2", "NO", {}, 1},
                          BackupEvent{"path TSMSRV1 > DRIVE2", "NO", {}, 1},
                          BackupEvent{"volume BACKUPPOOL A00017L7", "UNAVAILABLE", {}, 1},
                          BackupEvent{"volume BACKUPPOOL A00021L7", "READONLY", {}, 1}));
  // Never, and without any file space, come before the oldest.
  EXPECT_THAT(facts.sources, ElementsAre(BackupSource{"MAIL01", {}}, BackupSource{"NEW01", {}},
                                         BackupSource{"DB01", utc("2026-11-21 14:41:10")}));
}

TEST_F(Tsm, NothingMatchesIsAnAnswer) {
  const auto by_code = read_tsm_answer(11, sample("no_match"), "");
  EXPECT_EQ(by_code.end, TsmEnd::answered);
  EXPECT_TRUE(by_code.rows.empty());
  EXPECT_EQ(read_tsm_answer(0, sample("no_match"), "").end, TsmEnd::answered);
}

// A server on which nothing is scheduled misses nothing either.
TEST_F(Tsm, WithoutSourcesItSaysWhetherAnythingIsScheduled) {
  ask(TsmQuestion::associations, "associations");
  EXPECT_EQ(take().scheduled, Tristate::yes);
  const auto scheduled = [&](int status, const std::string& output) {
    TsmFacts facts(backup_, kNow);
    facts.add(TsmQuestion::associations, read_tsm_answer(status, output, ""));
    return std::move(facts).take();
  };
  EXPECT_EQ(scheduled(11, sample("no_match")).scheduled, Tristate::no);
  EXPECT_EQ(scheduled(0, "DOMAIN,NIGHTLY,\nDOMAIN,WEEKLY,\n").scheduled, Tristate::no);
  EXPECT_EQ(scheduled(0, "DOMAIN,NIGHTLY\n").scheduled, Tristate::no);
  EXPECT_EQ(scheduled(0, "DOMAIN,NIGHTLY,A,B\n").scheduled, Tristate::yes);
  const auto refused = scheduled(9, sample("not_authorized"));
  EXPECT_EQ(refused.scheduled, Tristate::unknown);
  EXPECT_THAT(refused.blind, ElementsAre(BackupEvent{"query association", "ANR0000E", {}, 1}));
  EXPECT_EQ(scheduled(0, "what\n").scheduled, Tristate::unknown);
}

TEST_F(Tsm, WhoIsNotLetInIsToldFromAServerThatIsDown) {
  const auto refused = read_tsm_answer(137, sample("login_refused"), "");
  EXPECT_EQ(refused.end, TsmEnd::login_refused);
  EXPECT_EQ(refused.id, "ANS1051I");
  const auto down = read_tsm_answer(206, "", sample("unreachable"));
  EXPECT_EQ(down.end, TsmEnd::unreachable);
  EXPECT_EQ(down.id, "ANS1017E");
  facts_.add(TsmQuestion::clock, down);
  const auto facts = take();
  EXPECT_EQ(facts.reachable, Tristate::no);
  EXPECT_TRUE(facts.sources.empty()) << "nothing is known of the nodes";
}

TEST_F(Tsm, WhatIsNotAnsweredOrNotUnderstoodIsSaid) {
  facts_.add(TsmQuestion::volumes, read_tsm_answer(9, sample("not_authorized"), ""));
  facts_.add(TsmQuestion::log, read_tsm_answer(3, "", ""));
  facts_.add(TsmQuestion::database, read_tsm_answer(0, "plenty,of,space\n", ""));
  facts_.add(TsmQuestion::clock, read_tsm_answer(0, "noon\n", ""));
  facts_.add(TsmQuestion::nodes, read_tsm_answer(4, "", ""));
  const auto facts = take();
  EXPECT_THAT(facts.blind, ElementsAre(BackupEvent{"query volume", "ANR0000E", {}, 1},
                                       BackupEvent{"query log", "RC 3", {}, 1},
                                       BackupEvent{"query database", "unreadable", {}, 1},
                                       BackupEvent{"query clock", "unreadable", {}, 1},
                                       BackupEvent{"query filespace", "RC 4", {}, 1}));
  EXPECT_TRUE(facts.sources.empty()) << "a node is not said to be without a backup then";
}

TEST_F(Tsm, ACallNamesTheFileOfTheSecretAndNoSecret) {
  backup_.server = "TSM2";
  for (const TsmQuestion question : tsm_questions(backup_)) {
    const auto words = tsm_call(backup_, question);
    EXPECT_EQ(words.front(), "/usr/bin/dsmadmc");
    EXPECT_THAT(words, Contains("-credentialsfile=/etc/tocsin/tsm"));
    EXPECT_THAT(words, Contains("-se=TSM2"));
    EXPECT_THAT(words, Contains("-commadelimited"));
    for (const std::string& word : words) {
      EXPECT_FALSE(word.starts_with("-pa") || word.starts_with("-id")) << word;
    }
    // dsmadmc takes a '>' between blanks for a redirection of its output.
    EXPECT_THAT(words.back(), Not(HasSubstr(" > ")));
  }
  EXPECT_THAT(tsm_call(backup_, TsmQuestion::nodes).back(),
              HasSubstr("in ('DB01','MAIL01','NEW01')"));
  EXPECT_THAT(tsm_questions(backup_), Not(Contains(TsmQuestion::associations)));
  backup_.sources.clear();
  EXPECT_THAT(tsm_questions(backup_), Not(Contains(TsmQuestion::nodes)));
  EXPECT_THAT(tsm_call(backup_, tsm_questions(backup_).back()).back(), "query association * *");
}

TEST(TsmTime, IsReadInBothFormsAndNoOther) {
  EXPECT_EQ(parse_tsm_time("2026-11-23 02:00:00.000000"), kNow);
  EXPECT_EQ(parse_tsm_time(" 11/23/2026 02:00:00 "), kNow);
  for (const char* bad : {"", "23.11.2026 02:00:00", "2026-13-01 00:00:00", "2026-02-30 00:00:00",
                          "11/23/2026", "11/23/2026 25:00:00", "2026-11-23 02:00:00 AM", "1/2/3"}) {
    EXPECT_FALSE(parse_tsm_time(bad)) << bad;
  }
}

TEST(TsmPercent, IsReadInTenths) {
  EXPECT_EQ(parse_percent("82.3"), 823U);
  EXPECT_EQ(parse_percent("82,39"), 823U);
  EXPECT_EQ(parse_percent("100"), 1000U);
  EXPECT_EQ(parse_percent(" 0.0"), 0U);
  for (const char* bad : {"", "x", "1.", "1.x", "-1", "12345.0", "1.2.3"}) {
    EXPECT_FALSE(parse_percent(bad)) << bad;
  }
}

// The server's zone is found from its clock, whatever the zone, and a clock that is a little off.
RC_GTEST_PROP(TsmProperty, TimesComeOutInUtcWhateverTheServersZone, ()) {
  const auto quarters = *rc::gen::inRange(-56, 57);
  const auto off = *rc::gen::inRange(-400, 400);
  const BackupSettings backup = settings();
  TsmFacts facts(backup, kNow);
  const auto text = [](Instant t) {
    const auto days = t.ns / Duration(24h).count();
    const auto day = std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(days)));
    const auto rest = (t.ns - days * Duration(24h).count()) / 1'000'000'000;
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02u %02d:%02d:%02d.000000",
                  static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                  static_cast<unsigned>(day.day()), static_cast<int>(rest / 3600),
                  static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
    return std::string(buffer);
  };
  const Duration zone = quarters * 15min;
  facts.add(TsmQuestion::clock,
            read_tsm_answer(0, text(kNow + zone + std::chrono::seconds(off)) + "\n", ""));
  facts.add(TsmQuestion::database,
            read_tsm_answer(0, "100,50," + text(kNow - 3h + zone) + "\n", ""));
  RC_ASSERT(std::move(facts).take().last_database_backup == kNow - 3h);
}

}  // namespace
}  // namespace tocsin::agent
