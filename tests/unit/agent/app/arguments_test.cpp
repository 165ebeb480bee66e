#include "agent/app/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/help_words.hpp"

namespace tocsin::agent {
namespace {

using i18n::Language;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto parse(std::vector<const char*> words, Language language = Language::en) {
  words.insert(words.begin(), "tocsin-agent");
  return parse_arguments(static_cast<int>(words.size()), words.data(), language);
}
auto parse_link(std::vector<const char*> words, Language language = Language::en) {
  words.insert(words.begin(), "tocsin-agent");
  return parse_link_arguments(static_cast<int>(words.size()), words.data(), language);
}
template <class Parsed>
cli::Answer answer(const Parsed& parsed) {
  const auto* said = std::get_if<cli::Answer>(&parsed);
  return said == nullptr ? cli::Answer{-1, "", ""} : *said;
}

TEST(AgentHelp, ExplainsEveryCommandAndOptionInBothLanguages) {
  Arguments arguments;
  LinkArguments link;
  for (const Language language : {Language::zh_tw, Language::en}) {
    for (const auto& app : {make_syntax(arguments, language), make_link_syntax(link, language)}) {
      const test::HelpWords words = test::help_words(*app);
      EXPECT_THAT(words.unexplained, IsEmpty());
      if (language == Language::zh_tw) {
        EXPECT_THAT(words.only_in_english, IsEmpty());
      }
      EXPECT_GT(words.explained, 10U);
    }
  }
}

TEST(AgentHelp, IsInTheLanguageThatIsAskedFor) {
  EXPECT_THAT(answer(parse({"--help"})).out, HasSubstr("Usage: tocsin-agent"));
  EXPECT_THAT(answer(parse({"--help"}, Language::zh_tw)).out, HasSubstr("用法: tocsin-agent"));
  EXPECT_THAT(answer(parse({"diagnose", "--lang", "zh-TW", "--help"})).out, HasSubstr("選項:"));
  EXPECT_THAT(answer(parse({"diagnose", "--lang=en", "-h"}, Language::zh_tw)).out,
              HasSubstr("--fail-on {A,B,C,D,E}"));
  EXPECT_EQ(answer(parse({"--help"})).exit, 0);
  EXPECT_THAT(answer(parse_link({"enroll", "--help"}, Language::zh_tw)).out,
              HasSubstr("--new-key 須併用: --again"));
}

TEST(AgentUsage, SaysWhatIsWrongInTheReadersLanguage) {
  struct Row {
    std::vector<const char*> words;
    const char* chinese;
    const char* english;
  };
  const std::vector<Row> rows{
      {{"diagnose", "--fail-on", "F"},
       "--fail-on: 「F」不是下列之一：A,B,C,D,E",
       "--fail-on: \"F\" is none of A,B,C,D,E"},
      {{"diagnose", "--certificate", "c"},
       "--certificate 必須與 --key 一併使用",
       "--certificate is only good together with --key"},
      {{"evidence", "collect", "--to", "f", "--since-hours", "9999"},
       "--since-hours: 「9999」不是 1 到 744 之間的數字",
       "--since-hours: \"9999\" is no number from 1 to 744"},
      {{"explain"}, "缺少必要的參數：MESSAGE", "Missing: MESSAGE"},
      {{"nonsense"}, "無法辨識：nonsense", "Not understood: nonsense"},
  };
  for (const Row& row : rows) {
    const cli::Answer chinese = answer(parse(row.words, Language::zh_tw));
    EXPECT_EQ(chinese.exit, cli::kUsageExit);
    EXPECT_EQ(chinese.err, std::string(row.chinese) + "\n加上 --help 可看說明\n");
    EXPECT_EQ(answer(parse(row.words)).err,
              std::string(row.english) + "\nRun with --help for more\n");
  }
  EXPECT_EQ(answer(parse({})).exit, cli::kUsageExit);
  EXPECT_EQ(answer(parse_link({"enroll", "--new-key", "--token-file", "-"})).err,
            "--new-key is only good together with --again\nRun with --help for more\n");
}

TEST(AgentArguments, TakeWhatIsAskedFor) {
  const auto parsed = parse({"diagnose", "ping:web1", "--fail-on", "c", "--lang", "zh-tw",
                             "--format", "json", "--time-zone", "UTC", "--config", "a.toml"});
  const auto* arguments = std::get_if<Arguments>(&parsed);
  ASSERT_NE(arguments, nullptr) << answer(parsed).err;
  EXPECT_EQ(arguments->act, Arguments::Act::diagnose);
  EXPECT_EQ(arguments->checks, std::vector<std::string>{"ping:web1"});
  EXPECT_EQ(arguments->fail_on, "C");
  EXPECT_EQ(arguments->language, "zh-TW");
  EXPECT_EQ(arguments->format, "json");
  EXPECT_EQ(arguments->zone, "UTC");
  EXPECT_EQ(arguments->config, "a.toml");
}

// The file stands behind --config as with every other command, or alone.
TEST(AgentArguments, TheFileToCheckIsNamedAsEverywhere) {
  struct Row {
    std::vector<const char*> words;
    const char* file;
  };
  const std::vector<Row> rows{{{"check-config"}, kConfigFile},
                              {{"check-config", "a.toml"}, "a.toml"},
                              {{"check-config", "--config", "a.toml"}, "a.toml"},
                              {{"check-config", "--config=a.toml"}, "a.toml"}};
  for (const Row& row : rows) {
    const auto parsed = parse(row.words);
    const auto* arguments = std::get_if<Arguments>(&parsed);
    ASSERT_NE(arguments, nullptr) << row.words.back() << answer(parsed).err;
    EXPECT_EQ(arguments->act, Arguments::Act::check_config);
    EXPECT_EQ(arguments->config, row.file);
  }
  EXPECT_THAT(answer(parse({"check-config", "a.toml", "--config", "b.toml"})).err,
              HasSubstr("cannot be given together"));
}

// Whatever comes after `link` and `enroll` is the other program's, also its help.
TEST(AgentArguments, LeaveToTheLinkWhatIsTheLinks) {
  for (const auto& words : {std::vector<const char*>{"enroll", "--token-file", "-", "--again"},
                            {"enroll", "--help"},
                            {"link", "--config", "x", "--lang", "en"}}) {
    const auto parsed = parse(words);
    const auto* arguments = std::get_if<Arguments>(&parsed);
    ASSERT_NE(arguments, nullptr) << words.back() << answer(parsed).err;
    EXPECT_EQ(arguments->act, Arguments::Act::link_program);
  }
  const auto parsed = parse_link({"enroll", "--token-file", "-", "--again", "--new-key"});
  const auto* arguments = std::get_if<LinkArguments>(&parsed);
  ASSERT_NE(arguments, nullptr) << answer(parsed).err;
  EXPECT_EQ(arguments->act, LinkArguments::Act::enroll);
  EXPECT_TRUE(arguments->enroll.again && arguments->enroll.new_key);
}

}  // namespace
}  // namespace tocsin::agent
