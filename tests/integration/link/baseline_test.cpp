// The approved baseline on its way to a host's file, and what becomes of it there.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/config/baseline_file.hpp"
#include "common/wire/wire.hpp"
#include "tests/integration/link/room.hpp"

namespace tocsin::tests {
namespace {

std::shared_ptr<const model::ApprovedBaseline> version(std::uint32_t number) {
  model::ApprovedBaseline baseline;
  baseline.scope = {model::ScopeKind::host, "host-1"};
  baseline.version = number;
  baseline.has_listeners = true;
  baseline.entries.resize(1);
  baseline.entries[0].port = 22;
  baseline.approved_by = "chen";
  baseline.expires = Instant{99};
  baseline.digest = wire::digest_of(baseline);
  return std::make_shared<const model::ApprovedBaseline>(std::move(baseline));
}

std::string file_of(const TestAgent& agent) { return agent.folder + "/baseline"; }

std::optional<model::ApprovedBaseline> kept(const TestAgent& agent) {
  return agent::read_baseline_file(file_of(agent)).value_or(std::nullopt);
}

bool has_version(const TestAgent& agent, std::uint32_t number) {
  return eventually([&] {
    const auto baseline = kept(agent);
    return baseline && baseline->version == number;
  });
}

TEST(LinkBaseline, ReachesItsHostAtOnceAndStaysThereWithoutACollector) {
  Room room;
  const TestAgent agent = room.add_agent();
  RunningLink link(room, agent);
  EXPECT_EQ(kept(agent), std::nullopt);
  room.approve(version(1));
  ASSERT_TRUE(has_version(agent, 1));
  struct stat status {};
  ASSERT_EQ(::stat(file_of(agent).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
  room.approve(version(2));
  ASSERT_TRUE(has_version(agent, 2));
  room.stop_collector();
  EXPECT_TRUE(link.stop());
  EXPECT_EQ(kept(agent), *version(2));
}

TEST(LinkBaseline, IsNotSentAgainToAHostThatHasIt) {
  Room room;
  const TestAgent agent = room.add_agent();
  room.approve(version(1));
  {
    RunningLink link(room, agent);
    ASSERT_TRUE(has_version(agent, 1));
  }
  const auto written = std::filesystem::last_write_time(file_of(agent));
  RunningLink again(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  EXPECT_EQ(std::filesystem::last_write_time(file_of(agent)), written);
}

TEST(LinkBaseline, OneThatIsOverIsRemoved) {
  Room room;
  const TestAgent agent = room.add_agent();
  room.approve(version(1));
  RunningLink link(room, agent);
  ASSERT_TRUE(has_version(agent, 1));
  room.approve(nullptr);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(file_of(agent)); }));
}

TEST(LinkBaseline, ADamagedFileIsNoBaselineAndIsReplaced) {
  Room room;
  const TestAgent agent = room.add_agent();
  room.approve(version(1));
  {
    RunningLink link(room, agent);
    ASSERT_TRUE(has_version(agent, 1));
  }
  std::string bytes = wire::encode_approved(*version(1));
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file_of(agent), std::ios::binary) << bytes;
  const auto damaged = agent::read_baseline_file(file_of(agent));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::data_loss);
  RunningLink link(room, agent);
  EXPECT_TRUE(has_version(agent, 1));
}

TEST(LinkBaseline, WhatItsDigestDoesNotNameIsNotKept) {
  Room room;
  const TestAgent agent = room.add_agent();
  model::ApprovedBaseline forged = *version(3);
  forged.entries[0].port = 4444;
  EXPECT_EQ(agent::write_baseline_file(file_of(agent), forged).error().code,
            ErrorCode::invalid_argument);
  room.approve(std::make_shared<const model::ApprovedBaseline>(forged));
  RunningLink link(room, agent);
  ASSERT_TRUE(eventually([&] { return room.hub().counters().heartbeats > 0; }));
  EXPECT_FALSE(std::filesystem::exists(file_of(agent)));
}

}  // namespace
}  // namespace tocsin::tests
