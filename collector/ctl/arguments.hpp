// The command line's syntax: words to a command and settings. The only file that knows the parser.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/ctl/commands.hpp"

namespace tocsin::ctl {

struct Arguments {
  Command command = ShowStatus{};
  std::string output = "table";  // wide, json, yaml, name, columns=A,B
  std::string language;          // --lang
  std::string context;
  std::string contexts_file;
  std::string collector;
  std::string authority_file;
  std::string certificate_file;
  std::string key_file;
  std::string server_name;
  std::chrono::milliseconds timeout{10'000};
  bool no_color = false;
  bool dry_run = false;
  bool watch = false;
  std::string fail_on;
};

// Or what to print instead: help (exit 0, on standard output), or what is wrong (exit 2).
// `language` is that of the environment; --lang among the words wins.
std::variant<Arguments, Printed> parse_arguments(int argc, const char* const* argv,
                                                 i18n::Language language = i18n::Language::en);

// The words of "columns=A,B"; empty for every other form.
std::vector<std::string> columns_in(std::string_view output);

// "90s", "10m", "1h", "7d"; a bare number is seconds. Errors: invalid_argument.
Result<std::chrono::milliseconds> duration_from(const std::string& text);

}  // namespace tocsin::ctl
