#include "common/cli/usage.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::cli {
namespace {

std::string shown(std::string_view text) { return clean_text(text, limits::kName); }

// The command that was being read: the innermost of those that were named.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> named = app.get_subcommands();
  return named.empty() ? app : innermost(*named.back());
}

std::vector<std::string> missing_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_required() && option->count() == 0) names.push_back(option->get_name());
  }
  return names;
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

model::Message about_extras(const CLI::App& app) {
  std::vector<std::string> words;
  for (const std::string& word : app.remaining(true)) words.push_back(shown(word));
  return {"cli.usage.not_understood", {{"words", fmt::format("{}", fmt::join(words, " "))}}};
}

model::Message about_missing(const CLI::App& app) {
  const CLI::App& command = innermost(app);
  const std::vector<std::string> options = missing_options(command);
  if (!options.empty()) {
    return {"cli.usage.missing", {{"names", fmt::format("{}", fmt::join(options, ", "))}}};
  }
  if (app.remaining_size(true) > 0) return about_extras(app);
  return {"cli.usage.command_missing",
          {{"names", fmt::format("{}", fmt::join(commands_of(command), ", "))}}};
}

// The parser puts the option's name first in each of its sentences about the number of values.
model::Message about_count(const CLI::App& app, const CLI::ParseError& error) {
  const std::string sentence = error.what();
  const std::string name = sentence.substr(0, sentence.find_first_of(": "));
  const CLI::Option* option = innermost(app).get_option_no_throw(name);
  if (option == nullptr) option = app.get_option_no_throw(name);
  const char* code = "cli.usage.value_missing";
  if (option != nullptr && option->get_items_expected_max() == 0) {
    code = "cli.usage.takes_no_value";
  } else if (option != nullptr && option->count() > 1) {
    code = "cli.usage.more_than_once";
  }
  return {code, {{"name", shown(name)}}};
}

// Only a flag's value can be of the wrong type; all others have a check of ours.
model::Message about_flag(const CLI::App& app) {
  for (const CLI::App* one : {&innermost(app), &app}) {
    for (const CLI::Option* option : one->get_options()) {
      const bool flag = option->get_items_expected_max() == 0;
      if (flag && option->count() > 0 && option->results().front() != "true") {
        return {"cli.usage.takes_no_value", {{"name", option->get_name()}}};
      }
    }
  }
  return {"cli.usage.other", {}};
}

// "A requires B", "A excludes B".
model::Message about_pair(const CLI::ParseError& error, std::string_view verb, const char* code) {
  const std::string sentence = error.what();
  const std::size_t at = sentence.find(verb);
  if (at == std::string::npos) return {"cli.usage.other", {}};
  return {code,
          {{"name", shown(sentence.substr(0, at))},
           {"other", shown(sentence.substr(at + verb.size()))}}};
}

std::string said(i18n::Language language, const model::Message& message) {
  return i18n::render(language, message);
}

bool same_letters(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

std::string usage_text(const CLI::App& app, const CLI::ParseError& error, i18n::Language language) {
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return said(language, about_missing(app));
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return said(language, about_extras(app));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return said(language, about_count(app, error));
  }
  if (dynamic_cast<const CLI::RequiresError*>(&error) != nullptr) {
    return said(language, about_pair(error, " requires ", "cli.usage.needs"));
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    return said(language, about_pair(error, " excludes ", "cli.usage.excludes"));
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return said(language, about_flag(app));
  }
  // After the option's name these are the words of the checks below.
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) return shown(error.what());
  return said(language, {"cli.usage.other", {}});
}

CLI::Validator one_of(std::vector<std::string> words, i18n::Language language) {
  const std::string list = fmt::format("{}", fmt::join(words, ","));
  const auto check = [words = std::move(words), list, language](std::string& text) -> std::string {
    const auto known = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
      return same_letters(word, text);
    });
    if (known == words.end()) {
      return said(language, {"cli.usage.not_one_of", {{"value", shown(text)}, {"words", list}}});
    }
    text = *known;
    return {};
  };
  return CLI::Validator(check, "{" + list + "}");
}

CLI::Validator a_number(std::uint64_t from, std::uint64_t to, i18n::Language language) {
  const auto check = [=](std::string& text) -> std::string {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc{} && rest == end && value >= from && value <= to) return {};
    return said(
        language,
        {"cli.usage.no_number",
         {{"value", shown(text)}, {"from", std::to_string(from)}, {"to", std::to_string(to)}}});
  };
  const bool any = to >= std::numeric_limits<std::int64_t>::max();
  return CLI::Validator(check, any ? "" : fmt::format("{}-{}", from, to));
}

CLI::Validator a_duration(std::function<bool(const std::string&)> reads, const char* code,
                          const std::string& examples, i18n::Language language) {
  const auto check = [reads = std::move(reads), code, language](std::string& text) -> std::string {
    if (reads(text)) return {};
    return said(language, {code, {{"value", shown(text)}}});
  };
  return CLI::Validator(check, examples);
}

}  // namespace tocsin::cli
