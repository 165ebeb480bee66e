#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace tocsin::tidy {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::size_t before_spaces(std::string_view code, std::size_t at) {
  while (at > 0 && is_space(code[at - 1])) --at;
  return at;  // the character that counts is at - 1
}

std::size_t after_spaces(std::string_view code, std::size_t at) {
  while (at < code.size() && is_space(code[at])) ++at;
  return at;
}

std::string_view word_before(std::string_view code, std::size_t end) {
  auto begin = end;
  while (begin > 0 && is_word(code[begin - 1])) --begin;
  return code.substr(begin, end - begin);
}

// The offset of the bracket that closes the one at `open`.
std::size_t closing(std::string_view code, std::size_t open) {
  int depth = 0;
  for (auto i = open; i < code.size(); ++i) {
    if (code[i] == '(' || code[i] == '[' || code[i] == '{') ++depth;
    if (code[i] == ')' || code[i] == ']' || code[i] == '}') --depth;
    if (depth == 0) return i;
  }
  return code.size();
}

// A `[` that is no subscript and no attribute opens a lambda.
bool opens_lambda(std::string_view code, std::size_t at) {
  const auto end = before_spaces(code, at);
  if (end == 0) return false;
  const char previous = code[end - 1];
  return !is_word(previous) && previous != ')' && previous != ']' && previous != '[';
}

// Captures nothing, or only `this` and references.
bool captures_no_value(std::string_view captures) {
  std::size_t begin = 0;
  while (begin <= captures.size()) {
    const auto comma = captures.find(',', begin);
    const auto end = comma == kNone ? captures.size() : comma;
    const auto first = after_spaces(captures, begin);
    const auto part = captures.substr(first, end > first ? end - first : 0);
    if (!part.empty() && part[0] != '&' && !part.starts_with("this")) return false;
    if (comma == kNone) return true;
    begin = comma + 1;
  }
  return true;
}

// The lambda at `at`: past its body when harmless, else kNone.
std::size_t after_harmless_lambda(std::string_view code, std::size_t at) {
  const auto close = closing(code, at);
  if (!captures_no_value(code.substr(at + 1, close - at - 1))) return kNone;
  const auto body = code.find('{', close);
  return body == kNone ? code.size() : closing(code, body) + 1;
}

// A `{` that opens a block and no value: after `)`, a keyword, or another statement.
bool opens_block(std::string_view code, std::size_t at) {
  const auto end = before_spaces(code, at);
  if (end == 0) return true;
  const char previous = code[end - 1];
  if (previous == ')' || previous == ';' || previous == '{' || previous == '}' || previous == '>' ||
      previous == ':') {
    return true;
  }
  const auto word = word_before(code, end);
  constexpr std::array<std::string_view, 8> kBefore{"else",    "try",      "do",       "const",
                                                    "mutable", "noexcept", "override", "final"};
  for (const auto keyword : kBefore) {
    if (word == keyword) return true;
  }
  return false;
}

// From a co_await to the end of its statement: the first brace or lambda that is not allowed.
std::size_t trap_after(std::string_view code, std::size_t at) {
  int depth = 0;
  for (auto i = at; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ';') return kNone;
    if (c == '}' && depth <= 0) return kNone;
    if (c == '{') {
      if (depth < 0 && opens_block(code, i)) return kNone;  // if (co_await …) {
      return i;
    }
    if (c == '[') {
      if (!opens_lambda(code, i)) continue;
      const auto after = after_harmless_lambda(code, i);
      if (after == kNone) return i;
      i = after - 1;
    }
  }
  return kNone;
}

// From a co_await back to the beginning of its statement.
std::size_t trap_before(std::string_view code, std::size_t at) {
  int depth = 0;
  for (auto i = at; i > 0; --i) {
    const char c = code[i - 1];
    if (c == ')') ++depth;
    if (c == '(') --depth;
    if (c == ';' && depth <= 0) return kNone;
    if (c == '{') return opens_block(code, i - 1) ? kNone : i - 1;
    if (c == '}') {
      const auto next = after_spaces(code, i);
      const bool value =
          depth > 0 ||
          (next < code.size() && (code[next] == '.' || code[next] == ',' || code[next] == ')'));
      return value ? i - 1 : kNone;
    }
  }
  return kNone;
}

// The bracket around `at` that is a condition's: of an `if`, `while` or `for`.
std::size_t open_condition(std::string_view code, std::size_t at) {
  int depth = 0;
  for (auto i = at; i > 0; --i) {
    const char c = code[i - 1];
    if (c == ')' || c == '}') ++depth;
    if (c != '(' && c != '{') continue;
    if (depth-- > 0) continue;
    if (c == '{') return kNone;
    const auto word = word_before(code, before_spaces(code, i - 1));
    if (word == "if" || word == "while" || word == "for") return i - 1;
    depth = 0;
  }
  return kNone;
}

// A `&&` or `||` in the condition that co_await stands in; `auto&&` declares.
std::size_t logic_beside(std::string_view code, std::size_t at) {
  const auto open = open_condition(code, at);
  if (open == kNone) return kNone;
  const auto close = closing(code, open);
  for (auto i = open; i + 1 < close; ++i) {
    if (code[i] != code[i + 1] || (code[i] != '&' && code[i] != '|')) continue;
    if (word_before(code, before_spaces(code, i)) != "auto") return i;
  }
  return kNone;
}

}  // namespace

std::vector<Problem> check_co_await(const Tree& tree) {
  std::vector<Problem> problems;
  constexpr std::string_view kWord = "co_await";
  for (const auto& file : tree.files) {
    const std::string_view code = file.code;
    for (auto at = code.find(kWord); at != kNone; at = code.find(kWord, at + kWord.size())) {
      const auto end = at + kWord.size();
      if ((at > 0 && is_word(code[at - 1])) || (end < code.size() && is_word(code[end]))) continue;
      if (const auto logic = logic_beside(code, at); logic != kNone) {
        problems.push_back({file.path, line_of(code, at),
                            "co_await in a condition with && or || on line " +
                                std::to_string(line_of(code, logic)) + ": name its result first"});
        continue;
      }
      auto trap = trap_after(code, end);
      if (trap == kNone) trap = trap_before(code, at);
      if (trap == kNone) continue;
      problems.push_back({file.path, line_of(code, at),
                          "co_await with a brace temporary or a capture by value on line " +
                              std::to_string(line_of(code, trap)) + ": name it first"});
    }
  }
  return problems;
}

}  // namespace tocsin::tidy
