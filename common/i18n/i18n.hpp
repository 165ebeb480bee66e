// Message codes to text, in Traditional Chinese and English. One flat JSON file a language
// (common/i18n/texts/zh-TW.json, en.json) is compiled into a table; `{name}` stands for a
// parameter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/model/message.hpp"

namespace tocsin::i18n {

enum class Language { zh_tw, en };
std::string_view to_string(Language language);  // "zh-TW", "en"
std::optional<Language> language_from(std::string_view word);
// By the rules of setlocale: LC_ALL, else LC_MESSAGES, else LANG; zh* is zh-TW, everything else en.
Language language_from_environment(std::string_view lc_all, std::string_view lc_messages,
                                   std::string_view lang);

// The name of a parameter that only readers of one language get: "meaning.zh-TW".
std::string name_in(Language language, std::string_view name);

// The text of a code, or an empty view where there is none.
std::string_view text(Language language, std::string_view code);

// The message in words. A parameter value that is itself a code of the form "@code" is replaced by
// that code's text. Of "meaning" and "meaning.zh-TW" a reader of that language gets the second. An
// unknown code gives "code name=value …", so that nothing is hidden.
std::string render(Language language, const model::Message& message);

// All codes, in order; for the tests that compare both languages.
std::span<const std::string_view> codes();

}  // namespace tocsin::i18n
