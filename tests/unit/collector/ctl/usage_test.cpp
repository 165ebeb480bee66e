// What a command line that is wrong is answered with, in both languages: sentences of ours, never
// the parser's.
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "collector/ctl/arguments.hpp"
#include "common/i18n/table.hpp"

namespace tocsin::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using i18n::Language;

struct Answer {
  ExitCode exit = ExitCode::done;
  std::string err;
};

Answer answer(const std::vector<std::string>& words, Language language) {
  std::vector<const char*> argv{"tocsinctl"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto parsed = parse_arguments(static_cast<int>(argv.size()), argv.data(), language);
  const auto* printed = std::get_if<Printed>(&parsed);
  return printed == nullptr ? Answer{} : Answer{printed->exit, printed->err};
}

std::string help_of(std::vector<std::string> words, Language language) {
  words.push_back("--help");
  std::vector<const char*> argv{"tocsinctl"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto parsed = parse_arguments(static_cast<int>(argv.size()), argv.data(), language);
  const auto* printed = std::get_if<Printed>(&parsed);
  return printed == nullptr ? "" : printed->out;
}

TEST(Help, ExplanationsStandInOneColumnInBothLanguages) {
  for (const Language language : {Language::zh_tw, Language::en}) {
    for (const char* command : {"hosts", "incidents", "severity", "enroll", "baseline"}) {
      std::istringstream lines(help_of({command}, language));
      int explained = 0;
      for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("  ")) continue;
        const std::size_t gap = line.find("   ", 2);
        if (gap == line.npos) continue;
        const std::size_t begins = line.find_first_not_of(' ', gap);
        EXPECT_EQ(i18n::display_width(line.substr(0, begins)), 30) << line;
        ++explained;
      }
      EXPECT_GT(explained, 1) << command;
    }
  }
}

TEST(Help, NamesWhatMayBeGivenAndNotItsType) {
  const std::string help = help_of({"incidents"}, Language::zh_tw);
  EXPECT_THAT(help, HasSubstr("--limit 1-1000  "));
  EXPECT_THAT(help, HasSubstr("--before 數字  "));
  EXPECT_THAT(help_of({}, Language::en), HasSubstr("--lang {zh-TW,en}  "));
  for (const char* word : {"TEXT", "UINT"}) EXPECT_EQ(help.find(word), help.npos) << help;
}

TEST(Usage, SaysWhatIsWrongInTheReadersLanguage) {
  struct Row {
    std::vector<std::string> words;
    std::string chinese;
    std::string english;
  };
  const std::vector<Row> rows{
      {{"incidents", "show"}, "缺少必要的參數：ID", "Missing: ID"},
      {{"revoke", "agent", "web1"}, "缺少必要的參數：--reason", "Missing: --reason"},
      {{"severity"}, "缺少必要的參數：ID, --reason, GRADE", "Missing: ID, --reason, GRADE"},
      {{"revoke"}, "缺少命令：agent, operator", "A command is missing: agent, operator"},
      {{"revoke", "nobody"}, "無法辨識：nobody", "Not understood: nobody"},
      {{"nonsense"}, "無法辨識：nonsense", "Not understood: nonsense"},
      {{"hosts", "web1", "web2", "--all"}, "無法辨識：web2 --all", "Not understood: web2 --all"},
      {{"incidents", "--limit", "0"},
       "--limit: 「0」不是 1 到 1000 之間的數字",
       "--limit: \"0\" is no number from 1 to 1000"},
      {{"incidents", "--limit", "many"},
       "--limit: 「many」不是 1 到 1000 之間的數字",
       "--limit: \"many\" is no number from 1 to 1000"},
      {{"incidents", "--before", "-1"},
       "--before: 「-1」不是 0 到 9223372036854775807 之間的數字",
       "--before: \"-1\" is no number from 0 to 9223372036854775807"},
      {{"status", "--timeout", "soon"},
       "--timeout: 「soon」不是時間長度，請寫成 500ms、90s、10m、1h 或 7d",
       "--timeout: \"soon\" is no duration; write 500ms, 90s, 10m, 1h or 7d"},
      {{"severity", "42", "F", "--reason", "r"},
       "GRADE: 「F」不是下列之一：A,B,C,D,E",
       "GRADE: \"F\" is none of A,B,C,D,E"},
      {{"status", "-o", "xml"},
       "--output: 「xml」不是下列之一：table,wide,json,yaml,name",
       "--output: \"xml\" is none of table,wide,json,yaml,name"},
      {{"status", "--fail-on", "F"},
       "--fail-on: 「F」不是下列之一：A,B,C,D,E",
       "--fail-on: \"F\" is none of A,B,C,D,E"},
      {{"baseline", "list", "web1", "--group", "web"},
       "--host 與 --group 不能同時使用",
       "--host and --group cannot be given together"},
      {{"status", "--context"}, "--context 需要一個值", "--context needs a value"},
      {{"status", "--context", "a", "--context", "b"},
       "--context 給了不只一次",
       "--context is given more than once"},
      {{"status", "--watch=maybe"}, "--watch 不接受值", "--watch takes no value"},
  };
  for (const Row& row : rows) {
    const std::string line = ::testing::PrintToString(row.words);
    const Answer chinese = answer(row.words, Language::zh_tw);
    EXPECT_EQ(chinese.exit, ExitCode::usage) << line;
    EXPECT_EQ(chinese.err, row.chinese + "\n加上 --help 可看說明\n") << line;
    EXPECT_EQ(answer(row.words, Language::en).err, row.english + "\nRun with --help for more\n")
        << line;
  }
}

TEST(Usage, TakesTheWordsThatThereAre) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"severity", "42", "c", "--reason", "r"},
        {"incidents", "--limit", "1000", "--before", "42"},
        {"status", "-o", "columns=id,host"},
        {"status", "--timeout", "500ms", "--lang", "zh-tw"}}) {
    EXPECT_EQ(answer(words, Language::en).exit, ExitCode::done) << words.front();
  }
}

TEST(Usage, TakesAWordInTheWayItIsWritten) {
  const std::vector<const char*> argv{"tocsinctl", "status", "-o", "JSON", "--fail-on", "c"};
  const auto parsed = parse_arguments(static_cast<int>(argv.size()), argv.data(), Language::en);
  const auto* arguments = std::get_if<Arguments>(&parsed);
  ASSERT_NE(arguments, nullptr);
  EXPECT_EQ(arguments->output, "json");
  EXPECT_EQ(arguments->fail_on, "C");
}

// A control character in a word that is not understood cannot move the cursor.
TEST(Usage, WordsAreShownAsTheyAreSafe) {
  EXPECT_THAT(answer({"\x1b[2Jx"}, Language::en).err, StartsWith("Not understood: \\x1b[2Jx"));
  EXPECT_THAT(answer({"severity", "1", "\x1b[2J", "--reason", "r"}, Language::en).err,
              HasSubstr("\"\\x1b[2J\" is none of"));
}

// Whatever is typed, a Chinese reader gets no sentence of the parser.
TEST(Usage, NoWordOfTheParserIsEverShown) {
  EXPECT_TRUE(rc::check("its words do not appear", [] {
    const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "status", "hosts", "incidents", "show", "ack", "register", "verdict", "severity", "close",
        "estimate", "run-check", "restart-service", "revoke", "agent", "operator", "enroll",
        "token", "create", "audit", "completion", "help", "42", "C", "-1", "=", "--", "-",
        "--watch", "--watch=no", "--limit", "--limit=x", "--lang", "--lang=en", "-o",
        "-o=", "-ojson", "--ttl", "--reason", "--dry-run=2", "--no-color=yes", "--before", "--host",
        "--nope", "-x"));
    const Answer said = answer(words, Language::zh_tw);
    if (said.exit == ExitCode::done) return;
    for (const char* word : {"required", "not expected", "Could not", "convert", "At least", "Most",
                             "exactly", "flag", "override", "true/false", "not in", "FAILED"}) {
      RC_ASSERT(said.err.find(word) == std::string::npos);
    }
  }));
}

}  // namespace
}  // namespace tocsin::ctl
