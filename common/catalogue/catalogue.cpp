#include "common/catalogue/catalogue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/limits.hpp"
#include "common/catalogue/shipped.hpp"
#include "common/config/document.hpp"

namespace tocsin::catalogue {
namespace {

constexpr std::size_t kPrograms = 16;
constexpr std::size_t kPatterns = 32;
constexpr char kLevels[] = "notice, warning, error, critical";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Information and debugging are no warnings.
std::optional<model::WarningLevel> level_of_code(std::string_view code) {
  switch (code.back()) {
    case 'S':
      return model::WarningLevel::critical;
    case 'E':
      return model::WarningLevel::error;
    case 'W':
      return model::WarningLevel::warning;
    default:
      return std::nullopt;
  }
}

// One text is for the readers of both languages, and so is one language where the other is left
// out.
model::Meaning read_meaning(config::Table& message) {
  constexpr std::string_view kKey = "meaning";
  model::Meaning meaning;
  if (!message.holds_table(kKey)) {
    message.text(kKey, meaning.en, limits::kText);
    meaning.zh_tw = meaning.en;
    return meaning;
  }
  auto words = message.table(kKey);
  words->text("en", meaning.en, limits::kText);
  words->text("zh-TW", meaning.zh_tw, limits::kText);
  if (meaning.en.empty()) meaning.en = meaning.zh_tw;
  if (meaning.zh_tw.empty()) meaning.zh_tw = meaning.en;
  return meaning;
}

Message read_message(config::Table& table) {
  Message message;
  table.require({"id", "level"});
  table.text("id", message.id);
  if (table.has("id") && !valid_id(message.id)) {
    table.error("id", "an id has letters, digits, \".\", \"_\" and \"-\", at most 64");
  }
  table.word("level", message.level, level_from, kLevels);
  table.texts("programs", message.programs, kPrograms);
  message.meaning = read_meaning(table);
  std::vector<std::string> patterns;
  table.texts("match", patterns, kPatterns);
  for (const std::string& text : patterns) {
    auto pattern = Pattern::parse(text);
    if (pattern) {
      message.patterns.push_back(std::move(*pattern));
    } else {
      table.error("match", pattern.error().message);
    }
  }
  if (patterns.empty() && storage_protect_code(message.id) != message.id) {
    table.error("match", "only a code such as ANR2997W needs no \"match\"");
  }
  if (auto many = table.table("many")) {
    message.many.emplace();
    many->require({"count", "within", "level"});
    many->number("count", message.many->count, 2U, 100'000U);
    many->duration("within", message.many->within, {1s, 24h});
    many->word("level", message.many->level, level_from, kLevels);
  }
  return message;
}

}  // namespace

bool valid_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_word(c) || c == '.' || c == '-';
  });
}

std::string_view to_string(model::WarningLevel level) {
  switch (level) {
    case model::WarningLevel::notice:
      return "notice";
    case model::WarningLevel::warning:
      return "warning";
    case model::WarningLevel::error:
      return "error";
    case model::WarningLevel::critical:
      return "critical";
  }
  return "unknown";
}

std::optional<model::WarningLevel> level_from(std::string_view word) {
  for (int i = 1; i <= static_cast<int>(model::WarningLevel::critical); ++i) {
    const auto level = static_cast<model::WarningLevel>(i);
    if (word == to_string(level)) return level;
  }
  return std::nullopt;
}

std::string_view storage_protect_code(std::string_view record) {
  constexpr std::size_t kLength = 8;  // ANR2997W
  for (std::size_t at = record.find("AN"); at != record.npos; at = record.find("AN", at + 1)) {
    const std::string_view code = record.substr(at, kLength);
    if (code.size() < kLength) break;
    const bool alone = (at == 0 || !is_word(record[at - 1])) &&
                       (at + kLength == record.size() || !is_word(record[at + kLength]));
    const bool family = code[2] == 'R' || code[2] == 'S' || code[2] == 'E';
    const bool number = std::all_of(code.begin() + 3, code.begin() + 7, is_digit);
    if (alone && family && number && std::string_view("DEIKSW").find(code[7]) != record.npos) {
      return code;
    }
  }
  return {};
}

Catalogue Catalogue::shipped() {
  Catalogue catalogue;
  const Status added = catalogue.add(kShippedMessages, "messages.toml");
  TOCSIN_CHECK(added.has_value());
  return catalogue;
}

Status Catalogue::add(std::string_view toml, std::string_view name) {
  auto document = config::Document::parse(toml, name, kCatalogueBytes);
  if (!document) return fail(document.error());
  config::Table root = document->root();
  std::vector<Message> messages;
  for (config::Table& table : root.tables("message", kMostMessages)) {
    messages.push_back(read_message(table));
  }
  TOCSIN_TRY(document->finish());
  for (Message& message : messages) put(std::move(message));
  return {};
}

void Catalogue::put(Message message) {
  const auto known = by_id_.find(message.id);
  if (known != by_id_.end()) {
    messages_[known->second] = std::move(message);
    return;
  }
  by_id_.emplace(message.id, messages_.size());
  messages_.push_back(std::move(message));
}

std::optional<Match> Catalogue::find(std::string_view program, std::string_view record) const {
  const std::string_view code = storage_protect_code(record);
  if (!code.empty()) {
    const auto listed = by_id_.find(code);
    if (listed != by_id_.end()) {
      const Message& message = messages_[listed->second];
      return Match{message.id, message.level, &message};
    }
    if (const auto level = level_of_code(code)) return Match{code, *level, nullptr};
  }
  for (const Message& message : messages_) {
    const auto& programs = message.programs;
    const bool known = program.empty() || programs.empty() ||
                       std::find(programs.begin(), programs.end(), program) != programs.end();
    if (!known) continue;
    const bool fits = std::any_of(message.patterns.begin(), message.patterns.end(),
                                  [&](const Pattern& pattern) { return pattern.fits(record); });
    if (fits) return Match{message.id, message.level, &message};
  }
  return std::nullopt;
}

}  // namespace tocsin::catalogue
