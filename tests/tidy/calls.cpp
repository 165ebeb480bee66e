#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

// `word` is banned in `where` but not in `except`. It stands for itself: the character before it is
// no part of an identifier, so `sleep(` does not match `co_sleep(`.
struct Ban {
  std::string_view word;
  std::vector<std::string_view> where;
  std::vector<std::string_view> except;
  std::string_view why;
};

const std::vector<Ban>& bans() {
  static const std::vector<std::string_view> all{"agent",      "collector", "common",
                                                 "tests/unit", "tests/sim", "tests/conformance"};
  static const std::vector<std::string_view> programs{"agent", "collector", "common"};
  static const std::vector<std::string_view> pure{"common/base", "common/model", "common/rules",
                                                  "collector/core"};
  static const std::vector<std::string_view> clock{"common/time"};
  static const std::vector<Ban> table{
      {"clock::now(", all, clock, "ask a TimeSource"},
      {"Clock::now(", all, clock, "ask a TimeSource"},
      {"clock_gettime(", all, clock, "ask a TimeSource"},
      {"gettimeofday(", all, clock, "ask a TimeSource"},
      {"time(nullptr)", all, clock, "ask a TimeSource"},
      {"this_thread::sleep", all, {}, "wait for the event, with a deadline"},
      {"sleep(", all, {}, "wait for the event, with a deadline"},
      {"usleep(", all, {}, "wait for the event, with a deadline"},
      {"nanosleep(", all, {}, "wait for the event, with a deadline"},
      {"system(", all, {}, "no shell"},
      {"popen(", all, {}, "no shell"},
      {"rand(", all, {}, "chance is passed in"},
      {"srand(", all, {}, "chance is passed in"},
      {"throw", programs, {"common/config/document.cpp"}, "errors are values"},
      {"unordered_map", pure, {}, "its order would reach the output"},
      {"unordered_set", pure, {}, "its order would reach the output"},
      {"double", pure, {}, "thresholds are integers"},
      {"float", pure, {}, "thresholds are integers"},
      {"getenv(", pure, {}, "the core knows no environment"},
      {"random_device", pure, {}, "chance is passed in"},
  };
  return table;
}

bool lies_in(const SourceFile& file, const std::vector<std::string_view>& folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](std::string_view folder) { return file.is_under(folder); });
}

void find_word(const SourceFile& file, const Ban& ban, std::vector<Problem>& problems) {
  const std::string_view code = file.code;
  for (auto at = code.find(ban.word); at != std::string_view::npos;
       at = code.find(ban.word, at + 1)) {
    const auto after = at + ban.word.size();
    const bool starts =
        at == 0 || !is_word(code[at - 1]) || ban.word.find("::") != std::string::npos;
    const bool member = at > 0 && (code[at - 1] == '.' || code.substr(at - 1, 1) == ">");
    const bool ends = after >= code.size() || !is_word(ban.word.back()) || !is_word(code[after]) ||
                      ban.word.ends_with("sleep");
    if (!starts || !ends || member) continue;
    problems.push_back(
        {file.path, line_of(code, at), std::string(ban.word) + ": " + std::string(ban.why)});
  }
}

}  // namespace

std::vector<Problem> check_calls(const Tree& tree) {
  std::vector<Problem> problems;
  for (const auto& file : tree.files) {
    if (!file.is_cpp()) continue;
    for (const auto& ban : bans()) {
      if (lies_in(file, ban.where) && !lies_in(file, ban.except)) find_word(file, ban, problems);
    }
  }
  return problems;
}

}  // namespace tocsin::tidy
