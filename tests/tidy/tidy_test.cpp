// Each rule twice: on a small bad tree, to show that it can fail, and on this tree. In the samples
// under tests/data/tidy a line that must be reported ends in `// bad`; a file that must be reported
// as a whole begins with `// bad file`.
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

const std::filesystem::path kRoot = TOCSIN_SOURCE_DIR;

const Tree& this_tree() {
  static const Tree tree = read_tree(kRoot);
  return tree;
}

Tree sample(const std::string& name) {
  auto tree = read_tree(kRoot / "tests/data/tidy" / name);
  EXPECT_FALSE(tree.files.empty()) << "no sample " << name;
  return tree;
}

std::string lines_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += "\n  " + to_string(problem);
  return text;
}

using Places = std::set<std::string>;

Places places_of(const std::vector<Problem>& problems) {
  Places places;
  for (const auto& problem : problems) {
    places.insert(problem.path + ":" + std::to_string(problem.line));
  }
  return places;
}

Places marked(const Tree& tree) {
  Places places;
  for (const auto& file : tree.files) {
    std::istringstream lines{file.raw};
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
      if (line == "// bad file") places.insert(file.path + ":0");
      if (line.ends_with("  // bad")) places.insert(file.path + ":" + std::to_string(number));
    }
  }
  return places;
}

using Rule = std::vector<Problem> (*)(const Tree&);

void expect_marked(Rule rule, const std::string& name) {
  const auto tree = sample(name);
  const auto wanted = marked(tree);
  ASSERT_FALSE(wanted.empty());
  const auto problems = rule(tree);
  EXPECT_EQ(places_of(problems), wanted) << lines_of(problems);
}

void expect_clean(Rule rule) {
  ASSERT_GT(this_tree().files.size(), 50U) << "this is not the source tree: " << kRoot;
  const auto problems = rule(this_tree());
  EXPECT_TRUE(problems.empty()) << lines_of(problems);
}

TEST(Tidy, FindsIncludesAgainstTheDirection) { expect_marked(check_includes, "includes"); }
TEST(Tidy, IncludesGoInOneDirection) { expect_clean(check_includes); }

TEST(Tidy, FindsBannedCalls) { expect_marked(check_calls, "calls"); }
TEST(Tidy, NothingReadsTheClockSleepsOrStartsAShell) { expect_clean(check_calls); }

TEST(Tidy, FindsTheFormsThatGcc12Miscompiles) { expect_marked(check_co_await, "co_await"); }
TEST(Tidy, StatementsWithCoAwaitHaveNoTemporariesInBraces) { expect_clean(check_co_await); }

TEST(Tidy, FindsDeadFiles) { expect_marked(check_dead_files, "dead_files"); }
TEST(Tidy, EveryFileIsBuiltOrIncluded) { expect_clean(check_dead_files); }

TEST(Tidy, FindsNotesToSelf) {
  auto file =
      parse("common/base/x.cpp", std::string("int a;\n// TO") + "DO later\nint TO" + "DOS;\n");
  const Tree tree{{std::move(file)}};
  EXPECT_EQ(places_of(check_notes(tree)), Places{"common/base/x.cpp:2"});
}
TEST(Tidy, ThereAreNoNotesToSelf) { expect_clean(check_notes); }

TEST(Tidy, FindsTextsThatDiffer) {
  const auto problems = check_texts(sample("texts"));
  const Places wanted{
      "common/i18n/texts/en.json:2",     // missing in zh-TW
      "common/i18n/texts/en.json:4",     // other parameters
      "common/i18n/texts/en.json:5",     // missing in zh-TW
      "common/i18n/texts/zh-TW.json:3",  // the same, from the other side
      "common/i18n/texts/zh-TW.json:4",  // out of order
      "common/i18n/texts/zh-TW.json:5",  // a word of another Chinese
      "common/i18n/texts/zh-TW.json:6",  // not one entry a line
  };
  EXPECT_EQ(places_of(problems), wanted) << lines_of(problems);
}
TEST(Tidy, BothLanguagesSayTheSame) { expect_clean(check_texts); }

TEST(Tidy, FindsReasonsThatNoTestExpects) {
  std::vector<SourceFile> files;
  files.push_back(parse("common/i18n/texts/en.json",
                        "{\n  \"disk.full\": \"\",\n  \"disk.full.soon\": \"\",\n"
                        "  \"title.disk.gone\": \"\",\n  \"why.odd\": \"\"\n}\n"));
  files.push_back(parse("common/rules/disk.cpp",
                        "auto a = \"disk.full\";\nauto b = \"disk.full.soon\";\n"
                        "auto c = \"@why.odd\";  // \"disk.gone\"\n"));
  files.push_back(parse("tests/e2e/disk.sh", "says 'disk.full.soon why=@why.odd'\n"));
  const auto problems = check_reasons(Tree{std::move(files)});
  EXPECT_EQ(places_of(problems), (Places{"common/i18n/texts/en.json:0", "common/rules/disk.cpp:1"}))
      << lines_of(problems);
}
TEST(Tidy, EachReasonIsExpectedByATest) { expect_clean(check_reasons); }

TEST(Tidy, LiteralsAndCommentsAreNoCode) {
  const auto file = parse("a.cpp",
                          "auto a = \"sleep(\";  // sleep(\n"
                          "auto b = R\"x(sleep( \")x\"; /* sleep(\n */ int c = 1'000;\n"
                          "char d = '\"'; sleep(1);\n");
  EXPECT_EQ(file.code.find("sleep("), file.raw.rfind("sleep("));
}

}  // namespace
}  // namespace tocsin::tidy
