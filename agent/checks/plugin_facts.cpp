#include "agent/checks/plugin_facts.hpp"

#include <algorithm>
#include <optional>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_number(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+'; }

// Takes one word off the front of `text`: up to a space that is not inside '…'.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  bool quoted = false;
  std::size_t length = 0;
  for (; length < text.size() && (quoted || !is_space(text[length])); ++length) {
    if (text[length] == '\'') quoted = !quoted;
  }
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// 'label'=value[unit];[warn];[crit];[min];[max]. A quote within a quoted label is written twice.
std::optional<model::PerformanceValue> performance_value(std::string_view word) {
  model::PerformanceValue value;
  std::string label;
  std::size_t i = 0;
  if (word.starts_with('\'')) {
    for (i = 1; i < word.size(); ++i) {
      if (word[i] == '\'' && word.substr(i, 2) != "''") break;
      if (word[i] == '\'') ++i;
      label.push_back(word[i]);
    }
    ++i;
  } else {
    i = std::min(word.find('='), word.size());
    label = word.substr(0, i);
  }
  if (label.empty() || i >= word.size() || word[i] != '=') return std::nullopt;
  std::string_view rest = word.substr(i + 1);
  rest = rest.substr(0, rest.find(';'));
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_number);
  std::string_view number(rest.data(), static_cast<std::size_t>(end - rest.begin()));
  if (rest == "U") number = rest;  // The plugin could not tell.
  if (number.empty()) return std::nullopt;
  value.label = clean_text(label, limits::kName);
  value.value = clean_text(number, limits::kName);
  value.unit = clean_text(rest.substr(number.size()), limits::kName);
  return value;
}

void add_performance(std::string_view text, model::PluginFacts& facts) {
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto value = performance_value(word);
    if (value && facts.performance.size() < limits::kPerformanceValues) {
      facts.performance.push_back(*value);
    } else {
      ++facts.performance_over_limit;
    }
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

model::PluginFacts plugin_facts(std::string_view name, std::uint32_t status,
                                std::string_view output, bool cut) {
  model::PluginFacts facts;
  facts.name = clean_text(name, limits::kName);
  facts.status = status;
  facts.output_cut = cut;
  const std::size_t end = std::min(output.find('\n'), output.size());
  const std::string_view first = output.substr(0, end);
  const std::size_t bar = std::min(first.find('|'), first.size());
  const std::string_view text = trimmed(first.substr(0, bar));
  if (text.size() > limits::kText) facts.output_cut = true;
  facts.output = clean_text(text, limits::kText);
  if (bar < first.size()) add_performance(first.substr(bar + 1), facts);
  // Of the long text only its performance data is kept.
  const std::string_view rest = output.substr(end);
  const std::size_t second = rest.find('|');
  if (second != rest.npos) add_performance(rest.substr(second + 1), facts);
  return facts;
}

}  // namespace tocsin::agent
