#include "collector/app/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/severity.hpp"
#include "tests/support/help_words.hpp"

namespace tocsin::collector {
namespace {

using i18n::Language;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto parse(std::vector<const char*> words, Language language = Language::en) {
  words.insert(words.begin(), "tocsin-collector");
  return parse_arguments(static_cast<int>(words.size()), words.data(), language);
}
cli::Answer answer(const std::vector<const char*>& words, Language language = Language::en) {
  const auto parsed = parse(words, language);
  const auto* said = std::get_if<cli::Answer>(&parsed);
  return said == nullptr ? cli::Answer{-1, "", ""} : *said;
}

TEST(CollectorHelp, ExplainsEveryCommandAndOptionInBothLanguages) {
  Arguments arguments;
  for (const Language language : {Language::zh_tw, Language::en}) {
    const test::HelpWords words = test::help_words(*make_syntax(arguments, language));
    EXPECT_THAT(words.unexplained, IsEmpty());
    if (language == Language::zh_tw) {
      EXPECT_THAT(words.only_in_english, IsEmpty());
    }
    EXPECT_GT(words.explained, 40U);
  }
}

TEST(CollectorHelp, IsInTheLanguageThatIsAskedFor) {
  EXPECT_THAT(answer({"init", "--help"}).out, HasSubstr("--listen-agents TEXT=0.0.0.0:8444"));
  EXPECT_THAT(answer({"init", "--help"}, Language::zh_tw).out, HasSubstr("必填"));
  EXPECT_THAT(answer({"--lang", "zh-TW", "--help"}).out, HasSubstr("用法: tocsin-collector"));
}

TEST(CollectorUsage, SaysWhatIsWrongInTheReadersLanguage) {
  struct Row {
    std::vector<const char*> words;
    const char* chinese;
    const char* english;
  };
  const std::vector<Row> rows{
      {{"init", "--dir", "x"}, "缺少必要的參數：--site", "Missing: --site"},
      {{"operator"}, "缺少命令：add, renew", "A command is missing: add, renew"},
      {{"operator", "add", "amy", "--role", "boss"},
       "--role: 「boss」不是下列之一：duty,working_group,officer,committee,auditor,admin",
       "--role: \"boss\" is none of duty,working_group,officer,committee,auditor,admin"},
      {{"token", "create", "--ttl", "soon"},
       "--ttl: 「soon」不是時間長度，請寫成 30s、10min、1h 或 7d",
       "--ttl: \"soon\" is no duration; write 30s, 10min, 1h or 7d"},
  };
  for (const Row& row : rows) {
    const cli::Answer chinese = answer(row.words, Language::zh_tw);
    EXPECT_EQ(chinese.exit, cli::kUsageExit);
    EXPECT_EQ(chinese.err, std::string(row.chinese) + "\n加上 --help 可看說明\n");
    EXPECT_EQ(answer(row.words).err, std::string(row.english) + "\nRun with --help for more\n");
  }
}

TEST(CollectorArguments, TakeWhatIsAskedFor) {
  const auto parsed = parse({"init", "--dir", "/d", "--site", "S", "--dns", "a", "--dns", "b",
                             "--listen-agents", "127.0.0.1:0"});
  const auto* arguments = std::get_if<Arguments>(&parsed);
  ASSERT_NE(arguments, nullptr);
  EXPECT_EQ(arguments->act, Arguments::Act::init);
  EXPECT_EQ(arguments->init.dns_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(arguments->init.listen_agents, "127.0.0.1:0");
  EXPECT_EQ(arguments->init.listen_enroll, InitOptions{}.listen_enroll);
}

// Every role that there is can be given, and no other.
TEST(CollectorArguments, TakeEveryRole) {
  for (const char* role : {"duty", "working_group", "officer", "committee", "auditor", "admin"}) {
    ASSERT_TRUE(model::role_from(role)) << role;
    const auto parsed = parse({"operator", "add", "amy", "--role", role});
    const auto* arguments = std::get_if<Arguments>(&parsed);
    ASSERT_NE(arguments, nullptr) << role;
    EXPECT_EQ(arguments->role, role);
  }
}

}  // namespace
}  // namespace tocsin::collector
