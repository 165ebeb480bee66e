#include "agent/os/file_watch.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class FileWatchOfLogs : public testing::Test {
 protected:
  void SetUp() override {
    append("one\n");
    watch_.watch({path_});
  }
  void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

  tests::TempDir folder_;
  std::string path_ = folder_.file("audit.log");
  os::FileWatch watch_ = os::FileWatch::make().value();
};

TEST_F(FileWatchOfLogs, IsSilentWhileALogOnlyGrows) {
  append("two\n");
  EXPECT_EQ(watch_.take(), Paths{});
}

TEST_F(FileWatchOfLogs, TellsOfATruncation) {
  fs::resize_file(path_, 0);
  EXPECT_EQ(watch_.take(), Paths{path_});
  EXPECT_EQ(watch_.take(), Paths{});
}

TEST_F(FileWatchOfLogs, TellsOfARenameAndWatchesTheNewFile) {
  fs::rename(path_, path_ + ".1");
  EXPECT_EQ(watch_.take(), Paths{path_});
  append("a longer line than before\n");
  EXPECT_EQ(watch_.take(), Paths{path_});
  append("more\n");
  EXPECT_EQ(watch_.take(), Paths{});
  fs::resize_file(path_, 3);
  EXPECT_EQ(watch_.take(), Paths{path_});
}

TEST_F(FileWatchOfLogs, TellsOfARemoval) {
  fs::remove(path_);
  EXPECT_EQ(watch_.take(), Paths{path_});
}

// As `rm -r /var/log/audit`, and the folder comes again.
TEST(FileWatchOfFolders, GoesOnInAFolderThatWasMadeAnew) {
  const tests::TempDir above;
  const std::string outer = above.file("log");
  const std::string folder = outer + "/audit";
  const std::string path = folder + "/audit.log";
  os::FileWatch watch = os::FileWatch::make().value();
  const auto write = [&](const char* text) { std::ofstream(path, std::ios::app) << text; };
  const auto expect_watched = [&](const char* when) {
    fs::create_directories(folder);
    watch.take();
    write("one\n");
    EXPECT_EQ(watch.take(), Paths{path}) << when;
    write("two\n");
    EXPECT_EQ(watch.take(), Paths{}) << when;
    fs::resize_file(path, 1);
    EXPECT_EQ(watch.take(), Paths{path}) << when;
  };
  watch.watch({path});
  expect_watched("where there was no folder");
  fs::remove_all(folder);
  EXPECT_EQ(watch.take(), Paths{path});
  expect_watched("removed");
  fs::remove_all(outer);
  fs::create_directories(folder);
  EXPECT_EQ(watch.take(), Paths{path}) << "before anybody looked";
  expect_watched("removed with the folder above it");
  fs::rename(folder, outer + "/old");
  EXPECT_EQ(watch.take(), Paths{path});
  expect_watched("renamed");
}

TEST_F(FileWatchOfLogs, ForgetsWhatIsNoLongerWatched) {
  watch_.watch({});
  fs::resize_file(path_, 0);
  EXPECT_EQ(watch_.take(), Paths{});
}

}  // namespace
}  // namespace tocsin::agent
