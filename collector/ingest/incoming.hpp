// What an agent says, checked and turned into values of ours. Pure; runs on gRPC's threads, so that
// the hub's one thread only orders and queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tocsin/v1/agent.pb.h"

#include "collector/ports/intake.hpp"
#include "common/base/ids.hpp"
#include "common/model/fact.hpp"
#include "common/series/sample.hpp"

namespace tocsin::collector {

struct Greeting {
  std::string agent_version;
  std::string host_name;
  std::string operating_system;
  Epoch epoch;
  std::string instance;
  Seq first;
  Seq last;
  std::string assign_digest;
  std::string first_chain;  // before `first`; empty: not known
  std::string last_chain;   // after `last`
  bool takes_resend_check = false;
  std::string baseline_digest;
};

// Consecutive facts from `first` on, encoded for the journal. What they say is the judge's
// business: what was accepted is journaled as it was sent, readable or not.
struct FactRun {
  Epoch epoch;
  Seq first;
  std::vector<PendingEntry> entries;
  std::string chain;  // of the spool, after the last of them; empty: not known
};

struct Receipt {
  std::string request_id;
};

// The spool's chain after a fact that the hub asked about.
struct ChainAnswer {
  Seq seq;
  std::string chain;  // empty: not known
};

// Points of curves: not numbered, not journaled.
struct SampleRun {
  std::vector<series::Sample> samples;
};

// Of a newer agent: ignored and counted.
struct UnknownMessage {};

// Against the protocol: the session ends with this.
struct Violation {
  std::string what;
  bool unreadable = false;  // no message of ours at all
};

using Incoming = std::variant<UnknownMessage, Greeting, FactRun, model::Heartbeat, Receipt,
                              ChainAnswer, SampleRun, Violation>;

// `agent` is who the certificate says is speaking.
Incoming read_message(const AgentId& agent, const v1::AgentMessage& message);

}  // namespace tocsin::collector
