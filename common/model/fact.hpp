// What a row of the agent's spool holds, and what the link says beside it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/model/evidence.hpp"

namespace tocsin::model {

enum class Priority : std::uint8_t { low = 1, normal, critical };

// Facts that the agent could not keep; it consumes a sequence number, so a loss never looks like
// silence.
struct SpoolLoss {
  std::uint64_t count = 0;
  Instant from;
  Instant to;
  Message cause;
  friend bool operator==(const SpoolLoss&, const SpoolLoss&) = default;
};

struct AgentEvent {
  Message event;
  friend bool operator==(const AgentEvent&, const AgentEvent&) = default;
};

enum class RequestOutcome : std::uint8_t { done = 1, refused, failed, expired, unknown };
struct RequestResult {
  std::string request_id;
  RequestOutcome outcome = RequestOutcome::done;
  Message detail;
  std::vector<Observation> observations;
  friend bool operator==(const RequestResult&, const RequestResult&) = default;
};

struct Fact {
  std::string boot_id;
  MonoTime monotonic;
  Instant wall;
  Priority priority = Priority::normal;
  // monostate: a kind that this version does not know; kept, counted and shown.
  std::variant<std::monostate, Observation, RequestResult, SpoolLoss, AgentEvent> body;
  friend bool operator==(const Fact&, const Fact&) = default;
};

// How a check stands on the host without a row for every run.
struct CheckState {
  CheckRef check;
  Duration last_run_age{};
  std::string digest;  // SHA-256, 32 bytes, of the observation without what always changes
  Duration unchanged{};
  Duration interval{};
  Seq last_seq;  // of the row that carried it
  friend bool operator==(const CheckState&, const CheckState&) = default;
};

struct Heartbeat {
  Instant wall;
  std::vector<CheckState> checks;
  std::uint64_t spool_rows = 0;
  std::uint64_t spool_bytes = 0;
  Duration oldest_unsent_age{};
  bool spool_full = false;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// To restart a service once, within what the host's own file allows (procedure M-03).
struct RestartUnit {
  std::string unit;
  friend bool operator==(const RestartUnit&, const RestartUnit&) = default;
};

// One act that the collector asks for; done at most once.
struct Request {
  std::string request_id;
  Duration expires_in{};
  std::variant<CheckDefinition, RestartUnit, TakeEvidence> act;
  friend bool operator==(const Request&, const Request&) = default;
};

}  // namespace tocsin::model
