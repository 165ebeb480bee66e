// A spool that a release wrote is opened and sent by this version. tests/data/spool has one for
// each release; this one's is written by
//
//   TOCSIN_WRITE_SPOOL_SAMPLE=tests/data/spool/VERSION.db integration_agent_spool
//     --gtest_filter='SpoolSample.IsWrittenWhereAskedFor'
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/spool/spool.hpp"
#include "common/sqlite/sqlite.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/fake_time.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

const model::CheckRef kSsh{model::CheckKind::service, "ssh.service"};

NewFact sample_fact(decltype(model::Fact::body) body) {
  model::Fact fact;
  fact.boot_id = "0b0a7d5e-8a53-4f0e-9c4e-0d6a0f5f6f11";
  fact.monotonic = MonoTime{5'000'000'000};
  fact.wall = Instant{1'795'341'600'000'000'000};
  fact.priority = model::Priority::normal;
  fact.body = std::move(body);
  return {wire::encode_fact(fact), model::Priority::normal};
}

model::Observation ssh_failed() {
  model::ServiceFacts facts;
  facts.unit = "ssh.service";
  facts.load_state = "loaded";
  facts.active_state = "failed";
  model::Observation seen;
  seen.check = kSsh;
  seen.at = Instant{1'795'341'600'000'000'000};
  seen.facts = facts;
  return seen;
}

CheckRow ssh_row() {
  CheckRow row;
  row.check = kSsh;
  row.last_run = Instant{1'795'341'600'000'000'000};
  row.last_run_monotonic = MonoTime{5'000'000'000};
  row.digest = wire::significant_digest(ssh_failed());
  row.unchanged_since_monotonic = MonoTime{4'000'000'000};
  row.interval = 10s;
  row.told = true;
  return row;
}

// One of each thing that a spool keeps; the first fact is acknowledged.
void write_sample(const std::string& path) {
  const tests::FakeTime time;
  SpoolOptions options;
  options.time = &time;
  auto spool = Spool::open(path, options).value();
  const std::vector<NewFact> facts{
      sample_fact(model::AgentEvent{{"agent.started", {{"version", "0.1.0"}, {"boot", "new"}}}}),
      sample_fact(model::SpoolLoss{3, Instant{1}, Instant{2}, {"spool.full", {}}}),
      sample_fact(ssh_failed())};
  const ReaderCursor cursor{"check:audit_log:journal", "s=1;i=2"};
  const CheckRow row = ssh_row();
  ASSERT_TRUE(spool->append(facts, {&cursor, 1}, {&row, 1}));
  ASSERT_TRUE(spool->acknowledge(spool->status().value().epoch, Seq{1}));
  model::CheckDefinition check;
  check.check = kSsh;
  ASSERT_TRUE(spool->put_assignment(wire::encode_checks({check}), "digest"));
  model::Request request;
  request.request_id = "request-1";
  request.expires_in = 60s;
  request.act = check;
  ASSERT_TRUE(spool->put_request(request, Instant{1'795'341'600'000'000'000}));
  ASSERT_TRUE(spool->put_resend(kSsh));
}

void expect_sample(const std::string& path) {
  const auto opened = Spool::open(path, {});
  ASSERT_TRUE(opened) << opened.error().message;
  Spool& spool = **opened;
  const SpoolStatus status = spool.status().value();
  EXPECT_EQ(status.first, Seq{2});
  EXPECT_EQ(status.last, Seq{3});
  const auto rows = spool.read(Seq{2}, 10, 1 << 20).value();
  ASSERT_EQ(rows.size(), 2U);
  const model::Fact loss = wire::decode_fact(rows[0].bytes).value();
  EXPECT_EQ(std::get<model::SpoolLoss>(loss.body).count, 3U);
  const model::Fact seen = wire::decode_fact(rows[1].bytes).value();
  EXPECT_EQ(std::get<model::Observation>(seen.body), ssh_failed());
  EXPECT_EQ(spool.cursor("check:audit_log:journal").value(), "s=1;i=2");
  const auto checks = spool.checks().value();
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].digest, wire::significant_digest(ssh_failed()));
  EXPECT_EQ(checks[0].last_seq, Seq{3});
  const auto assigned = wire::decode_checks(spool.assigned_checks().value().value());
  ASSERT_TRUE(assigned);
  EXPECT_EQ(assigned->front().check, kSsh);
  EXPECT_EQ(spool.assignment_digest().value(), "digest");
  const auto taken = spool.take_requests(Instant{1'795'341'600'000'000'000}).value();
  ASSERT_EQ(taken.fresh.size(), 1U);
  EXPECT_EQ(taken.fresh[0].request_id, "request-1");
  // It goes on: what is there can be sent, and more be kept.
  const NewFact more = sample_fact(ssh_failed());
  EXPECT_EQ(spool.append({&more, 1}, {}, {}).value(), Seq{4});
  EXPECT_NE(spool.status().value().last_chain, "");
  EXPECT_TRUE(spool.acknowledge(status.epoch, Seq{4}));
  EXPECT_EQ(spool.status().value().rows, 0U);
}

TEST(SpoolSample, OfEachReleaseIsOpenedAndSent) {
  const tests::TempDir folder;
  std::size_t samples = 0;
  for (const auto& file : std::filesystem::directory_iterator(TOCSIN_SPOOL_SAMPLES)) {
    if (file.path().extension() != ".db") continue;
    SCOPED_TRACE(file.path().string());
    const std::string copy = folder.file(file.path().filename().string());
    std::filesystem::copy_file(file.path(), copy);
    expect_sample(copy);
    ++samples;
  }
  EXPECT_GE(samples, 1U);
}

TEST(SpoolSample, OfThisVersionIsReadBack) {
  const tests::TempDir folder;
  write_sample(folder.file("spool.db"));
  expect_sample(folder.file("spool.db"));
}

// The version before had no chain and no results wanted again.
TEST(SpoolSample, OfSchemaOneIsMigrated) {
  const tests::TempDir folder;
  const std::string path = folder.file("spool.db");
  write_sample(path);
  {
    auto database = sqlite::Database::open(path, {});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute(
        "ALTER TABLE row DROP COLUMN chain; ALTER TABLE state DROP COLUMN first_chain;"
        "ALTER TABLE state DROP COLUMN last_chain; DROP TABLE resend"));
    ASSERT_TRUE(database->set_user_version(1));
  }
  {
    const auto spool = Spool::open(path, {});
    ASSERT_TRUE(spool) << spool.error().message;
    EXPECT_EQ((*spool)->chain_at(Seq{2}).value(), "") << "of a row from before";
    EXPECT_EQ((*spool)->status().value().last_chain, "");
  }
  expect_sample(path);
}

TEST(SpoolSample, OfANewerVersionIsRefusedWithAMessage) {
  const tests::TempDir folder;
  const std::string path = folder.file("spool.db");
  write_sample(path);
  {
    auto database = sqlite::Database::open(path, {});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->set_user_version(3));
  }
  const auto refused = Spool::open(path, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("schema 3, this program knows 2"));
}

// Writes nothing unless it is asked to; what it would write is what OfThisVersionIsReadBack reads.
TEST(SpoolSample, IsWrittenWhereAskedFor) {
  const char* path = std::getenv("TOCSIN_WRITE_SPOOL_SAMPLE");
  const tests::TempDir folder;
  const std::string made = folder.file("spool.db");
  write_sample(made);
  auto database = sqlite::Database::open(made, {});
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->execute("PRAGMA journal_mode=DELETE; VACUUM"));
  if (path != nullptr) std::filesystem::copy_file(made, path);
  expect_sample(made);
}

}  // namespace
}  // namespace tocsin::agent
