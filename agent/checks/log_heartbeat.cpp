#include "agent/checks/log_heartbeat.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "agent/os/own_record.hpp"

namespace tocsin::agent {
namespace {

using model::LogHeartbeat;

constexpr std::size_t kMarkDigits = 16;
constexpr std::string_view kWord = "heartbeat ";

bool is_mark(std::string_view text) {
  return text.size() == kMarkDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string to_text(const HeartbeatState& state) {
  return fmt::format("{};{};{};{};{};{}", state.mark, state.written.ns, state.from, state.misses,
                     state.worked ? 1 : 0, static_cast<unsigned>(state.last));
}

std::optional<HeartbeatState> parse_heartbeat(std::string_view text) {
  std::array<std::string_view, 6> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = text.find(';');
    const bool last = i + 1 == parts.size();
    if (last != (end == std::string_view::npos)) return std::nullopt;
    parts[i] = text.substr(0, end);
    text.remove_prefix(last ? text.size() : end + 1);
  }
  HeartbeatState state;
  unsigned outcome = 0;
  if (!(parts[0].empty() || is_mark(parts[0])) || !os::read_stamp(parts[1], state.written) ||
      !os::read_number(parts[2], state.from) || !os::read_number(parts[3], state.misses) ||
      (parts[4] != "0" && parts[4] != "1") || !os::read_number(parts[5], outcome) ||
      outcome > static_cast<unsigned>(LogHeartbeat::not_written)) {
    return std::nullopt;
  }
  state.mark = std::string(parts[0]);
  state.worked = parts[4] == "1";
  state.last = static_cast<LogHeartbeat>(outcome);
  return state;
}

void note_looked(HeartbeatState& state, bool found, Instant now) {
  if (found) {
    state.last = LogHeartbeat::returned;
    state.worked = true;
    return forget_record(state);
  }
  if (now - state.written < kHeartbeatGrace) return;
  state.misses = std::min(state.misses + 1, kHeartbeatMisses);
  if (state.misses == kHeartbeatMisses) state.last = LogHeartbeat::missing;
}

void forget_record(HeartbeatState& state) {
  state.mark.clear();
  state.misses = 0;
}

bool is_due(const HeartbeatState& state, Duration every, Instant now) {
  if (every <= 0s) return false;
  const Duration since = now - state.written;
  if (state.written.ns == 0 || since < 0s) return true;
  // One that may still come back is waited for.
  if (!state.mark.empty() && state.misses < kHeartbeatMisses) return false;
  const bool well = state.last == LogHeartbeat::returned || state.last == LogHeartbeat::waiting;
  return since >= (well ? every : std::min<Duration>(every, kHeartbeatAgain));
}

void note_written(HeartbeatState& state, bool taken, std::string mark, std::uint64_t from,
                  Instant now) {
  state.written = now;
  state.misses = 0;
  state.from = from;
  if (!taken) {
    state.mark.clear();
    state.last = LogHeartbeat::not_written;
    return;
  }
  state.mark = std::move(mark);
  // What the one before showed holds until this one shows something.
  if (state.last == LogHeartbeat::none || state.last == LogHeartbeat::not_written) {
    state.last = LogHeartbeat::waiting;
  }
}

std::string heartbeat_text(std::string_view mark) { return std::string(kWord).append(mark); }

bool is_heartbeat(std::string_view program, std::string_view message) {
  // The kernel says who wrote a record of its trail, and puts the text into quotation marks.
  constexpr std::string_view kRecord = "type=USER msg=audit(";
  const std::string text = fmt::format(" msg='{} {}", os::kOwnProgram, kWord);
  const std::size_t at = message.starts_with(kRecord) ? message.find(text) : message.npos;
  if (at != message.npos) {
    message.remove_prefix(at + text.size());
    return is_mark(message.substr(0, kMarkDigits)) && message.substr(kMarkDigits, 1) == "'";
  }
  return program == os::kOwnProgram && message.starts_with(kWord) &&
         is_mark(message.substr(kWord.size()));
}

bool holds_heartbeat(std::string_view lines, std::string_view mark) {
  return !mark.empty() && lines.find(heartbeat_text(mark)) != std::string_view::npos;
}

}  // namespace tocsin::agent
