// What a program's help leaves unexplained: every command and option of a command line must say
// what it is, in the reader's language.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace tocsin::test {

struct HelpWords {
  std::vector<std::string> unexplained;      // "program init --data"
  std::vector<std::string> only_in_english;  // explained without a single Chinese character
  std::size_t explained = 0;
};

inline void read_help(const CLI::App& app, const std::string& path, HelpWords& into) {
  const auto note = [&](const std::string& name, const std::string& text) {
    const bool ascii = std::all_of(text.begin(), text.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 128; });
    if (text.empty()) into.unexplained.push_back(name);
    if (!text.empty() && ascii) into.only_in_english.push_back(name);
    if (!text.empty()) ++into.explained;
  };
  note(path, app.get_description());
  for (const CLI::Option* option : app.get_options()) {
    note(path + " " + option->get_name(), option->get_description());
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    read_help(*sub, path + " " + sub->get_name(), into);
  }
}

inline HelpWords help_words(const CLI::App& app) {
  HelpWords words;
  read_help(app, app.get_name(), words);
  return words;
}

}  // namespace tocsin::test
