#include "common/i18n/i18n.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::i18n {
namespace {

using model::Message;

Message running(const std::string& unit) { return {"service.running", {{"unit", unit}}}; }

TEST(Language, FollowsTheEnvironmentAsSetlocaleDoes) {
  EXPECT_EQ(language_from_environment("", "", ""), Language::en);
  EXPECT_EQ(language_from_environment("", "", "zh_TW.UTF-8"), Language::zh_tw);
  EXPECT_EQ(language_from_environment("", "en_US.UTF-8", "zh_TW.UTF-8"), Language::en);
  EXPECT_EQ(language_from_environment("zh_TW", "en_US.UTF-8", "C"), Language::zh_tw);
  EXPECT_EQ(language_from_environment("C", "zh_TW", "zh_TW"), Language::en);
}

TEST(Language, HasAWordEachWay) {
  for (const Language language : {Language::zh_tw, Language::en}) {
    EXPECT_EQ(language_from(to_string(language)), language);
  }
  EXPECT_EQ(language_from("zh-CN"), std::nullopt);
}

TEST(Codes, AreSortedAndFound) {
  EXPECT_TRUE(std::is_sorted(codes().begin(), codes().end()));
  EXPECT_EQ(text(Language::en, "verdict.normal"), "normal");
  EXPECT_EQ(text(Language::zh_tw, "verdict.cannot_tell"), "無法判定");
  EXPECT_EQ(text(Language::en, "verdict.norma"), "");
  EXPECT_EQ(text(Language::en, ""), "");
}

TEST(Render, FillsParametersIn) {
  EXPECT_EQ(render(Language::zh_tw, running("sshd.service")), "sshd.service 執行中");
  EXPECT_EQ(render(Language::en, running("sshd.service")), "sshd.service is running");
}

TEST(Render, ShowsAQuestionMarkForAMissingParameterAndIgnoresOthers) {
  EXPECT_EQ(render(Language::en, {"service.running", {}}), "? is running");
  EXPECT_EQ(render(Language::en, {"service.running", {{"unit", "a"}, {"other", "b"}}}),
            "a is running");
}

TEST(Render, NeverFillsAParameterIntoAnother) {
  EXPECT_EQ(render(Language::en, running("{unit}")), "{unit} is running");
}

TEST(Render, TranslatesValuesThatAreCodes) {
  EXPECT_EQ(render(Language::zh_tw, running("@verdict.normal")), "正常 執行中");
  EXPECT_EQ(render(Language::en, running("@why.deleted @why.preload")),
            "its executable was deleted, another library is loaded into it first (LD_PRELOAD) is "
            "running");
}

TEST(Render, KeepsAValueThatOnlyLooksLikeACode) {
  EXPECT_EQ(render(Language::en, running("@no.such")), "@no.such is running");
  EXPECT_EQ(render(Language::en, running("@verdict.normal x")), "@verdict.normal x is running");
  EXPECT_EQ(render(Language::en, running("")), " is running");
}

TEST(Render, GivesAReaderTheValueOfTheirLanguage) {
  const Message both{"service.running", {{"unit", "payroll"}, {"unit.zh-TW", "薪資"}}};
  EXPECT_EQ(render(Language::zh_tw, both), "薪資 執行中");
  EXPECT_EQ(render(Language::en, both), "payroll is running");
  EXPECT_EQ(name_in(Language::zh_tw, "unit"), "unit.zh-TW");
  const Message one{"service.running", {{"unit.zh-TW", "薪資"}, {"unit", "payroll"}}};
  EXPECT_EQ(render(Language::zh_tw, one), "薪資 執行中") << "in whatever order they come";
}

TEST(Render, HidesNothingOfAnUnknownCode) {
  EXPECT_EQ(render(Language::zh_tw, {"no.such", {{"a", "1"}, {"b", "x\ny"}}}),
            "no.such a=1 b=x\\x0ay");
  EXPECT_EQ(render(Language::en, {}), "");
}

TEST(Render, IsPrintableForEveryCodeAndValue) {
  EXPECT_TRUE(rc::check("render gives no control characters", [](const std::string& value) {
    const std::string_view code = *rc::gen::elementOf(std::vector(codes().begin(), codes().end()));
    Message message{std::string(code), {}};
    for (const char* name : {"unit", "why", "executable", "address", "source"}) {
      message.parameters.push_back({name, value});
    }
    for (const Language language : {Language::zh_tw, Language::en}) {
      for (const char c : render(language, message)) {
        RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
      }
    }
  }));
}

}  // namespace
}  // namespace tocsin::i18n
