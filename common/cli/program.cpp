#include "common/cli/program.hpp"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/cli/help_format.hpp"
#include "common/cli/usage.hpp"

namespace tocsin::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string value_in(int argc, const char* const* argv, std::string_view name,
                     std::string_view letter) {
  std::string value;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == name || (!letter.empty() && word == letter)) {
      if (i + 1 < argc) value = argv[i + 1];
    } else if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) {
      value = word.substr(name.size() + 1);
    } else if (!letter.empty() && word.starts_with(letter)) {
      value = word.substr(letter.size());
    }
  }
  return value;
}

i18n::Language language_in(int argc, const char* const* argv, i18n::Language otherwise) {
  return i18n::language_from(value_in(argc, argv, "--lang")).value_or(otherwise);
}

i18n::Language language_of_environment() {
  return i18n::language_from_environment(variable("LC_ALL"), variable("LC_MESSAGES"),
                                         variable("LANG"));
}

i18n::Language language_or_environment(std::string_view word) {
  const auto chosen = i18n::language_from(word);
  return chosen ? *chosen : language_of_environment();
}

Help::Help(i18n::Language language, std::string prefix)
    : language_(language), prefix_(std::move(prefix)) {}

std::string Help::operator()(std::string_view name) const {
  return std::string(i18n::text(language_, fmt::format("{}{}", prefix_, name)));
}

void Help::begin(CLI::App& app) const {
  const auto word = [this](const char* code) { return std::string(i18n::text(language_, code)); };
  app.description((*this)("program"));
  app.option_defaults()->group(word("cli.word.options"));
  app.formatter(help_format({{"Usage", word("cli.word.usage")},
                             {"OPTIONS", word("cli.word.options")},
                             {"SUBCOMMAND", word("cli.word.command")},
                             {"Positionals", word("cli.word.arguments")},
                             {"REQUIRED", word("cli.word.required")},
                             {"Needs", word("cli.word.needs")},
                             {"Excludes", word("cli.word.excludes")},
                             {"TEXT", word("cli.word.text")},
                             {"UINT", word("cli.word.number")}}));
  app.set_help_flag("-h,--help", word("cli.help"));
  app.fallthrough();
}

void Help::add_language(CLI::App& app, std::string& into) const {
  app.add_option("--lang", into, std::string(i18n::text(language_, "cli.lang")))
      ->transform(one_of({"zh-TW", "en"}, language_));
}

CLI::App* Help::add(CLI::App& to, const std::string& command, std::string_view name) const {
  CLI::App* sub = to.add_subcommand(command, (*this)(name));
  sub->group(std::string(i18n::text(language_, "cli.word.commands")));
  // It is made before the defaults are taken.
  sub->get_help_ptr()->group(std::string(i18n::text(language_, "cli.word.options")));
  return sub;
}

std::optional<Answer> parse(CLI::App& app, int argc, const char* const* argv,
                            i18n::Language language) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (app.exit(error, out, err) == 0) return Answer{0, out.str(), ""};
    return Answer{kUsageExit, "",
                  fmt::format("{}\n{}\n", usage_text(app, error, language),
                              i18n::text(language, "cli.usage.more"))};
  }
  return std::nullopt;
}

int print(const Answer& answer) {
  std::fwrite(answer.err.data(), 1, answer.err.size(), stderr);
  std::fwrite(answer.out.data(), 1, answer.out.size(), stdout);
  return answer.exit;
}

}  // namespace tocsin::cli
