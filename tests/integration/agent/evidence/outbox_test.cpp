#include "agent/evidence/outbox.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Outbox : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(outbox_.prepare()); }

  void fill(const std::string& id, std::size_t bytes) const {
    fs::create_directory(outbox_.part_folder(id));
    std::ofstream(outbox_.part_folder(id) + "/MANIFEST") << std::string(bytes, 'x');
    std::ofstream(outbox_.part_folder(id) + "/MANIFEST.sig") << "s";
  }

  tests::TempDir temp_;
  EvidenceOutbox outbox_{temp_.file("evidence")};
};

TEST_F(Outbox, ShowsACollectionOnlyWhenItIsWhole) {
  fill("7.a", 10);
  EXPECT_THAT(outbox_.ready(), IsEmpty());
  ASSERT_TRUE(outbox_.finish("7.a"));
  EXPECT_THAT(outbox_.ready(), ElementsAre("7.a"));
  EXPECT_EQ(outbox_.sealed("7.a")->manifest, "xxxxxxxxxx");
  EXPECT_EQ(outbox_.item("7.a", "MANIFEST").size, 10U);
  EXPECT_EQ(outbox_.item("7.a", "nothing").reason, "not_found");
  ASSERT_TRUE(outbox_.remove("7.a"));
  EXPECT_THAT(outbox_.ready(), IsEmpty());
  EXPECT_TRUE(outbox_.remove("7.a"));  // Again, after a crash: harmless.
}

TEST_F(Outbox, ForgetsWhatACrashLeftHalfMade) {
  fill("7.a", 10);
  ASSERT_TRUE(outbox_.prepare());
  EXPECT_FALSE(fs::exists(outbox_.part_folder("7.a")));
}

// A start goes on whatever lies there: what cannot be removed is named, the rest goes.
TEST_F(Outbox, OneThingInTheWayKeepsNothingElseFromGoing) {
  fs::create_directories(outbox_.part_folder("1.a") + "/nobody/made/this");
  fill("2.b", 10);
  std::ofstream(outbox_.part_folder("3.c")) << "not a folder";
  const auto left = outbox_.prepare();
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_THAT((*left)[0], testing::HasSubstr("part.1.a"));
  EXPECT_FALSE(fs::exists(outbox_.part_folder("2.b")));
  EXPECT_FALSE(fs::exists(outbox_.part_folder("3.c")));
}

TEST_F(Outbox, ManyThingsThatAreNoCollectionsHideNone) {
  for (int i = 0; i < 600; ++i) std::ofstream(temp_.file("evidence/x" + std::to_string(i)));
  fill("7.a", 10);
  ASSERT_TRUE(outbox_.finish("7.a"));
  EXPECT_THAT(outbox_.ready(), ElementsAre("7.a"));
}

TEST_F(Outbox, AFileInItsPlaceIsAnErrorThatSaysSo) {
  std::ofstream(temp_.file("file")) << "x";
  const auto prepared = EvidenceOutbox(temp_.file("file")).prepare();
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error().message, testing::HasSubstr("file"));
}

TEST_F(Outbox, GivesUpRefusedOnesForRoomAndNothingElse) {
  for (const char* id : {"1.a", "2.b", "3.c"}) {
    fill(id, 99);
    ASSERT_TRUE(outbox_.finish(id));
  }
  ASSERT_TRUE(outbox_.set_aside("1.a"));
  EXPECT_THAT(outbox_.refused(), ElementsAre("1.a"));
  EXPECT_THAT(outbox_.ready(), ElementsAre("2.b", "3.c"));
  EXPECT_EQ(*outbox_.make_room(100, 400), 300U);
  EXPECT_TRUE(fs::exists(temp_.file("evidence/refused.1.a")));
  EXPECT_EQ(*outbox_.make_room(101, 400), 200U);
  EXPECT_FALSE(fs::exists(temp_.file("evidence/refused.1.a")));
  EXPECT_EQ(*outbox_.make_room(1000, 400), 200U);
  EXPECT_THAT(outbox_.ready(), ElementsAre("2.b", "3.c"));
}

}  // namespace
}  // namespace tocsin::agent
