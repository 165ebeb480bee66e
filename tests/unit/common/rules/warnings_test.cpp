#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/i18n/i18n.hpp"
#include "common/rules/checks.hpp"
#include "common/rules/judge.hpp"

namespace tocsin::rules {
namespace {

using model::Tristate;
using model::Verdict;
using model::WarningLevel;

model::WarningsFacts with(const std::string& id, WarningLevel level) {
  model::WarningsFacts facts;
  facts.source = "journal";
  facts.records = 7;
  facts.groups = {{id, level, 3, Instant{1}, Instant{2}, "a record", {}}};
  return facts;
}

std::string code_for(const std::string& id, WarningLevel level) {
  const auto judgement = judge_warnings(with(id, level));
  return judgement.violations.empty() ? std::string() : judgement.violations.front().code;
}

// procedure M-04
TEST(JudgeWarnings, TellsApartWhatAMessageIsAbout) {
  EXPECT_EQ(code_for("sshd.failed_password", WarningLevel::error), "warning.access");
  EXPECT_EQ(code_for("ANR2578W", WarningLevel::error), "warning.backup");
  EXPECT_EQ(code_for("disk.io_error", WarningLevel::critical), "warning.critical");
  EXPECT_EQ(code_for("systemd.unit_failed", WarningLevel::error), "warning.system");
}

TEST(JudgeWarnings, SaysNoticesAndWarningsButIsNotAlarmedByThem) {
  for (const WarningLevel level : {WarningLevel::notice, WarningLevel::warning}) {
    const auto judgement = judge_warnings(with("sshd.failed_password", level));
    EXPECT_EQ(judgement.verdict, Verdict::normal);
    EXPECT_EQ(judgement.reasons.size(), 2U);
    EXPECT_EQ(judgement.reasons.back().code, "warning.seen");
  }
}

model::WarningsFacts quiet() {
  model::WarningsFacts facts;
  facts.source = "/var/log/syslog";
  facts.records = 7;
  facts.present = Tristate::yes;
  return facts;
}

// The verdict and all reasons, "cannot_tell warning.lost"; of the first its parameters but the log.
std::string answer_for(const model::WarningsFacts& facts) {
  const auto judgement = judge_warnings(facts);
  std::string answer(model::to_string(judgement.verdict));
  for (const model::Message& reason : judgement.reasons) {
    EXPECT_EQ(reason.parameters.at(0), (model::Parameter{"source", facts.source}));
    answer += " " + reason.code;
    for (std::size_t i = 1; i < reason.parameters.size(); ++i) {
      answer += " " + reason.parameters[i].name + "=" + reason.parameters[i].value;
    }
  }
  return answer;
}

TEST(JudgeWarnings, IsWellWhereAllWasReadAndNothingFound) {
  EXPECT_EQ(answer_for(quiet()), "normal warning.ok records=7");
}

TEST(JudgeWarnings, CannotTellWhatItDidNotRead) {
  model::WarningsFacts behind = quiet();
  behind.bytes_behind = 9;
  EXPECT_EQ(answer_for(behind), "cannot_tell warning.behind count=9");
  behind.source = "journal";
  EXPECT_EQ(answer_for(behind), "cannot_tell warning.more_entries") << "nobody counted them";
  model::WarningsFacts track = quiet();
  track.lost_track = true;
  EXPECT_EQ(answer_for(track), "cannot_tell warning.lost_track");
  model::WarningsFacts lost = quiet();
  lost.lost_bytes = 1;
  EXPECT_EQ(answer_for(lost), "cannot_tell warning.lost count=1");
  model::WarningsFacts more = quiet();
  more.groups_over_limit = 3;
  EXPECT_EQ(answer_for(more), "cannot_tell warning.more count=3");
  EXPECT_FALSE(judge_warnings(more).unseen.empty()) << "what was found before stays";
}

// A name that is mistyped, a log that nobody writes on this host, or one that was deleted.
TEST(JudgeWarnings, CannotTellWhatALogSaysThatIsNotThere) {
  model::WarningsFacts facts = quiet();
  facts.records = 0;
  facts.present = Tristate::no;
  EXPECT_EQ(answer_for(facts), "cannot_tell warning.no_log");
  EXPECT_FALSE(judge_warnings(facts).unseen.empty());
  facts.present = Tristate::unknown;
  EXPECT_EQ(answer_for(facts), "normal warning.ok records=0")
      << "between two of them, or from an older agent";
}

TEST(JudgeWarnings, SaysThatLongRecordsWereCut) {
  model::WarningsFacts facts = quiet();
  facts.long_records = 2;
  EXPECT_EQ(answer_for(facts), "normal warning.ok records=7 warning.cut count=2");
}

TEST(JudgeWarnings, SaysWhatTheSiteCallsItsMessage) {
  model::WarningsFacts facts = with("payroll.export_failed", WarningLevel::error);
  facts.groups[0].meaning = {"Tell the payroll group", "請通知薪資組"};
  const model::Message message = judge_warnings(facts).violations.at(0).message;
  EXPECT_EQ(i18n::render(i18n::Language::en, message),
            "journal: payroll.export_failed, 3 records (Tell the payroll group): a record");
  EXPECT_EQ(i18n::render(i18n::Language::zh_tw, message),
            "journal：payroll.export_failed 共 3 筆（請通知薪資組）：a record");
}

TEST(JudgeWarnings, LetsTheSitesWordsGoBeforeOurs) {
  model::WarningsFacts facts = with("ANR2578W", WarningLevel::error);
  facts.groups[0].meaning = {"Call the night shift", "Call the night shift"};
  const model::Message message = judge_warnings(facts).violations.at(0).message;
  for (const auto language : {i18n::Language::en, i18n::Language::zh_tw}) {
    EXPECT_NE(i18n::render(language, message).find("Call the night shift"), std::string::npos);
  }
}

TEST(JudgeWarnings, SaysThatAMessageWithoutAMeaningIsTheSites) {
  const auto judgement = judge_warnings(with("payroll.export_failed", WarningLevel::error));
  const auto& said = judgement.violations.at(0).message.parameters;
  EXPECT_TRUE(std::any_of(said.begin(), said.end(), [](const model::Parameter& p) {
    return p.name == "meaning" && p.value == "@message.of_site";
  }));
}

TEST(JudgeWarnings, SaysWhatTheMessageMeansInBothLanguages) {
  const auto judgement = judge_warnings(with("ANR2578W", WarningLevel::error));
  const model::Message& message = judgement.violations.front().message;
  EXPECT_NE(i18n::render(i18n::Language::zh_tw, message).find("排程備份未在時限內啟動"),
            std::string::npos);
  EXPECT_NE(i18n::render(i18n::Language::en, message).find("did not start in time"),
            std::string::npos);
}

// A host must not be able to speak in our words.
TEST(JudgeWarnings, RefersOnlyToTextsOfMessages) {
  model::WarningsFacts facts = with("x y", WarningLevel::error);
  facts.groups[0].example = "@audit.emptied";
  facts.groups[0].meaning = {"@audit.emptied", "@audit.missing"};
  const auto message = judge_warnings(facts).violations.front().message;
  EXPECT_EQ(i18n::render(i18n::Language::en, message).find("intrusion"), std::string::npos);
  EXPECT_EQ(i18n::render(i18n::Language::zh_tw, message).find("入侵"), std::string::npos);
}

// More of anything never makes the answer milder.
RC_GTEST_PROP(JudgeWarningsProperty, IsMonotoneInLevel, ()) {
  const auto id = *rc::gen::element<std::string>("sshd.fatal", "ANR0001E", "disk.smart", "own");
  const int level = *rc::gen::inRange(1, 4);
  const auto mild = judge_warnings(with(id, static_cast<WarningLevel>(level)));
  const auto grave = judge_warnings(with(id, static_cast<WarningLevel>(level + 1)));
  RC_ASSERT(grave.violations.size() >= mild.violations.size());
}

}  // namespace
}  // namespace tocsin::rules
