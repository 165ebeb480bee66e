#include "agent/app/observer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/checks/observation.hpp"
#include "agent/evidence/outbox.hpp"
#include "common/base/limits.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/evidence/manifest.hpp"
#include "common/model/last_word.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

using model::CheckKind;

// Checks of a test in place of the real ones.
class Fakes {
 public:
  Fakes() {
    for (const CheckKind kind : model::kCheckKinds) {
      entries_.emplace(kind,
                       CatalogEntry{kind, [](const auto& check, CheckContext& context) {
                                      return agent::Run(check, context).seen(model::SocketsFacts{});
                                    }});
    }
  }
  void set(CheckKind kind, RunCheck run) { entries_.at(kind).run = std::move(run); }
  void set_together(CheckKind kind, RunTogether run) {
    entries_.at(kind).run_together = std::move(run);
  }
  void remember(CheckKind kind) { entries_.at(kind).one_memory = true; }
  void set_glance(CheckKind kind, Glance glance) {
    entries_.at(kind).glance = std::move(glance);
    entries_.at(kind).glance_every = 5ms;
  }
  Catalog catalog() {
    return [this](CheckKind kind) -> const CatalogEntry& { return entries_.at(kind); };
  }

 private:
  std::map<CheckKind, CatalogEntry> entries_;
};

class Observe : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "observerXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config.jitter_seed = 1;
    config.spool_poll = 10ms;
    config.flush = 20ms;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Spool> open() {
    auto spool = Spool::open(folder_ / "spool.db", spool_options);
    EXPECT_TRUE(spool.has_value()) << spool.error().message;
    return spool ? std::move(*spool) : nullptr;
  }

  void add(CheckKind kind, std::string target = {}, Duration deadline = 10s) {
    model::CheckDefinition check;
    check.check = {kind, std::move(target)};
    check.interval = 100ms;
    check.deadline = deadline;
    config.checks.push_back(check);
  }

  // Runs the observer until `enough` holds of the facts in the spool.
  template <class Enough>
  std::vector<model::Fact> observe(Enough enough) {
    std::stop_source stop;
    std::jthread observer([&] {
      const auto spool = open();
      const Status status = run_observer(config, *spool, clock_, stop.get_token(), fakes.catalog());
      EXPECT_TRUE(status.has_value());
    });
    std::vector<model::Fact> facts;
    const MonoTime start = clock_.steady();
    while (clock_.steady() - start < 20s) {
      facts = read();
      if (enough(facts)) break;
      std::this_thread::sleep_for(5ms);
    }
    stop.request_stop();
    observer.join();
    EXPECT_TRUE(enough(facts));
    return read();
  }

  std::vector<model::Fact> read() {
    std::vector<model::Fact> facts;
    const auto rows = reader().read(Seq{1}, 1000, 1 << 20);
    EXPECT_TRUE(rows.has_value());
    for (const SpoolRow& row : *rows) {
      auto fact = wire::decode_fact(row.bytes);
      EXPECT_TRUE(fact.has_value()) << fact.error().message;
      if (fact) facts.push_back(*std::move(fact));
    }
    return facts;
  }

  Spool& reader() {
    if (!reader_) reader_ = open();
    return *reader_;
  }

  std::string path_of(const std::string& name) const { return folder_ / name; }

  ObserverConfig config;
  SpoolOptions spool_options;
  Fakes fakes;

  time::SystemTime clock_;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Spool> reader_;
};

std::vector<model::Observation> observations(const std::vector<model::Fact>& facts,
                                             CheckKind kind) {
  std::vector<model::Observation> found;
  for (const model::Fact& fact : facts) {
    const auto* seen = std::get_if<model::Observation>(&fact.body);
    if (seen != nullptr && seen->check.kind == kind) found.push_back(*seen);
  }
  return found;
}

std::vector<std::string> events(const std::vector<model::Fact>& facts) {
  std::vector<std::string> codes;
  for (const model::Fact& fact : facts) {
    const auto* event = std::get_if<model::AgentEvent>(&fact.body);
    if (event != nullptr) codes.push_back(event->event.code);
  }
  return codes;
}

std::vector<model::RequestResult> results(const std::vector<model::Fact>& facts) {
  std::vector<model::RequestResult> found;
  for (const model::Fact& fact : facts) {
    const auto* result = std::get_if<model::RequestResult>(&fact.body);
    if (result != nullptr) found.push_back(*result);
  }
  return found;
}

model::Request request(std::string id, CheckKind kind, Duration expires = 60s) {
  model::Request request;
  request.request_id = std::move(id);
  request.expires_in = expires;
  request.act.emplace<model::CheckDefinition>().check.kind = kind;
  return request;
}

// A check that runs until the test lets it go, whatever its deadline says. A thread that was left
// behind wakes after the test is over: what it waits on is its own too.
class Hang {
 public:
  ~Hang() { release(); }
  RunCheck check() {
    return [state = state_](const model::CheckDefinition& definition, CheckContext&) {
      std::unique_lock lock(state->mutex);
      ++state->started;
      state->released.wait(lock, [&] { return state->free; });
      model::Observation seen;  // Without the clock, which is gone by then.
      seen.check = definition.check;
      seen.facts = model::ServiceFacts{};
      return seen;
    };
  }
  void release() {
    const std::lock_guard lock(state_->mutex);
    state_->free = true;
    state_->released.notify_all();
  }
  int started() const { return state_->started; }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable released;
    std::atomic<int> started = 0;
    bool free = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST_F(Observe, AnUnchangedCheckIsOneRowHoweverOftenItRuns) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  add(CheckKind::sockets);
  const auto facts = observe([&](const auto&) { return runs >= 4; });
  EXPECT_EQ(observations(facts, CheckKind::sockets).size(), 1U);
  EXPECT_EQ(events(facts), (std::vector<std::string>{"agent.started", "agent.stopped"}));
  const auto rows = reader().checks();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().last_seq, Seq{2});
  EXPECT_GT(rows->front().last_run_monotonic, rows->front().unchanged_since_monotonic);
}

TEST_F(Observe, ARestartInTheSameBootRepeatsNothing) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  add(CheckKind::sockets);
  observe([&](const auto&) { return runs >= 2; });
  runs = 0;
  const auto facts = observe([&](const auto&) { return runs >= 2; });
  EXPECT_EQ(observations(facts, CheckKind::sockets).size(), 1U);
}

TEST_F(Observe, AChangeIsARowAndItsCursorCommitsWithIt) {
  std::atomic<int> runs = 0;
  std::string first_cursor;
  fakes.set(CheckKind::audit_log, [&](const auto& check, CheckContext& context) {
    if (runs == 0) first_cursor = context.cursor.value_or("none");
    context.new_cursor = "run " + std::to_string(++runs);
    model::AuditLogFacts facts;
    facts.shrunk = runs >= 2;
    return agent::Run(check, context).seen(facts);
  });
  add(CheckKind::audit_log, "/var/log/x");
  const auto facts = observe(
      [&](const auto& seen) { return observations(seen, CheckKind::audit_log).size() >= 2; });
  EXPECT_EQ(observations(facts, CheckKind::audit_log).size(), 2U);
  EXPECT_EQ(first_cursor, "none");
  const auto cursor = reader().cursor("check:audit_log:/var/log/x").value();
  runs = 0;
  observe([&](const auto&) { return runs >= 1; });
  EXPECT_EQ(first_cursor, cursor);
}

// Whatever it writes to a file that was replaced nobody reads: the service manager begins it anew.
TEST_F(Observe, ASpoolThatWasReplacedEndsIt) {
  add(CheckKind::sockets);
  std::atomic<bool> ended = false;
  Status status;
  std::jthread observer([&](const std::stop_token& stop) {  // asked to stop however this ends
    const auto spool = open();
    status = run_observer(config, *spool, clock_, stop, fakes.catalog());
    ended = true;
  });
  const auto wait_for = [&](const std::function<bool()>& condition) {
    const MonoTime start = clock_.steady();
    while (!condition() && clock_.steady() - start < 20s) {
      std::this_thread::sleep_for(5ms);
    }
    return condition();
  };
  ASSERT_TRUE(wait_for([&] { return !observations(read(), CheckKind::sockets).empty(); }));
  std::filesystem::copy(path_of("spool.db"), path_of("copy"));
  std::filesystem::rename(path_of("copy"), path_of("spool.db"));
  EXPECT_TRUE(wait_for([&] { return ended.load(); }));
  observer.request_stop();
  observer.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::data_loss);
}

// One check that hangs is said at its deadline, once, and nothing else waits for it.
// ---- A spool that is full for a while

// Has a check see what the test wants at each of its runs, and fills the spool beside it.
class FullSpool : public Observe {
 protected:
  void SetUp() override {
    Observe::SetUp();
    spool_options.max_bytes = 4096;
    add(CheckKind::sockets);
  }
  // `see`: what the Nth run sees, from 1 on; it may fill the spool and empty it.
  void each_run(std::function<std::uint32_t(int run)> see) {
    fakes.set(CheckKind::sockets, [this, see](const auto& check, CheckContext& context) {
      model::SocketsFacts facts;
      facts.listeners_over_limit = see(++runs_);
      return agent::Run(check, context).seen(facts);
    });
  }
  void fill() {
    model::Fact fact;
    fact.body = model::AgentEvent{{"test.filler", {}}};
    const std::vector<NewFact> facts(100, NewFact{wire::encode_fact(fact)});
    EXPECT_TRUE(other().append(facts, {}, {}));
  }
  void empty() {
    const SpoolStatus status = other().status().value();
    EXPECT_TRUE(status.full);
    EXPECT_TRUE(other().acknowledge(status.epoch, status.last));
  }
  // What was seen, as told in this order, and how many facts were lost.
  static std::vector<std::uint32_t> told(const std::vector<model::Fact>& facts) {
    std::vector<std::uint32_t> seen;
    for (const model::Observation& one : observations(facts, CheckKind::sockets)) {
      seen.push_back(std::get<model::SocketsFacts>(one.facts).listeners_over_limit);
    }
    return seen;
  }
  static std::uint64_t lost(const std::vector<model::Fact>& facts) {
    std::uint64_t count = 0;
    for (const model::Fact& fact : facts) {
      if (const auto* loss = std::get_if<model::SpoolLoss>(&fact.body)) count += loss->count;
    }
    return count;
  }
  auto until_run(int run) {
    return [this, run](const auto&) { return runs_ >= run; };
  }

 private:
  Spool& other() {
    if (!other_) other_ = Spool::open(path_of("spool.db"), {}).value();
    return *other_;
  }
  std::unique_ptr<Spool> other_;  // of the checks' threads, of which one runs at a time
  std::atomic<int> runs_ = 0;
};

TEST_F(FullSpool, WhatIsSeenAgainIsLateAndNotLost) {
  each_run([this](int run) -> std::uint32_t {
    if (run == 2) fill();
    if (run == 5) empty();
    return run == 1 ? 1 : 2;
  });
  const auto facts = observe(until_run(7));
  EXPECT_EQ(told(facts), std::vector<std::uint32_t>{2});
  EXPECT_EQ(lost(facts), 0U);
  EXPECT_FALSE(reader().status()->full);
}

TEST_F(FullSpool, WhatIsNotSeenAgainIsLostOnce) {
  each_run([this](int run) -> std::uint32_t {
    if (run == 2) fill();
    if (run == 6) empty();
    constexpr std::array<std::uint32_t, 6> kSeen{1, 2, 2, 3, 1, 4};  // 2 and 3 are never told
    return kSeen[static_cast<std::size_t>(std::min(run, 6) - 1)];
  });
  const auto facts = observe(until_run(8));
  EXPECT_EQ(told(facts), std::vector<std::uint32_t>{4});
  EXPECT_EQ(lost(facts), 2U);
}

// A reader of a log goes on from where it stood: what it saw meanwhile is in what it tells.
TEST_F(FullSpool, WhatAReaderReadsAgainIsNotLost) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    const int run = ++runs;
    if (run == 2) fill();
    if (run == 5) empty();
    context.new_cursor = "read " + std::to_string(run);
    model::SocketsFacts facts;
    facts.listeners_over_limit = static_cast<std::uint32_t>(run);
    return agent::Run(check, context).seen(facts);
  });
  const auto facts = observe([&](const auto&) { return runs >= 7; });
  EXPECT_EQ(lost(facts), 0U);
  EXPECT_GE(told(facts).size(), 1U);
}

TEST_F(Observe, ACheckThatHangsDelaysNoOther) {
  Hang hang;
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::service, hang.check());
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  config.workers = 1;
  config.stop_grace = 0s;
  add(CheckKind::service, "a.service", 150ms);
  add(CheckKind::sockets);
  int at_deadline = 0;
  const auto facts = observe([&](const auto& seen) {
    const bool said = !observations(seen, CheckKind::service).empty();
    if (said && at_deadline == 0) at_deadline = runs;
    return said && runs >= at_deadline + 5;
  });
  const auto late = observations(facts, CheckKind::service);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].outcome, model::Outcome::timed_out);
  EXPECT_EQ(late[0].detail.code, "run.past_deadline");
  EXPECT_EQ(hang.started(), 1);
}

TEST_F(Observe, WhenEveryThreadHangsTheOtherChecksSaySo) {
  Hang hang;
  fakes.set(CheckKind::service, hang.check());
  config.workers = 1;
  config.most_stuck = 1;
  config.stop_grace = 0s;
  add(CheckKind::service, "a.service", 100ms);
  add(CheckKind::service, "b.service", 100ms);
  add(CheckKind::service, "c.service", 100ms);
  const auto facts =
      observe([&](const auto& seen) { return observations(seen, CheckKind::service).size() >= 3; });
  int without = 0;
  for (const auto& seen : observations(facts, CheckKind::service)) {
    if (seen.detail.code == "run.no_worker") ++without;
  }
  EXPECT_EQ(without, 1);
  EXPECT_EQ(hang.started(), 2);
  const auto said = events(facts);
  EXPECT_EQ(std::count(said.begin(), said.end(), "agent.stuck_limit"), 1);
}

TEST_F(Observe, ACheckThatEndsLateRunsAgain) {
  Hang hang;
  fakes.set(CheckKind::service, hang.check());
  add(CheckKind::service, "a.service", 100ms);
  const auto facts = observe([&](const auto& seen) {
    const auto found = observations(seen, CheckKind::service);
    if (!found.empty()) hang.release();
    return found.size() >= 2;
  });
  EXPECT_EQ(observations(facts, CheckKind::service)[1].outcome, model::Outcome::seen);
}

// Sees as many checks as it is given, in one run; `look` is called once for each run.
RunTogether together(std::function<void(std::size_t count)> look) {
  return [look = std::move(look)](const auto& checks, const auto& contexts) {
    look(checks.size());
    std::vector<model::Observation> seen;
    for (std::size_t i = 0; i < checks.size(); ++i) {
      model::PingFacts facts;
      facts.address = checks[i].check.target;
      seen.push_back(agent::Run(checks[i], *contexts[i]).seen(facts));
    }
    return seen;
  };
}

// procedure M-01: two hundred addresses do not take two hundred runs.
TEST_F(Observe, ChecksWhoseTurnIsNearAreOneRun) {
  constexpr std::size_t kChecks = 200;
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::ping, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::PingFacts{check.check.target});
  });
  fakes.set_together(CheckKind::ping, together([&](std::size_t) { ++runs; }));
  config.workers = 1;
  for (std::size_t i = 0; i < kChecks; ++i) {
    add(CheckKind::ping, "10.0.0." + std::to_string(i));
    config.checks.back().interval = 10s;
  }
  const auto facts = observe(
      [&](const auto& seen) { return observations(seen, CheckKind::ping).size() >= kChecks; });
  const auto seen = observations(facts, CheckKind::ping);
  ASSERT_EQ(seen.size(), kChecks);
  std::set<std::string> addresses;
  for (const auto& one : seen) {
    EXPECT_EQ(std::get<model::PingFacts>(one.facts).address, one.check.target);
    addresses.insert(one.check.target);
  }
  EXPECT_EQ(addresses.size(), kChecks);
  EXPECT_LE(runs, 5) << "the first turns lie within a second, each run takes half of one";
}

TEST_F(Observe, ChecksThatHangTogetherAreLateOnceEachAndHoldOneThread) {
  Hang hang;
  std::atomic<int> others = 0;
  fakes.set_together(CheckKind::ping,
                     [run = hang.check()](const auto& checks, const auto& contexts) {
                       std::vector<model::Observation> seen;
                       for (std::size_t i = 0; i < checks.size(); ++i)
                         seen.push_back(run(checks[i], *contexts[i]));
                       return seen;
                     });
  fakes.set(CheckKind::processes, [&](const auto& check, CheckContext& context) {
    ++others;
    return agent::Run(check, context).seen(model::ProcessesFacts{});
  });
  config.most_stuck = 1;
  config.workers = 1;
  config.stop_grace = 0s;
  for (const char* target : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
    add(CheckKind::ping, target, 100ms);
    config.checks.back().interval = 1min;  // one turn
  }
  add(CheckKind::processes);
  int at_deadline = -1;
  const auto facts = observe([&](const auto& seen) {
    const bool all = observations(seen, CheckKind::ping).size() >= 3;
    if (all && at_deadline < 0) at_deadline = others;
    return all && others >= at_deadline + 3;
  });
  EXPECT_EQ(hang.started(), 1);
  const auto late = observations(facts, CheckKind::ping);
  ASSERT_EQ(late.size(), 3U);
  for (const auto& one : late) EXPECT_EQ(one.detail.code, "run.past_deadline");
  const auto said = events(facts);
  EXPECT_EQ(std::count(said.begin(), said.end(), "agent.stuck_limit"), 1);
}

TEST_F(Observe, ARunOfManyThatFailsSaysSoOfEach) {
  fakes.set_together(CheckKind::ping,
                     together([](std::size_t) { throw std::runtime_error("no network"); }));
  for (const char* target : {"10.0.0.1", "10.0.0.2"}) {
    add(CheckKind::ping, target);
    config.checks.back().interval = 1min;
  }
  const auto facts =
      observe([&](const auto& seen) { return observations(seen, CheckKind::ping).size() >= 2; });
  for (const auto& one : observations(facts, CheckKind::ping)) {
    EXPECT_EQ(one.outcome, model::Outcome::failed);
    EXPECT_EQ(one.detail.code, "run.error");
  }
}

// The collector asks about each host that fell silent, at once.
TEST_F(Observe, RequestsThatWaitAreAnsweredByOneRun) {
  std::atomic<std::size_t> together_in_one = 0;
  fakes.set_together(CheckKind::ping,
                     together([&](std::size_t count) { together_in_one = count; }));
  config.allow = {CheckKind::ping};
  time::SystemTime clock;
  for (const char* id : {"one", "two", "three"}) {
    model::Request asked = request(id, CheckKind::ping);
    std::get<model::CheckDefinition>(asked.act).check.target = std::string("host-") + id;
    ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  }
  const auto facts = observe([&](const auto& seen) { return results(seen).size() >= 3; });
  EXPECT_EQ(together_in_one, 3U);
  for (const auto& result : results(facts)) {
    EXPECT_EQ(result.outcome, model::RequestOutcome::done);
    ASSERT_EQ(result.observations.size(), 1U);
    EXPECT_EQ(result.observations[0].check.target, "host-" + result.request_id);
  }
}

// What the host's own file refuses is looked at by nobody, and its page says so.
TEST_F(Observe, RunsWhatTheCollectorAssignsAndTellsWhatItRefusesAsChecksThatMayNotLook) {
  std::atomic<int> looks = 0;
  fakes.set(CheckKind::ping, [&](const auto& check, CheckContext& context) {
    ++looks;
    return agent::Run(check, context).seen(model::PingFacts{});
  });
  config.allow = {CheckKind::sockets};
  model::CheckDefinition allowed;
  allowed.check.kind = CheckKind::sockets;
  model::CheckDefinition refused;
  refused.check = {CheckKind::ping, "10.0.0.1"};
  const std::string bytes = wire::encode_checks({allowed, refused});
  ASSERT_TRUE(reader().put_assignment(bytes, "digest").has_value());
  const auto facts = observe([&](const auto& seen) {
    return !observations(seen, CheckKind::sockets).empty() &&
           !observations(seen, CheckKind::ping).empty();
  });
  const auto told = observations(facts, CheckKind::ping);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].check, refused.check);
  EXPECT_EQ(told[0].outcome, model::Outcome::not_permitted);
  EXPECT_EQ(told[0].detail.code, "agent.check_not_allowed");
  EXPECT_EQ(looks, 0);
}

TEST_F(Observe, SaysHowManyAssignedChecksItHasNoPlaceFor) {
  add(CheckKind::sockets);
  std::vector<model::CheckDefinition> assigned(limits::kChecks);
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    assigned[i].check = {CheckKind::ping, "10.0.0." + std::to_string(i)};
  }
  ASSERT_TRUE(reader().put_assignment(wire::encode_checks(assigned), "digest").has_value());
  const auto facts = observe([&](const auto& seen) {
    const auto said = events(seen);
    return std::count(said.begin(), said.end(), "agent.assignment_too_many") > 0;
  });
  const auto said = events(facts);
  EXPECT_EQ(std::count(said.begin(), said.end(), "agent.assignment_too_many"), 1);
}

void see_processes(Fakes& fakes) {
  fakes.set(CheckKind::processes, [](const auto& check, CheckContext& context) {
    return agent::Run(check, context).seen(model::ProcessesFacts{});
  });
}

std::vector<model::CheckRef> ended_in(const std::vector<model::Fact>& facts) {
  std::vector<model::CheckRef> ended;
  for (const model::Fact& fact : facts) {
    const auto* seen = std::get_if<model::Observation>(&fact.body);
    if (seen != nullptr && model::is_last_word(*seen)) ended.push_back(seen->check);
  }
  return ended;
}

// Of a check that nobody runs any more the collector would believe for ever what it saw last.
TEST_F(Observe, TellsOnceThatACheckOfAnEarlierLifeHasEnded) {
  see_processes(fakes);
  add(CheckKind::sockets);
  add(CheckKind::processes);
  observe([&](const auto& seen) {
    return !observations(seen, CheckKind::sockets).empty() &&
           !observations(seen, CheckKind::processes).empty();
  });
  config.checks.pop_back();
  const model::CheckRef processes{CheckKind::processes, ""};
  for (int life = 0; life < 2; ++life) {
    const auto facts = observe([&](const auto& seen) { return !ended_in(seen).empty(); });
    EXPECT_EQ(ended_in(facts), (std::vector{processes}));
  }
  const auto rows = reader().checks();
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->size(), 1U) << "the heartbeat does not name it either";
  EXPECT_EQ(rows->front().check.kind, CheckKind::sockets);
  // Given back, it is told anew though it sees what it saw before.
  const auto before = observations(read(), CheckKind::processes).size();
  add(CheckKind::processes);
  observe(
      [&](const auto& seen) { return observations(seen, CheckKind::processes).size() > before; });
}

TEST_F(Observe, TellsThatACheckHasEndedWhichTheCollectorTookAway) {
  see_processes(fakes);
  config.allow = {CheckKind::sockets, CheckKind::processes};
  add(CheckKind::sockets);
  model::CheckDefinition assigned;
  assigned.check.kind = CheckKind::processes;
  assigned.interval = 100ms;
  const auto assign = [&](const std::vector<model::CheckDefinition>& checks) {
    EXPECT_TRUE(reader().put_assignment(wire::encode_checks(checks), "digest").has_value());
  };
  assign({assigned});
  bool taken_away = false;
  const auto facts = observe([&](const auto& seen) {
    if (!taken_away && !observations(seen, CheckKind::processes).empty()) {
      taken_away = true;
      assign({});
    }
    return !ended_in(seen).empty();
  });
  EXPECT_EQ(ended_in(facts), (std::vector{assigned.check}));
}

TEST_F(Observe, AnswersARequestOnceAndRefusesWhatIsNotAllowed) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  config.allow = {CheckKind::sockets};
  time::SystemTime clock;
  ASSERT_TRUE(reader().put_request(request("one", CheckKind::sockets), clock.wall()).has_value());
  ASSERT_TRUE(reader().put_request(request("two", CheckKind::processes), clock.wall()).has_value());
  ASSERT_TRUE(
      reader().put_request(request("old", CheckKind::sockets, 1s), clock.wall() - 60s).has_value());
  observe([&](const auto& seen) { return results(seen).size() >= 3; });
  const auto facts = observe([](const auto&) { return true; });  // Another life answers nothing.
  std::map<std::string, model::RequestOutcome> outcomes;
  for (const auto& result : results(facts)) outcomes.emplace(result.request_id, result.outcome);
  EXPECT_EQ(results(facts).size(), 3U);
  EXPECT_EQ(outcomes.at("one"), model::RequestOutcome::done);
  EXPECT_EQ(outcomes.at("two"), model::RequestOutcome::refused);
  EXPECT_EQ(outcomes.at("old"), model::RequestOutcome::expired);
  EXPECT_EQ(runs, 1);
}

// A login that was turned down is not tried again so soon, whoever asks (procedure M-02).
TEST_F(Observe, ARequestedLoginGoesOnFromWhatTheLastOneLeft) {
  std::mutex mutex;
  std::vector<std::string> began_with;
  const auto remembering = [&](const auto& check, CheckContext& context) {
    const std::lock_guard lock(mutex);
    began_with.push_back(context.cursor.value_or(""));
    context.new_cursor = began_with.back() + "x";
    return agent::Run(check, context).seen(model::LoginFacts{});
  };
  fakes.set(CheckKind::login, remembering);
  fakes.remember(CheckKind::login);
  config.allow = {CheckKind::login};
  add(CheckKind::login, "local");
  config.checks.back().interval = 1h;
  const time::SystemTime clock;
  const auto ask = [&](const std::string& id) {
    model::Request asked = request(id, CheckKind::login);
    std::get<model::CheckDefinition>(asked.act).check.target = "local";
    ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  };
  observe([&](const auto& facts) { return !observations(facts, CheckKind::login).empty(); });
  for (const char* id : {"one", "two"}) {
    ask(id);
    observe([&, id](const auto& facts) {
      const auto all = results(facts);
      return std::any_of(all.begin(), all.end(), [&](const auto& r) { return r.request_id == id; });
    });
  }
  const std::set<std::string> all(began_with.begin(), began_with.end());
  EXPECT_EQ(all.size(), began_with.size()) << "each goes on from the one before";
  EXPECT_GE(all.size(), 3U);
}

// The file says it while the agent runs; a file that cannot be read may say it too.
TEST_F(Observe, WhetherSomebodyWorksOnTheHostIsReadBeforeEachRestart) {
  config.own_file = path_of("agent.toml");
  config.root = path_of("root");  // without systemd: nothing is restarted, whatever is allowed
  config.settings.actions.restart = {{"web.service"}};
  fakes.set(CheckKind::service, [](const auto& check, CheckContext& context) {
    return agent::Run(check, context).seen(model::ServiceFacts{});
  });
  struct Row {
    const char* file;
    const char* code;
  };
  const std::vector<Row> rows{{"[actions]\nmaintenance = true\n", "action.maintenance"},
                              {"[actions]\nmaintenance = tr", "action.file_unreadable"},
                              {"[actions]\nmaintenance = false\n", "action.not_possible"}};
  std::size_t row = 0;
  const auto ask = [&] {
    std::ofstream(config.own_file) << rows[row].file;
    model::Request asked = request(std::to_string(row), CheckKind::service);
    asked.act = model::RestartUnit{"web.service"};
    ASSERT_TRUE(reader().put_request(asked, clock_.wall()).has_value());
  };
  ask();
  const auto facts = observe([&](const auto& seen) {  // In one life of the observer.
    if (results(seen).size() > row && ++row < rows.size()) ask();
    return row == rows.size();
  });
  const auto told = results(facts);
  ASSERT_EQ(told.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(told[i].detail.code, rows[i].code);
}

// A login that is held looks at once for who asks, and only then.
TEST_F(Observe, ARunKnowsWhetherItWasAskedFor) {
  std::atomic<int> asked = 0;
  std::atomic<int> due = 0;
  fakes.set(CheckKind::login, [&](const auto& check, CheckContext& context) {
    ++(context.requested ? asked : due);
    return agent::Run(check, context).seen(model::LoginFacts{});
  });
  add(CheckKind::login, "local");
  model::Request request_of_own = request("one", CheckKind::login);
  std::get<model::CheckDefinition>(request_of_own.act).check.target = "local";
  ASSERT_TRUE(reader().put_request(request_of_own, clock_.wall()).has_value());
  observe([&](const auto& facts) { return !results(facts).empty() && due >= 2; });
  EXPECT_EQ(asked, 1);
}

// What a finding goes by is often what was seen before: a first look would take it back.
TEST_F(Observe, ARequestForACheckOfTheHostIsAnsweredWithWhatTheCheckRemembers) {
  struct Before : CheckMemory {};
  std::mutex mutex;
  std::vector<std::string> began_with;
  fakes.set(CheckKind::audit_log, [&](const auto& check, CheckContext& context) {
    const std::lock_guard lock(mutex);
    began_with.push_back(context.cursor.value_or("none"));
    context.new_cursor = "line " + std::to_string(began_with.size());
    model::AuditLogFacts facts;
    facts.shrunk = context.memory != nullptr;  // known from the second look on
    context.memory = std::make_unique<Before>();
    return agent::Run(check, context).seen(facts);
  });
  add(CheckKind::audit_log, "/var/log/x");
  config.checks.back().interval = 1h;
  const time::SystemTime clock;
  bool asked = false;
  const auto facts = observe([&](const auto& seen) {
    if (!asked && !observations(seen, CheckKind::audit_log).empty()) {
      asked = true;
      model::Request wanted = request("now", CheckKind::audit_log);
      std::get<model::CheckDefinition>(wanted.act).check.target = "/var/log/x";
      EXPECT_TRUE(reader().put_request(wanted, clock.wall()).has_value());
    }
    return !results(seen).empty();
  });
  EXPECT_EQ(began_with, (std::vector<std::string>{"none", "line 1"})) << "no line twice, none lost";
  ASSERT_EQ(results(facts)[0].observations.size(), 1U);
  const model::Observation answer = results(facts)[0].observations[0];
  EXPECT_TRUE(std::get<model::AuditLogFacts>(answer.facts).shrunk);
  const auto told = observations(facts, CheckKind::audit_log);
  ASSERT_EQ(told.size(), 2U) << "what it saw is the check's own result too";
  EXPECT_EQ(told.back(), answer);
  EXPECT_EQ(reader().cursor("check:audit_log:/var/log/x").value(), "line 2");
}

// procedure M-04: nobody read that log before, and nobody goes on from what is read now.
TEST_F(Observe, ARequestForALogThatTheHostDoesNotWatchCannotTellWhatIsNew) {
  config.allow = {CheckKind::warnings};
  model::Request wanted = request("now", CheckKind::warnings);
  std::get<model::CheckDefinition>(wanted.act).check.target = "journal";
  ASSERT_TRUE(reader().put_request(wanted, clock_.wall()).has_value());
  const auto facts = observe([](const auto& seen) { return !results(seen).empty(); });
  ASSERT_EQ(results(facts)[0].observations.size(), 1U);
  EXPECT_EQ(results(facts)[0].observations[0].detail.code, "warning.first_look");
}

// Nor can the first run of the host's own check, which only finds where the log ends.
TEST_F(Observe, ARequestThatAWatchedLogsFirstRunAnswersCannotTellWhatIsNew) {
  fakes.set(CheckKind::warnings, [](const auto& check, CheckContext& context) {
    context.new_cursor = "end";
    return agent::Run(check, context).seen(model::WarningsFacts{});
  });
  add(CheckKind::warnings, "journal");
  config.checks.back().interval = 1h;
  model::Request wanted = request("now", CheckKind::warnings);
  std::get<model::CheckDefinition>(wanted.act).check.target = "journal";
  ASSERT_TRUE(reader().put_request(wanted, clock_.wall()).has_value());
  const auto facts = observe([](const auto& seen) { return !results(seen).empty(); });
  ASSERT_EQ(results(facts)[0].observations.size(), 1U);
  EXPECT_EQ(results(facts)[0].observations[0].detail.code, "warning.first_look");
  const auto told = observations(facts, CheckKind::warnings);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].outcome, model::Outcome::seen);
}

// Its only worker is in a long run, as of an antivirus scanner.
TEST_F(Observe, ARequestForACheckOfTheHostDoesNotWaitBehindLongRuns) {
  Hang hang;
  fakes.set(CheckKind::service, hang.check());
  config.workers = 1;
  config.stop_grace = 0s;
  add(CheckKind::service, "long.service", 1h);
  add(CheckKind::sockets);
  bool asked = false;
  const auto facts = observe([&](const auto& seen) {
    if (!asked && hang.started() == 1) {
      asked = true;
      EXPECT_TRUE(reader().put_request(request("now", CheckKind::sockets), clock_.wall()));
    }
    return !results(seen).empty();
  });
  hang.release();
  ASSERT_EQ(results(facts).size(), 1U);
  EXPECT_EQ(results(facts)[0].outcome, model::RequestOutcome::done);
}

// Nobody would look at it again, and its requests would wait until the agent starts anew.
TEST_F(Observe, WhoAskedOfACheckThatHangsAndIsTakenAwayIsAnswered) {
  Hang hang;
  fakes.set(CheckKind::sockets, hang.check());
  config.allow = {CheckKind::sockets};
  config.stop_grace = 0s;
  model::CheckDefinition assigned;
  assigned.check.kind = CheckKind::sockets;
  assigned.interval = 100ms;
  assigned.deadline = 300ms;
  const auto assign = [&](const std::vector<model::CheckDefinition>& checks) {
    EXPECT_TRUE(reader().put_assignment(wire::encode_checks(checks), "digest").has_value());
  };
  assign({assigned});
  bool asked = false;
  bool taken_away = false;
  const auto facts = observe([&](const auto& seen) {
    if (!asked && hang.started() == 1) {
      asked = true;
      model::Request wanted = request("now", CheckKind::sockets);
      std::get<model::CheckDefinition>(wanted.act).ports = "4444";  // the next run's
      EXPECT_TRUE(reader().put_request(wanted, clock_.wall()));
    }
    if (!taken_away && !observations(seen, CheckKind::sockets).empty()) {
      taken_away = true;
      assign({});
    }
    return !results(seen).empty();
  });
  hang.release();
  ASSERT_EQ(results(facts)[0].observations.size(), 1U);
  EXPECT_EQ(results(facts)[0].observations[0].outcome, model::Outcome::timed_out);
}

TEST_F(Observe, ARequestForACheckThatRunsIsAnsweredByThatRun) {
  Hang hang;
  fakes.set(CheckKind::service, hang.check());
  add(CheckKind::service, "a.service");
  config.checks.back().interval = 1h;
  const time::SystemTime clock;
  bool asked = false;
  const auto facts = observe([&](const auto& seen) {
    if (!asked && hang.started() == 1) {
      asked = true;
      model::Request wanted = request("now", CheckKind::service);
      std::get<model::CheckDefinition>(wanted.act).check.target = "a.service";
      EXPECT_TRUE(reader().put_request(wanted, clock.wall()).has_value());
      // Taken after it, in the order of the requests: then the other is known to the check too.
      EXPECT_TRUE(reader().put_request(request("then", CheckKind::login), clock.wall()));
    }
    if (results(seen).size() == 1) hang.release();
    return results(seen).size() == 2;
  });
  EXPECT_EQ(results(facts)[0].request_id, "then") << "refused at once";
  EXPECT_EQ(results(facts)[1].outcome, model::RequestOutcome::done);
  EXPECT_EQ(results(facts)[1].observations.size(), 1U);
  EXPECT_EQ(hang.started(), 1);
}

// procedure M-07: what the host's own check finds is judged, what a request finds is an answer.
TEST_F(Observe, PortsThatARequestAsksAboutAreTriedByTheHostsOwnCheckToo) {
  std::mutex mutex;
  std::vector<std::string> tried;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    const std::lock_guard lock(mutex);
    tried.push_back(check.ports);
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  add(CheckKind::sockets);
  const time::SystemTime clock;
  model::Request asked = request("bind/1/10.0.0.9", CheckKind::sockets);
  std::get<model::CheckDefinition>(asked.act).ports = "4444";
  ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  observe([&](const auto& facts) {
    const std::lock_guard lock(mutex);
    return results(facts).size() == 1 && std::count(tried.begin(), tried.end(), "4444") >= 3;
  });
}

TEST_F(Observe, ManyRequestsThatTakeTheirTimeDelayNoCheckAndAreRefusedPastALimit) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    return agent::Run(check, context).seen(model::SocketsFacts{});
  });
  Hang hang;
  fakes.set(CheckKind::service, hang.check());
  config.allow = {CheckKind::service};
  config.workers = 1;
  config.most_requests = 10;
  config.stop_grace = 0s;
  add(CheckKind::sockets);
  time::SystemTime clock;
  for (int i = 0; i < 30; ++i) {
    model::Request asked = request("look" + std::to_string(i), CheckKind::service);
    std::get<model::CheckDefinition>(asked.act).check.target = "a.service";
    ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  }
  std::optional<int> when_refused;
  const auto facts = observe([&](const auto& seen) {
    if (results(seen).size() < 18) return false;
    if (!when_refused) when_refused = runs;
    if (runs < *when_refused + 5) return false;
    hang.release();  // Now those that waited have their turn.
    return results(seen).size() >= 30;
  });
  int refused = 0;
  for (const auto& result : results(facts)) {
    if (result.outcome != model::RequestOutcome::refused) continue;
    EXPECT_EQ(result.detail.code, "request.too_many");
    ++refused;
  }
  // Ten may wait; the first two of them may have begun before the others were looked at.
  EXPECT_GE(refused, 18);
  EXPECT_LE(refused, 20);
}

TEST_F(Observe, ARequestThatARestartInterruptedIsNeverActedOnTwice) {
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    ++runs;
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return agent::Run(check, context).unseen(Error{ErrorCode::deadline_exceeded, "stopped"});
  });
  config.allow = {CheckKind::sockets};
  time::SystemTime clock;
  ASSERT_TRUE(reader().put_request(request("one", CheckKind::sockets), clock.wall()).has_value());
  observe([&](const auto&) { return runs >= 1; });
  const auto facts = observe([](const auto& seen) { return !results(seen).empty(); });
  EXPECT_EQ(runs, 1);
  ASSERT_EQ(results(facts).size(), 1U);
  EXPECT_EQ(results(facts)[0].outcome, model::RequestOutcome::unknown);
}

// Beside the checks: one that hangs does not keep evidence waiting, which the link then finds
// whole.
TEST_F(Observe, CollectsEvidenceWhileEveryWorkerIsBusy) {
  Hang hang;
  config.workers = 1;
  fakes.set(CheckKind::sockets, hang.check());
  add(CheckKind::sockets);
  config.root = path_of("root");
  std::filesystem::create_directories(config.root + "/var/log");
  std::ofstream(config.root + "/var/log/syslog") << "a line\n";
  std::filesystem::create_directories(config.root + "/opt/app");
  std::ofstream(config.root + "/opt/app/own.log") << "a line\n";
  fakes.set(CheckKind::warnings, hang.check());
  add(CheckKind::warnings, "/opt/app/own.log");
  config.evidence_folder = path_of("evidence");
  config.key_file = path_of("agent.key");
  ASSERT_TRUE(config::write_file(config.key_file, crypto::make_key_pem().value(), 0600));
  config.host_name = "web1";
  time::SystemTime clock;
  model::Request asked;
  asked.request_id = "7.c1";
  asked.expires_in = 60s;
  asked.act = model::TakeEvidence{model::EvidenceId{2}, 1h, "wang", "why", "SI-1"};
  ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  const auto facts = observe([](const auto& seen) { return !results(seen).empty(); });
  EXPECT_EQ(results(facts)[0].outcome, model::RequestOutcome::done);
  EXPECT_EQ(results(facts)[0].detail.code, "evidence.collected");
  const EvidenceOutbox outbox(config.evidence_folder);
  ASSERT_EQ(outbox.ready(), std::vector<std::string>{"7.c1"});
  const auto manifest = evidence::parse_manifest(outbox.sealed("7.c1")->manifest).value();
  EXPECT_EQ(manifest.host, "web1");
  EXPECT_EQ(manifest.evidence, "E-2");
  EXPECT_EQ(manifest.asked_by, "wang");
  EXPECT_EQ(manifest.incident, "SI-1");
  for (const char* log : {"/var/log/syslog", "/opt/app/own.log"}) {
    EXPECT_TRUE(std::any_of(manifest.items.begin(), manifest.items.end(), [&](const auto& one) {
      return one.source == log && !one.file.empty();
    })) << log;
  }
}

// The host's own file decides, and a host without a key gives nothing that nobody could check.
TEST_F(Observe, GivesNoEvidenceThatItsHostDoesNotAllowOrCannotSign) {
  config.root = path_of("root");
  std::filesystem::create_directories(config.root + "/var/log");
  config.evidence_folder = path_of("evidence");
  config.key_file = path_of("agent.key");
  time::SystemTime clock;
  model::Request asked;
  asked.expires_in = 60s;
  asked.act = model::TakeEvidence{};
  asked.request_id = "one";
  ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  auto facts = observe([](const auto& seen) { return !results(seen).empty(); });
  EXPECT_EQ(results(facts)[0].detail.code, "evidence.not_signed");
  config.settings.evidence.allow = false;
  asked.request_id = "two";
  ASSERT_TRUE(reader().put_request(asked, clock.wall()).has_value());
  facts = observe([](const auto& seen) { return results(seen).size() >= 2; });
  EXPECT_EQ(results(facts)[1].outcome, model::RequestOutcome::refused);
  EXPECT_EQ(results(facts)[1].detail.code, "evidence.not_allowed");
  EXPECT_TRUE(EvidenceOutbox(config.evidence_folder).ready().empty());
}

TEST_F(Observe, AFailingCheckSaysWhy) {
  fakes.set(CheckKind::sockets,
            [](const auto&, CheckContext&) -> model::Observation { throw std::bad_alloc(); });
  add(CheckKind::sockets);
  const auto facts =
      observe([](const auto& seen) { return !observations(seen, CheckKind::sockets).empty(); });
  const auto seen = observations(facts, CheckKind::sockets);
  EXPECT_EQ(seen[0].outcome, model::Outcome::failed);
  EXPECT_EQ(seen[0].detail.code, "run.error");
}

// A run of an hour's interval comes at once where the glance sees something new, and not otherwise.
TEST_F(Observe, AGlanceBringsARunForward) {
  std::atomic<int> runs = 0;
  std::atomic<int> glances = 0;
  fakes.set(CheckKind::sockets, [&](const auto& check, CheckContext& context) {
    model::SocketsFacts facts;
    facts.owners_unknown = static_cast<std::uint32_t>(++runs);
    return agent::Run(check, context).seen(facts);
  });
  fakes.set_glance(CheckKind::sockets, [&](CheckContext&) {
    if (runs > 0) ++glances;
    return runs == 1 && glances > 20;
  });
  add(CheckKind::sockets);
  config.checks.back().interval = 1h;
  observe([&](const auto& facts) {
    return observations(facts, CheckKind::sockets).size() == 2 && glances > 40;
  });
  EXPECT_EQ(runs, 2);
}

// procedure M-05: what no interval would see soon, an event tells.
TEST_F(Observe, LooksAtOnceAtALogThatWasCut) {
  const std::string log = path_of("audit.log");
  std::ofstream(log) << "type=DAEMON_START msg=audit(1700000000.001:100): op=start\n";
  std::atomic<int> runs = 0;
  fakes.set(CheckKind::audit_log, [&](const auto& check, CheckContext& context) {
    ++runs;
    model::AuditLogFacts facts;
    facts.size_bytes = std::filesystem::file_size(log);
    return agent::Run(check, context).seen(facts);
  });
  add(CheckKind::audit_log, log);
  config.checks.back().interval = 1h;
  bool cut = false;
  const auto facts = observe([&](const auto& seen) {
    const auto looks = observations(seen, CheckKind::audit_log);
    if (!looks.empty() && !std::exchange(cut, true)) std::filesystem::resize_file(log, 0);
    return looks.size() >= 2;
  });
  const auto looks = observations(facts, CheckKind::audit_log);
  EXPECT_EQ(std::get<model::AuditLogFacts>(looks.back().facts).size_bytes, 0U);
  EXPECT_EQ(runs, 2);
}

TEST_F(Observe, AResultThatIsWantedAgainIsARowAtOnceThoughItDidNotChange) {
  add(CheckKind::sockets);
  config.checks.back().interval = 1h;
  const model::CheckRef check{CheckKind::sockets, ""};
  const auto seen_by = [](std::size_t count) {
    return [count](const auto& facts) {
      return observations(facts, CheckKind::sockets).size() >= count;
    };
  };
  ASSERT_TRUE(reader().put_resend(check));
  observe(seen_by(1));
  ASSERT_TRUE(reader().put_resend(check));
  ASSERT_TRUE(reader().put_resend({CheckKind::ping, "not configured"}));
  const auto facts = observe(seen_by(2));
  EXPECT_EQ(observations(facts, CheckKind::sockets).size(), 2U);
  const auto rows = reader().checks();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().last_seq, Seq{5}) << "started, seen, stopped, started, seen";
  EXPECT_TRUE(reader().take_resends()->empty());
}

}  // namespace
}  // namespace tocsin::agent
