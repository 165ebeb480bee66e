// Evidence from the outbox of a host into the collector's store, over the real transport.
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/evidence/collect.hpp"
#include "agent/evidence/outbox.hpp"
#include "collector/evidence/store.hpp"
#include "collector/evidence/verify.hpp"
#include "collector/operate/workers.hpp"
#include "common/evidence/seal.hpp"
#include "tests/integration/link/room.hpp"

namespace tocsin::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kRequest = "7.c1";
constexpr const char* kSecond = "8.c2";

// A room whose collector keeps evidence, and one agent with a host of real files.
class EvidenceLink : public testing::Test {
 protected:
  void SetUp() override {
    agent_ = room_.add_agent();
    room_.stop_collector();
    room_.evidence = &door_;
    room_.start_collector();
    outbox_ = agent::EvidenceOutbox(agent_.folder + "/evidence");
    ASSERT_TRUE(outbox_.prepare());
  }
  void TearDown() override {
    link_.reset();
    room_.stop_collector();
    workers_.stop();
  }

  // The host collects: a log of so many random bytes, beside what every host has.
  void collect(std::size_t bytes, const std::string& request = kRequest) {
    const std::string root = room_.folder("host");
    fs::create_directories(root + "/var/log");
    std::mt19937_64 random(7);
    std::string log(bytes, '\0');
    for (char& byte : log) byte = static_cast<char>(random());
    std::ofstream(root + "/var/log/large.log", std::ios::binary) << log;
    agent::EvidencePlace place{time_, outbox_.part_folder(request)};
    place.root = root;
    place.key_file = agent_.folder + "/key.pem";
    agent::EvidenceOrder order;
    order.request = request;
    const auto done = agent::collect_evidence(order, place);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(outbox_.finish(request));
    manifest_ = done->manifest;
    bytes_ = done->bytes;
  }
  void start_link() {
    agent::LinkConfig config = room_.config(agent_);
    config.evidence_folder = agent_.folder + "/evidence";
    link_ = std::make_unique<RunningLink>(room_, agent_, std::move(config));
  }
  std::vector<model::EvidenceEvent> journal() {
    const std::lock_guard lock(mutex_);
    return journal_;
  }
  bool is_kept() {
    return outbox_.ready().empty() && !journal().empty() &&
           journal().back().act == model::CustodyAct::received;
  }
  // What the store has is what the host signed.
  void expect_whole() {
    model::Evidence record;
    record.agent = agent_.id;
    record.manifest = manifest_;
    const auto check = collector::verify_evidence(*store_, record);
    EXPECT_TRUE(check.damages.empty());
    EXPECT_GE(check.bytes, bytes_);
  }

  collector::UploadParts upload_parts() {
    return {*store_,
            [this](const AgentId& who,
                   const std::string& request) -> Result<std::optional<model::Evidence>> {
              const bool ours = request == kRequest || request == kSecond;
              if (who != agent_.id || !ours || !asked_) return std::nullopt;
              return model::Evidence{};
            },
            [this](const AgentId&) { return Result<std::uint64_t>(had_.load()); },
            [this](const model::EvidenceEvent& event) -> Status {
              std::unique_lock lock(mutex_);
              changed_.wait(lock, [this] { return !held_; });
              journal_.push_back(event);
              return {};
            }};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<model::EvidenceEvent> journal_;
  std::atomic<bool> asked_{true};
  std::atomic<std::uint64_t> had_{0};  // bytes of this agent's, of limits_.agent_bytes
  std::atomic<bool> admitted_{true};
  std::atomic<int> messages_{0};
  std::atomic<int> break_every_{0};  // messages; 0: never

  time::SystemTime time_;
  Room room_;
  collector::EvidenceLimits limits_{1 << 28, 1 << 28, 1 << 27, 0};
  std::unique_ptr<collector::EvidenceStore> store_ =
      collector::EvidenceStore::open(room_.folder("store"), limits_).value();
  collector::Workers workers_{2, 16};
  collector::EvidenceDoor door_{{upload_parts(),
                                 [this](const AgentId&) { return admitted_.load(); },
                                 [this](std::function<void()> job) {
                                   const int every = break_every_;
                                   const int message = ++messages_;
                                   if (every > 0 && message % every == 0) return false;
                                   return workers_.post(std::move(job));
                                 }}};
  TestAgent agent_;
  agent::EvidenceOutbox outbox_{""};
  std::string manifest_;
  std::uint64_t bytes_ = 0;
  std::unique_ptr<RunningLink> link_;
};

TEST_F(EvidenceLink, ACollectionArrivesWholeAndLeavesTheHost) {
  collect(6 << 20);
  start_link();
  ASSERT_TRUE(eventually([this] { return is_kept(); }));
  expect_whole();
  EXPECT_EQ(journal().size(), 1U);
  EXPECT_EQ(journal()[0].manifest, manifest_);
  EXPECT_EQ(journal()[0].agent, agent_.id);
  EXPECT_THAT(outbox_.ready(), IsEmpty());
  EXPECT_TRUE(link_->stop());
}

// The stream breaks after every few messages: each time it goes on where the collector is.
TEST_F(EvidenceLink, ManyBreaksCostNothingOfWhatHadArrived) {
  collect(5 << 20);
  break_every_ = 17;
  start_link();
  ASSERT_TRUE(eventually([this] { return is_kept(); }, 30s));
  expect_whole();
  EXPECT_EQ(journal().size(), 1U);
  // 40 chunks of the log: sending all of it anew after each break would never end.
  EXPECT_LT(messages_, 200);
}

TEST_F(EvidenceLink, ACollectorThatComesBackGetsTheRest) {
  collect(8 << 20);
  start_link();
  ASSERT_TRUE(eventually([this] { return messages_ >= 10; }));
  room_.stop_collector();
  room_.start_collector();
  ASSERT_TRUE(eventually([this] { return is_kept(); }, 30s));
  expect_whole();
}

// Facts do not wait for evidence, whatever the evidence waits for.
TEST_F(EvidenceLink, FactsGoOnWhileEvidenceIsHeldUp) {
  collect(1 << 20);
  {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  start_link();
  const auto spool = open_spool(agent_);
  ASSERT_TRUE(eventually([this] { return door_.streams() == 1 && messages_ >= 9; }));
  append_facts(*spool, 100);
  ASSERT_TRUE(eventually([&] { return spool->status().value().rows == 0; }));
  EXPECT_EQ(room_.intake.facts(), 100U);
  EXPECT_THAT(outbox_.ready(), ElementsAre(kRequest));  // Not said to be kept before it is.
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  changed_.notify_all();
  ASSERT_TRUE(eventually([this] { return is_kept(); }));
}

TEST_F(EvidenceLink, WhatNobodyAskedForIsSetAsideOnItsHost) {
  asked_ = false;
  collect(1000);
  start_link();
  ASSERT_TRUE(eventually([this] { return outbox_.ready().empty(); }));
  EXPECT_TRUE(fs::exists(agent_.folder + "/evidence/refused." + kRequest));
  EXPECT_THAT(journal(), IsEmpty());
}

// The older one does not fit for now: the newer one does not wait for it.
TEST_F(EvidenceLink, OneThatIsRefusedForNowKeepsNoOtherWaiting) {
  had_ = limits_.agent_bytes - (4 << 20);
  collect(8 << 20);
  collect(1000, kSecond);
  start_link();
  ASSERT_TRUE(eventually([this] { return outbox_.ready() == std::vector<std::string>{kRequest}; }));
  ASSERT_EQ(journal().size(), 2U);
  EXPECT_EQ(journal()[0].detail.code, "evidence.quota");
  EXPECT_EQ(journal()[1].act, model::CustodyAct::received);
  EXPECT_THAT(outbox_.refused(), IsEmpty());
  expect_whole();
}

TEST_F(EvidenceLink, AFileThatChangedOnTheHostIsNotSent) {
  collect(300'000);
  const auto manifest = evidence::parse_manifest(outbox_.sealed(kRequest).value().manifest).value();
  const auto log = std::find_if(manifest.items.begin(), manifest.items.end(),
                                [](const auto& item) { return item.bytes == 300'000; });
  const std::string file = agent_.folder + "/evidence/ready." + kRequest + "/" + log->file;
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary | std::ios::in).put('x');
  start_link();
  ASSERT_TRUE(eventually([this] { return !journal().empty(); }));
  EXPECT_EQ(journal()[0].act, model::CustodyAct::refused);
  EXPECT_EQ(journal()[0].detail.code, "evidence.bad_item");
  EXPECT_EQ(journal()[0].detail.parameters[0].value, log->file);
  EXPECT_FALSE(store_->has(log->sha256));
  ASSERT_TRUE(eventually([this] { return outbox_.ready().empty(); }));
}

TEST_F(EvidenceLink, AnAgentThatIsNotAdmittedSendsNothing) {
  admitted_ = false;
  collect(1000);
  start_link();
  const auto stub = room_.stub(agent_);
  grpc::ClientContext context;
  const auto stream = stub->UploadEvidence(&context);
  v1::EvidenceUp up;
  up.mutable_offer()->set_request_id(kRequest);
  stream->Write(up);
  v1::EvidenceDown down;
  EXPECT_FALSE(stream->Read(&down));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(outbox_.ready(), ElementsAre(kRequest));
  EXPECT_EQ(store_->used_bytes(), 0U);
}

TEST_F(EvidenceLink, TheLinkStopsInTheMiddleOfIt) {
  collect(8 << 20);
  {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  start_link();
  ASSERT_TRUE(eventually([this] { return messages_ >= 5; }));
  EXPECT_TRUE(link_->stop());
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  changed_.notify_all();
}

}  // namespace
}  // namespace tocsin::tests
