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

TEST_F(Outbox, GivesUpRefusedOnesForRoomAndNothingElse) {
  for (const char* id : {"1.a", "2.b", "3.c"}) {
    fill(id, 99);
    ASSERT_TRUE(outbox_.finish(id));
  }
  ASSERT_TRUE(outbox_.set_aside("1.a"));
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
