// Reads TOML strictly: an unknown key is an error, types and bounds are checked, and all mistakes
// of a document come back at once, each with file:line:column. The TOML library stays in
// document.cpp.
//
//   auto document = Document::parse(text, "agent.toml", 1 << 20);
//   if (!document) return fail(document.error());
//   Table root = document->root();
//   root.require({"spool"});
//   root.text("spool", config.spool);
//   root.duration("interval", config.interval, {1s, 24h});
//   TOCSIN_TRY(document->finish());
//
// A reading function leaves its target alone when the key is absent, or notes an error.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

namespace tocsin::config {

struct DurationRange {
  Duration lowest;
  Duration highest;
};

class Document;

// One table of a document. Valid while the document lives; cheap to copy.
class Table {
 public:
  bool has(std::string_view key) const;
  // True where the value is a table, for keys that can be a table or something simpler.
  bool holds_table(std::string_view key) const;
  // An error for each of these keys that is absent.
  void require(std::initializer_list<std::string_view> keys);

  void text(std::string_view key, std::string& value, std::size_t max_bytes = limits::kName);
  // An absolute path.
  void path(std::string_view key, std::string& value);
  // "host:port".
  void endpoint(std::string_view key, std::string& value);
  void endpoints(std::string_view key, std::vector<std::string>& values, std::size_t max_count);
  void flag(std::string_view key, bool& value);
  void duration(std::string_view key, Duration& value, DurationRange range);
  void texts(std::string_view key, std::vector<std::string>& values, std::size_t max_count,
             std::size_t max_bytes = limits::kName);
  template <class Number>
  void number(std::string_view key, Number& value, Number lowest,
              Number highest = std::numeric_limits<Number>::max()) {
    const auto read =
        integer(key, static_cast<std::int64_t>(lowest), static_cast<std::int64_t>(highest));
    if (read) value = static_cast<Number>(*read);
  }
  // One of a set of words; `from` turns a word into std::optional<Word>.
  template <class Word, class From>
  void word(std::string_view key, Word& value, From from, std::string_view choices) {
    std::string text;
    this->text(key, text);
    if (!has(key) || text.empty()) return;
    if (const auto parsed = from(text)) {
      value = *parsed;
    } else {
      error(key, not_one_of(text, choices));
    }
  }
  template <class Word, class From>
  void words(std::string_view key, std::vector<Word>& values, From from, std::string_view choices) {
    std::vector<std::string> read;
    texts(key, read, 64);
    for (const std::string& text : read) {
      if (const auto parsed = from(text)) {
        values.push_back(*parsed);
      } else {
        error(key, not_one_of(text, choices));
      }
    }
  }
  // A table below this one, or nothing when it is absent.
  std::optional<Table> table(std::string_view key);
  // An array of tables ([[key]]); empty when it is absent.
  std::vector<Table> tables(std::string_view key, std::size_t max_count);

  // Notes a mistake in the value of `key`, at its place; at the table's own if `key` is absent.
  void error(std::string_view key, std::string message);

 private:
  friend class Document;
  Table(Document* document, const void* node) : document_(document), node_(node) {}
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t lowest,
                                      std::int64_t highest);
  static std::string not_one_of(std::string_view text, std::string_view choices);

  Document* document_;
  const void* node_;  // the library's table
};

class Document {
 public:
  // `name` is what errors call the document. Errors: invalid_argument (too large, not TOML).
  static Result<Document> parse(std::string_view toml, std::string_view name,
                                std::size_t max_bytes = limits::kPolicyBytes);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Table root();
  // Every mistake noted so far and every key that nobody asked for, in the document's order, one a
  // line (at most 100, then how many more). Call it last.
  Status finish();

 private:
  friend class Table;
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::config
