#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

constexpr std::string_view kChinese = "common/i18n/texts/zh-TW.json";
constexpr std::string_view kEnglish = "common/i18n/texts/en.json";

struct Text {
  std::size_t line = 0;
  std::string text;
};
using Texts = std::map<std::string, Text>;

// `  "key": "text",` → key and text, still escaped.
std::optional<std::pair<std::string, std::string>> entry_of(std::string_view line) {
  const auto key = line.find('"');
  const auto key_end = line.find("\": \"", key == std::string_view::npos ? line.size() : key + 1);
  const auto text_end = line.rfind('"');
  if (key_end == std::string_view::npos || text_end < key_end + 4) return std::nullopt;
  return std::pair{std::string(line.substr(key + 1, key_end - key - 1)),
                   std::string(line.substr(key_end + 4, text_end - key_end - 4))};
}

Texts read(const SourceFile& file, std::vector<Problem>& problems) {
  Texts texts;
  std::istringstream lines{file.raw};
  std::string line;
  std::string last;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (line == "{" || line == "}" || line.empty()) continue;
    auto entry = entry_of(line);
    if (!entry) {
      problems.push_back({file.path, number, "is not one \"key\": \"text\" a line"});
      continue;
    }
    auto& [key, text] = *entry;
    if (key <= last) problems.push_back({file.path, number, key + " is not in order"});
    last = key;
    texts.insert_or_assign(key, Text{number, text});
  }
  return texts;
}

// The {parameters} of a text.
std::set<std::string> parameters_of(std::string_view text) {
  std::set<std::string> names;
  for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const auto end = text.find('}', at);
    if (end == std::string_view::npos) break;
    names.emplace(text.substr(at + 1, end - at - 1));
  }
  return names;
}

void compare(const SourceFile& file, const Texts& texts, const Texts& others,
             std::vector<Problem>& problems) {
  for (const auto& [key, text] : texts) {
    const auto other = others.find(key);
    if (other == others.end()) {
      problems.push_back({file.path, text.line, key + " is missing in the other language"});
    } else if (parameters_of(text.text) != parameters_of(other->second.text)) {
      problems.push_back(
          {file.path, text.line, key + " has other parameters in the other language"});
    }
  }
}

// Words of another Chinese than that of Taiwan, and what is said here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kForeignWords{{
    {"默認", "預設"},
    {"網絡", "網路"},
    {"服務器", "伺服器"},
    {"日誌", "紀錄"},
    {"信息", "訊息"},
    {"軟件", "軟體"},
    {"硬件", "硬體"},
}};

}  // namespace

std::vector<Problem> check_texts(const Tree& tree) {
  std::vector<Problem> problems;
  const auto* chinese = tree.find(kChinese);
  const auto* english = tree.find(kEnglish);
  if (chinese == nullptr || english == nullptr) {
    if (chinese != english) problems.push_back({std::string(kChinese), 0, "one language alone"});
    return problems;
  }
  const auto zh = read(*chinese, problems);
  const auto en = read(*english, problems);
  compare(*chinese, zh, en, problems);
  compare(*english, en, zh, problems);
  for (const auto& [key, text] : zh) {
    for (const auto& [foreign, ours] : kForeignWords) {
      if (text.text.find(foreign) == std::string::npos) continue;
      problems.push_back(
          {chinese->path, text.line,
           key + ": " + std::string(foreign) + " is " + std::string(ours) + " here"});
    }
  }
  return problems;
}

}  // namespace tocsin::tidy
