#include "agent/diagnose/diagnosis.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "common/i18n/i18n.hpp"
#include "tests/unit/agent/diagnose/support.hpp"

namespace tocsin::agent {
namespace {

using model::Verdict;

Verdict verdict_of(const Diagnosis& diagnosis, std::string_view number) {
  const auto item = std::find_if(diagnosis.items.begin(), diagnosis.items.end(),
                                 [&](const DiagnosisItem& i) { return i.number == number; });
  EXPECT_NE(item, diagnosis.items.end()) << number;
  return item->verdict;
}

TEST(Diagnosis, PutsEachFindingUnderItsClause) {
  const Diagnosis d = diagnosis();
  EXPECT_EQ(verdict_of(d, "1.1"), Verdict::normal);
  EXPECT_EQ(verdict_of(d, "2.2"), Verdict::normal);
  EXPECT_EQ(verdict_of(d, "2.4"), Verdict::cannot_tell);
  EXPECT_EQ(verdict_of(d, "3.1"), Verdict::abnormal);
  EXPECT_EQ(verdict_of(d, "3.2"), Verdict::abnormal);
  EXPECT_EQ(verdict_of(d, "3.3"), Verdict::abnormal);
  EXPECT_EQ(d.suggested, model::Severity::c);
}

// "No scanner was asked" is not "no virus".
TEST(Diagnosis, SaysWhatNothingLookedAt) {
  const Diagnosis d = diagnosis();
  for (const char* number : {"2.1", "2.3", "2.5", "4.1"}) {
    EXPECT_EQ(verdict_of(d, number), Verdict::not_run) << number;
  }
  EXPECT_EQ(count(d, Verdict::not_run), 4U);
}

TEST(Diagnosis, CannotTellWithoutABaseline) {
  const Diagnosis d = compose_diagnosis(host(), observations("/usr/bin/nc"), {}, nullptr, {});
  EXPECT_EQ(verdict_of(d, "3.1"), Verdict::cannot_tell);
  EXPECT_EQ(verdict_of(d, "3.2"), Verdict::cannot_tell);
}

TEST(Diagnosis, ShowsOnlyWhatWasAskedFor) {
  const Diagnosis d = compose_diagnosis(host(), {ping()}, {model::CheckKind::ping}, nullptr, {});
  ASSERT_EQ(d.items.size(), 1U);
  EXPECT_EQ(d.items.front().number, "1.1");
  EXPECT_EQ(d.suggested, model::Severity::none);
}

// A clause whose check could not look shows it at both of its items.
TEST(Diagnosis, ShowsABlindCheckAtEveryClause) {
  const model::Observation blind =
      unseen(model::CheckKind::sockets, "", model::Outcome::timed_out, {});
  const Diagnosis d = compose_diagnosis(host(), {blind}, {}, nullptr, {});
  EXPECT_EQ(verdict_of(d, "3.1"), Verdict::cannot_tell);
  EXPECT_EQ(verdict_of(d, "3.2"), Verdict::cannot_tell);
}

TEST(Diagnosis, TakesTheVerdictThatNeedsAPersonMost) {
  const Diagnosis d = compose_diagnosis(
      host(), {service("a.service", "active"), service("b.service", "inactive")}, {}, nullptr, {});
  EXPECT_EQ(verdict_of(d, "2.2"), Verdict::abnormal);
  const model::Observation none =
      unseen(model::CheckKind::audit_log, "journal", model::Outcome::not_applicable, {});
  const Diagnosis n = compose_diagnosis(host(), {none}, {}, nullptr, {});
  EXPECT_EQ(verdict_of(n, "2.4"), Verdict::not_applicable);
}

TEST(Diagnosis, HasWordsForEveryItem) {
  for (const DiagnosisItem& item : diagnosis().items) {
    for (const i18n::Language language : {i18n::Language::zh_tw, i18n::Language::en}) {
      const auto has = [&](std::string code) {
        return !i18n::text(language, code.append(item.name)).empty();
      };
      EXPECT_TRUE(has("diagnose.item.")) << item.name;
      EXPECT_TRUE(item.checks.empty() ? has("diagnose.not_run.") : has("diagnose.next."))
          << item.name;
    }
  }
}

}  // namespace
}  // namespace tocsin::agent
