#include "agent/spool/spool.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/spool/bell.hpp"
#include "common/base/limits.hpp"
#include "common/net/fd.hpp"
#include "common/sqlite/sqlite.hpp"
#include "common/wire/wire.hpp"
#include "tests/integration/agent_spool/full_disk_vfs.hpp"
#include "tests/support/fake_time.hpp"

namespace tocsin::agent {
namespace {

using model::Priority;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/tocsin-spool-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/spool.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Spool> open(SpoolOptions options = {}) const {
    Result<std::unique_ptr<Spool>> spool = Spool::open(path_, options);
    EXPECT_TRUE(spool) << (spool ? "" : spool.error().message);
    return spool ? std::move(*spool) : nullptr;
  }

  std::string folder_;
  std::string path_;
};

SpoolOptions at_most(std::uint64_t bytes) {
  SpoolOptions options;
  options.max_bytes = bytes;
  return options;
}

NewFact fact(std::string bytes, Priority priority = Priority::normal) {
  return NewFact{std::move(bytes), priority};
}

Result<Seq> append(Spool& spool, std::vector<NewFact> facts) { return spool.append(facts, {}, {}); }

std::vector<std::string> contents(Spool& spool, Seq from = Seq{1}) {
  const std::vector<SpoolRow> rows = spool.read(from, 1000, 100 << 20).value();
  std::vector<std::string> bytes;
  for (const SpoolRow& row : rows) bytes.push_back(row.bytes);
  return bytes;
}

// What the fact that began the epoch says.
std::string carried(Spool& spool) {
  const auto first = wire::decode_fact(contents(spool).front());
  const auto& event = std::get<model::AgentEvent>(first.value().body).event;
  EXPECT_EQ(event.code, "spool.epoch_begun");
  return event.parameters.front().value;
}

CheckRow check_row(model::CheckKind kind, std::string target) {
  CheckRow row;
  row.check = {kind, std::move(target)};
  row.digest = std::string(32, 'd');
  row.told = true;
  return row;
}

model::Request request(std::string id, Duration expires_in = 60s) {
  model::Request request;
  request.request_id = std::move(id);
  request.expires_in = expires_in;
  request.act.emplace<model::CheckDefinition>().check = {model::CheckKind::sockets, ""};
  return request;
}

TEST_F(SpoolTest, NumbersFactsWithoutGapsAcrossRestarts) {
  auto spool = open();
  EXPECT_EQ(append(*spool, {fact("a"), fact("b")}).value(), Seq{2});
  const Epoch epoch = spool->status().value().epoch;
  EXPECT_TRUE(epoch);
  spool = open();
  EXPECT_EQ(append(*spool, {fact("c")}).value(), Seq{3});
  const SpoolStatus status = spool->status().value();
  EXPECT_EQ(status.epoch, epoch);
  EXPECT_EQ(status.first, Seq{1});
  EXPECT_EQ(status.last, Seq{3});
  EXPECT_EQ(status.rows, 3U);
  EXPECT_TRUE(status.oldest);
  EXPECT_THAT(contents(*spool), ElementsAre("a", "b", "c"));
}

TEST_F(SpoolTest, AnEmptySpoolStartsAfterItsLastNumber) {
  auto spool = open();
  EXPECT_EQ(spool->status().value().first, Seq{1});
  EXPECT_EQ(spool->status().value().last, Seq{0});
  ASSERT_TRUE(append(*spool, {fact("a"), fact("b")}));
  ASSERT_TRUE(spool->acknowledge(spool->status().value().epoch, Seq{2}));
  const SpoolStatus status = spool->status().value();
  EXPECT_EQ(status.first, Seq{3});
  EXPECT_EQ(status.last, Seq{2});
  EXPECT_EQ(status.rows, 0U);
  EXPECT_EQ(status.bytes, 0U);
  EXPECT_FALSE(status.oldest);
}

TEST_F(SpoolTest, FactsCursorsAndChecksCommitTogetherOrNotAtAll) {
  auto spool = open(at_most(4000));
  const std::vector<NewFact> facts{fact("a")};
  const std::vector<ReaderCursor> cursors{{"audit:/var/log/x", "17"}};
  CheckRow check;
  check.check = {model::CheckKind::service, "ssh.service"};
  check.digest = "digest";
  check.interval = 30s;
  check.last_seq = Seq{1};
  ASSERT_TRUE(spool->append(facts, cursors, {&check, 1}));
  EXPECT_EQ(spool->cursor("audit:/var/log/x").value(), "17");
  EXPECT_EQ(spool->cursor("other").value(), std::nullopt);
  ASSERT_EQ(spool->checks().value().size(), 1U);
  EXPECT_EQ(spool->checks().value()[0].check, check.check);
  EXPECT_EQ(spool->checks().value()[0].interval, 30s);
  EXPECT_EQ(spool->checks().value()[0].last_seq, Seq{1});

  const std::vector<NewFact> too_much{fact(std::string(5000, 'x'))};
  const std::vector<ReaderCursor> moved{{"audit:/var/log/x", "5017"}};
  const Result<Seq> refused = spool->append(too_much, moved, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(spool->cursor("audit:/var/log/x").value(), "17");

  const std::vector<ReaderCursor> removed{{"audit:/var/log/x", ""}};
  ASSERT_TRUE(spool->append({}, removed, {}));
  EXPECT_EQ(spool->cursor("audit:/var/log/x").value(), std::nullopt);
}

TEST_F(SpoolTest, KeepsRoomForWhatMattersMore) {
  auto spool = open(at_most(10000));
  const std::string kilobyte(1000 - 32, 'x');
  const auto fits = [&](Priority priority) { return !!append(*spool, {fact(kilobyte, priority)}); };
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(fits(Priority::low)) << i;
  EXPECT_FALSE(fits(Priority::low));
  EXPECT_TRUE(fits(Priority::normal));
  const Result<Seq> second = append(*spool, {fact(kilobyte, Priority::normal)});
  EXPECT_FALSE(second);  // The record of the first loss took the room.
  EXPECT_TRUE(fits(Priority::critical));
  EXPECT_FALSE(fits(Priority::critical));
}

TEST_F(SpoolTest, ALossIsToldBeforeTheNextFactsAndSurvivesARestart) {
  auto spool = open(at_most(2000));
  EXPECT_FALSE(append(*spool, {fact(std::string(2000, 'x')), fact("y")}));
  EXPECT_FALSE(append(*spool, {fact(std::string(2000, 'x'))}));
  EXPECT_TRUE(spool->status().value().full);
  spool = open(at_most(2000));
  EXPECT_TRUE(spool->status().value().full);
  ASSERT_TRUE(append(*spool, {fact("z")}));
  EXPECT_FALSE(spool->status().value().full);
  const std::vector<std::string> rows = contents(*spool);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1], "z");
  const model::Fact told = wire::decode_fact(rows[0]).value();
  ASSERT_TRUE(std::holds_alternative<model::SpoolLoss>(told.body));
  EXPECT_EQ(std::get<model::SpoolLoss>(told.body).count, 3U);
  EXPECT_EQ(std::get<model::SpoolLoss>(told.body).cause.code, "spool.full");
  EXPECT_FALSE(told.boot_id.empty());
}

// What the next look says again is refused for a while, and not gone.
TEST_F(SpoolTest, WhatIsSeenAgainIsLateAndNotLost) {
  auto spool = open(at_most(2000));
  NewFact state = fact(std::string(2000, 'x'));
  state.seen_again = true;
  EXPECT_FALSE(append(*spool, {state}));
  EXPECT_FALSE(append(*spool, {state}));
  EXPECT_TRUE(spool->status().value().full);
  spool = open(at_most(2000));
  EXPECT_TRUE(spool->status().value().full);
  ASSERT_TRUE(append(*spool, {fact("z")}));
  EXPECT_FALSE(spool->status().value().full);
  EXPECT_THAT(contents(*spool), ElementsAre("z"));
}

TEST_F(SpoolTest, WhatWasNotSeenAgainIsLost) {
  auto spool = open(at_most(2000));
  NewFact state = fact(std::string(2000, 'x'));
  state.seen_again = true;
  const Result<Seq> refused = append(*spool, {state, fact("an event")});
  ASSERT_FALSE(refused);
  spool->lose(1, refused.error());
  ASSERT_TRUE(append(*spool, {fact("z")}));
  const std::vector<std::string> rows = contents(*spool);
  ASSERT_EQ(rows.size(), 2U);
  const model::Fact told = wire::decode_fact(rows[0]).value();
  EXPECT_EQ(std::get<model::SpoolLoss>(told.body).count, 2U);
  EXPECT_EQ(std::get<model::SpoolLoss>(told.body).cause.code, "spool.full");
}

TEST_F(SpoolTest, AFullDiskIsSaidAndCounted) {
  SpoolOptions options;
  options.vfs = tests::full_disk_vfs();
  auto spool = open(options);
  ASSERT_TRUE(append(*spool, {fact("a")}));
  tests::set_disk_full(true);
  const Result<Seq> refused = append(*spool, {fact(std::string(100000, 'x'))});
  tests::set_disk_full(false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(spool->status().value().full);
  const std::vector<ReaderCursor> cursors{{"reader", "1"}};
  ASSERT_TRUE(spool->append({}, cursors, {}));  // Writes no fact, so it tells of no loss.
  EXPECT_TRUE(spool->status().value().full);
  ASSERT_TRUE(append(*spool, {fact("b")}));
  const std::vector<std::string> rows = contents(*spool);
  ASSERT_EQ(rows.size(), 3U);
  const model::Fact told = wire::decode_fact(rows[1]).value();
  EXPECT_EQ(std::get<model::SpoolLoss>(told.body).count, 1U);
  EXPECT_EQ(rows[2], "b");
}

TEST_F(SpoolTest, RefusesAFactThatNoMessageCanCarry) {
  auto spool = open();
  const Result<Seq> refused = append(*spool, {fact(std::string((1 << 20) + 1, 'x'))});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(spool->status().value().full);
}

TEST_F(SpoolTest, ReadsWithinLimitsButAlwaysOneRow) {
  auto spool = open();
  ASSERT_TRUE(append(*spool, {fact("aaaa"), fact("bbbb"), fact("cccc")}));
  EXPECT_EQ(spool->read(Seq{1}, 2, 1000).value().size(), 2U);
  EXPECT_EQ(spool->read(Seq{1}, 10, 8).value().size(), 2U);
  EXPECT_EQ(spool->read(Seq{2}, 10, 1).value().size(), 1U);
  EXPECT_EQ(spool->read(Seq{2}, 10, 1).value()[0].seq, Seq{2});
  EXPECT_TRUE(spool->read(Seq{4}, 10, 100).value().empty());
}

TEST_F(SpoolTest, AcknowledgedRowsGoAndWrongAcknowledgementsAreRefused) {
  auto spool = open();
  ASSERT_TRUE(append(*spool, {fact("a"), fact("b"), fact("c")}));
  const Epoch epoch = spool->status().value().epoch;
  ASSERT_TRUE(spool->acknowledge(epoch, Seq{2}));
  ASSERT_TRUE(spool->acknowledge(epoch, Seq{1}));  // late: nothing left to do
  EXPECT_THAT(contents(*spool), ElementsAre("c"));
  EXPECT_EQ(spool->acknowledge(Epoch{epoch.value + 2}, Seq{3}).error().code,
            ErrorCode::failed_precondition);
  EXPECT_EQ(spool->acknowledge(epoch, Seq{4}).error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(contents(*spool), ElementsAre("c"));
}

TEST_F(SpoolTest, ANewEpochNumbersUnsentFactsFromOne) {
  auto spool = open();
  ASSERT_TRUE(append(*spool, {fact("a"), fact("b"), fact("c")}));
  const Epoch before = spool->status().value().epoch;
  ASSERT_TRUE(spool->acknowledge(before, Seq{1}));
  const Epoch after = spool->begin_new_epoch().value();
  EXPECT_NE(after, before);
  const SpoolStatus status = spool->status().value();
  EXPECT_EQ(status.epoch, after);
  EXPECT_EQ(status.first, Seq{1});
  EXPECT_EQ(status.last, Seq{3});
  EXPECT_EQ(carried(*spool), "2");
  EXPECT_THAT(contents(*spool, Seq{2}), ElementsAre("b", "c"));
  EXPECT_EQ(append(*spool, {fact("d")}).value(), Seq{4});
  ASSERT_TRUE(spool->acknowledge(after, Seq{4}));
  spool->begin_new_epoch().value();
  EXPECT_EQ(carried(*spool), "0");
  EXPECT_EQ(append(*spool, {fact("e")}).value(), Seq{2});
  EXPECT_EQ(spool->status().value().rows, 2U);
}

TEST_F(SpoolTest, ANewEpochWantsAllResultsAgainAndForgetsTheirOldNumbers) {
  auto spool = open();
  const CheckRow sockets = check_row(model::CheckKind::sockets, "");
  const CheckRow ssh = check_row(model::CheckKind::service, "ssh.service");
  const NewFact one = fact("a");
  ASSERT_TRUE(spool->append({&one, 1}, {}, {&sockets, 1}));
  ASSERT_TRUE(spool->acknowledge(spool->status().value().epoch, Seq{1}));
  ASSERT_TRUE(spool->append({&one, 1}, {}, {&ssh, 1}));
  ASSERT_TRUE(spool->begin_new_epoch());
  const auto rows = spool->checks().value();
  ASSERT_EQ(rows.size(), 2U);
  for (const CheckRow& row : rows) {
    EXPECT_EQ(row.last_seq, row.check == ssh.check ? Seq{2} : Seq{});
  }
  EXPECT_THAT(spool->take_resends().value(),
              ::testing::UnorderedElementsAre(ssh.check, sockets.check));
}

TEST_F(SpoolTest, AResultThatIsWantedAgainIsToldOnce) {
  auto link = open();
  auto observer = open();
  const model::CheckRef check{model::CheckKind::service, "ssh.service"};
  ASSERT_TRUE(link->put_resend(check));
  ASSERT_TRUE(link->put_resend(check));
  EXPECT_THAT(observer->take_resends().value(), ElementsAre(check));
  EXPECT_THAT(observer->take_resends().value(), IsEmpty());
}

TEST_F(SpoolTest, OnlySoManyResultsAreWantedAgain) {
  auto spool = open();
  for (std::size_t i = 0; i < limits::kChecks; ++i) {
    ASSERT_TRUE(spool->put_resend({model::CheckKind::ping, fmt::format("10.0.0.{}", i)}));
  }
  const Status full = spool->put_resend({model::CheckKind::ping, "10.1.0.0"});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::resource_exhausted);
}

TEST_F(SpoolTest, TheChainOutlivesAcknowledgedRowsAndRestarts) {
  auto spool = open();
  EXPECT_EQ(spool->status().value().last_chain, "");
  ASSERT_TRUE(append(*spool, {fact("a"), fact("b"), fact("c")}));
  const Epoch epoch = spool->status().value().epoch;
  const std::string at_2 = spool->chain_at(Seq{2}).value();
  const std::string at_3 = spool->chain_at(Seq{3}).value();
  EXPECT_EQ(at_2.size(), 16U);
  EXPECT_NE(at_2, at_3);
  EXPECT_EQ(spool->read(Seq{2}, 1, 1000).value().front().chain, at_2);
  EXPECT_EQ(spool->status().value().first_chain, "");
  ASSERT_TRUE(spool->acknowledge(epoch, Seq{2}));
  EXPECT_EQ(spool->status().value().first_chain, at_2);
  EXPECT_EQ(spool->status().value().last_chain, at_3);
  ASSERT_TRUE(spool->acknowledge(epoch, Seq{3}));
  spool = open();
  EXPECT_EQ(spool->status().value().first_chain, at_3);
  EXPECT_EQ(spool->status().value().last_chain, at_3);
  EXPECT_EQ(spool->chain_at(Seq{4}).value(), "");
  EXPECT_EQ(spool->chain_at(Seq{1}).value(), "") << "gone";
}

TEST_F(SpoolTest, ACopyThatWentAnotherWayHasAnotherChain) {
  auto spool = open();
  ASSERT_TRUE(append(*spool, {fact("a")}));
  spool.reset();
  std::filesystem::copy_file(path_, path_ + ".copy");
  spool = open();
  auto copy = Spool::open(path_ + ".copy", {}).value();
  ASSERT_TRUE(append(*spool, {fact("b"), fact("d")}));
  ASSERT_TRUE(append(*copy, {fact("c"), fact("d")}));
  EXPECT_EQ(copy->status().value().epoch, spool->status().value().epoch);
  EXPECT_EQ(copy->chain_at(Seq{1}).value(), spool->chain_at(Seq{1}).value());
  EXPECT_NE(copy->chain_at(Seq{2}).value(), spool->chain_at(Seq{2}).value());
  EXPECT_NE(copy->chain_at(Seq{3}).value(), spool->chain_at(Seq{3}).value()) << "the same fact";
}

TEST_F(SpoolTest, ADamagedFileIsSetAsideAndTheNextEpochSaysSo) {
  Epoch before;
  {
    auto spool = open();
    std::vector<NewFact> facts;
    for (int i = 0; i < 200; ++i) facts.push_back(fact(std::string(500, 'x')));
    ASSERT_TRUE(append(*spool, facts));
    before = spool->status().value().epoch;
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096 * 10, '\x5a');
  }
  auto spool = open();
  EXPECT_NE(spool->status().value().epoch, before);
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged-1"));
  const std::vector<std::string> rows = contents(*spool);
  ASSERT_EQ(rows.size(), 1U);
  const model::Fact told = wire::decode_fact(rows[0]).value();
  EXPECT_EQ(std::get<model::AgentEvent>(told.body).event.code, "spool.damaged");
}

TEST_F(SpoolTest, AFileThatIsNoDatabaseIsSetAside) {
  std::ofstream(path_) << std::string(5000, 'n');
  auto spool = open();
  EXPECT_EQ(spool->status().value().rows, 1U);
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged-1"));
}

TEST_F(SpoolTest, TheOtherProcessNoticesThatTheFileWasReplaced) {
  auto observer = open();
  std::filesystem::rename(path_, path_ + ".gone");
  auto link = open();
  const Result<Seq> lost = append(*observer, {fact("a")});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::data_loss);
  EXPECT_EQ(observer->read(Seq{1}, 1, 1).error().code, ErrorCode::data_loss);
  EXPECT_TRUE(observer->must_reopen());
  EXPECT_FALSE(link->must_reopen());
}

// All of the file but its first page, without whose change nobody would look at the others again.
void spoil_pages(const std::string& path) {
  constexpr std::streamoff kPage = 4096;
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  ASSERT_GT(size, kPage);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(kPage);
    file << std::string(static_cast<std::size_t>(size - kPage), 'x');
  }
  auto other = sqlite::Database::open(path, {});
  ASSERT_TRUE(other) << other.error().message;
  const std::int64_t version = other->user_version().value();
  ASSERT_TRUE(other->set_user_version(version));
}

TEST_F(SpoolTest, AFileThatIsDamagedWhileItIsOpenHasToBeOpenedAgain) {
  ASSERT_TRUE(append(*open(), {fact("a")}));  // closed, so that the file itself has all
  auto observer = open();
  spoil_pages(path_);
  const Result<Seq> lost = append(*observer, {fact("b")});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::data_loss) << lost.error().message;
  EXPECT_TRUE(observer->must_reopen());
  observer.reset();
  auto again = open();
  EXPECT_TRUE(append(*again, {fact("c")}));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged-1"));
}

// A disk that takes no write says so at each: the caller has no time to read the file as often.
TEST_F(SpoolTest, WhetherTheContentIsDamagedIsLookedAtOnceAMinute) {
  tests::FakeTime time;
  SpoolOptions options;
  options.time = &time;
  ASSERT_TRUE(append(*open(options), {fact("a")}));
  auto observer = open(options);
  EXPECT_FALSE(observer->must_reopen());
  spoil_pages(path_);
  ASSERT_FALSE(append(*observer, {fact("b")}));
  time.advance(59s);
  EXPECT_FALSE(observer->must_reopen());
  time.advance(1s);
  EXPECT_TRUE(observer->must_reopen());
  std::filesystem::rename(path_, path_ + ".gone");
  EXPECT_TRUE(observer->must_reopen()) << "a file that was replaced is told at once";
}

TEST_F(SpoolTest, RefusesAFileOfANewerVersion) {
  open();
  {
    auto database = sqlite::Database::open(path_, {});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->set_user_version(99));
  }
  const auto refused = Spool::open(path_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("newer version"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".damaged-1"));
}

TEST_F(SpoolTest, IsNotReadableByOthers) {
  open();
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07, 0U);
}

// Whether a bell of a spool rang since it was asked last.
class Ears {
 public:
  explicit Ears(Result<net::Fd> ears) : ears_(std::move(ears)) { EXPECT_TRUE(ears_); }
  bool rang() const {
    char events[4096];
    return ::read(ears_->get(), events, sizeof events) > 0;
  }

 private:
  Result<net::Fd> ears_;
};

// The link looks once for each ring: it must not come too early, and not for nothing.
TEST_F(SpoolTest, TheBellRingsWhenNewFactsCanBeReadAndForNothingElse) {
  const auto spool = open();
  const auto link = open();
  const Ears ears(listen_to_bell(path_, Bell::up));
  const CheckRow row = check_row(model::CheckKind::sockets, "");
  ASSERT_TRUE(spool->append({}, {}, {&row, 1}));
  EXPECT_FALSE(ears.rang());
  ASSERT_TRUE(append(*spool, {fact("one")}));
  EXPECT_TRUE(ears.rang());
  EXPECT_THAT(contents(*link), ElementsAre("one"));
  ASSERT_TRUE(link->acknowledge(link->status().value().epoch, Seq{1}));
  EXPECT_FALSE(ears.rang());
  ASSERT_TRUE(spool->put_request(request("r"), Instant{}));
  ASSERT_EQ(spool->take_requests(Instant{}).value().fresh.size(), 1U);
  EXPECT_FALSE(ears.rang());
  const NewFact answer = fact("answer");
  ASSERT_TRUE(spool->finish_request("r", {&answer, 1}));
  EXPECT_TRUE(ears.rang());
}

// The observer looks for what the link put at each ring and hardly ever by itself.
TEST_F(SpoolTest, TheOtherBellRingsForWhatComesDownAndForNothingElse) {
  const auto observer = open();
  const auto link = open();
  const Ears ears(observer->listen());
  ASSERT_TRUE(append(*observer, {fact("one")}));
  ASSERT_TRUE(link->acknowledge(link->status().value().epoch, Seq{1}));
  EXPECT_FALSE(ears.rang());
  ASSERT_TRUE(link->put_request(request("r"), Instant{}));
  EXPECT_TRUE(ears.rang());
  ASSERT_EQ(observer->take_requests(Instant{}).value().fresh.size(), 1U);
  EXPECT_FALSE(ears.rang());
  ASSERT_TRUE(link->put_assignment("checks", "digest"));
  EXPECT_TRUE(ears.rang());
  EXPECT_EQ(observer->assigned_checks().value(), "checks");
  ASSERT_TRUE(link->put_resend({model::CheckKind::sockets, ""}));
  EXPECT_TRUE(ears.rang());
  EXPECT_EQ(observer->take_resends().value().size(), 1U);
  ASSERT_TRUE(link->begin_new_epoch());
  EXPECT_TRUE(ears.rang());
}

TEST_F(SpoolTest, ARequestIsTakenOnceAndInterruptedAfterARestart) {
  auto link = open();
  auto observer = open();
  const Instant now{1'000'000'000'000};
  ASSERT_TRUE(link->put_request(request("r1"), now));
  ASSERT_TRUE(link->put_request(request("r2"), now));
  ASSERT_TRUE(link->put_request(request("r1"), now));  // repeated: ignored
  Spool::Taken taken = observer->take_requests(now + 1s).value();
  ASSERT_EQ(taken.fresh.size(), 2U);
  EXPECT_EQ(taken.fresh[0], request("r1"));
  EXPECT_EQ(taken.fresh[1].request_id, "r2");
  EXPECT_TRUE(observer->take_requests(now + 1s).value().fresh.empty());

  const std::vector<NewFact> answer{fact("answer")};
  EXPECT_EQ(observer->finish_request("r1", answer).value(), Seq{1});
  EXPECT_EQ(observer->finish_request("r1", answer).error().code, ErrorCode::not_found);
  EXPECT_THAT(contents(*observer), ElementsAre("answer"));

  observer = open();
  taken = observer->take_requests(now + 2s).value();
  EXPECT_THAT(taken.fresh, IsEmpty());
  EXPECT_THAT(taken.interrupted, ElementsAre("r2"));
  ASSERT_TRUE(link->put_request(request("r1"), now));  // finished, and still known
  EXPECT_THAT(observer->take_requests(now + 2s).value().fresh, IsEmpty());
}

TEST_F(SpoolTest, AnExpiredRequestIsNeverFresh) {
  auto spool = open();
  const Instant now{1'000'000'000'000};
  ASSERT_TRUE(spool->put_request(request("r1", 5s), now));
  EXPECT_EQ(spool->take_requests(now + 6s).value().expired.size(), 1U);
  spool = open();
  const Spool::Taken again = spool->take_requests(now).value();
  EXPECT_THAT(again.fresh, IsEmpty());
  EXPECT_THAT(again.interrupted, IsEmpty());
  EXPECT_EQ(again.expired.size(), 1U);
}

TEST_F(SpoolTest, AtMost64RequestsWait) {
  auto spool = open();
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(spool->put_request(request(fmt::format("r{}", i)), Instant{}));
  }
  EXPECT_EQ(spool->put_request(request("r64"), Instant{}).error().code,
            ErrorCode::resource_exhausted);
  EXPECT_TRUE(spool->put_request(request("r7"), Instant{}));
  ASSERT_TRUE(spool->take_requests(Instant{}));
  ASSERT_TRUE(spool->finish_request("r0", {}));
  EXPECT_TRUE(spool->put_request(request("r64"), Instant{}));
}

TEST_F(SpoolTest, TheAssignmentIsKeptWithItsDigest) {
  auto spool = open();
  EXPECT_EQ(spool->assigned_checks().value(), std::nullopt);
  EXPECT_EQ(spool->assignment_digest().value(), "");
  ASSERT_TRUE(spool->put_assignment("checks", "d1"));
  spool = open();
  EXPECT_EQ(spool->assigned_checks().value(), "checks");
  EXPECT_EQ(spool->assignment_digest().value(), "d1");
}

// Who asks often is answered without a look at the tables, for as long as nobody wrote.
TEST_F(SpoolTest, WhatTheOtherProcessWroteIsSeenAtTheNextQuestion) {
  auto link = open();
  auto observer = open();
  const Instant now{1'000'000'000'000};
  const model::CheckRef sockets{model::CheckKind::sockets, ""};
  for (int i = 1; i <= 3; ++i) {
    const std::string name = fmt::format("r{}", i);
    const Seq next{static_cast<std::uint64_t>(i)};
    for (int asked = 0; asked < 3; ++asked) {
      EXPECT_THAT(observer->take_requests(now).value().fresh, IsEmpty());
      EXPECT_THAT(observer->take_resends().value(), IsEmpty());
      EXPECT_NE(observer->assigned_checks().value(), name);
      EXPECT_THAT(contents(*link, next), IsEmpty());
    }
    ASSERT_TRUE(link->put_request(request(name), now));
    EXPECT_EQ(observer->take_requests(now).value().fresh.size(), 1U);
    ASSERT_TRUE(link->put_resend(sockets));
    EXPECT_THAT(observer->take_resends().value(), ElementsAre(sockets));
    ASSERT_TRUE(link->put_assignment(name, "d"));
    EXPECT_EQ(observer->assigned_checks().value(), name);
    ASSERT_TRUE(append(*observer, {fact(name)}));
    EXPECT_THAT(contents(*link, next), ElementsAre(name));
  }
}

// A child appends and reports each number that append() returned, until it is killed in the middle.
TEST_F(SpoolTest, WhatAppendReturnedIsThereAfterKill) {
  Seq promised;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto spool = Spool::open(path_, {});
      for (std::uint64_t i = 0;; ++i) {
        const std::vector<NewFact> facts{fact("x"), fact("y"), fact("z")};
        const Result<Seq> last = (*spool)->append(facts, {}, {});
        const std::uint64_t value = last ? last->value : 0;
        if (::write(ends[1], &value, sizeof value) != sizeof value) ::_exit(1);
      }
    }
    ::close(ends[1]);
    for (int i = 0; i < 20 + round; ++i) {
      std::uint64_t value = 0;
      ASSERT_EQ(::read(ends[0], &value, sizeof value), static_cast<ssize_t>(sizeof value));
      ASSERT_GT(value, promised.value);
      promised = Seq{value};
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    std::uint64_t value = 0;
    while (::read(ends[0], &value, sizeof value) == sizeof value) promised = Seq{value};
    ::close(ends[0]);
    auto spool = open();
    const SpoolStatus status = spool->status().value();
    EXPECT_GE(status.last, promised);
    EXPECT_EQ(status.last.value % 3, 0U) << "a group was torn";
    EXPECT_EQ(status.rows, status.last.value);
    promised = status.last;
  }
}

}  // namespace
}  // namespace tocsin::agent
