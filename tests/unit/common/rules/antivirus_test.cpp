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
