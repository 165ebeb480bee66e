// A port that answers from outside and that the host does not list (procedure M-07).
#include "collector/core/hidden_ports.hpp"

#include <gtest/gtest.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

model::SitePolicy policy_with_an_address() {
  model::SitePolicy site = story_policy();
  model::HostPolicy host;
  host.host = "db1";
  host.baseline = "all";
  host.address = "10.0.0.9";
  site.hosts.push_back(host);
  return site;
}

class Room : public Story {
 public:
  Room() : Story(policy_with_an_address()) {
    admit("db1");
    admit("v1");
    fact("db1", seen({model::CheckKind::sockets, {}}, model::SocketsFacts{}));
  }
  model::Observation seen(model::CheckRef check, model::Facts facts) const {
    model::Observation observation;
    observation.check = std::move(check);
    observation.at = now();
    observation.facts = std::move(facts);
    return observation;
  }
  void scan(std::vector<std::uint16_t> open) {
    model::PortScanFacts facts;
    facts.address = "10.0.0.9";
    facts.tried = 1024;
    facts.open = std::move(open);
    facts.complete = true;
    fact("v1", seen({model::CheckKind::port_scan, "10.0.0.9"}, facts));
  }
  // The ports that db1 was asked about, each time.
  std::vector<std::string> asked() const {
    std::vector<std::string> ports;
    for (const auto& request : requests()) {
      if (!collector::is_port_question(request.request.request_id)) continue;
      EXPECT_EQ(request.agent, agent_of("db1"));
      ports.push_back(std::get<model::CheckDefinition>(request.request.act).ports);
    }
    return ports;
  }
};

TEST(HiddenPorts, TheHostItselfIsAskedAboutThem) {
  Room room;
  room.scan({4444, 31337});
  EXPECT_EQ(room.asked(), std::vector<std::string>{"4444,31337"});
}

TEST(HiddenPorts, AreAskedAboutOnceInTenMinutes) {
  Room room;
  room.scan({4444});
  room.at(9min);
  room.scan({4444});
  EXPECT_EQ(room.asked().size(), 1U);
  room.at(11min);
  room.scan({4444});
  EXPECT_EQ(room.asked().size(), 2U);
}

TEST(HiddenPorts, NothingIsAskedAboutPortsThatAreListed) {
  Room room;
  model::SocketsFacts facts;
  facts.listeners.emplace_back().port = 4444;
  room.fact("db1", room.seen({model::CheckKind::sockets, {}}, facts));
  room.scan({4444});
  EXPECT_TRUE(room.asked().empty());
}

}  // namespace
}  // namespace tocsin::tests
