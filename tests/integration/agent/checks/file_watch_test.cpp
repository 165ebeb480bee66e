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

TEST_F(FileWatchOfLogs, ForgetsWhatIsNoLongerWatched) {
  watch_.watch({});
  fs::resize_file(path_, 0);
  EXPECT_EQ(watch_.take(), Paths{});
}

}  // namespace
}  // namespace tocsin::agent
