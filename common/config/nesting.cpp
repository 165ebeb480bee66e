#include "common/config/nesting.hpp"

namespace tocsin::config {
namespace {

// Where `text`, which starts with a quotation mark, goes on after the string.
std::size_t string_length(std::string_view text) {
  const char mark = text.front();
  const bool escapes = mark == '"';
  const bool multi_line = text.size() >= 3 && text[1] == mark && text[2] == mark;
  std::size_t at = multi_line ? 3 : 1;
  for (; at < text.size(); ++at) {
    if (escapes && text[at] == '\\') {
      ++at;
    } else if (!multi_line && (text[at] == mark || text[at] == '\n')) {
      return at + 1;
    } else if (multi_line && text.substr(at, 3) == std::string_view(text.data(), 3)) {
      at += 3;
      // Up to two more marks belong to the string: """a""""" is a"".
      for (int more = 0; more < 2 && at < text.size() && text[at] == mark; ++more) ++at;
      return at;
    }
  }
  return text.size();
}

}  // namespace

std::optional<std::size_t> line_of_deep_key(std::string_view toml) {
  std::size_t line = 1;
  std::size_t dots = 0;
  for (std::size_t at = 0; at < toml.size();) {
    const char c = toml[at];
    std::size_t length = 1;
    if (c == '"' || c == '\'') {
      length = string_length(toml.substr(at));
      for (const char inside : toml.substr(at, length)) line += inside == '\n' ? 1 : 0;
    } else if (c == '#') {
      length = toml.substr(at).find('\n');
      if (length == std::string_view::npos) return std::nullopt;
    } else if (c == '.') {
      if (++dots > kDottedParts) return line;
    } else if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[') {
      dots = 0;
      line += c == '\n' ? 1 : 0;
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace tocsin::config
