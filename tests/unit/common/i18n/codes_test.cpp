// The texts against the source tree: what the code can say has words in both languages.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/i18n/i18n.hpp"
#include "common/model/check.hpp"
#include "common/model/incident.hpp"
#include "common/model/severity.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::i18n {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> placeholders(std::string_view text) {
  static const std::regex kPlaceholder(R"(\{([^{}]*)\})");
  const std::string copy(text);
  std::set<std::string> names;
  for (std::sregex_iterator it(copy.begin(), copy.end(), kPlaceholder), end; it != end; ++it) {
    names.insert((*it)[1]);
  }
  return names;
}

// Message codes that a source file names, with the file.
std::map<std::string, std::string> codes_in_sources() {
  static const std::regex kUse(
      R"re((?:(?:Message|Rule|Row|Sign|Condition \w+|return)\s*\{\s*|\.code = |\b[Mm]essage\(|"@)"?([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)")re");
  std::map<std::string, std::string> found;
  for (const char* folder : {"common", "agent", "collector"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(TOCSIN_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      const std::string source = content_of(entry.path());
      for (std::sregex_iterator it(source.begin(), source.end(), kUse), end; it != end; ++it) {
        found.emplace((*it)[1], entry.path().string());
      }
    }
  }
  return found;
}

TEST(Texts, HaveBothLanguagesWithTheSamePlaceholders) {
  ASSERT_GT(codes().size(), 100U);
  for (const std::string_view code : codes()) {
    EXPECT_FALSE(text(Language::en, code).empty()) << code;
    EXPECT_FALSE(text(Language::zh_tw, code).empty()) << code;
    EXPECT_EQ(placeholders(text(Language::en, code)), placeholders(text(Language::zh_tw, code)))
        << code;
  }
}

TEST(Texts, HavePlaceholdersThatAreNames) {
  static const std::regex kName("[a-z][a-z0-9_]*");
  for (const std::string_view code : codes()) {
    for (const std::string& name : placeholders(text(Language::en, code))) {
      EXPECT_TRUE(std::regex_match(name, kName)) << code << ' ' << name;
    }
  }
}

TEST(Texts, UseTheWordsOfTaiwan) {
  for (const char* word :
       {"信息", "服務器", "默認", "網絡", "只讀",   "日誌", "文件夾", "文件", "軟件",
        "硬件", "進程",   "線程", "端口", "登錄檔", "數據", "內存",   "接口", "連接數",
        "磁盤", "加載",   "字節", "帳戶", "賬",     "視頻", "缺省"}) {
    for (const std::string_view code : codes()) {
      if (code.starts_with("severity.")) continue;  // The procedure's own words.
      EXPECT_EQ(text(Language::zh_tw, code).find(word), std::string_view::npos)
          << code << " says " << word;
    }
  }
}

TEST(Texts, ExistForEveryCodeInTheSources) {
  const std::map<std::string, std::string> used = codes_in_sources();
  for (const auto& [code, file] : used) {
    EXPECT_FALSE(text(Language::en, code).empty()) << code << " of " << file;
  }
}

void expect_noun(std::string_view prefix, std::string_view word) {
  const std::string code = std::string(prefix).append(word);
  EXPECT_FALSE(text(Language::en, code).empty()) << code;
}

TEST(Texts, NameEveryWordOfTheModel) {
  using namespace model;
  for (const CheckKind kind : kCheckKinds) expect_noun("check.", to_string(kind));
  for (const Role role : kRoles) expect_noun("role.", to_string(role));
  for (int i = 1; i <= 5; ++i) {
    expect_noun("stage.", to_string(static_cast<Stage>(i)));
    expect_noun("verdict.", to_string(static_cast<Verdict>(i)));
    expect_noun("outcome.", to_string(static_cast<Outcome>(i)));
  }
  for (int i = 1; i <= 4; ++i) {
    expect_noun("presence.", to_string(static_cast<Presence>(i)));
    expect_noun("address_class.", to_string(static_cast<AddressClass>(i)));
  }
}

// The procedure's table is quoted, not paraphrased.
TEST(Texts, QuoteTheSeverityTable) {
  EXPECT_EQ(text(Language::zh_tw, "severity.a"), "服務中斷，需一天以上始可修復，嚴重影響中心營運");
  EXPECT_EQ(text(Language::zh_tw, "severity.b"), "服務嚴重停頓，一天內可修復");
  EXPECT_EQ(text(Language::zh_tw, "severity.c"),
            "服務短暫中斷；判斷監控到實體或網路環境未授權之存取影響層面嚴重");
  EXPECT_EQ(text(Language::zh_tw, "severity.d"),
            "服務延遲，可立即處理恢復效率或監控到實體或網路環境未授權之存取");
  EXPECT_EQ(text(Language::zh_tw, "severity.e"), "不影響服務，但持續發生可能影響服務之提供。");
}

}  // namespace
}  // namespace tocsin::i18n
