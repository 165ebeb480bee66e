#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::BackupJobFacts;
using model::RuleLimits;
using model::Severity;
using model::Tristate;
using model::Verdict;

constexpr Instant kNow{1'800'000'000'000'000'000};

BackupJobFacts good() {
  BackupJobFacts facts;
  facts.job = "nightly";
  facts.tool = "restic";
  facts.reachable = Tristate::yes;
  facts.last_success = kNow - 3h;
  facts.sources = {{"web1:/srv", kNow - 5h}, {"db1:/var", kNow - 3h}};
  facts.integrity_wanted = true;
  facts.last_check = kNow - 20h;
  facts.check_ok = Tristate::yes;
  facts.restore_wanted = true;
  facts.last_restore_test = kNow - 5 * 24h;
  facts.restore_ok = Tristate::yes;
  return facts;
}

BackupJobFacts good_tsm() {
  BackupJobFacts facts;
  facts.job = "tsm1";
  facts.tool = "tsm";
  facts.reachable = Tristate::yes;
  facts.last_database_backup = kNow - 4h;
  facts.spaces = {{"database", 500}, {"recovery_log", 100}, {"POOL", 800}};
  return facts;
}

model::Judgement judged(const BackupJobFacts& facts, const RuleLimits& limits = {}) {
  return judge(seen(model::CheckKind::backup_job, facts), nullptr, limits);
}

// The only violation's code, or what else there is.
std::string only(const model::Judgement& judgement) {
  if (judgement.violations.size() != 1) {
    return std::to_string(judgement.violations.size()) + " violations";
  }
  return judgement.violations.front().code;
}

TEST(BackupJobRules, WhatIsBackedUpCheckedAndRestoredIsNormal) {
  EXPECT_EQ(judged(good()).verdict, Verdict::normal);
  EXPECT_EQ(judged(good_tsm()).verdict, Verdict::normal);
}

// Nothing was missed where nothing was to be done.
TEST(BackupJobRules, AServerThatBacksUpNobodyIsNotNormal) {
  BackupJobFacts facts = good_tsm();
  facts.scheduled = Tristate::no;
  const auto judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judgement), "backup.nothing_scheduled");
  facts.scheduled = Tristate::yes;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
  // Whose sources are named is judged by their age.
  facts.sources = {{"WEB1 /SRV", kNow - 5h}};
  facts.scheduled = Tristate::unknown;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
}

TEST(BackupJobRules, WhatIsNotListedIsCountedAndKeepsWhatWasFound) {
  BackupJobFacts facts = good();
  facts.over_limit = 3;
  const auto judgement = judged(facts);
  ASSERT_TRUE(says(judgement, "backup.more"));
  EXPECT_EQ(parameter(judgement.reasons.back(), "count"), "3");
  EXPECT_FALSE(looked_at(judgement, "backup.rpo", "nightly web1:/srv"));
}

TEST(BackupJobRules, ASourceThatIsTooOldOrNeverWasIsAFindingOfItsOwn) {
  BackupJobFacts facts = good();
  facts.sources[0].last_success = kNow - 27h;
  facts.sources.push_back({"mail1", {}});
  const auto judgement = judged(facts);
  ASSERT_EQ(judgement.violations.size(), 2U);
  EXPECT_EQ(judgement.violations[0].code, "backup.never");
  EXPECT_EQ(judgement.violations[0].subject, "nightly mail1");
  EXPECT_EQ(judgement.violations[1].code, "backup.rpo");
  EXPECT_EQ(judgement.violations[1].subject, "nightly web1:/srv");
  EXPECT_EQ(parameter(judgement.violations[1].message, "hours"), "27");
  EXPECT_EQ(suggested_severity(judgement.violations[1]), Severity::e);
  // What the site allows decides.
  RuleLimits lenient;
  lenient.backup.rpo = 48h;
  EXPECT_EQ(only(judged(facts, lenient)), "backup.never");
}

TEST(BackupJobRules, AnEmptyRepositoryIsNoBackup) {
  BackupJobFacts facts = good();
  facts.sources.clear();
  facts.last_success = {};
  EXPECT_EQ(only(judged(facts)), "backup.never");
}

TEST(BackupJobRules, WhatTheServerSaysIsAFinding) {
  const auto code = [](void (*change)(BackupJobFacts&)) {
    BackupJobFacts facts = good_tsm();
    change(facts);
    return only(judged(facts));
  };
  EXPECT_EQ(code([](auto& f) {
              f.schedules = {{"NIGHTLY A", "Missed", kNow, 1}};
            }),
            "backup.missed");
  EXPECT_EQ(code([](auto& f) {
              f.schedules = {{"NIGHTLY A", "Failed 12", kNow, 1}};
            }),
            "backup.failed");
  EXPECT_EQ(code([](auto& f) { f.spaces[0].used_permille = 850; }), "backup.database_full");
  EXPECT_EQ(code([](auto& f) { f.spaces[1].used_permille = 800; }), "backup.log_full");
  EXPECT_EQ(code([](auto& f) { f.spaces[2].used_permille = 900; }), "backup.pool_full");
  EXPECT_EQ(code([](auto& f) {
              f.devices = {{"drive L/D", "NO", {}, 1}};
            }),
            "backup.drive_offline");
  EXPECT_EQ(code([](auto& f) {
              f.devices = {{"path S > D", "NO", {}, 1}};
            }),
            "backup.path_offline");
  EXPECT_EQ(code([](auto& f) {
              f.devices = {{"volume P A1", "UNAVAILABLE", {}, 1}};
            }),
            "backup.volume_unavailable");
  EXPECT_EQ(code([](auto& f) {
              f.devices = {{"volume P A1", "READONLY", {}, 1}};
            }),
            "backup.volume_readonly");
  EXPECT_EQ(code([](auto& f) { f.last_database_backup = kNow - 27h; }), "backup.database_old");
  EXPECT_EQ(code([](auto& f) { f.last_database_backup = {}; }), "backup.database_old");
  EXPECT_EQ(code([](auto& f) { f.errors = {{"ANR0131S", "text", kNow, 1}}; }), "backup.severe");
}

TEST(BackupJobRules, ErrorsOfTheActivityLogAreToldAndNoFinding) {
  BackupJobFacts facts = good_tsm();
  facts.errors = {{"ANR8779E", "Unable to open", kNow, 3}};
  const auto judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_TRUE(says(judgement, "backup.errors"));
}

TEST(BackupJobRules, AServerThatIsDownIsTheOneFinding) {
  BackupJobFacts facts = good_tsm();
  facts.reachable = Tristate::no;
  facts.last_database_backup = {};
  facts.blind = {{"query clock", "ANS1017E", {}, 1}};
  const auto judgement = judged(facts);
  EXPECT_EQ(only(judgement), "backup.unreachable");
  EXPECT_EQ(parameter(judgement.violations.front().message, "why"), "ANS1017E");
  EXPECT_EQ(suggested_severity(judgement.violations.front()), Severity::c);
}

TEST(BackupJobRules, AFailedTestIsWorseThanAnOldOne) {
  BackupJobFacts facts = good();
  facts.restore_ok = Tristate::no;
  EXPECT_EQ(only(judged(facts)), "backup.restore_failed");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::c);
  facts = good();
  facts.last_restore_test = kNow - 36 * 24h;
  EXPECT_EQ(only(judged(facts)), "backup.restore_old");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::e);
  facts = good();
  facts.check_ok = Tristate::no;
  EXPECT_EQ(only(judged(facts)), "backup.integrity_failed");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::d);
  facts = good();
  facts.last_check = kNow - 9 * 24h;
  EXPECT_EQ(only(judged(facts)), "backup.integrity_old");
}

TEST(BackupJobRules, WhatWasNotTestedOrNotAnsweredCannotTell) {
  BackupJobFacts facts = good();
  facts.last_check = {};
  facts.check_ok = Tristate::unknown;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  EXPECT_TRUE(says(judged(facts), "backup.integrity_unknown"));
  facts = good();
  facts.last_restore_test = {};
  EXPECT_TRUE(says(judged(facts), "backup.restore_unknown"));
  facts.restore_wanted = false;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal) << "the host does not ask for it";
  facts = good_tsm();
  facts.last_database_backup = {};
  facts.blind = {{"query database", "ANR2032E", {}, 1}};
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  EXPECT_TRUE(says(judged(facts), "backup.blind"));
}

// An older backup is never better, and a stricter site never milder.
RC_GTEST_PROP(BackupJobProperty, IsMonotoneInAgeAndLimit, ()) {
  const auto age = std::chrono::minutes(*rc::gen::inRange(0, 100 * 60));
  const auto more = std::chrono::minutes(*rc::gen::inRange(0, 100 * 60));
  RuleLimits limits;
  limits.backup.rpo = std::chrono::hours(*rc::gen::inRange(1, 100));
  RuleLimits stricter = limits;
  stricter.backup.rpo = std::chrono::hours(*rc::gen::inRange(1, 100));
  stricter.backup.rpo = std::min(stricter.backup.rpo, limits.backup.rpo);
  BackupJobFacts facts = good();
  facts.sources = {{"a", kNow - age}};
  const int before = harm(judged(facts, limits).verdict);
  RC_ASSERT(harm(judged(facts, stricter).verdict) >= before);
  facts.sources[0].last_success = kNow - age - more;
  RC_ASSERT(harm(judged(facts, limits).verdict) >= before);
}

}  // namespace
}  // namespace tocsin::rules
