#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

constexpr std::string_view kTexts = "common/i18n/texts/en.json";
// Where checks say what they saw, and rules what it means.
constexpr std::array<std::string_view, 3> kSayers{"common/rules/", "agent/checks/",
                                                  "agent/backup/"};
// What a finding is called says which findings there are.
constexpr std::string_view kTitle = "title.";
constexpr std::array<std::string_view, 5> kProofs{"tests/unit/", "tests/conformance/",
                                                  "tests/integration/", "tests/e2e/", "tests/sim/"};

template <class Prefixes>
bool is_under_one(const SourceFile& file, const Prefixes& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return file.path.starts_with(prefix); });
}

bool is_of_code(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

// The keys of a file of texts: `  "key": "text",`.
std::set<std::string, std::less<>> keys_of(const SourceFile& texts) {
  std::set<std::string, std::less<>> keys;
  for (auto at = texts.raw.find("\n  \""); at != std::string::npos;
       at = texts.raw.find("\n  \"", at + 1)) {
    const auto end = texts.raw.find('"', at + 4);
    if (end == std::string::npos) break;
    keys.insert(texts.raw.substr(at + 4, end - at - 4));
  }
  return keys;
}

struct Place {
  std::string path;
  std::size_t line = 0;
};
using Codes = std::map<std::string, Place>;

// A literal that is a text's key, or "@" and one.
void add_codes_of(const SourceFile& file, const std::set<std::string, std::less<>>& keys,
                  Codes& codes) {
  for (auto at = file.code.find('"'); at != std::string::npos;) {
    const auto end = file.code.find('"', at + 1);
    if (end == std::string::npos) return;
    std::string_view word = std::string_view(file.raw).substr(at + 1, end - at - 1);
    if (word.starts_with('@')) word.remove_prefix(1);
    if (word.find('.') != word.npos && keys.contains(word)) {
      codes.try_emplace(std::string(word), Place{file.path, line_of(file.raw, at)});
    }
    at = file.code.find('"', end + 1);
  }
}

void add_findings(const std::set<std::string, std::less<>>& keys, Codes& codes) {
  for (const std::string& key : keys) {
    if (key.starts_with(kTitle)) {
      codes.try_emplace(key.substr(kTitle.size()), Place{std::string(kTexts), 0});
    }
  }
}

// As a whole, and not as the beginning or the end of another code.
bool names(std::string_view text, std::string_view code) {
  for (auto at = text.find(code); at != text.npos; at = text.find(code, at + 1)) {
    const auto end = at + code.size();
    const bool begins = at == 0 || !(is_of_code(text[at - 1]) || text[at - 1] == '.');
    const bool goes_on = end < text.size() &&
                         (is_of_code(text[end]) ||
                          (text[end] == '.' && end + 1 < text.size() && is_of_code(text[end + 1])));
    if (begins && !goes_on) return true;
  }
  return false;
}

}  // namespace

std::vector<Problem> check_reasons(const Tree& tree) {
  const auto* texts = tree.find(kTexts);
  if (texts == nullptr) return {};
  const auto keys = keys_of(*texts);
  Codes codes;
  std::vector<const SourceFile*> proofs;
  for (const SourceFile& file : tree.files) {
    if (is_under_one(file, kSayers) && file.path.ends_with(".cpp")) add_codes_of(file, keys, codes);
    if (is_under_one(file, kProofs)) proofs.push_back(&file);
  }
  add_findings(keys, codes);
  std::vector<Problem> problems;
  for (const auto& [code, place] : codes) {
    const bool shown = std::any_of(proofs.begin(), proofs.end(),
                                   [&](const SourceFile* file) { return names(file->raw, code); });
    if (!shown) problems.push_back({place.path, place.line, code + " is expected by no test"});
  }
  return problems;
}

}  // namespace tocsin::tidy
