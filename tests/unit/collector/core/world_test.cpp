#include "collector/core/world.hpp"

#include <gmock/gmock.h>

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const AgentId kAgent{std::string(64, 'a')};

model::Finding finding(const model::CheckRef& check, const std::string& code) {
  model::Finding finding;
  finding.agent = kAgent;
  finding.check = check;
  finding.code = code;
  finding.dedup_key = dedup_key(kAgent, check, code, "");
  return finding;
}

TEST(World, GivesEachChangedRowOnceAsItIsAtTheCommit) {
  World world({});
  model::Host host;
  host.agent = kAgent;
  world.hosts.put(kAgent, host);
  world.hosts.change(kAgent)->facts = 1;
  world.hosts.change(kAgent)->facts = 2;
  const StateDelta delta = world.take_delta({7}, Instant{9});
  ASSERT_THAT(delta.hosts, SizeIs(1));
  EXPECT_EQ(delta.hosts.front().facts, 2U);
  EXPECT_EQ(delta.cursor, Position{7});
  EXPECT_THAT(world.take_delta({8}, Instant{9}).hosts, IsEmpty());
}

TEST(World, CommitsTheLastChangeOfARowThatLeavesMemory) {
  World world({});
  model::Incident incident;
  incident.id = {1};
  world.incidents.put({1}, incident);
  world.incidents.change({1})->closed = Instant{5};
  world.incidents.forget({1});
  EXPECT_EQ(world.incidents.find({1}), nullptr);
  const StateDelta delta = world.take_delta({1}, Instant{5});
  ASSERT_THAT(delta.incidents, SizeIs(1));
  EXPECT_EQ(delta.incidents.front().closed, Instant{5});
}

TEST(World, TellsChecksApartWhoseTargetsBeginAlike) {
  World world({});
  const model::CheckRef folder{model::CheckKind::audit_log, "/var/log"};
  const model::CheckRef file{model::CheckKind::audit_log, "/var/log/audit.log"};
  const FindingId of_folder = world.add_finding(finding(folder, "audit.emptied")).id;
  const FindingId of_file = world.add_finding(finding(file, "audit.emptied")).id;
  EXPECT_THAT(world.findings_of(kAgent, folder), ElementsAre(of_folder));
  EXPECT_THAT(world.findings_of(kAgent, file), ElementsAre(of_file));
}

TEST(World, RemembersAClosedFindingForADayAndCountsOpenOnes) {
  World world({});
  const model::CheckRef check{model::CheckKind::sockets, ""};
  const FindingId id = world.add_finding(finding(check, "port.unexpected")).id;
  EXPECT_EQ(world.open_findings(kAgent), 1U);
  world.close_finding(id, Instant{1}, {1});
  EXPECT_EQ(world.open_findings(kAgent), 0U);
  world.forget_old_findings(Instant{0} + kRemembered);
  EXPECT_NE(world.finding(id), nullptr);
  world.forget_old_findings(Instant{1} + kRemembered);
  EXPECT_EQ(world.finding(id), nullptr);
  EXPECT_THAT(world.findings_of(kAgent, check), IsEmpty());
}

TEST(World, CountsInValuesThatTheStoreKeeps) {
  World world({});
  EXPECT_EQ(world.add("counter/x"), 1U);
  EXPECT_EQ(world.add("counter/x", 5), 6U);
  const StateDelta delta = world.take_delta({1}, Instant{1});
  EXPECT_EQ(delta.values.at("counter/x"), "6");
  StateSnapshot snapshot;
  snapshot.values = delta.values;
  EXPECT_EQ(World(snapshot).number("counter/x"), 6U);
}

}  // namespace
}  // namespace tocsin::collector
