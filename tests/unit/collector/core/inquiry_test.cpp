// Asking other places about a host (procedure M-01), as the judge lives it.
#include "collector/core/inquiry.hpp"

#include <algorithm>

#include <gmock/gmock.h>

#include "collector/core/darkness.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const std::string kDb = "10.0.0.9";
const std::string kNt = "10.0.0.20";  // has no agent

// db1 in rack A has an address; v1 to v3 stand in racks A, B, C. The network management group is
// told.
model::SitePolicy policy_with_racks() {
  model::SitePolicy site = story_policy();
  const auto add = [&](const std::string& name, const std::string& rack) {
    model::HostPolicy host;
    host.host = name;
    host.baseline = "all";
    host.criticality = model::Criticality::standard;
    host.rack = rack;
    if (name == "db1") host.address = kDb;
    if (name == "nt") host.address = kNt;
    site.hosts.push_back(host);
  };
  add("db1", "A");
  add("nt", "A");
  add("v1", "A");
  add("v2", "B");
  add("v3", "C");
  model::ContactPolicy network = site.contacts.front();
  network.name = "network";
  network.address = "network@example.tw";
  network.group = "network";
  site.contacts.push_back(network);
  return site;
}

class Room : public Story {
 public:
  Room() : Story(policy_with_racks()) {
    for (const std::string host : {"db1", "v1", "v2", "v3"}) admit(host);
  }

  model::Observation view(std::uint32_t received, model::Tristate gateway = model::Tristate::yes) {
    model::Observation seen = ping_of(kDb, received);
    std::get<model::PingFacts>(seen.facts).gateway_reachable = gateway;
    seen.at = now();
    return seen;
  }
  std::string question() const { return own_looks().back().request_id; }
  void answers(const std::string& host, model::Observation seen) {
    fact(host,
         model::RequestResult{question(), model::RequestOutcome::done, {}, {std::move(seen)}});
  }
  void looks(model::Observation seen) { push(model::CollectorLook{question(), std::move(seen)}); }

  // Who was asked last, beside the collector.
  std::vector<AgentId> asked() const {
    std::vector<AgentId> agents;
    for (const auto& request : requests()) {
      if (request.request.request_id == question()) agents.push_back(request.agent);
    }
    return agents;
  }
  std::vector<std::string> reasons_of(const std::string& host) const {
    std::vector<std::string> codes;
    for (const auto& status : world().hosts.find(agent_of(host))->checks) {
      for (const auto& reason : status.reasons) codes.push_back(reason.code);
    }
    return codes;
  }
};

TEST(Inquiry, AsksOtherRacksFirstWhenAHostFallsSilent) {
  Room room;
  room.silent("db1");
  EXPECT_THAT(room.asked(), UnorderedElementsAre(agent_of("v2"), agent_of("v3")));
  ASSERT_THAT(room.own_looks(), SizeIs(1));
  EXPECT_EQ(std::get<model::CheckDefinition>(room.own_looks().front().act).check.target, kDb);
}

TEST(Inquiry, TellsNobodyWhileItRuns) {
  Room room;
  room.silent("db1");
  EXPECT_THAT(room.told(), IsEmpty());
}

TEST(Inquiry, AHostThatNobodyReachesIsConfirmedDownAndOneIncident) {
  Room room;
  room.silent("db1");
  room.answers("v2", room.view(0));
  room.answers("v3", room.view(0));
  room.looks(room.view(0, model::Tristate::unknown));
  const model::Incident incident = room.incident();
  EXPECT_EQ(incident.kind, "network");
  EXPECT_EQ(incident.host_name, "db1");
  EXPECT_EQ(incident.title.code, "reach.host_down");
  EXPECT_THAT(incident.findings, SizeIs(2));  // The silence is part of it.
  EXPECT_EQ(incident.live, model::Severity::c);
  const auto told = room.told();
  EXPECT_THAT(told, Contains("opened C network@example.tw"));
  EXPECT_THAT(told, Contains("opened C duty@example.tw"));
}

// Only v1 and v4, of which nobody knows the rack, can be asked about db1, which fell silent; both
// miss it and the collector sees nothing.
class OneRack : public Room {
 public:
  OneRack() {
    admit("v4");
    silent("v2");
    silent("v3");
    silent("db1");
    answer();
    told();
  }
  void answer(bool the_collector_too = false) {
    for (const auto* host : {"v1", "v4"}) answers(host, view(0));
    looks(view(0, the_collector_too ? model::Tristate::yes : model::Tristate::no));
  }
  model::Incident down() {
    const auto all = incidents();
    const auto found =
        std::find_if(all.begin(), all.end(), [](const auto& i) { return i.kind == "network"; });
    return found == all.end() ? model::Incident{} : *found;
  }
  bool is_confirmed() {
    const auto facts = down().explanation.facts;
    return std::find(facts.begin(), facts.end(), model::Parameter{"confidence", "confirmed"}) !=
           facts.end();
  }
};

// Severity: two of one rack are not independent. The incident is there, and only suspected.
TEST(Inquiry, AHostThatOneRackMissesIsSuspectedUntilAnotherPlaceMissesItToo) {
  OneRack room;
  EXPECT_EQ(room.down().title.code, "reach.suspected");
  EXPECT_EQ(room.down().live, model::Severity::c);
  EXPECT_FALSE(room.is_confirmed());
  room.at(collector::kAskAgain);
  room.answer(true);
  EXPECT_EQ(room.down().title.code, "reach.host_down");
  EXPECT_TRUE(room.is_confirmed());
  EXPECT_THAT(room.told(), Contains("opened C network@example.tw"));
}

TEST(Inquiry, OneRackThatMissesItForLongConfirmsItAsOneSourceDoes) {
  OneRack room;
  for (int round = 1; round < 4; ++round) {
    EXPECT_FALSE(room.is_confirmed());
    room.at(round * collector::kAskAgain);
    room.answer();
  }
  EXPECT_TRUE(room.is_confirmed());
}

TEST(Inquiry, ASuspicionThatNobodyLooksAtAnyMoreIsNotConfirmedByTime) {
  OneRack room;
  room.at(24h);  // Asked every minute, and nobody answers.
  EXPECT_FALSE(room.is_confirmed());
  EXPECT_EQ(room.down().peak, model::Severity::c);
}

TEST(Inquiry, TheMatrixIsInWhatPeopleRead) {
  Room room;
  room.silent("db1");
  room.answers("v2", room.view(0));
  room.answers("v3", room.view(0));
  room.looks(room.view(0, model::Tristate::unknown));
  const auto& parameters = room.incident().title.parameters;
  ASSERT_THAT(parameters, SizeIs(3));
  EXPECT_THAT(parameters[2].value, HasSubstr("v2 [B] ✗ (GW ✓)"));
  const auto rows = room.all_notifications();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.front().body.front(), room.incident().title);
}

TEST(Inquiry, EndsWithoutThoseWhoDoNotAnswer) {
  Room room;
  room.silent("db1");
  room.answers("v2", room.view(0));
  room.answers("v3", room.view(0));
  EXPECT_THAT(room.incidents(), IsEmpty());
  room.at(collector::kInquiryLife);
  EXPECT_EQ(room.incident().title.code, "reach.host_down");
}

TEST(Inquiry, ASilentAgentOnAHostThatIsUpIsASilenceOnly) {
  Room room;
  room.silent("db1");
  room.answers("v2", room.view(3));
  room.answers("v3", room.view(3));
  room.looks(room.view(3));
  EXPECT_THAT(room.incidents(), IsEmpty()) << "others may fall silent too";
  room.at(collector::kSilenceSettles);
  EXPECT_EQ(room.incident().kind, "agent_silence");
  EXPECT_THAT(room.told(), Contains("opened E duty@example.tw"));
}

TEST(Inquiry, AVantageThatIsCutOffMakesNoIncidentOfTheTarget) {
  Room room;
  room.sees("v1", room.view(0, model::Tristate::no));
  room.answers("v2", room.view(3));
  room.answers("v3", room.view(3));
  room.looks(room.view(3));
  room.at(10min);
  EXPECT_THAT(room.incidents(), IsEmpty());
  EXPECT_THAT(room.told(), IsEmpty());
  EXPECT_THAT(room.reasons_of("v1"), ElementsAre("ping.gateway", "reach.vantage"));
}

TEST(Inquiry, ABrokenPathBetweenTwoIsSaidAndTellsNobody) {
  Room room;
  room.sees("v1", room.view(0));
  room.answers("v2", room.view(3));
  room.answers("v3", room.view(3));
  room.looks(room.view(3));
  EXPECT_THAT(room.incidents(), IsEmpty());
  EXPECT_THAT(room.told(), IsEmpty());
  EXPECT_THAT(room.reasons_of("v1"), ElementsAre("ping.unreachable", "reach.path"));
}

TEST(Inquiry, TakesWhatAVantageSeesMeanwhile) {
  Room room;
  room.sees("v1", room.view(0));
  room.sees("v1", room.view(0, model::Tristate::no));  // It is its own gateway that is gone.
  for (const auto* host : {"v2", "v3"}) room.answers(host, room.view(3));
  room.looks(room.view(3));
  EXPECT_THAT(room.incidents(), IsEmpty());
  EXPECT_THAT(room.reasons_of("v1"), ElementsAre("ping.gateway", "reach.vantage"));
}

TEST(Inquiry, WhatAVantageSeesMeanwhileIsNotItsAnswer) {
  Room room;
  room.silent("db1");
  room.sees("v2", room.view(0));
  room.answers("v3", room.view(0));
  room.looks(room.view(0));
  EXPECT_THAT(room.incidents(), IsEmpty());  // v2 was asked and is still looking.
  room.answers("v2", room.view(3));
  EXPECT_THAT(room.reasons_of("v2"), Contains("reach.path"));
}

TEST(Inquiry, IsAskedAgainAndABrokenPathMayBecomeAHostThatIsDown) {
  Room room;
  room.sees("v1", room.view(0));
  for (const auto* host : {"v2", "v3"}) room.answers(host, room.view(3));
  room.looks(room.view(3));
  room.at(collector::kAskAgain);
  ASSERT_THAT(room.own_looks(), SizeIs(2));
  EXPECT_THAT(room.asked(), UnorderedElementsAre(agent_of("v2"), agent_of("v3")));
  for (const auto* host : {"v2", "v3"}) room.answers(host, room.view(0));
  room.looks(room.view(0));
  EXPECT_EQ(room.incident().title.code, "reach.host_down");
  EXPECT_THAT(room.incident().findings, SizeIs(2));
}

TEST(Inquiry, WhatOnePlaceMissedForAMomentIsNoIncident) {
  Room room;
  room.sees("v1", room.view(0));
  room.sees("v1", room.view(5));
  room.at(10min);
  EXPECT_THAT(room.incidents(), IsEmpty());
}

TEST(Inquiry, BeingHeardAgainEndsTheBreak) {
  Room room;
  room.silent("db1");
  for (const auto* host : {"v2", "v3"}) room.answers(host, room.view(0));
  room.looks(room.view(0));
  room.at(5min).heard("db1");
  room.at(5min + 15min);
  EXPECT_TRUE(room.incident().recovered.has_value());
  const std::size_t asked = room.own_looks().size();
  room.at(1h);
  EXPECT_EQ(room.own_looks().size(), asked);  // Nothing is wrong any more: nobody is asked.
}

TEST(Inquiry, SurvivesARestart) {
  Room room;
  room.silent("db1");
  room.answers("v2", room.view(0));
  room.resume();
  room.answers("v3", room.view(0));
  room.looks(room.view(0));
  EXPECT_EQ(room.incident().title.code, "reach.host_down");
}

TEST(Inquiry, AnAnswerThatNobodyAskedForChangesNothing) {
  Room room;
  room.silent("db1");
  room.fact("v1",
            model::RequestResult{room.question(), model::RequestOutcome::done, {}, {room.view(0)}});
  room.push(model::CollectorLook{"reach/999/" + kDb, room.view(0)});
  EXPECT_THAT(room.incidents(), IsEmpty());
  EXPECT_EQ(room.world().number("counter/answers_not_asked_for"), 1U);
  EXPECT_THAT(room.reasons_of("v1"), IsEmpty());
}

// A host without an agent raises nothing itself. That nobody can tell must not pass for all is
// well.
class Unseen : public Room {
 public:
  Unseen() { sees("v1", of_nt()); }
  model::Observation of_nt(std::uint32_t received = 0) {
    model::Observation seen = ping_of(kNt, received);
    std::get<model::PingFacts>(seen.facts).gateway_reachable = model::Tristate::no;
    seen.at = now();
    return seen;
  }
  void all_answer(std::uint32_t received = 0) {
    for (const auto* host : {"v1", "v2", "v3"}) answers(host, of_nt(received));
    looks(of_nt(received));
  }
};

TEST(Inquiry, WhatNobodyCanTellForLongIsSaid) {
  Unseen room;
  room.all_answer();
  for (Duration at = collector::kAskAgain; at < collector::kUnseenFor; at += collector::kAskAgain) {
    room.at(at);
    room.all_answer();
    for (const auto& incident : room.incidents()) EXPECT_NE(incident.title.code, "reach.unseen");
  }
  room.resume();
  room.at(collector::kUnseenFor);
  room.all_answer();
  const auto said = [&] {
    const auto all = room.incidents();
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& incident) {
      return incident.title.code == "reach.unseen";
    });
    return found == all.end() ? model::Incident{} : *found;
  };
  EXPECT_EQ(said().host_name, "nt");
  EXPECT_EQ(said().live, model::Severity::e);
  room.at(collector::kUnseenFor + collector::kAskAgain);
  room.all_answer(3);
  room.at(collector::kUnseenFor + 1h);
  EXPECT_TRUE(said().recovered);
}

TEST(Inquiry, NobodyIsAskedAboutAHostWithoutAnAddress) {
  Room room;
  room.silent("v1");
  EXPECT_THAT(room.own_looks(), IsEmpty());
  room.at(collector::kSilenceSettles);
  EXPECT_EQ(room.incident().kind, "agent_silence");
}

}  // namespace
}  // namespace tocsin::tests
