#include "collector/samples/sample_store.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

using series::Sample;
using testing::ElementsAre;
using testing::IsEmpty;

const AgentId kOne{std::string(64, 'a')};
const AgentId kTwo{std::string(64, 'b')};

class Samples : public testing::Test {
 protected:
  SampleStoreOptions options() {
    SampleStoreOptions options;
    options.folder = dir_.file("metrics");
    options.shape = {4, 8};
    return options;
  }
  tests::TempDir dir_ = tests::TempDir::in_memory();
};

TEST_F(Samples, AreKeptForEachAgentAndAfterARestart) {
  {
    SampleStore store(options());
    EXPECT_THAT(*store.read(kOne, "", Instant{0}), IsEmpty());
    store.put(kOne, {{"cpu.busy", Instant{1}, 5}, {"cpu.busy", Instant{2}, 6}});
    store.put(kTwo, {{"load.1m", Instant{1}, 1}});
    store.flush();
    EXPECT_EQ(store.kept(), 3U);
  }
  SampleStore store(options());
  EXPECT_THAT(*store.read(kOne, "cpu", Instant{2}), ElementsAre(Sample{"cpu.busy", Instant{2}, 6}));
  EXPECT_THAT(*store.read(kTwo, "", Instant{0}), ElementsAre(Sample{"load.1m", Instant{1}, 1}));
  EXPECT_THAT(*store.read(kTwo, "cpu", Instant{0}), IsEmpty());
}

TEST_F(Samples, WhatCannotBeKeptIsCounted) {
  std::ofstream(dir_.file("metrics")) << "no folder";
  SampleStore store(options());
  store.put(kOne, {{"a", Instant{1}, 1}});
  store.flush();
  EXPECT_EQ(store.dropped(), 1U);
  EXPECT_EQ(store.kept(), 0U);
}

TEST_F(Samples, WhoSendsMoreThanCanBeWrittenLosesIt) {
  SampleStoreOptions none = options();
  none.waiting = 0;
  SampleStore store(none);
  store.put(kOne, {{"a", Instant{1}, 1}, {"b", Instant{1}, 1}});
  EXPECT_EQ(store.dropped(), 2U);
}

TEST_F(Samples, AnAgentThatIsSilentForLongLosesItsFile) {
  SampleStore store(options());
  store.put(kOne, {{"a", Instant{1}, 1}});
  store.put(kTwo, {{"a", Instant{1}, 1}});
  store.flush();
  const auto file = options().folder + "/" + kOne.hex + ".curves";
  const auto now = std::filesystem::last_write_time(file);
  std::filesystem::last_write_time(file, now - std::chrono::hours(31 * 24));
  const auto seconds = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::file_clock::to_sys(now).time_since_epoch());
  store.prune(Instant{seconds.count()});
  EXPECT_THAT(*store.read(kOne, "", Instant{0}), IsEmpty());
  EXPECT_EQ(store.read(kTwo, "", Instant{0})->size(), 1U);
}

}  // namespace
}  // namespace tocsin::collector
