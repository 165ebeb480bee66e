#include "common/config/document.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <fmt/format.h>

// toml++ 3.3 asserts what hostile text can make false: "[[[" is enough. Such text must be refused,
// not stop the process, so its assertions throw and Document::parse catches.
namespace tocsin::config {
struct TomlAssertion : std::logic_error {
  using std::logic_error::logic_error;
};
[[noreturn]] inline void toml_assertion_failed(const char* condition) {
  throw TomlAssertion(condition);
}
}  // namespace tocsin::config
#define TOML_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::tocsin::config::toml_assertion_failed(#condition))
#include <toml++/toml.h>

#include "common/base/text.hpp"
#include "common/config/duration.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/nesting.hpp"

namespace tocsin::config {
namespace {

constexpr std::size_t kErrorsShown = 100;

struct Mistake {
  toml::source_position where;
  std::string message;
};

std::string at(std::string_view name, toml::source_position where, std::string_view message) {
  return fmt::format("{}:{}:{}: {}", name, where.line, where.column, message);
}

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number with a decimal point";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

// How many characters to insert, remove or change between the two.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row[b.size()];
}

std::string unknown_key(std::string_view key, const std::set<std::string, std::less<>>& known) {
  std::string_view nearest;
  std::size_t best = 3;
  for (const std::string& candidate : known) {
    if (key.size() > 64) break;
    const std::size_t d = distance(key, candidate);
    if (d < best) {
      best = d;
      nearest = candidate;
    }
  }
  std::string text = fmt::format("unknown key \"{}\"", clean_text(key, 64));
  if (!nearest.empty()) text += fmt::format("; is \"{}\" meant?", nearest);
  return text;
}

}  // namespace

struct Document::Impl {
  std::string name;
  toml::table root;
  std::vector<Mistake> mistakes;
  // The keys that were asked for, of each table that was read.
  std::map<const toml::table*, std::set<std::string, std::less<>>> asked;

  void note(toml::source_position where, std::string message) {
    mistakes.push_back({where, std::move(message)});
  }
  void note_unknown_keys() {
    for (const auto& [table, known] : asked) {
      for (const auto& [key, node] : *table) {
        if (known.contains(key.str())) continue;
        note(key.source().begin, unknown_key(key.str(), known));
      }
    }
  }
  // The value of `key`, noting that it was asked for; nullptr when absent.
  const toml::node* get(const void* table_node, std::string_view key) {
    const auto* table = static_cast<const toml::table*>(table_node);
    asked[table].emplace(key);
    return table->get(key);
  }
  // The same, and an error where it is not of type T.
  template <class T>
  const T* get_as(const void* table_node, std::string_view key, std::string_view wanted) {
    const toml::node* node = get(table_node, key);
    if (node == nullptr) return nullptr;
    const T* value = node->as<typename T::value_type>();
    if (value == nullptr) wrong_type(*node, key, wanted);
    return value;
  }
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
    note(node.source().begin,
         fmt::format("\"{}\" must be {}, not {}", key, wanted, type_name(node.type())));
  }
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view toml, std::string_view name,
                                 std::size_t max_bytes) {
  const auto refuse = [&](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  if (toml.size() > max_bytes) {
    return refuse(fmt::format("{}: larger than {} bytes", name, max_bytes));
  }
  if (const auto line = line_of_deep_key(toml)) {
    return refuse(fmt::format("{}:{}: a key of more than {} parts", name, *line, kDottedParts));
  }
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  try {
    impl->root = toml::parse(toml, std::string_view(name));
  } catch (const toml::parse_error& error) {
    return refuse(at(name, error.source().begin, clean_text(error.description(), 512)));
  } catch (const TomlAssertion&) {
    return refuse(fmt::format("{}: not TOML (brackets or a key in a wrong place)", name));
  } catch (const std::exception& error) {
    return refuse(fmt::format("{}: {}", name, error.what()));
  }
  return Document(std::move(impl));
}

Table Document::root() {
  impl_->asked[&impl_->root];
  return Table(this, &impl_->root);
}

Status Document::finish() {
  impl_->note_unknown_keys();
  auto& mistakes = impl_->mistakes;
  if (mistakes.empty()) return {};
  const auto key = [](const Mistake& m) {
    return std::tie(m.where.line, m.where.column, m.message);
  };
  std::sort(mistakes.begin(), mistakes.end(),
            [&](const Mistake& a, const Mistake& b) { return key(a) < key(b); });
  // A value that is read twice (once for itself, once for a cross-check) is wrong once.
  mistakes.erase(std::unique(mistakes.begin(), mistakes.end(),
                             [&](const Mistake& a, const Mistake& b) { return key(a) == key(b); }),
                 mistakes.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(mistakes.size(), kErrorsShown); ++i) {
    if (i > 0) text += '\n';
    text += at(impl_->name, mistakes[i].where, mistakes[i].message);
  }
  if (mistakes.size() > kErrorsShown) {
    text += fmt::format("\n{}: {} more mistakes", impl_->name, mistakes.size() - kErrorsShown);
  }
  return fail(ErrorCode::invalid_argument, std::move(text));
}

bool Table::has(std::string_view key) const {
  return static_cast<const toml::table*>(node_)->contains(key);
}

void Table::require(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (!has(key)) error(key, fmt::format("\"{}\" is missing", key));
  }
}

void Table::text(std::string_view key, std::string& value, std::size_t max_bytes) {
  const auto* read = document_->impl_->get_as<toml::value<std::string>>(node_, key, "a text");
  if (read == nullptr) return;
  const std::string& text = read->get();
  if (text.size() > max_bytes) {
    return error(key, fmt::format("\"{}\" is longer than {} bytes", key, max_bytes));
  }
  if (text != clean_text(text, max_bytes)) {
    return error(key, fmt::format("\"{}\" contains control characters", key));
  }
  value = text;
}

void Table::path(std::string_view key, std::string& value) {
  std::string read;
  text(key, read, limits::kPath);
  if (read.empty()) return;
  if (read.front() != '/') {
    return error(key, fmt::format("\"{}\" must be an absolute path", key));
  }
  value = std::move(read);
}

void Table::endpoint(std::string_view key, std::string& value) {
  std::string read;
  text(key, read);
  if (read.empty()) return;
  const auto parsed = parse_endpoint(read);
  if (!parsed) return error(key, parsed.error().message);
  value = std::move(read);
}

void Table::endpoints(std::string_view key, std::vector<std::string>& values,
                      std::size_t max_count) {
  texts(key, values, max_count);
  for (const std::string& value : values) {
    const auto parsed = parse_endpoint(value);
    if (!parsed) error(key, parsed.error().message);
  }
}

void Table::flag(std::string_view key, bool& value) {
  const auto* read = document_->impl_->get_as<toml::value<bool>>(node_, key, "true or false");
  if (read != nullptr) value = read->get();
}

std::optional<std::int64_t> Table::integer(std::string_view key, std::int64_t lowest,
                                           std::int64_t highest) {
  const auto* read =
      document_->impl_->get_as<toml::value<std::int64_t>>(node_, key, "a whole number");
  if (read == nullptr) return std::nullopt;
  if (read->get() < lowest || read->get() > highest) {
    error(key,
          fmt::format("\"{}\" is {}, not between {} and {}", key, read->get(), lowest, highest));
    return std::nullopt;
  }
  return read->get();
}

void Table::duration(std::string_view key, Duration& value, DurationRange range) {
  const auto* read = document_->impl_->get_as<toml::value<std::string>>(
      node_, key, "a duration in quotation marks such as \"30s\"");
  if (read == nullptr) return;
  const auto parsed = parse_duration(read->get());
  if (!parsed) return error(key, fmt::format("\"{}\": {}", key, parsed.error().message));
  if (*parsed < range.lowest || *parsed > range.highest) {
    return error(key,
                 fmt::format("\"{}\" is {}, not between {} and {}", key, duration_text(*parsed),
                             duration_text(range.lowest), duration_text(range.highest)));
  }
  value = *parsed;
}

void Table::texts(std::string_view key, std::vector<std::string>& values, std::size_t max_count,
                  std::size_t max_bytes) {
  const toml::node* node = document_->impl_->get(node_, key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) return document_->impl_->wrong_type(*node, key, "a list of texts");
  if (list->size() > max_count) {
    return error(key, fmt::format("\"{}\" has more than {} entries", key, max_count));
  }
  values.clear();
  for (const toml::node& entry : *list) {
    const auto* text = entry.as_string();
    if (text == nullptr) {
      document_->impl_->wrong_type(entry, key, "a list of texts");
    } else if (text->get().size() > max_bytes ||
               text->get() != clean_text(text->get(), max_bytes)) {
      document_->impl_->note(entry.source().begin,
                             fmt::format("an entry of \"{}\" is longer than {} bytes or contains "
                                         "control characters",
                                         key, max_bytes));
    } else {
      values.push_back(text->get());
    }
  }
}

std::optional<Table> Table::table(std::string_view key) {
  const toml::node* node = document_->impl_->get(node_, key);
  if (node == nullptr) return std::nullopt;
  const toml::table* below = node->as_table();
  if (below == nullptr) {
    document_->impl_->wrong_type(*node, key, "a table");
    return std::nullopt;
  }
  document_->impl_->asked[below];
  return Table(document_, below);
}

std::vector<Table> Table::tables(std::string_view key, std::size_t max_count) {
  const toml::node* node = document_->impl_->get(node_, key);
  if (node == nullptr) return {};
  const toml::array* list = node->as_array();
  std::vector<Table> found;
  if (list == nullptr) {
    document_->impl_->wrong_type(*node, key, fmt::format("written as [[{}]]", key));
    return found;
  }
  if (list->size() > max_count) {
    error(key, fmt::format("more than {} of \"{}\"", max_count, key));
    return found;
  }
  for (const toml::node& entry : *list) {
    const toml::table* below = entry.as_table();
    if (below == nullptr) {
      document_->impl_->wrong_type(entry, key, fmt::format("written as [[{}]]", key));
      continue;
    }
    document_->impl_->asked[below];
    found.push_back(Table(document_, below));
  }
  return found;
}

void Table::error(std::string_view key, std::string message) {
  const auto* table = static_cast<const toml::table*>(node_);
  const toml::node* value = table->get(key);
  auto where = value != nullptr ? value->source().begin : table->source().begin;
  if (where.line == 0) where = {1, 1};  // The root table has no place of its own.
  document_->impl_->note(where, std::move(message));
}

std::string Table::not_one_of(std::string_view text, std::string_view choices) {
  return fmt::format("\"{}\" is not one of {}", clean_text(text, 64), choices);
}

}  // namespace tocsin::config
