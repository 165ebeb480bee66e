// A machine room in one thread and from one seed: agents with real spools, a network that loses
// and repeats, the real path of a fact through the collector, and everything dying at any step.
//
// Only what must not matter differs between two runs of a seed: the epochs' random numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sim_agent.hpp"
#include "tests/sim/sim_collector.hpp"
#include "tests/sim/sim_network.hpp"

namespace tocsin::tests {

struct SimulationOptions {
  std::size_t agents = 3;
  std::size_t steps = 1200;
  Sabotage sabotage = Sabotage::none;
  bool spools_go_back = true;  // by copies of theirs that are put back, and by purges
};

// How often what a run is to survive really happened.
struct Happened {
  std::uint64_t facts = 0;
  std::uint64_t dropped = 0;
  std::uint64_t repeated = 0;
  std::uint64_t duplicates = 0;  // seen so by the hub
  std::uint64_t gaps = 0;
  std::uint64_t replaced = 0;
  std::uint64_t collector_kills = 0;
  std::uint64_t collector_power_cuts = 0;
  std::uint64_t agent_power_cuts = 0;
  std::uint64_t restores = 0;
  std::uint64_t new_epochs = 0;
  std::uint64_t ranges_lost = 0;
  std::uint64_t facts_refused = 0;
  std::uint64_t clock_steps = 0;
  std::uint64_t incidents = 0;
  std::uint64_t b_or_worse = 0;
  std::uint64_t notifications_given_up = 0;
  std::uint64_t results_missing = 0;
  std::uint64_t journals_put_back = 0;
  std::uint64_t states_put_back = 0;
  std::uint64_t states_refused = 0;
  Happened& operator+=(const Happened& other);
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, const SimulationOptions& options);

  // Steps, then calm until everything has arrived, then the books are balanced. Stops at the first
  // violation of an invariant.
  void run();
  const std::vector<std::string>& violations() const { return violations_; }
  Happened happened() const;

 private:
  void set_up();
  void settle();
  bool settled();
  bool knows_all_results();
  void balance();
  void step();
  void disaster();
  void agent_disaster();
  void put_collector_back();
  void agent_step(SimAgent& agent);
  void collector_step();
  void operate();
  void deliver_notification();
  void command_about(const model::Incident& incident);
  void connect(std::size_t index);
  void deliver_up(const std::shared_ptr<SimStream>& stream);
  void deliver_down(const std::shared_ptr<SimStream>& stream);
  void deliver(const std::shared_ptr<SimStream>& stream);
  void cut_connection(SimAgent& agent);
  void forget(const std::shared_ptr<SimStream>& stream);
  void collector_died();
  void look_at_power();
  void pass_time(Duration by);
  void check_acknowledged(const AgentId& agent, const v1::CollectorMessage& message);
  void complain(const std::string& what);

  Chance chance_;
  SimulationOptions options_;
  std::vector<std::string> violations_;
  bool calm_ = false;
  std::vector<std::unique_ptr<SimAgent>> agents_;
  std::unique_ptr<SimCollector> collector_;
  std::vector<std::shared_ptr<SimStream>> streams_;
  std::size_t steps_done_ = 0;
  int commands_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace tocsin::tests
