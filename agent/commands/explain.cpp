#include "agent/commands/explain.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "agent/checks/warnings.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/duration.hpp"
#include "common/rules/messages.hpp"

namespace tocsin::agent {
namespace {

using i18n::Language;

// "error, from 5 within 10min critical", in the words of the file.
std::string level_text(const catalogue::Match& match) {
  std::string text(catalogue::to_string(match.level));
  if (match.message != nullptr && match.message->many) {
    const catalogue::Many& many = *match.message->many;
    text += fmt::format(", {} within {}: {}", many.count, config::duration_text(many.within),
                        catalogue::to_string(many.level));
  }
  return text;
}

// Of the list by its id; what is not listed can be a code of Storage Protect.
std::optional<catalogue::Match> match_of(const catalogue::Catalogue& catalogue,
                                         std::string_view id) {
  for (const catalogue::Message& message : catalogue.messages()) {
    if (message.id == id) return catalogue::Match{message.id, message.level, &message};
  }
  if (!rules::is_storage_protect(id)) return std::nullopt;
  return catalogue.find({}, id);
}

}  // namespace

Result<std::string> explain_message(const WarningsSettings& settings, std::string_view id,
                                    Language language) {
  const auto catalogue = load_catalogue("/", settings);
  if (!catalogue) return fail(catalogue.error());
  const auto match = match_of(*catalogue, id);
  if (!match) {
    return fail(ErrorCode::not_found,
                fmt::format("no message \"{}\"", clean_text(id, limits::kName)));
  }
  const std::string code = rules::text_of_message(id);
  model::Meaning meaning{std::string(i18n::text(Language::en, code)),
                         std::string(i18n::text(Language::zh_tw, code))};
  if (match->message != nullptr && !match->message->meaning.en.empty()) {
    meaning = match->message->meaning;
  }
  std::string text = fmt::format("{}: {}\n", match->id, level_text(*match));
  for (const std::string& words : {meaning.zh_tw, meaning.en}) {
    if (!words.empty()) text += fmt::format("  {}\n", words);
    if (meaning.zh_tw == meaning.en) break;
  }
  if (!code.empty()) {
    text += fmt::format("  {}: {}\n", i18n::text(language, "ctl.explain.what_to_do"),
                        i18n::text(language, code + ".do"));
  }
  return text;
}

}  // namespace tocsin::agent
