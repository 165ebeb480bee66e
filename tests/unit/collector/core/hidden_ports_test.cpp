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
  explicit Room(const model::SitePolicy& site = policy_with_an_address()) : Story(site) {
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

// An answer that never comes, or that is none of ours, leaves nothing open.
TEST(HiddenPorts, AQuestionEndsWithItsAnswerOrItsTime) {
  Room room;
  const auto count = [&](const char* name) {
    return room.world().number(std::string("counter/") + name);
  };
  const auto answer = [&](const std::string& host, const std::string& id) {
    model::RequestResult result;
    result.request_id = id;
    result.outcome = model::RequestOutcome::done;
    room.fact(host, result);
  };
  room.scan({4444});
  const std::string first = room.requests().back().request.request_id;
  EXPECT_TRUE(room.world().timers.due("bind/10.0.0.9"));
  room.resume();
  answer("v1", first);
  EXPECT_EQ(count("answers_not_asked_for"), 1U) << "of another host than was asked";
  EXPECT_TRUE(room.world().timers.due("bind/10.0.0.9"));
  answer("db1", first);
  EXPECT_FALSE(room.world().timers.due("bind/10.0.0.9"));
  EXPECT_EQ(count("answers_not_asked_for"), 1U);
  answer("db1", first);
  EXPECT_EQ(count("answers_not_asked_for"), 2U) << "a second time";
  answer("db1", "bind/");
  EXPECT_EQ(count("answers_not_asked_for"), 3U);

  room.at(11min);
  room.scan({4444});
  const std::string second = room.requests().back().request.request_id;
  ASSERT_NE(second, first);
  room.at(11min + collector::kPortQuestionLife).push(model::Tick{});
  EXPECT_EQ(count("port_questions_unanswered"), 1U);
  EXPECT_FALSE(room.world().timers.due("bind/10.0.0.9"));
  answer("db1", second);
  EXPECT_EQ(count("answers_not_asked_for"), 4U) << "too late";
  EXPECT_EQ(count("unknown_timers"), 0U);
}

TEST(HiddenPorts, NothingIsAskedAboutPortsThatAreListed) {
  Room room;
  model::SocketsFacts facts;
  facts.listeners.emplace_back().port = 4444;
  room.fact("db1", room.seen({model::CheckKind::sockets, {}}, facts));
  room.scan({4444});
  EXPECT_TRUE(room.asked().empty());
}

// A container's port is in a network of its own: it does not show what answers at the host's
// address.
TEST(HiddenPorts, AListenerInAContainerIsNotTheHosts) {
  Room room;
  model::SocketsFacts facts;
  facts.listeners.emplace_back().port = 4444;
  facts.listeners.back().network_namespace = "cni-1";
  room.fact("db1", room.seen({model::CheckKind::sockets, {}}, facts));
  room.scan({4444});
  EXPECT_EQ(room.asked(), std::vector<std::string>{"4444"});
}

TEST(HiddenPorts, APortThatIsApprovedAsARedirectHidesNothing) {
  model::SitePolicy site = policy_with_an_address();
  const auto findings = [&] {
    Room room(site);
    room.scan({4444, 4446});
    std::vector<std::string> found;
    for (const auto& status : room.world().hosts.find(agent_of("v1"))->checks) {
      for (const auto& reason : status.reasons) {
        if (reason.code == "port.hidden") found.push_back(reason.parameters.at(1).value);
      }
    }
    return found;
  };
  model::ListenerRule rule;
  rule.port = 4444;
  rule.port_to = 4445;
  site.baselines.front().listeners.push_back(rule);
  EXPECT_EQ(findings().size(), 2U) << "approved for a program of the host, which is not there";
  site.baselines.front().listeners.back().redirect = true;
  EXPECT_EQ(findings(), std::vector<std::string>{"4446"});
}

}  // namespace
}  // namespace tocsin::tests
