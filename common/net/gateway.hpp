// Is this machine itself connected (procedure M-01)? Its default gateways, asked by neighbour
// resolution and by echo: one that filters echo requests must still say who has its address.
#pragma once

#include <array>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/net/ping_plan.hpp"
#include "common/net/route.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

struct GatewaySight {
  std::string address;  // empty: this machine has none
  model::Tristate reachable = model::Tristate::unknown;
};

class Gateways {
 public:
  // `root`: where this machine's files are. `time` must outlive this.
  Gateways(const std::string& root, const time::TimeSource& time, std::stop_token stop);

  // Where this process may not ask itself, the kernel asks only whom it has something for, and
  // takes seconds to do so: sends one packet and waits for nothing. Call it before the look.
  void prime();
  // Blocks until `deadline` at most.
  void look(MonoTime deadline);
  // What stands for an address of that family: its own gateway, else the other family's.
  const GatewaySight& of(bool v6) const;
  bool any() const { return !asked_.empty(); }

 private:
  struct Asked {
    PingPlan plan;
    GatewaySight sight;
    bool on_lan = false;
    bool silent = false;  // was asked by neighbour resolution, and said nothing
  };
  std::vector<PingPlan> undecided() const;
  void decide(const IpAddress& address, model::Tristate reachable);
  void by_neighbour(MonoTime deadline);
  void by_echo(MonoTime deadline);
  void by_kernel(MonoTime deadline);

  const time::TimeSource& time_;
  const MonoTime began_;
  std::stop_token stop_;
  std::vector<Asked> asked_;  // IPv4 before IPv6
  GatewaySight none_;
};

}  // namespace tocsin::net
