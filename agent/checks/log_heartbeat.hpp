// A record of the agent's own in the logs that it watches (procedure M-05): what is written must
// come back. Where it does not, the trail does not work, however alive its daemon looks. One short
// record each five minutes for a log. Pure: when to write, what came back, and what follows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// How long a record may take to come back, and in how many looks after that it must be missed.
inline constexpr Duration kHeartbeatGrace = 20s;
inline constexpr std::uint32_t kHeartbeatMisses = 2;
// After one that did not come back, the next comes sooner.
inline constexpr Duration kHeartbeatAgain = 1min;

// What is kept between looks.
struct HeartbeatState {
  std::string mark;          // of the record that is looked for; empty: none
  Instant written;           // when one was written last, or tried to be
  std::uint64_t from = 0;    // the file's length then: it is looked for from there on
  std::uint32_t misses = 0;  // looks past the grace that did not find it
  bool worked = false;       // one came back before
  model::LogHeartbeat last = model::LogHeartbeat::none;
  friend bool operator==(const HeartbeatState&, const HeartbeatState&) = default;
};
// One line of text without its end; nothing where it is not one this version wrote.
std::string to_text(const HeartbeatState& state);
std::optional<HeartbeatState> parse_heartbeat(std::string_view text);

// Notes whether a look found the record of `mark`. REQUIRES: there is one.
void note_looked(HeartbeatState& state, bool found, Instant now);
// The record can no longer be told apart from what went with the log: rotated, or another boot.
void forget_record(HeartbeatState& state);

bool is_due(const HeartbeatState& state, Duration every, Instant now);
// Notes that a record was written, or could not be. `from`: the file's length.
void note_written(HeartbeatState& state, bool taken, std::string mark, std::uint64_t from,
                  Instant now);

// "heartbeat 0123456789abcdef": the whole text of a record.
std::string heartbeat_text(std::string_view mark);
// Is this such a record? `program`: who wrote it, as the log says; of the audit trail a whole line.
bool is_heartbeat(std::string_view program, std::string_view message);
// Is the record of this mark in these lines?
bool holds_heartbeat(std::string_view lines, std::string_view mark);

}  // namespace tocsin::agent
