#include <gtest/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::AntivirusFacts;
using model::Tristate;
using model::Verdict;

AntivirusFacts fresh() {
  AntivirusFacts facts;
  facts.engine = "clamd";
  facts.scanner_available = Tristate::yes;
  facts.signatures_at = Instant{1'800'000'000'000'000'000} - 20h;
  facts.scanned = 100;
  return facts;
}

model::Judgement judged(const AntivirusFacts& facts) {
  return judge(seen(model::CheckKind::antivirus, facts), nullptr, {});
}

TEST(AntivirusRules, NothingFoundByAFreshScannerIsNormal) {
  EXPECT_EQ(judged(fresh()).verdict, Verdict::normal);
}

TEST(AntivirusRules, WhatMakesARoundWorthlessCannotTell) {
  const auto expect = [](const char* code, void (*change)(AntivirusFacts&)) {
    AntivirusFacts facts = fresh();
    change(facts);
    const auto judgement = judged(facts);
    EXPECT_EQ(judgement.verdict, Verdict::cannot_tell) << code;
    EXPECT_TRUE(says(judgement, code)) << code;
  };
  expect("antivirus.no_scanner", [](AntivirusFacts& f) { f.scanner_available = Tristate::no; });
  expect("antivirus.signatures_unknown", [](AntivirusFacts& f) { f.signatures_at = {}; });
  expect("antivirus.signatures_old",
         [](AntivirusFacts& f) { f.signatures_at = f.signatures_at - 60h; });
  expect("antivirus.unfinished", [](AntivirusFacts& f) { f.budget_exhausted = true; });
  expect("antivirus.errors", [](AntivirusFacts& f) { f.errors = 1; });
  expect("antivirus.nothing_scanned", [](AntivirusFacts& f) { f.scanned = 0, f.skipped = 300; });
  expect("antivirus.unreadable", [](AntivirusFacts& f) { f.unreadable = 1; });
  expect("antivirus.programs_unseen", [](AntivirusFacts& f) { f.programs_unseen = true; });
  expect("antivirus.names_left", [](AntivirusFacts& f) { f.names_over_limit = 904; });
  expect("antivirus.more_folders", [](AntivirusFacts& f) { f.folders_unseen_over_limit = 1; });
  expect("antivirus.folder_unseen", [](AntivirusFacts& f) {
    f.folders_unseen = {{"/srv", model::FolderUnseen::absent}};
  });
  // A clock that is a little behind is none, a date that lies far ahead says nothing.
  expect("antivirus.signatures_unknown",
         [](AntivirusFacts& f) { f.signatures_at = f.signatures_at + 20h + 25h; });
}

TEST(AntivirusRules, SignaturesOfTwoDaysOrOfAClockThatIsAheadAreNormal) {
  AntivirusFacts facts = fresh();
  facts.signatures_at = facts.signatures_at - 28h;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
  facts.signatures_at = facts.signatures_at + 28h + 20h + 23h;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
}

TEST(AntivirusRules, AFolderThatWasNotSeenIsNamedWithTheReason) {
  using model::FolderUnseen;
  const std::pair<FolderUnseen, const char*> reasons[] = {
      {FolderUnseen::absent, "@antivirus.why.absent"},
      {FolderUnseen::unmounted, "@antivirus.why.unmounted"},
      {FolderUnseen::not_permitted, "@antivirus.why.not_permitted"},
      {FolderUnseen::too_deep, "@antivirus.why.too_deep"},
      {FolderUnseen::failed, "@antivirus.why.failed"}};
  for (const auto& [why, code] : reasons) {
    AntivirusFacts facts = fresh();
    facts.folders_unseen = {{"/srv", why}};
    const auto judgement = judged(facts);
    EXPECT_EQ(first_reason(judgement), "antivirus.folder_unseen");
    EXPECT_EQ(parameter(judgement.reasons.front(), "folder"), "/srv");
    EXPECT_EQ(parameter(judgement.reasons.front(), "why"), code);
  }
}

TEST(AntivirusRules, HowMuchTheAgentMayNotReadIsSaid) {
  AntivirusFacts facts = fresh();
  facts.unreadable = 31;
  const auto judgement = judged(facts);
  EXPECT_EQ(parameter(judgement.reasons.front(), "count"), "31");
  EXPECT_FALSE(looked_at(judgement, "malware.found", "/tmp/b")) << "what was found stays";
}

TEST(AntivirusRules, WhatWasLeftOutIsToldAndNoReasonToDoubtTheRest) {
  AntivirusFacts facts = fresh();
  facts.skipped = 3;
  facts.too_large = 2;
  const auto judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  ASSERT_TRUE(says(judgement, "antivirus.left_out"));
  EXPECT_EQ(parameter(judgement.reasons.back(), "skipped"), "3");
  EXPECT_EQ(parameter(judgement.reasons.back(), "too_large"), "2");
}

TEST(AntivirusRules, MoreHitsThanAreListedAreCountedAndKeepEveryFinding) {
  AntivirusFacts facts = fresh();
  facts.hits = {{"/tmp/a", "Eicar", 68}};
  facts.hits_over_limit = 7;
  const auto judgement = judged(facts);
  ASSERT_TRUE(says(judgement, "malware.more"));
  EXPECT_EQ(parameter(judgement.reasons.back(), "count"), "7");
  EXPECT_FALSE(looked_at(judgement, "malware.found", "/tmp/b"));
}

TEST(AntivirusRules, AHitIsMalwareHoweverOldTheSignatures) {
  AntivirusFacts facts = fresh();
  facts.signatures_at = {};
  facts.hits = {{"/tmp/a", "Eicar", 68}, {"/tmp/b", "Eicar", 68}};
  const auto judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  ASSERT_EQ(judgement.violations.size(), 2U);
  EXPECT_EQ(judgement.violations.front().code, "malware.found");
  EXPECT_EQ(suggested_severity(judgement.violations.front()), model::Severity::c);
}

}  // namespace
}  // namespace tocsin::rules
