// The judge over a journal in memory: what it catches up with, commits, publishes and asks for.
#include "collector/engine/judge_thread.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

#include "collector/engine/same_history.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::Judge;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr std::chrono::milliseconds kLongEnough{20'000};

// An intake as the writer is: appends to the journal and hands over to the judge; the test moves
// its clock.
class DirectIntake final : public collector::Intake {
 public:
  explicit DirectIntake(collector::JournalWriter& journal) : journal_(journal) {}

  Status submit(std::vector<collector::PendingEntry>&& entries,
                std::optional<collector::SpoolCursor>, Done done) override {
    std::vector<collector::CommittedRun> committed;
    collector::Committed positions;
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::string> bodies;
      for (const auto& entry : entries) bodies.push_back(entry.bytes);
      const auto first = journal_.append(bodies, now_, {});
      if (!first) return fail(first.error());
      positions = {*first, {first->value + entries.size() - 1}, now_};
      committed.push_back({*first, now_, std::move(entries)});
    }
    if (Judge* judge = judge_.load()) judge->committed(std::move(committed));
    done(positions);
    return {};
  }
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override {
    collector::Committed answer;
    std::vector<collector::PendingEntry> entries;
    entries.push_back(std::move(entry));
    TOCSIN_TRY(submit(std::move(entries), std::nullopt,
                      [&](const Result<collector::Committed>& done) { answer = done.value(); }));
    return answer;
  }
  Instant journal_now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  void connect(Judge* judge) { judge_ = judge; }
  void set_now(Instant now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }
  collector::Committed put(const model::JournalBody& body) {
    return submit_and_wait({wire::encode_journal(body), body}).value();
  }

 private:
  collector::JournalWriter& journal_;
  std::atomic<Judge*> judge_ = nullptr;
  mutable std::mutex mutex_;
  Instant now_ = kStoryBegins;
};

// A store that fails as often as it is told to.
class FailingStore final : public collector::StateStore {
 public:
  explicit FailingStore(const collector::MemoryState& state) : store_(state.open_store()) {}
  Result<collector::StateSnapshot> load() override {
    if (load_failures > 0) {
      --load_failures;
      return fail(code, "the disk does not answer");
    }
    return store_->load();
  }
  Status commit(const collector::StateDelta& delta) override {
    if (failures > 0) {
      --failures;
      return fail(code, "the disk is full");
    }
    return store_->commit(delta);
  }
  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    return store_->command_result(id);
  }

  std::atomic<int> failures = 0;
  std::atomic<int> load_failures = 0;
  ErrorCode code = ErrorCode::unavailable;

 private:
  std::unique_ptr<collector::StateStore> store_;
};

class JudgeThreadTest : public ::testing::Test {
 protected:
  void start() {
    auto started = collector::JudgeThread::start(
        {*reader_, store_, intake_,
         [](auto, auto) { return Result<model::SitePolicy>(story_policy()); }},
        {[this](const auto& request) { requests_.push_back(request); },
         [this](const auto& look) { looks_.push_back(look); },
         [this](const auto& agent) { revoked_.push_back(agent); }, [this] { ++outbox_changes_; },
         [this](const auto& agent) { admitted_.push_back(agent); }});
    ASSERT_TRUE(started.has_value()) << started.error().message;
    judge_ = std::move(*started);
    intake_.connect(judge_.get());
  }
  void stop() {
    intake_.connect(nullptr);
    judge_.reset();
  }
  void put_policy_and_host() {
    intake_.put(model::PolicyChange{"site", "d", "any", {}});
    intake_.put(model::Command{"admit",
                               {"root", model::Role::admin, ""},
                               0,
                               "",
                               model::AdmitAgent{agent_of("web1"), "web1", "t"}});
    model::AgentPresence heard;
    heard.agent = agent_of("web1");
    heard.since = intake_.journal_now();
    intake_.put(heard);
  }
  collector::Committed sees(model::Observation seen) {
    seen.at = intake_.journal_now();
    model::AgentFact fact;
    fact.agent = agent_of("web1");
    fact.epoch = {1};
    fact.seq = {++seq_};
    fact.fact.body = seen;
    return intake_.put(fact);
  }
  std::vector<model::Incident> incidents() { return state_.open_reader()->incidents({}).value(); }
  // Judged up to the journal's head, ticks included.
  bool is_judged(Position position) { return judge_->wait_for(position, kLongEnough); }

  collector::MemoryJournal journal_;
  collector::MemoryState state_;
  std::unique_ptr<collector::JournalWriter> writer_ = journal_.open_writer();
  std::unique_ptr<collector::JournalReader> reader_ = journal_.open_reader();
  FailingStore store_{state_};
  DirectIntake intake_{*writer_};
  std::uint64_t seq_ = 0;
  std::vector<collector::AgentRequest> requests_;
  std::vector<model::Request> looks_;
  std::vector<AgentId> revoked_;
  std::vector<AgentId> admitted_;
  std::atomic<int> outbox_changes_ = 0;
  std::unique_ptr<Judge> judge_;
};

TEST_F(JudgeThreadTest, JudgesWhatIsHandedOverAndPublishesItAfterTheCommit) {
  start();
  put_policy_and_host();
  const Position last = sees(ports_are({listener(4444, "/usr/bin/nc")})).last;
  ASSERT_TRUE(is_judged(last));
  while (judge_->counters().turns == 0) std::this_thread::yield();  // It says that it goes round.
  EXPECT_THAT(incidents(), SizeIs(1));
  EXPECT_EQ(judge_->policy()->site, "story");
  EXPECT_TRUE(judge_->admission(agent_of("web1")).known);
  EXPECT_EQ(judge_->admission(agent_of("web1")).host_name, "web1");
  EXPECT_FALSE(judge_->admission(agent_of("other")).known);
  EXPECT_FALSE(judge_->failure());
  stop();
  EXPECT_GE(outbox_changes_, 1);
}

// What was over a limit is to be seen, after a restart too.
TEST_F(JudgeThreadTest, SaysWhatTheCoreHasCounted) {
  start();
  put_policy_and_host();
  EXPECT_EQ(judge_->counts()["unknown_policies"], 0U);
  const Position last = intake_.put(model::PolicyChange{"weather", "d", "", {}}).last;
  ASSERT_TRUE(is_judged(last));
  EXPECT_EQ(judge_->counts()["unknown_policies"], 1U);
  stop();
  start();
  EXPECT_EQ(judge_->counts()["unknown_policies"], 1U);
}

TEST_F(JudgeThreadTest, CatchesUpWithTheJournalBeforeItStarts) {
  put_policy_and_host();
  const Position last = sees(ports_are({listener(4444, "/usr/bin/nc")})).last;
  start();
  EXPECT_EQ(judge_->progress().judged, last);
  EXPECT_THAT(incidents(), SizeIs(1));
}

TEST_F(JudgeThreadTest, ATimerThatIsDueGetsATickAndNothingElseIsNeeded) {
  start();
  put_policy_and_host();
  const Position down = sees(service_is("ssh.service", "failed")).last;
  ASSERT_TRUE(is_judged(down));
  EXPECT_THAT(incidents(), SizeIs(0));
  intake_.set_now(kStoryBegins + 60s);
  judge_->committed({});  // Wakes it; its own waiting would do so in a while.
  ASSERT_TRUE(is_judged({down.value + 1}));
  EXPECT_THAT(incidents(), SizeIs(1));
}

TEST_F(JudgeThreadTest, ACommitThatFailsIsFoldedAgainFromWhatIsStored) {
  start();
  put_policy_and_host();
  ASSERT_TRUE(is_judged({3}));
  store_.failures = 1;
  const Position last = sees(ports_are({listener(4444, "/usr/bin/nc")})).last;
  ASSERT_TRUE(is_judged(last));
  ASSERT_THAT(incidents(), SizeIs(1));
  EXPECT_EQ(incidents()[0].id, IncidentId{1});  // Nothing was counted twice.
  EXPECT_THAT(state_.open_reader()->notifications({1}, SIZE_MAX).value(), SizeIs(2));
}

TEST_F(JudgeThreadTest, WhatWasNotCommittedIsNeverSkippedWhileTheStoreCannotBeLoadedEither) {
  start();
  put_policy_and_host();
  ASSERT_TRUE(is_judged({3}));
  store_.load_failures = 2;
  store_.failures = 1;
  sees(ports_are({listener(4444, "/usr/bin/nc")}));
  const Position last = sees(ports_are({listener(4444, "/usr/bin/nc")})).last;
  ASSERT_TRUE(is_judged(last));
  EXPECT_EQ(store_.load_failures, 0);
  ASSERT_THAT(incidents(), SizeIs(1));
  EXPECT_EQ(incidents()[0].id, IncidentId{1});
  EXPECT_THAT(state_.open_reader()->notifications({1}, SIZE_MAX).value(), SizeIs(2));
}

TEST_F(JudgeThreadTest, AStoreThatIsDamagedStopsItAndSaysSo) {
  start();
  put_policy_and_host();
  ASSERT_TRUE(is_judged({3}));
  store_.code = ErrorCode::data_loss;
  store_.failures = 1;
  const Position last = sees(ports_are({listener(4444, "/usr/bin/nc")})).last;
  EXPECT_FALSE(is_judged(last));
  ASSERT_TRUE(judge_->failure());
  EXPECT_EQ(judge_->failure()->code, ErrorCode::data_loss);
}

TEST_F(JudgeThreadTest, AsksAgentsAndEndsTheirStreamsAfterTheCommit) {
  start();
  put_policy_and_host();
  const model::Principal root{"root", model::Role::admin, ""};
  intake_.put(model::Command{"run", root, 0, "",
                             model::RunCheck{agent_of("web1"), {model::CheckKind::sockets, ""}}});
  const Position last =
      intake_.put(model::Command{"revoke", root, 0, "", model::RevokeAgent{agent_of("web1")}}).last;
  ASSERT_TRUE(is_judged(last));
  EXPECT_TRUE(judge_->admission(agent_of("web1")).revoked);
  stop();  // The hooks are called on its thread.
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0].agent, agent_of("web1"));
  EXPECT_THAT(looks_, SizeIs(0)) << "the collector has nothing to look at";
  EXPECT_THAT(revoked_, ElementsAre(agent_of("web1")));
  EXPECT_THAT(admitted_, ElementsAre(agent_of("web1")));
}

// The link knows what agents were asked only as long as its process lives.
TEST_F(JudgeThreadTest, AsksAgainAfterARestartWhatWasNotAnswered) {
  start();
  put_policy_and_host();
  const model::Principal root{"root", model::Role::admin, ""};
  const model::Principal chen{"chen", model::Role::officer, ""};
  const AgentId web = agent_of("web1");
  intake_.put(
      model::Command{"run", chen, 0, "", model::RunCheck{web, {model::CheckKind::sockets, ""}}});
  intake_.put(model::Command{"restart", chen, 0, "", model::RestartService{web, "ssh.service"}});
  const Position last = intake_
                            .put(model::Command{"collect", chen, 0, "M-11",
                                                model::CollectEvidence{web, {}, 12h, 10min}})
                            .last;
  ASSERT_TRUE(is_judged(last));
  stop();
  const auto asked = std::exchange(requests_, {});
  ASSERT_THAT(asked, SizeIs(3));

  intake_.set_now(kStoryBegins + 20s);
  start();
  stop();
  auto again = std::exchange(requests_, {});
  ASSERT_THAT(again, SizeIs(3));
  for (collector::AgentRequest& request : again) request.request.expires_in += 20s;
  EXPECT_THAT(again, UnorderedElementsAreArray(asked));

  // One is answered, while nobody judged: in the journal's tail.
  model::AgentFact answer;
  answer.agent = web;
  answer.epoch = {1};
  answer.seq = {++seq_};
  answer.fact.body = model::RequestResult{
      asked[1].request.request_id, model::RequestOutcome::done, {"request.done", {}}, {}};
  intake_.put(answer);
  start();
  stop();
  EXPECT_THAT(std::exchange(requests_, {}), SizeIs(2));

  // The life of another is over.
  intake_.set_now(kStoryBegins + 2min);
  start();
  stop();
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0].request.request_id, asked[2].request.request_id);
  EXPECT_EQ(requests_[0].request.expires_in, Duration(8min));

  start();
  ASSERT_TRUE(
      is_judged(intake_.put(model::Command{"revoke", root, 0, "", model::RevokeAgent{web}}).last));
  stop();
  requests_.clear();
  start();
  stop();
  EXPECT_THAT(requests_, SizeIs(0)) << "a revoked agent is asked nothing";
}

// A state that was put back from a copy has a tail of hours to judge: what was asked in it is over
// or was answered.
TEST_F(JudgeThreadTest, WhatWasAskedInATailThatIsJudgedLateIsNotAskedAgainForNothing) {
  start();
  put_policy_and_host();
  stop();
  const model::Principal chen{"chen", model::Role::officer, ""};
  const AgentId web = agent_of("web1");
  const auto restart = [&](const char* id) {
    return intake_.put(model::Command{id, chen, 0, "", model::RestartService{web, "ssh.service"}});
  };
  restart("over");
  intake_.set_now(kStoryBegins + 5h);
  const Position answered = restart("answered").last;
  model::AgentFact answer;
  answer.agent = web;
  answer.epoch = {1};
  answer.seq = {++seq_};
  answer.fact.body = model::RequestResult{std::to_string(answered.value) + ".answered",
                                          model::RequestOutcome::done,
                                          {"request.done", {}},
                                          {}};
  intake_.put(answer);
  const Position open = restart("open").last;
  start();
  ASSERT_TRUE(is_judged(writer_->head()));
  stop();
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0].request.request_id, std::to_string(open.value) + ".open");
}

TEST_F(JudgeThreadTest, AStateThatIsAheadOfTheJournalIsRefused) {
  start();
  put_policy_and_host();
  ASSERT_TRUE(is_judged(writer_->head()));
  stop();
  const auto snapshot = store_.load().value();
  const collector::MemoryJournal older;
  const auto reader = older.open_reader();
  const auto begun = [&] {
    return collector::JudgeThread::start(
        {*reader, store_, intake_,
         [](auto, auto) { return Result<model::SitePolicy>(story_policy()); }},
        {});
  };
  const auto refused = begun();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("older copy"));
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("move state.db away"));
  EXPECT_EQ(store_.load().value().cursor, snapshot.cursor) << "nothing was changed";

  // It went another way and has as many entries by now.
  const auto writer = older.open_writer();
  const std::vector<std::string> ticks(snapshot.cursor.value + 2,
                                       wire::encode_journal(model::Tick{}));
  ASSERT_TRUE(writer->append(ticks, kStoryBegins + 1h, {}));
  const auto other = begun();
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, ::testing::HasSubstr("do not belong together"));
}

// Where its oldest segments were dropped: as in a file that begins later.
class DroppedJournal final : public collector::JournalReader {
 public:
  DroppedJournal(collector::JournalReader& whole, Position first) : whole_(whole), first_(first) {}
  Result<std::vector<collector::StoredEntry>> read(Position from, std::size_t entries,
                                                   std::size_t bytes) override {
    return whole_.read(std::max(from, first_), entries, bytes);
  }
  Result<collector::ChainReport> verify() override { return whole_.verify(); }

 private:
  collector::JournalReader& whole_;
  Position first_;
};

TEST_F(JudgeThreadTest, AStateThatIsOlderThanWhatIsKeptOfTheJournalIsRefused) {
  put_policy_and_host();
  ASSERT_EQ(writer_->head(), Position{3});
  DroppedJournal kept(*reader_, Position{3});
  EXPECT_FALSE(collector::same_history(kept, Position{}, Instant{}));
  const auto gap = collector::same_history(kept, Position{1}, kStoryBegins);
  ASSERT_FALSE(gap);
  EXPECT_THAT(gap.error().message, ::testing::HasSubstr("begins at entry 3"));
  EXPECT_TRUE(collector::same_history(kept, Position{2}, kStoryBegins));
  EXPECT_TRUE(collector::same_history(kept, Position{3}, kStoryBegins));
  EXPECT_FALSE(collector::same_history(kept, Position{3}, kStoryBegins + 1ns));
}

TEST_F(JudgeThreadTest, ReplayingTheJournalFromEmptyGivesTheSameBytes) {
  start();
  put_policy_and_host();
  sees(service_is("ssh.service", "failed"));
  for (int minute = 1; minute <= 40; ++minute) {
    intake_.set_now(kStoryBegins + std::chrono::minutes(minute));
    sees(ports_are({listener(static_cast<std::uint16_t>(4000 + minute), "/usr/bin/nc")}));
  }
  ASSERT_TRUE(is_judged(writer_->head()));
  stop();
  const std::string bytes = Story::state_bytes_of(state_);
  const Position head = writer_->head();

  collector::MemoryState fresh;
  FailingStore store(fresh);
  DirectIntake quiet(*writer_);
  auto replayed = collector::JudgeThread::start(
      {*reader_, store, quiet,
       [](auto, auto) { return Result<model::SitePolicy>(story_policy()); }},
      {});
  ASSERT_TRUE(replayed.has_value());
  EXPECT_GE((*replayed)->progress().judged, head);
  replayed->reset();
  EXPECT_EQ(Story::state_bytes_of(fresh), bytes);
}

TEST_F(JudgeThreadTest, FactsComeAsBytesAndOneThatCannotBeReadIsCounted) {
  start();
  put_policy_and_host();
  model::Observation seen = ports_are({listener(4444, "/usr/bin/nc")});
  seen.at = intake_.journal_now();
  model::Fact fact;
  fact.body = seen;
  std::vector<collector::PendingEntry> facts;
  facts.push_back({wire::encode_agent_fact(agent_of("web1"), {1}, {1}, "\xff\xff no fact"), {}});
  facts.push_back(
      {wire::encode_agent_fact(agent_of("web1"), {1}, {2}, wire::encode_fact(fact)), {}});
  ASSERT_TRUE(intake_.submit(std::move(facts), std::nullopt, [](const auto&) {}));
  ASSERT_TRUE(is_judged({5}));
  EXPECT_THAT(incidents(), SizeIs(1));
  EXPECT_EQ(judge_->progress().unknown_facts, 1U);
  EXPECT_EQ(judge_->counters().entries, 5U);
  EXPECT_EQ(judge_->counters().waiting_entries, 0U);
}

TEST_F(JudgeThreadTest, AnEntryThatCannotBeReadIsCountedAndTheNextIsJudged) {
  const std::vector<std::string> bodies{"\xff\xff not an entry"};
  ASSERT_TRUE(writer_->append(bodies, kStoryBegins, {}).has_value());
  start();
  put_policy_and_host();
  ASSERT_TRUE(is_judged({4}));
  EXPECT_EQ(judge_->progress().unknown_entries, 1U);
}

}  // namespace
}  // namespace tocsin::tests
