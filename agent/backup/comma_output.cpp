#include "agent/backup/comma_output.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::agent {
namespace {

constexpr std::size_t kFields = 32;
constexpr std::size_t kMessages = 32;
constexpr std::size_t kIdLength = 8;  // three letters, four digits, a severity

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes one line off the front of `text`, without its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// Takes a quoted field off the front, its quotation marks removed; without an end it is the rest.
std::string take_quoted(std::string_view& text) {
  std::string field;
  text.remove_prefix(1);
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"' && !text.starts_with('"')) break;
    if (c == '"') text.remove_prefix(1);
    field.push_back(c);
  }
  return field;
}

// Takes the fields up to the end of the line; only a quoted one goes over it.
std::vector<std::string> take_row(std::string_view& text) {
  std::vector<std::string> fields;
  for (bool more = true; more;) {
    std::string field;
    if (text.starts_with('"')) field = take_quoted(text);
    const std::size_t end = std::min(text.find_first_of(",\n"), text.size());
    std::string_view plain = text.substr(0, end);
    more = end < text.size() && text[end] == ',';
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!more && plain.ends_with('\r')) plain.remove_suffix(1);
    field.append(plain);
    if (fields.size() < kFields) fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

std::string_view message_id(std::string_view text) {
  if (text.size() < kIdLength || !text.starts_with("AN")) return {};
  const bool fits = is_upper(text[2]) &&
                    std::all_of(text.begin() + 3, text.begin() + 7, is_digit) &&
                    is_upper(text[7]) && (text.size() == kIdLength || !is_upper(text[8]));
  return fits ? text.substr(0, kIdLength) : std::string_view{};
}

CommaOutput parse_comma_output(std::string_view text, std::size_t most) {
  CommaOutput output;
  while (!text.empty()) {
    std::string_view rest = text;
    std::string_view line = take_line(rest);
    // Some versions put a message into quotation marks as they do with a text.
    const bool quoted = line.starts_with('"') && !message_id(line.substr(1)).empty();
    if (quoted) line = line.substr(1, line.size() - (line.ends_with('"') ? 2 : 1));
    const std::string_view id = message_id(line);
    if (is_blank(line)) {
      text = rest;
    } else if (!id.empty()) {
      text = rest;
      const std::string_view said = line.substr(std::min(line.size(), id.size() + 1));
      if (output.messages.size() == kMessages) {
        ++output.over_limit;
      } else {
        output.messages.push_back({std::string(id), std::string(said)});
      }
    } else {
      std::vector<std::string> row = take_row(text);
      if (output.rows.size() == most) {
        ++output.over_limit;
      } else {
        output.rows.push_back(std::move(row));
      }
    }
  }
  return output;
}

}  // namespace tocsin::agent
