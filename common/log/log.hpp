// The operator's log: events with keys, one line each, to standard error (systemd's journal takes
// it from there). No secrets. Values from outside go through clean_text. Thread-safe.
//
//   log::info("link.connected", {{"agent", id}, {"peer", address}});
//   -> 2026-11-22T18:30:00.123Z info link.connected agent=3f9a… peer=10.0.0.7:52100
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace tocsin::log {

enum class Level { debug, info, warning, error };
std::string_view to_string(Level level);  // "warning": the word of configuration
std::optional<Level> level_from(std::string_view word);

// A key and its value; anything that fmt can format.
struct Field {
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Once, at start. `program` is the first word of every line.
void start(std::string_view program, Level lowest);
void write(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace tocsin::log
