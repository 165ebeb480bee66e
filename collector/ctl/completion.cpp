#include "collector/ctl/completion.hpp"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tocsin::ctl {
namespace {

// What may come after "tocsinctl/incidents": its commands and options.
struct Place {
  std::string path;  // "/incidents", "/incidents/show"
  std::vector<std::string> words;
};

void add_places(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  Place place{path, {}};
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : commands) place.words.push_back(command->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) place.words.push_back("--" + name);
  }
  places.push_back(std::move(place));
  for (const CLI::App* command : commands) {
    add_places(*command, fmt::format("{}/{}", path, command->get_name()), places);
  }
}

std::string paths_of(const std::vector<Place>& places) {
  std::string paths;
  for (const Place& place : places) {
    if (!place.path.empty()) paths += (paths.empty() ? "" : "|") + place.path;
  }
  return paths;
}

// The options of the program itself are good after every command.
std::string cases_of(const std::vector<Place>& places) {
  std::string cases;
  for (const Place& place : places) {
    cases += fmt::format("    '{}') found='{}' ;;\n", place.path, fmt::join(place.words, " "));
  }
  return cases;
}

constexpr std::string_view kBash =
    R"(# tocsinctl completion for bash: source <(tocsinctl completion bash)
_tocsinctl() {{
  local place= word found= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${{COMP_WORDS[i]}}
    case $place/$word in
    {0}) place=$place/$word ;;
    esac
  done
  case $place in
{1}  esac
  COMPREPLY=($(compgen -W "$found {2}" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -F _tocsinctl tocsinctl
)";

constexpr std::string_view kZsh = R"(#compdef tocsinctl
# tocsinctl completion for zsh: source <(tocsinctl completion zsh)
_tocsinctl() {{
  local place= word found=
  for word in ${{words[2,CURRENT-1]}}; do
    case $place/$word in
    {0}) place=$place/$word ;;
    esac
  done
  case $place in
{1}  esac
  compadd -- ${{=found}} {2}
}}
compdef _tocsinctl tocsinctl
)";

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  std::vector<Place> places;
  add_places(app, "", places);
  std::string everywhere;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) everywhere += "--" + name + " ";
  }
  if (!everywhere.empty()) everywhere.pop_back();
  std::erase_if(places.front().words, [](const std::string& w) { return w.starts_with("--"); });
  return fmt::format(fmt::runtime(shell == "zsh" ? kZsh : kBash), paths_of(places),
                     cases_of(places), everywhere);
}

}  // namespace tocsin::ctl
