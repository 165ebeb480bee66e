#include "agent/commands/explain.hpp"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using i18n::Language;
using testing::HasSubstr;

// procedure M-04
class Explain : public testing::Test {
 protected:
  Explain() {
    std::ofstream(file_) << "[[message]]\nid = \"payroll.failed\"\nlevel = \"error\"\n"
                            "match = [\"lost\"]\n"
                            "many = { count = 5, within = \"10min\", level = \"critical\" }\n"
                            "meaning = { \"zh-TW\" = \"請通知薪資組\", en = \"Tell payroll\" }\n"
                            "[[message]]\nid = \"ANR2578W\"\nlevel = \"critical\"\n"
                            "meaning = \"夜班\"\n"
                            "[[message]]\nid = \"own.quiet\"\nlevel = \"notice\"\n"
                            "match = [\"nothing\"]\n";
    settings_.catalogues = {file_};
  }
  std::string explained(const std::string& id) {
    const auto text = explain_message(settings_, id, Language::en);
    return text ? *text : text.error().message;
  }

  tests::TempDir folder_;
  std::string file_ = folder_.file("messages.toml");
  WarningsSettings settings_;
};

TEST_F(Explain, SaysWhatASitesOwnMessageMeans) {
  EXPECT_EQ(explained("payroll.failed"),
            "payroll.failed: error, 5 within 10min: critical\n  請通知薪資組\n  Tell payroll\n");
  EXPECT_EQ(explained("own.quiet"), "own.quiet: notice\n");
}

TEST_F(Explain, SaysWhatShipsInBothLanguagesAndWhatToDo) {
  const std::string text = explained("sshd.break_in");
  EXPECT_THAT(text, HasSubstr("sshd.break_in: error\n"));
  EXPECT_THAT(text, HasSubstr(i18n::text(Language::zh_tw, "message.sshd.break_in")));
  EXPECT_THAT(text, HasSubstr(i18n::text(Language::en, "message.sshd.break_in")));
  EXPECT_THAT(text, HasSubstr(i18n::text(Language::en, "message.sshd.break_in.do")));
}

TEST_F(Explain, LetsTheSitesWordsGoBeforeOursAndKeepsTheAdvice) {
  const std::string text = explained("ANR2578W");
  EXPECT_THAT(text, HasSubstr("ANR2578W: critical\n  夜班\n  What to do: "));
}

TEST_F(Explain, KnowsTheCodesThatNobodyListed) {
  EXPECT_THAT(explained("ANR0001S"), HasSubstr("ANR0001S: critical\n"));
}

TEST_F(Explain, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(explained("no\x1b.such"), "no message \"no\\x1b.such\"");
  EXPECT_EQ(explained(""), "no message \"\"");
  EXPECT_EQ(explained("ANR0001X"), "no message \"ANR0001X\"");
}

TEST_F(Explain, SaysWhatIsWrongWithTheFile) {
  std::ofstream(file_) << "[[message]]\nid = \"a\"\nlevel = \"grave\"\nmatch = [\"x\"]\n";
  EXPECT_THAT(explained("sshd.break_in"), HasSubstr("messages.toml:3:"));
}

}  // namespace
}  // namespace tocsin::agent
