// The durable way from the spool into the journal, over the real transport.
#include <chrono>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/commands/watchdog.hpp"
#include "common/wire/wire.hpp"
#include "tests/integration/link/room.hpp"

namespace tocsin::tests {
namespace {

using model::Presence;

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all(to - from + 1);
  std::iota(all.begin(), all.end(), from);
  return all;
}

bool empty(agent::Spool& spool) { return spool.status().value().rows == 0; }

TEST(Link, FactsArriveOnceInOrderAndLeaveTheSpool) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  append_facts(*spool, 3000);
  const Epoch epoch = spool->status().value().epoch;
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, 3000));

  append_facts(*spool, 50, true);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, 3050));
  EXPECT_EQ(room.hub().counters().facts, 3050U);
  EXPECT_EQ(room.hub().counters().duplicates, 0U);
  EXPECT_TRUE(link.stop());
}

TEST(Link, WhatIsJournaledIsWhatWasSpooled) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  const Epoch epoch = spool->status().value().epoch;
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.intake.facts() == 1; }));
  EXPECT_THAT(room.intake.bytes(),
              ::testing::Contains(wire::encode_agent_fact(agent.id, epoch, Seq{1}, a_fact(0))));
}

TEST(Link, ANewRowIsOnItsWayWithinMilliseconds) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  std::vector<std::chrono::milliseconds> took;
  for (std::size_t i = 1; i <= 15; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    append_facts(*spool, 1);
    ASSERT_TRUE(eventually([&] { return room.intake.facts() == i; }));
    took.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin));
  }
  std::sort(took.begin(), took.end());
  EXPECT_LT(took[7], 200ms) << "the slow poll alone would give a median of 500 ms";
}

TEST(Link, ARestartOfTheCollectorLosesAndDoublesNothing) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const Epoch epoch = spool->status().value().epoch;
  RunningLink link(room, agent);
  Seq last;
  for (int round = 0; round < 4; ++round) {
    last = append_facts(*spool, 400, round % 2 == 1);
    room.stop_collector();
    last = append_facts(*spool, 100);
    room.start_collector();
  }
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, last.value));
}

TEST(Link, ARestartOfTheLinkLosesAndDoublesNothing) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const Epoch epoch = spool->status().value().epoch;
  Seq last;
  for (int round = 0; round < 4; ++round) {
    RunningLink link(room, agent);
    last = append_facts(*spool, 300, true);
    link.stop();
    last = append_facts(*spool, 100);
  }
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, last.value));
}

TEST(Link, AFailedCommitLeavesNoHole) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const Epoch epoch = spool->status().value().epoch;
  RunningLink link(room, agent);
  append_facts(*spool, 10);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  room.intake.fail_next_commit();
  append_facts(*spool, 20, true);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, 30));
  EXPECT_EQ(room.hub().counters().failed_commits, 1U);
}

TEST(Link, AFullIntakeHoldsTheAgentBackAndLosesNothing) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const Epoch epoch = spool->status().value().epoch;
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  room.intake.refuse(true);
  append_facts(*spool, 5000);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().intake_full > 5; }));
  EXPECT_EQ(room.intake.facts(), 0U);
  EXPECT_FALSE(empty(*spool));
  room.intake.refuse(false);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(1, 5000));
  for (const model::AgentPresence& presence : room.intake.presence()) {
    EXPECT_EQ(presence.state, Presence::heard) << "not reading is no silence of the agent's";
  }
}

TEST(Link, RowsThatAreGoneAreJournaledAsLost) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const Epoch epoch = spool->status().value().epoch;
  append_facts(*spool, 10);
  ASSERT_TRUE(spool->acknowledge(epoch, Seq{4}));  // By a collector that is no more.
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  const std::vector<model::FactRangeLost> lost = room.intake.lost();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].agent, agent.id);
  EXPECT_EQ(lost[0].epoch, epoch);
  EXPECT_EQ(lost[0].from, Seq{1});
  EXPECT_EQ(lost[0].to, Seq{4});
  EXPECT_EQ(room.intake.seqs(agent.id, epoch), numbers(5, 10));
}

TEST(Link, ARestoredSpoolBeginsANewEpoch) {
  Room room;
  const TestAgent agent = room.add_agent();
  Epoch before;
  {
    const auto spool = open_spool(agent);
    before = spool->status().value().epoch;
    append_facts(*spool, 3);
  }
  const TestAgent image = room.clone(agent);
  {
    const auto spool = open_spool(agent);
    RunningLink link(room, agent);
    append_facts(*spool, 5);
    ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  }
  const auto restored = open_spool(image);
  RunningLink link(room, image);
  ASSERT_TRUE(eventually([&] { return empty(*restored); }));
  const Epoch after = restored->status().value().epoch;
  EXPECT_NE(after, before);
  EXPECT_EQ(room.intake.seqs(agent.id, before), numbers(1, 8));
  EXPECT_EQ(room.intake.seqs(agent.id, after), numbers(1, 4)) << "what it held, and that it begins";
  EXPECT_EQ(room.hub().counters().new_epochs, 1U);
  std::vector<Presence> states;
  for (const auto& presence : room.intake.presence()) states.push_back(presence.state);
  EXPECT_THAT(states, ::testing::ElementsAre(Presence::heard, Presence::clone_suspected));
}

// It gave out as many new numbers as were lost before it came back, or more: only the chain tells.
// Where the collector stands among its rows differs: at its end, before its first, in between.
class LinkRestored : public ::testing::TestWithParam<int> {};

TEST_P(LinkRestored, ASpoolThatGaveItsNumbersOutAgainIsNoticedAndLosesNothing) {
  Room room;
  const TestAgent agent = room.add_agent();
  Epoch before;
  {
    const auto spool = open_spool(agent);
    RunningLink link(room, agent);
    before = spool->status().value().epoch;
    append_facts(*spool, 3);
    ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  }
  const TestAgent image = room.clone(agent);
  {
    const auto spool = open_spool(agent);
    RunningLink link(room, agent);
    append_facts(*spool, 5);
    ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  }
  const auto restored = open_spool(image);
  std::vector<agent::NewFact> others;
  for (int i = 0; i < GetParam(); ++i) others.push_back({a_fact(100 + i), {}});
  ASSERT_TRUE(restored->append(others, {}, {}));
  if (GetParam() == 6) {  // as if the collector had lost what came after
    ASSERT_TRUE(restored->acknowledge(before, Seq{8}));
  }
  const std::uint64_t kept = restored->status().value().rows;
  RunningLink link(room, image);
  ASSERT_TRUE(eventually([&] { return empty(*restored); }));
  const Epoch after = restored->status().value().epoch;
  EXPECT_NE(after, before);
  EXPECT_EQ(room.intake.seqs(agent.id, before), numbers(1, 8));
  EXPECT_EQ(room.intake.seqs(agent.id, after), numbers(1, kept + 1));
  EXPECT_EQ(room.hub().counters().new_epochs, 1U);
  EXPECT_TRUE(
      eventually([&] { return room.intake.presence().back().state == Presence::clone_suspected; }));
}

// Agents are then ahead of the collector: what it acknowledged and has forgotten is lost, with its
// range and cause, what their spools still hold is taken in, and nobody is called a clone.
TEST(Link, ACollectorThatWasPutBackLosesWhatItHadAcknowledgedAndGoesOn) {
  Room room;
  const TestAgent ahead = room.add_agent();
  const TestAgent level = room.add_agent();
  const TestAgent later = room.add_agent();  // it came after the copy was made
  const auto spool = open_spool(ahead);
  const auto level_spool = open_spool(level);
  const auto later_spool = open_spool(later);
  const Epoch epoch = spool->status().value().epoch;
  const Epoch later_epoch = later_spool->status().value().epoch;
  RunningLink link(room, ahead);
  RunningLink level_link(room, level);
  append_facts(*spool, 10);
  append_facts(*level_spool, 3);
  ASSERT_TRUE(eventually([&] { return empty(*spool) && empty(*level_spool); }));
  const auto copy = room.intake.cursors();
  RunningLink later_link(room, later);
  append_facts(*spool, 7);
  append_facts(*later_spool, 2);
  ASSERT_TRUE(eventually([&] { return empty(*spool) && empty(*later_spool); }));

  room.stop_collector();
  append_facts(*spool, 5);
  room.intake.put_back(copy);
  room.start_collector();
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  append_facts(*spool, 4);
  append_facts(*level_spool, 1);
  append_facts(*later_spool, 1);
  ASSERT_TRUE(
      eventually([&] { return empty(*spool) && empty(*level_spool) && empty(*later_spool); }));

  std::map<AgentId, model::FactRangeLost> lost;
  for (const model::FactRangeLost& range : room.intake.lost()) {
    EXPECT_TRUE(lost.emplace(range.agent, range).second) << "one range of each";
    EXPECT_EQ(range.cause.code, "link.range_missing");
  }
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost[ahead.id].from, Seq{11});
  EXPECT_EQ(lost[ahead.id].to, Seq{17});
  EXPECT_EQ(lost[later.id].from, Seq{1});
  EXPECT_EQ(lost[later.id].to, Seq{2});
  auto kept = numbers(1, 10);
  for (const std::uint64_t seq : numbers(18, 26)) kept.push_back(seq);
  EXPECT_EQ(room.intake.seqs(ahead.id, epoch), kept);
  EXPECT_EQ(room.intake.seqs(later.id, later_epoch), numbers(3, 3));
  EXPECT_EQ(spool->status().value().epoch, epoch);
  EXPECT_EQ(room.hub().counters().new_epochs, 0U);
  EXPECT_EQ(room.hub().counters().clones, 0U);
  for (const model::AgentPresence& presence : room.intake.presence()) {
    EXPECT_NE(presence.state, Presence::clone_suspected);
  }
}

TEST(Link, AnAgentThatIsNotKnownHereIsSaidUntilItIs) {
  Room room;
  const TestAgent agent = room.add_agent(false);
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  {
    RunningLink link(room, agent);
    ASSERT_TRUE(eventually([&] { return room.hub().strangers().count == 1; }));
    EXPECT_THAT(room.hub().strangers().peer, ::testing::HasSubstr("127.0.0.1"));
  }
  EXPECT_FALSE(empty(*spool)) << "it waits for somebody to enrol it";
  room.admit(agent.id);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
  EXPECT_EQ(room.hub().strangers().count, 0U);
}

TEST(Link, AResultThatTheCollectorWantsAgainIsInTheSpool) {
  Room room;
  room.stop_collector();
  room.results = [](const AgentId&, const std::vector<model::CheckRef>&) {
    return std::optional(collector::JudgedResults{Position{1000}, {}});
  };
  room.start_collector();
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  agent::CheckRow row;
  row.check = {model::CheckKind::service, "ssh.service"};
  row.digest = std::string(32, 'd');
  ASSERT_TRUE(spool->append({}, {}, {&row, 1}));
  RunningLink link(room, agent);
  std::vector<model::CheckRef> wanted;
  ASSERT_TRUE(eventually([&] {
    wanted = spool->take_resends().value();
    return !wanted.empty();
  }));
  EXPECT_EQ(wanted.front(), row.check);
}

INSTANTIATE_TEST_SUITE_P(Where, LinkRestored, ::testing::Values(5, 6, 9));

TEST(Link, ACopiedHostIsReportedAndTheNewerOneRefused) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  const TestAgent copy = room.clone(agent);
  RunningLink first(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  const auto copied = open_spool(copy);
  append_facts(*copied, 1);
  RunningLink second(room, copy);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().clones >= 1; }));
  ASSERT_TRUE(eventually([&] {
    const auto all = room.intake.presence();
    return !all.empty() && all.back().state == Presence::clone_suspected;
  }));
  append_facts(*spool, 5);
  ASSERT_TRUE(eventually([&] { return empty(*spool); })) << "the old one goes on";
  EXPECT_FALSE(empty(*copied));
  const auto states = room.intake.presence();
  EXPECT_EQ(std::count_if(states.begin(), states.end(),
                          [](const auto& p) { return p.state == Presence::clone_suspected; }),
            1)
      << "once, however often it tries";
}

// Silence counts sooner here than in the tests that a busy machine's pauses must not disturb.
constexpr Duration kSoonSilent = 700ms;

void count_silence_soon(Room& room) {
  auto policy = std::make_shared<model::SitePolicy>(*room.policy);
  policy->agent_silent_after = kSoonSilent;
  room.set_policy(policy);
}

TEST(Link, AnAgentThatStopsBecomesSilentAndIsHeardAgain) {
  Room room;
  count_silence_soon(room);
  const TestAgent agent = room.add_agent();
  const auto last_state = [&] {
    const auto all = room.intake.presence();
    return all.empty() ? std::optional<Presence>() : all.back().state;
  };
  {
    RunningLink link(room, agent);
    ASSERT_TRUE(eventually([&] { return last_state() == Presence::heard; }));
  }
  ASSERT_TRUE(eventually([&] { return last_state() == Presence::silent; }));
  const model::AgentPresence silent = room.intake.presence().back();
  EXPECT_EQ(silent.detail.code, "link.silent");
  EXPECT_GT(room.time.wall() - silent.since, kSoonSilent - 100ms) << "since it was heard last";
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return last_state() == Presence::heard; }));
}

TEST(Link, AKnownAgentThatDoesNotComeBackAfterAStartBecomesSilent) {
  Room room;
  count_silence_soon(room);
  const TestAgent missing = room.add_agent();
  const TestAgent silent_before = room.add_agent();
  room.known = {{missing.id, Presence::heard}, {silent_before.id, Presence::silent}};
  room.stop_collector();
  room.start_collector();
  ASSERT_TRUE(eventually([&] { return !room.intake.presence().empty(); }));
  const auto all = room.intake.presence();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].agent, missing.id);
  EXPECT_EQ(all[0].state, Presence::silent);
  EXPECT_EQ(all[0].detail.code, "link.never_back");
}

// A disk that is full for long: what does not fit is counted.
TEST(Link, ChangesOfPresenceThatNobodyTakesAreCountedWhenTheyAreDropped) {
  Room room;
  count_silence_soon(room);
  room.options.presence_waiting = 2;
  for (int i = 0; i < 5; ++i) room.known.push_back({room.add_agent().id, Presence::heard});
  room.stop_collector();
  room.intake.refuse(true);
  room.start_collector();
  ASSERT_TRUE(eventually([&] { return room.hub().counters().presence_dropped == 3; }));
  room.intake.refuse(false);
  ASSERT_TRUE(eventually([&] { return room.intake.presence().size() == 2; }));
  EXPECT_EQ(room.hub().counters().presence_dropped, 3U);
}

TEST(Link, AnAgentThatIsAdmittedAndNeverComesBecomesSilent) {
  Room room;
  const TestAgent missing = room.add_agent();
  const TestAgent present = room.add_agent();
  RunningLink link(room, present);
  room.hub().admitted(missing.id);
  room.hub().admitted(present.id);
  const auto of = [&](const TestAgent& agent) {
    std::vector<Presence> states;
    for (const model::AgentPresence& one : room.intake.presence()) {
      if (one.agent == agent.id) states.push_back(one.state);
    }
    return states;
  };
  ASSERT_TRUE(eventually([&] { return !of(missing).empty(); }));
  EXPECT_EQ(of(missing), std::vector<Presence>{Presence::silent});
  EXPECT_EQ(of(present), std::vector<Presence>{Presence::heard});
}

TEST(Link, AnAgentWhoseChecksStoppedIsSilentAlthoughItsLinkTalks) {
  Room room;
  count_silence_soon(room);
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  agent::CheckRow check;
  check.check = {model::CheckKind::sockets, ""};
  check.interval = 100ms;
  check.last_run_monotonic = room.time.steady();
  ASSERT_TRUE(spool->append({}, {}, {&check, 1}));
  RunningLink link(room, agent);
  const auto last = [&] {
    const auto all = room.intake.presence();
    return all.empty() ? model::AgentPresence{} : all.back();
  };
  ASSERT_TRUE(eventually([&] { return last().state == Presence::silent; }));
  EXPECT_EQ(last().detail.code, "link.observer_stalled");
  check.last_run_monotonic = room.time.steady();
  ASSERT_TRUE(spool->append({}, {}, {&check, 1}));
  ASSERT_TRUE(eventually([&] { return last().state == Presence::heard; }));
}

// Heartbeats go on past the time after which an agent is silent, and it never was.
void expect_never_silent(Room& room) {
  const MonoTime ripe = room.time.steady() + 2 * room.policy->agent_silent_after;
  std::uint64_t heartbeats = 0;
  ASSERT_TRUE(eventually([&] {
    if (room.time.steady() < ripe) heartbeats = room.hub().counters().heartbeats;
    return room.hub().counters().heartbeats > heartbeats + 1;
  }));
  const auto all = room.intake.presence();
  EXPECT_TRUE(std::none_of(all.begin(), all.end(),
                           [](const auto& one) { return one.state == Presence::silent; }));
}

// A collector that knows so many checks of each host, and lets no first look take its time.
void know_checks(Room& room, std::size_t checks) {
  room.stop_collector();
  room.options.first_look_within = {};
  room.options.run_noted_within = {};
  room.results = [checks](const AgentId&, const std::vector<model::CheckRef>&) {
    return std::optional(collector::JudgedResults{Position{1000}, {}, checks});
  };
  room.start_collector();
}

// Its observer writes to another spool than its link reads, or never began.
TEST(Link, AnAgentThatTellsOfNoCheckThoughItsHostHasSomeIsSilent) {
  Room room;
  know_checks(room, 1);
  count_silence_soon(room);
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  const auto last = [&] {
    const auto all = room.intake.presence();
    return all.empty() ? model::AgentPresence{} : all.back();
  };
  ASSERT_TRUE(eventually([&] { return last().state == Presence::silent; }));
  EXPECT_EQ(last().detail.code, "link.observer_stalled");
  agent::CheckRow check;
  check.check = {model::CheckKind::sockets, ""};
  check.interval = 1min;
  check.last_run_monotonic = room.time.steady();
  ASSERT_TRUE(spool->append({}, {}, {&check, 1}));
  ASSERT_TRUE(eventually([&] { return last().state == Presence::heard; }));
}

TEST(Link, AnAgentThatTellsOfNoCheckBecauseItsHostHasNoneIsHeard) {
  Room room;
  know_checks(room, 0);
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  expect_never_silent(room);
}

// An observer notes a run that saw nothing new some seconds late.
TEST(Link, AnAgentWhoseRunsAreNotedLateIsNotSilent) {
  Room room;
  room.stop_collector();
  room.options.run_noted_within = 1h;
  room.start_collector();
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  agent::CheckRow check;
  check.check = {model::CheckKind::sockets, ""};
  check.interval = 100ms;
  check.last_run_monotonic = room.time.steady();
  ASSERT_TRUE(spool->append({}, {}, {&check, 1}));
  RunningLink link(room, agent);
  expect_never_silent(room);
}

TEST(Link, ChecksOfAnEarlierBootAreNotTakenForFresh) {
  Room room;
  count_silence_soon(room);
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  agent::CheckRow check;
  check.check = {model::CheckKind::sockets, ""};
  check.interval = 100ms;
  check.last_run = room.time.wall() - 1h;
  check.last_run_monotonic = room.time.steady() + 24h;  // That boot lasted longer than this one.
  ASSERT_TRUE(spool->append({}, {}, {&check, 1}));
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] {
    const auto all = room.intake.presence();
    return !all.empty() && all.back().detail.code == "link.observer_stalled";
  }));
}

TEST(Link, ChecksAndRequestsReachTheSpool) {
  Room room;
  const TestAgent agent = room.add_agent();
  auto policy = std::make_shared<model::SitePolicy>(*room.policy);
  model::HostPolicy everywhere;
  everywhere.host = "*";
  everywhere.checks.resize(1);
  everywhere.checks[0].check = {model::CheckKind::service, "ssh.service"};
  policy->hosts.push_back(everywhere);
  room.set_policy(policy);
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return spool->assigned_checks().value().has_value(); }));
  EXPECT_EQ(wire::decode_checks(*spool->assigned_checks().value()).value(), everywhere.checks);

  policy = std::make_shared<model::SitePolicy>(*policy);
  policy->hosts[0].checks[0].check.target = "cron.service";
  room.set_policy(policy);
  ASSERT_TRUE(eventually([&] {
    return wire::decode_checks(*spool->assigned_checks().value()).value() ==
           policy->hosts[0].checks;
  }));

  collector::AgentRequest asked{agent.id, {}};
  asked.request.request_id = "r1";
  asked.request.expires_in = 60s;
  asked.request.act.emplace<model::CheckDefinition>().check = {model::CheckKind::sockets, ""};
  room.hub().send_request(asked);
  std::vector<model::Request> taken;
  ASSERT_TRUE(eventually([&] {
    taken = spool->take_requests(room.time.wall()).value().fresh;
    return !taken.empty();
  }));
  EXPECT_EQ(taken[0].request_id, "r1");
  EXPECT_EQ(taken[0].act, asked.request.act);
}

TEST(Link, ARequestWaitsForItsAgent) {
  Room room;
  const TestAgent agent = room.add_agent();
  collector::AgentRequest asked{agent.id, {}};
  asked.request.request_id = "r1";
  asked.request.expires_in = 60s;
  room.hub().send_request(asked);
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  ASSERT_TRUE(
      eventually([&] { return !spool->take_requests(room.time.wall()).value().fresh.empty(); }));
}

TEST(Link, ARevokedAgentIsCutOffWithinSecondsAndStaysOut) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  room.admit(agent.id, true);
  const auto begin = std::chrono::steady_clock::now();
  room.hub().revoked(agent.id);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 0; }, 5s));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  append_facts(*spool, 1);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().refused >= 1; }));
  EXPECT_EQ(room.intake.facts(), 0U);
}

TEST(Link, AnUnknownAgentGetsNothing) {
  Room room;
  const TestAgent agent = room.add_agent(false);
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().refused >= 1; }));
  EXPECT_EQ(room.intake.facts(), 0U);
  EXPECT_TRUE(room.intake.presence().empty());
}

TEST(Link, AnotherCollectorIsTriedWhenOneDoesNotAnswer) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  agent::LinkConfig config = room.config(agent);
  config.collectors = {"127.0.0.1:1", room.address()};
  RunningLink link(room, agent, config);
  ASSERT_TRUE(eventually([&] { return empty(*spool); }));
}

// The watchdog of the service manager kills a process whose clock nobody asks.
TEST(Link, TheClockIsAskedWhileNoCollectorCanBeReached) {
  Room room;
  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  agent::LinkConfig config = room.config(agent);
  config.collectors = {"127.0.0.1:1"};
  config.retry_first = 1h;
  config.retry_longest = 1h;
  config.clock_asked_within = 10ms;
  const time::SystemTime system;
  std::atomic<const agent::CountingTime*> clock = nullptr;
  Status result = fail(ErrorCode::internal, "it did not end");
  std::jthread link([&](const std::stop_token& stop) {
    const agent::CountingTime own(system);
    clock = &own;
    result = agent::run_link(config, *spool, own, stop);
    clock = nullptr;
  });
  EXPECT_TRUE(eventually([&] { return clock && clock.load()->asked() > 30; }));
  link.request_stop();
  link.join();
  EXPECT_TRUE(result);
}

// A check that goes on asking must not hide a loop that is stuck.
TEST(Watchdog, OnlyTheLoopsOwnThreadCounts) {
  const time::SystemTime system;
  const agent::CountingTime clock(system);
  std::thread([&] { clock.steady(); }).join();
  EXPECT_EQ(clock.asked(), 0U);
  clock.steady();
  clock.wall();
  EXPECT_EQ(clock.asked(), 2U);
}

TEST(Link, ACollectorIsKnownByTheConfiguredNameWhereItIsNotItsAddress) {
  Room room;
  room.stop_collector();
  const std::string key = crypto::make_key_pem().value();
  crypto::CertificateRequest request;
  request.identity.kind = crypto::Identity::Kind::collector;
  request.identity.name = "idc";
  request.dns_names = {"collector.example"};
  request.not_before = room.time.wall() - 1min;
  request.life = 1h;
  const std::string asked = crypto::make_signing_request(key, "test").value();
  const std::string folder = room.folder("collector");
  room.write(folder, "key.pem", key);
  room.write(folder, "certificate.pem",
             crypto::sign_certificate(room.authority.authority(), asked, request).value());
  room.start_collector();

  const TestAgent agent = room.add_agent();
  const auto spool = open_spool(agent);
  append_facts(*spool, 1);
  agent::LinkConfig config = room.config(agent);
  for (const auto* other : {"", "other.example"}) {
    config.server_name = other;
    RunningLink link(room, agent, config);
    EXPECT_FALSE(eventually([&] { return room.intake.facts() > 0; }, 300ms)) << other;
  }
  config.server_name = "collector.example";
  RunningLink link(room, agent, config);
  EXPECT_TRUE(eventually([&] { return empty(*spool); }));
}

TEST(Link, ADamagedSpoolEndsTheLink) {
  Room room;
  const TestAgent agent = room.add_agent();
  { open_spool(agent); }
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  ASSERT_EQ(std::rename(agent.spool_path().c_str(), (agent.spool_path() + ".gone").c_str()), 0);
  ASSERT_TRUE(eventually([&] { return link.ended(); }));
  const Status result = link.stop();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace tocsin::tests
