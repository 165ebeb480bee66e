// Collections asked for one after the other, with threads and an outbox that are real.
#include "agent/app/evidence_job.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_time.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using model::RequestOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What was posted, run by the test's thread as the observer's loop does.
struct Loop {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> posted;

  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    posted.push_back(std::move(work));
    changed.notify_all();
  }
  void run_one() {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [this] { return !posted.empty(); }));
    const auto work = std::move(posted.front());
    posted.pop_front();
    lock.unlock();
    work();
  }
};

std::string word_of(RequestOutcome outcome) {
  return outcome == RequestOutcome::done     ? "done"
         : outcome == RequestOutcome::failed ? "failed"
                                             : "refused";
}

// Collections that wait until they are let go.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened{open.get_future()};
};

class Job : public testing::Test {
 protected:
  void SetUp() override { config_.evidence_folder = temp_.file("evidence"); }

  std::unique_ptr<EvidenceJob> job(EvidenceJob::Collect collect) {
    return std::make_unique<EvidenceJob>(
        config_, time_, "boot",
        [loop = loop_](std::function<void()> work) { loop->post(std::move(work)); },
        std::move(collect));
  }
  static Collected take(const EvidencePlace& place) {
    fs::create_directory(place.folder);
    std::ofstream(place.folder + "/MANIFEST") << "x";
    Collected done;
    done.agent = "a";
    return done;
  }
  std::optional<model::Message> begin(EvidenceJob& job, const std::string& id) {
    return job.begin(id, {}, {"/opt/app.log"},
                     [this](RequestOutcome outcome, const model::Message& message) {
                       answers_.push_back(word_of(outcome) + " " + message.code);
                     });
  }

  tests::TempDir temp_;
  tests::FakeTime time_;
  ObserverConfig config_;
  std::shared_ptr<Loop> loop_ = std::make_shared<Loop>();
  std::vector<std::string> answers_;
};

TEST_F(Job, OneThatHangsIsAnsweredAndTheNextOneIsTaken) {
  Gate gate;
  const auto job =
      this->job([&, opened = gate.opened](const EvidenceOrder& order, const EvidencePlace& place) {
        const Collected done = take(place);
        if (order.request == "hangs") opened.wait();
        return Result<Collected>(done);
      });
  EXPECT_FALSE(begin(*job, "first"));
  loop_->run_one();
  EXPECT_FALSE(begin(*job, "hangs"));
  EXPECT_EQ(begin(*job, "meanwhile")->code, "evidence.busy");
  time_.advance(kLongestCollection + kLastWords + 1s);
  job->look(time_.steady());
  EXPECT_THAT(answers_, ElementsAre("done evidence.collected", "failed evidence.hung"));
  EXPECT_FALSE(begin(*job, "later"));
  loop_->run_one();
  EXPECT_EQ(answers_.back(), "done evidence.collected");
  // It ends after all: answered once, and what nobody waits for any more is not sent.
  gate.open.set_value();
  loop_->run_one();
  EXPECT_EQ(answers_.size(), 3U);
  const EvidenceOutbox outbox(config_.evidence_folder);
  EXPECT_THAT(outbox.ready(), testing::UnorderedElementsAre("first", "later"));
  EXPECT_FALSE(fs::exists(outbox.part_folder("hangs")));
}

TEST_F(Job, HasTheLogsThatChecksWatch) {
  std::vector<std::string> logs;
  const auto job = this->job([&](const EvidenceOrder&, const EvidencePlace& place) {
    logs = place.watched_logs;
    return Result<Collected>(take(place));
  });
  EXPECT_FALSE(begin(*job, "first"));
  loop_->run_one();
  EXPECT_THAT(logs, ElementsAre("/opt/app.log"));
}

TEST_F(Job, SoManyThatHangEndIt) {
  Gate gate;
  const auto job =
      this->job([opened = gate.opened](const EvidenceOrder& order, const EvidencePlace& place) {
        const Collected done = take(place);
        if (order.request != "first") opened.wait();
        return Result<Collected>(done);
      });
  EXPECT_FALSE(begin(*job, "first"));
  loop_->run_one();
  for (std::size_t i = 0; i < kMostHungCollections; ++i) {
    EXPECT_FALSE(begin(*job, "hangs" + std::to_string(i)));
    time_.advance(kLongestCollection + kLastWords + 1s);
    job->look(time_.steady());
  }
  EXPECT_EQ(begin(*job, "more")->code, "evidence.hung_before");
  gate.open.set_value();
  for (std::size_t i = 0; i < kMostHungCollections; ++i) loop_->run_one();
  EXPECT_FALSE(begin(*job, "more"));
  loop_->run_one();
  EXPECT_EQ(answers_.back(), "done evidence.collected");
}

TEST_F(Job, OneThatIsOnlyLongIsCutShortFirst) {
  const auto job = this->job([](const EvidenceOrder&, const EvidencePlace& place) {
    std::promise<void> stopped;
    const std::stop_callback stop(place.stop, [&] { stopped.set_value(); });
    stopped.get_future().wait();
    return Result<Collected>(take(place));
  });
  EXPECT_FALSE(begin(*job, "long"));
  time_.advance(kLongestCollection + 1s);
  job->look(time_.steady());
  loop_->run_one();
  EXPECT_THAT(answers_, ElementsAre("done evidence.collected"));
}

// A damaged outbox: said in the answer, and looked at anew at the next request.
TEST_F(Job, AnOutboxThatCannotBeMadeRefusesUntilItCan) {
  std::ofstream(config_.evidence_folder) << "not a folder";
  const auto job = this->job([](const EvidenceOrder&, const EvidencePlace& place) {
    return Result<Collected>(take(place));
  });
  EXPECT_FALSE(begin(*job, "one"));
  loop_->run_one();
  EXPECT_THAT(answers_, ElementsAre("refused evidence.failed"));
  fs::remove(config_.evidence_folder);
  EXPECT_FALSE(begin(*job, "two"));
  loop_->run_one();
  EXPECT_THAT(answers_, ElementsAre("refused evidence.failed", "done evidence.collected"));
}

TEST_F(Job, OneThatFailsLeavesNothingBehind) {
  const auto job = this->job([](const EvidenceOrder&, const EvidencePlace& place) {
    static_cast<void>(take(place));
    return Result<Collected>(fail(ErrorCode::resource_exhausted, "no space left"));
  });
  EXPECT_FALSE(begin(*job, "one"));
  loop_->run_one();
  EXPECT_THAT(answers_, ElementsAre("failed evidence.failed"));
  EXPECT_THAT(EvidenceOutbox(config_.evidence_folder).ready(), IsEmpty());
  EXPECT_FALSE(fs::exists(EvidenceOutbox(config_.evidence_folder).part_folder("one")));
}

}  // namespace
}  // namespace tocsin::agent
