#include "agent/commands/inspect.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "agent/spool/spool.hpp"

namespace tocsin::agent {
namespace {

const model::CheckRef kLogin{model::CheckKind::login, "local"};

class Inspect : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "inspectXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    config.directory = pattern;
    path = config.spool_file();
  }
  void TearDown() override { std::filesystem::remove_all(config.directory); }

  std::unique_ptr<Spool> open() const { return Spool::open(path, {}).value(); }
  static void remember(Spool& spool) {
    const ReaderCursor cursor{cursor_key(kLogin), "turned down"};
    ASSERT_TRUE(spool.append({}, {&cursor, 1}, {}));
  }
  // Of the spool's folder: which files there are, and what the spool's own holds.
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(config.directory)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  std::string content() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool says(const std::string& words) const {
    return status_text(config, {}).find(words) != std::string::npos;
  }

  AgentConfig config;
  std::string path;
};

TEST_F(Inspect, MakesNoSpoolWhereThereIsNone) {
  EXPECT_TRUE(says("spool none\n"));
  EXPECT_EQ(remembered(config, kLogin).value(), std::nullopt);
  EXPECT_TRUE(files().empty());
}

TEST_F(Inspect, ReadsTheSpoolOfARunningObserver) {
  const auto spool = open();
  remember(*spool);
  const auto before = files();
  EXPECT_TRUE(says("spool 0 facts, "));
  EXPECT_EQ(remembered(config, kLogin).value(), "turned down");
  EXPECT_EQ(files(), before);
  remember(*spool);
}

TEST_F(Inspect, ReadsTheSpoolOfAnAgentThatIsStoppedAndLeavesNothingBeside) {
  remember(*open());
  const auto before = files();
  EXPECT_TRUE(says("spool 0 facts, "));
  EXPECT_EQ(remembered(config, kLogin).value(), "turned down");
  EXPECT_EQ(files(), before);
}

// The observer that runs would go on in the file that was set aside.
TEST_F(Inspect, SaysThatASpoolIsDamagedAndLeavesItWhereItIs) {
  remember(*open());
  std::string spoilt = content();
  ASSERT_GT(spoilt.size(), 4096U);
  spoilt.replace(4096, std::string::npos, spoilt.size() - 4096, 'x');
  std::ofstream(path, std::ios::binary) << spoilt;
  const auto before = files();
  EXPECT_TRUE(says("spool damaged (")) << status_text(config, {});
  const auto known = remembered(config, kLogin);
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().code, ErrorCode::data_loss);
  EXPECT_EQ(files(), before);
  EXPECT_EQ(content(), spoilt);
}

TEST_F(Inspect, SaysThatAFileIsNoSpoolAndLeavesItWhereItIs) {
  const std::string words(5000, 'n');
  std::ofstream(path) << words;
  EXPECT_TRUE(says("spool damaged ("));
  EXPECT_EQ(files(), std::set<std::string>{"spool.db"});
  EXPECT_EQ(content(), words);
}

}  // namespace
}  // namespace tocsin::agent
