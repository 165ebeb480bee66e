#include "common/log/log.hpp"

#include <algorithm>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/base/text.hpp"

namespace tocsin::log {
namespace {

constexpr std::size_t kValueBytes = 1024;

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

std::optional<Level> level_from(std::string_view word) {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (word == to_string(level)) return level;
  }
  return std::nullopt;
}

void start(std::string_view program, Level lowest) {
  auto logger = std::make_shared<spdlog::logger>(std::string(program),
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(to_spdlog(lowest));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view event, Fields fields) {
  if (!spdlog::should_log(to_spdlog(level))) return;
  std::string line(event);
  for (const Field& field : fields) {
    const std::string value = clean_text(field.value, kValueBytes);
    line.append(" ").append(field.key).append("=");
    line.append(needs_quotes(value) ? quoted(value) : value);
  }
  spdlog::log(to_spdlog(level), "{}", line);
}

}  // namespace tocsin::log
