#include "agent/os/journal_store.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent::os {
namespace {

const std::string kId(32, '4');

class JournalStoreTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& content) {
    const std::string whole = root_.path() + path;
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << content;
  }
  tests::TempDir root_;
};

TEST_F(JournalStoreTest, IsWhereTheFilesOfThisMachineAre) {
  EXPECT_EQ(look_at_journal_store(root_.path()).error().code, ErrorCode::not_found);
  write("/etc/machine-id", kId + "\n");
  EXPECT_EQ(look_at_journal_store(root_.path()).error().code, ErrorCode::not_found);
  write("/run/log/journal/" + kId + "/system.journal", std::string(10'000, 'x'));
  auto store = look_at_journal_store(root_.path());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->machine_id, kId);
  EXPECT_FALSE(store->on_disk);
  EXPECT_EQ(store->files, std::vector<std::string>{"system.journal"});
  EXPECT_GT(store->space, store->free);
  const std::uint64_t in_memory = store->bytes;
  EXPECT_GE(in_memory, 10'000U);
  write("/var/log/journal/" + kId + "/system.journal", std::string(10'000, 'x'));
  write("/var/log/journal/" + kId + "/system@1-2.journal~", std::string(10'000, 'x'));
  write("/var/log/journal/" + kId + "/notes", "no journal");
  write("/var/log/journal/other/system.journal", "another machine's");
  store = look_at_journal_store(root_.path());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->files, (std::vector<std::string>{"system.journal", "system@1-2.journal~"}));
  EXPECT_GE(store->bytes, in_memory + 20'000);
}

// A machine id is text of the host's: it names no other folder.
TEST_F(JournalStoreTest, TakesNothingForAMachineIdThatIsNone) {
  write("/var/log/journal/system.journal", "x");
  for (const char* id : {"", "..", "uninitialized", "../../../var/log/journal"}) {
    write("/etc/machine-id", id);
    EXPECT_FALSE(look_at_journal_store(root_.path())) << id;
  }
}

TEST_F(JournalStoreTest, ReadsSettingsInJournaldsOrder) {
  write("/etc/machine-id", kId);
  write("/var/log/journal/" + kId + "/system.journal", "x");
  write("/usr/lib/systemd/journald.conf", "not this one");
  write("/etc/systemd/journald.conf", "main");
  write("/usr/lib/systemd/journald.conf.d/10-a.conf", "hidden");
  write("/etc/systemd/journald.conf.d/10-a.conf", "first");
  write("/run/systemd/journald.conf.d/20-b.conf", "second");
  write("/run/systemd/journald.conf.d/README", "no setting");
  const auto store = look_at_journal_store(root_.path());
  ASSERT_TRUE(store);
  EXPECT_EQ(store->settings, (std::vector<std::string>{"main", "first", "second"}));
  EXPECT_TRUE(store->all_settings);
  std::filesystem::create_directory(root_.path() + "/etc/systemd/journald.conf.d/30-c.conf");
  EXPECT_FALSE(look_at_journal_store(root_.path())->all_settings);
}

}  // namespace
}  // namespace tocsin::agent::os
