// Host, path or vantage? Every combination of answers has one meaning (procedure M-01).
#include "collector/core/reach.hpp"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::collector {
namespace {

using model::Tristate;
using ::testing::ElementsAre;

Vantage vantage(const std::string& name, const std::string& rack = {}) {
  return {{std::string(63, '0') + name.back()}, name, rack};
}

Look seen(Sight sight, Tristate gateway = Tristate::yes) { return {vantage("v1"), sight, gateway}; }

std::vector<std::string> names(const std::vector<Vantage>& chosen) {
  std::vector<std::string> all;
  for (const Vantage& one : chosen) all.push_back(one.name);
  return all;
}

// A site whose policy names no racks.
Reach judged(const std::vector<Look>& looks) { return judge_reach(looks, false); }

Look in_rack(const std::string& name, const std::string& rack, Sight sight) {
  return {vantage(name, rack), sight, Tristate::yes};
}
Look by_collector(Sight sight) { return {{{}, "collector", {}}, sight, Tristate::yes}; }

const Look kReached = seen(Sight::reached, Tristate::unknown);
const Look kMissed = seen(Sight::missed);
const Look kBlind = seen(Sight::blind, Tristate::no);
const Look kNoAnswer = seen(Sight::blind, Tristate::unknown);
const Look kWaiting = seen(Sight::waiting, Tristate::unknown);

TEST(ChooseVantages, PrefersOtherRacksAndTwoDifferentOnes) {
  const auto chosen = choose_vantages(
      "A", {vantage("a1", "A"), vantage("b1", "B"), vantage("b2", "B"), vantage("c1", "C")});
  EXPECT_THAT(names(chosen), ElementsAre("b1", "c1", "collector"));
}

TEST(ChooseVantages, TakesTheSameRackRatherThanNobody) {
  EXPECT_THAT(names(choose_vantages("A", {vantage("a1", "A"), vantage("b1", "B")})),
              ElementsAre("b1", "a1", "collector"));
  EXPECT_THAT(names(choose_vantages("A", {})), ElementsAre("collector"));
}

TEST(JudgeReach, IsConfirmedOnlyByTwoWhoCanSee) {
  EXPECT_EQ(judged({kMissed, kMissed, kNoAnswer}), Reach::host);
  EXPECT_EQ(judged({kMissed, kBlind, kNoAnswer}), Reach::cannot_tell);
  EXPECT_EQ(judged({kMissed, kMissed, kWaiting}), Reach::asking);
  EXPECT_EQ(judged({}), Reach::cannot_tell);
}

TEST(JudgeReach, SaysPathWhereSomeReachItAndSomeDoNot) {
  EXPECT_EQ(judged({kMissed, kReached, kReached}), Reach::path);
  EXPECT_EQ(judged({kMissed, kMissed, kReached}), Reach::path);
}

TEST(JudgeReach, SaysVantageWhereOnlyWhoIsCutOffMissesIt) {
  EXPECT_EQ(judged({kBlind, kReached, kReached}), Reach::vantage);
  EXPECT_EQ(judged({kNoAnswer, kReached, kReached}), Reach::reachable);
}

// Severity: two or more that are independent, of different racks.
TEST(JudgeReach, TwoOfOneRackOnlySuspect) {
  const auto both = [](const std::string& a, const std::string& b) {
    return judge_reach({in_rack("v1", a, Sight::missed), in_rack("v2", b, Sight::missed)}, true);
  };
  EXPECT_EQ(both("A", "B"), Reach::host);
  EXPECT_EQ(both("A", "A"), Reach::suspected);
  EXPECT_EQ(both("A", ""), Reach::suspected);  // It may be the same.
  EXPECT_EQ(both("", ""), Reach::suspected);
}

TEST(JudgeReach, TheCollectorStandsApartFromEveryRack) {
  const Look agent = in_rack("v1", "A", Sight::missed);
  EXPECT_EQ(judge_reach({agent, by_collector(Sight::missed)}, true), Reach::host);
  EXPECT_EQ(judge_reach({agent, by_collector(Sight::blind)}, true), Reach::cannot_tell);
  EXPECT_EQ(judge_reach({by_collector(Sight::missed)}, true), Reach::cannot_tell);
  EXPECT_EQ(
      judge_reach({agent, in_rack("v2", "A", Sight::missed), by_collector(Sight::blind)}, true),
      Reach::suspected);
}

TEST(JudgeReach, OneOfTheSameRackWhoReachesItIsBelieved) {
  EXPECT_EQ(
      judge_reach({in_rack("v1", "A", Sight::missed), in_rack("v2", "A", Sight::reached)}, true),
      Reach::path);
}

TEST(LookOf, IsBlindWithoutItsOwnGateway) {
  model::Observation observation;
  model::PingFacts facts;
  facts.sent = 3;
  for (const auto& [gateway, sight] :
       {std::pair{Tristate::yes, Sight::missed}, std::pair{Tristate::no, Sight::blind},
        std::pair{Tristate::unknown, Sight::blind}}) {
    facts.gateway_reachable = gateway;
    observation.facts = facts;
    EXPECT_EQ(look_of(vantage("v1"), observation).sight, sight);
  }
  facts.received = 1;
  observation.facts = facts;
  EXPECT_EQ(look_of(vantage("v1"), observation).sight, Sight::reached);
  observation.outcome = model::Outcome::not_permitted;
  observation.facts = {};
  EXPECT_EQ(look_of(vantage("v1"), observation).sight, Sight::blind);
}

// One network without any gateway; a vantage that says nothing of that is of before.
TEST(LookOf, SeesWithoutAGatewayWhereItsCableIsInTheNetworkOfTheTarget) {
  model::PingFacts facts;
  facts.sent = 3;
  const auto looked = [&](const std::string& gateway, bool on_link) {
    facts.gateway = gateway;
    facts.on_link = on_link;
    model::Observation observation;
    observation.facts = facts;
    return look_of(vantage("v1"), observation);
  };
  EXPECT_EQ(looked("", true).sight, Sight::missed);
  EXPECT_EQ(looked("", false).sight, Sight::blind);
  EXPECT_EQ(looked("10.0.0.1", true).sight, Sight::blind);
  EXPECT_EQ(matrix_text({looked("", true)}), "v1 ✗ (LAN ✓)");
}

TEST(Reach, ShowsWhoReachesWhom) {
  Look other = kReached;
  other.vantage = vantage("v2", "B");
  EXPECT_EQ(matrix_text({kMissed, other, kBlind}), "v1 ✗ (GW ✓); v2 [B] ✓; v1 ? (GW ✗)");
}

rc::Gen<std::vector<Look>> looks() {
  return rc::gen::map(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5)),
                      [](std::vector<int> picks) {
                        std::vector<Look> all;
                        for (const int pick : picks) {
                          all.push_back(std::vector{kReached, kMissed, kBlind, kNoAnswer,
                                                    kWaiting}[static_cast<std::size_t>(pick)]);
                        }
                        return all;
                      });
}

TEST(JudgeReachProperty, OrderDoesNotMatter) {
  EXPECT_TRUE(rc::check("reversed looks mean the same", [] {
    const std::vector<Look> some = *looks();
    RC_ASSERT(judged({some.rbegin(), some.rend()}) == judged(some));
  }));
}

TEST(JudgeReachProperty, OneWhoReachesItIsEnoughAgainstDown) {
  EXPECT_TRUE(rc::check("a host that somebody reaches is not down", [] {
    std::vector<Look> some = *looks();
    some.push_back(kReached);
    RC_ASSERT(judged(some) != Reach::host);
  }));
}

TEST(JudgeReachProperty, TheBlindConfirmNothing) {
  EXPECT_TRUE(rc::check("looks that cannot see do not make a break", [] {
    std::vector<Look> some = *looks();
    const Reach before = judged(some);
    some.push_back(kBlind);
    some.push_back(kNoAnswer);
    RC_ASSERT((judged(some) == Reach::host) == (before == Reach::host));
  }));
}

// Naming racks makes nobody surer: what is confirmed by racks is confirmed without them.
TEST(JudgeReachProperty, RacksOnlyDoubt) {
  EXPECT_TRUE(rc::check("a host confirmed down is missed from two racks or by the collector", [] {
    std::vector<Look> some;
    const int count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) {
      some.push_back(in_rack("v" + std::to_string(i), *rc::gen::element<std::string>("", "A", "B"),
                             *rc::gen::element(Sight::missed, Sight::blind)));
    }
    if (*rc::gen::arbitrary<bool>()) some.push_back(by_collector(Sight::missed));
    const Reach strict = judge_reach(some, true);
    RC_ASSERT((judged(some) == Reach::host) ==
              (strict == Reach::host || strict == Reach::suspected));
    const auto missed_in = [&](const std::string& rack) {
      return std::any_of(some.begin(), some.end(), [&](const Look& look) {
        return look.sight == Sight::missed && look.vantage.rack == rack &&
               !look.vantage.agent.hex.empty();
      });
    };
    const bool two_racks = missed_in("A") && missed_in("B");
    const bool with_collector = !some.empty() && some.back().vantage.agent.hex.empty();
    if (strict == Reach::host) RC_ASSERT(two_racks || with_collector);
  }));
}

TEST(ChooseVantagesProperty, IsAFunctionOfTheSet) {
  EXPECT_TRUE(rc::check("chosen without regard to order, without repeats, three at most", [] {
    std::vector<Vantage> agents;
    const int count = *rc::gen::inRange(0, 9);
    for (int i = 0; i < count; ++i) {
      const std::string rack = *rc::gen::element<std::string>("", "A", "B", "C");
      agents.push_back(vantage("v" + std::to_string(i), rack));
    }
    const auto chosen = choose_vantages("A", agents);
    RC_ASSERT(choose_vantages("A", {agents.rbegin(), agents.rend()}) == chosen);
    RC_ASSERT(chosen.size() == std::min<std::size_t>(agents.size(), 2) + 1);
    RC_ASSERT(chosen.back().agent.hex.empty());
    const auto in_rack = [](const Vantage& v) { return v.rack == "A"; };
    const auto elsewhere =
        static_cast<std::size_t>(std::count_if(agents.begin(), agents.end(), std::not_fn(in_rack)));
    const auto chosen_in_rack =
        static_cast<std::size_t>(std::count_if(chosen.begin(), chosen.end(), in_rack));
    if (elsewhere >= 2) RC_ASSERT(chosen_in_rack == 0U);
  }));
}

}  // namespace
}  // namespace tocsin::collector
