// One connection between an agent and the collector, as the network between them leaves it: what
// was sent waits in a queue until the simulation lets it through, twice, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "tocsin/v1/agent.pb.h"

#include "collector/ingest/hub.hpp"

namespace tocsin::tests {

// All chance of a simulation comes from here.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

class SimStream final : public collector::AgentStream {
 public:
  using Sent = std::function<void(const v1::CollectorMessage&)>;
  SimStream(std::size_t index, AgentId agent, Sent sent)
      : index_(index), agent_(std::move(agent)), sent_(std::move(sent)) {}

  void read() override { wants_message = true; }
  void send(v1::CollectorMessage message) override {
    if (collector_dead) return;
    sent_(message);
    down.push_back(message.SerializeAsString());
  }
  void finish(std::optional<Error>) override { finished = true; }
  void abort() override {
    finished = true;
    down.clear();
  }
  const AgentId& agent() const override { return agent_; }
  Instant valid_until() const override { return {std::numeric_limits<std::int64_t>::max()}; }
  const std::string& peer() const override { return peer_; }
  std::size_t index() const { return index_; }  // of the agent

  std::deque<std::string> up;  // serialized messages under way
  std::deque<std::string> down;
  bool wants_message = false;   // the collector reads
  bool finished = false;        // the collector ended it
  bool agent_gone = false;      // the agent ended it, or believes that it broke
  bool collector_dead = false;  // the process behind it is no more

 private:
  std::size_t index_;
  AgentId agent_;
  Sent sent_;
  std::string peer_ = "sim";
};

}  // namespace tocsin::tests
