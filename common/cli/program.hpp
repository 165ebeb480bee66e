// What the command lines of our programs have in common: the language of the help and of what is
// wrong with the words, chosen before they are parsed, and the texts of both.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/i18n/i18n.hpp"

namespace CLI {
class App;
}

namespace tocsin::cli {

inline constexpr int kUsageExit = 2;

// What a program prints in place of doing something.
struct Answer {
  int exit = 0;
  std::string out;
  std::string err;
};

// The value of an option as it stands in the words, before they are parsed; the last one.
std::string value_in(int argc, const char* const* argv, std::string_view name,
                     std::string_view letter = {});

// That of --lang among the words, else `otherwise`.
i18n::Language language_in(int argc, const char* const* argv, i18n::Language otherwise);
// By LC_ALL, LC_MESSAGES and LANG.
i18n::Language language_of_environment();
// `word` where it names a language, else that of the environment.
i18n::Language language_or_environment(std::string_view word);

// Help texts in one language: those whose code is `prefix` and a name.
class Help {
 public:
  Help(i18n::Language language, std::string prefix);
  i18n::Language language() const { return language_; }
  std::string operator()(std::string_view name) const;

  // What the program is for, as "program" says it, its help flag, and the parser's fixed words.
  // Options of the program are good after every command. To be called before anything is added.
  void begin(CLI::App& app) const;
  void add_language(CLI::App& app, std::string& into) const;
  // A command with the text of `name`.
  CLI::App* add(CLI::App& to, const std::string& command, std::string_view name) const;

 private:
  i18n::Language language_;
  std::string prefix_;
};

// Reads the words. Nothing where they are understood; else the help that was asked for, or what is
// wrong (exit code 2).
std::optional<Answer> parse(CLI::App& app, int argc, const char* const* argv,
                            i18n::Language language);
// Prints it; its result is the exit code.
int print(const Answer& answer);

}  // namespace tocsin::cli
