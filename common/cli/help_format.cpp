#include "common/cli/help_format.hpp"

#include <string_view>

#include <CLI/CLI.hpp>

#include "common/i18n/table.hpp"

namespace tocsin::cli {
namespace {

constexpr std::size_t kNames = 30;  // cells, with the two before it

std::string line(const std::string& name, const std::string& explanation) {
  std::string text = "  " + name;
  const auto used = static_cast<std::size_t>(i18n::display_width(text));
  if (explanation.empty()) return text + "\n";
  text += used < kNames ? std::string(kNames - used, ' ') : "\n" + std::string(kNames, ' ');
  return text + explanation + "\n";
}

class HelpFormat : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    return line(make_option_name(option, positional) + make_option_opts(option),
                make_option_desc(option));
  }
  // "TEXT:table|json" is a type and what a check allows of it; the second says both.
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    const std::size_t colon = type.find(':');
    if (option->get_type_size() == 0 || colon == type.npos) {
      return CLI::Formatter::make_option_opts(option);
    }
    const std::string allowed = " " + type.substr(colon + 1);
    return option->get_required() ? allowed + " " + get_label("REQUIRED") : allowed;
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return line(command->get_display_name(true), command->get_description());
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_format(const std::map<std::string, std::string>& labels) {
  auto format = std::make_shared<HelpFormat>();
  for (const auto& [word, label] : labels) format->label(word, label);
  return format;
}

}  // namespace tocsin::cli
