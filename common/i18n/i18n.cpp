#include "common/i18n/i18n.hpp"

#include <algorithm>
#include <vector>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/texts.hpp"

namespace tocsin::i18n {
namespace {

const TextRow* find_row(std::string_view code) {
  const std::span<const TextRow> rows = text_rows();
  const auto it = std::lower_bound(
      rows.begin(), rows.end(), code,
      [](const TextRow& row, std::string_view wanted) { return row.code < wanted; });
  return it != rows.end() && it->code == code ? &*it : nullptr;
}

// "@a.b @c.d" in words: the texts of the codes, joined. Empty where `value` is anything else, or
// one of the codes is unknown.
std::string referenced(Language language, std::string_view value) {
  std::string words;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    const std::string_view part = value.substr(0, end);
    if (!part.starts_with('@')) return {};
    const std::string_view meaning = text(language, part.substr(1));
    if (meaning.empty()) return {};
    if (!words.empty()) words += text(language, "list.separator");
    words += meaning;
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return words;
}

std::string value_in_words(Language language, const std::string& value) {
  if (std::string words = referenced(language, value); !words.empty()) return words;
  return clean_text(value, limits::kText);
}

// The value for this language, else the one for all; nullptr where there is neither.
const std::string* value_of(Language language, const model::Message& message,
                            std::string_view name) {
  const std::string own = name_in(language, name);
  const std::string* value = nullptr;
  for (const model::Parameter& parameter : message.parameters) {
    if (parameter.name == own) return &parameter.value;
    if (parameter.name == name && value == nullptr) value = &parameter.value;
  }
  return value;
}

std::string untranslated(const model::Message& message) {
  std::string out = clean_text(message.code, limits::kName);
  for (const model::Parameter& parameter : message.parameters) {
    out += ' ';
    out += clean_text(parameter.name, limits::kName);
    out += '=';
    out += clean_text(parameter.value, limits::kText);
  }
  return out;
}

}  // namespace

std::string_view to_string(Language language) {
  return language == Language::zh_tw ? "zh-TW" : "en";
}

std::optional<Language> language_from(std::string_view word) {
  if (word == "zh-TW") return Language::zh_tw;
  if (word == "en") return Language::en;
  return std::nullopt;
}

Language language_from_environment(std::string_view lc_all, std::string_view lc_messages,
                                   std::string_view lang) {
  const std::string_view chosen = !lc_all.empty()        ? lc_all
                                  : !lc_messages.empty() ? lc_messages
                                                         : lang;
  return chosen.starts_with("zh") ? Language::zh_tw : Language::en;
}

std::string name_in(Language language, std::string_view name) {
  return std::string(name).append(".").append(to_string(language));
}

std::string_view text(Language language, std::string_view code) {
  const TextRow* row = find_row(code);
  if (row == nullptr) return {};
  return language == Language::zh_tw ? row->zh_tw : row->en;
}

std::string render(Language language, const model::Message& message) {
  if (message.code.empty()) return {};
  std::string_view rest = text(language, message.code);
  if (rest.empty()) return untranslated(message);
  std::string out;
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    const std::size_t close = open == rest.npos ? rest.npos : rest.find('}', open);
    if (close == rest.npos) break;
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    const std::string* value = value_of(language, message, name);
    out += rest.substr(0, open);
    // A parameter that is missing shows as "?": the sentence stays readable and honest.
    out += value == nullptr ? "?" : value_in_words(language, *value);
    rest.remove_prefix(close + 1);
  }
  return out.append(rest);
}

std::span<const std::string_view> codes() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> found;
    for (const TextRow& row : text_rows()) found.push_back(row.code);
    return found;
  }();
  return all;
}

}  // namespace tocsin::i18n
