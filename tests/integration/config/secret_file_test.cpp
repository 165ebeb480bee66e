#include "common/config/secret_file.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin::config {
namespace {

class SecretFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-config-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string path(const char* name) const { return dir_ / name; }
  static unsigned mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  std::filesystem::path dir_;
};

TEST_F(SecretFile, IsReadWhenOnlyItsOwnerMay) {
  ASSERT_TRUE(write_file(path("s"), "hunter2\n", 0600));
  EXPECT_EQ(read_secret_file(path("s")).value(), "hunter2\n");
  ASSERT_EQ(::chmod(path("s").c_str(), 0400), 0);
  EXPECT_TRUE(read_secret_file(path("s")));
}

TEST_F(SecretFile, IsRefusedWhenGroupOrOthersHaveAnyAccess) {
  for (const unsigned mode : {0640U, 0604U, 0620U, 0601U, 0660U, 0644U}) {
    ASSERT_TRUE(write_file(path("s"), "hunter2", mode));
    const auto read = read_secret_file(path("s"));
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().code, ErrorCode::permission_denied);
    EXPECT_THAT(read.error().message, testing::HasSubstr(path("s")));
    EXPECT_THAT(read.error().message, testing::Not(testing::HasSubstr("hunter2")));
  }
}

TEST_F(SecretFile, MayBeALinkAndWhatItLeadsToCounts) {
  ASSERT_TRUE(write_file(path("open"), "x", 0644));
  ASSERT_TRUE(write_file(path("closed"), "x", 0600));
  std::filesystem::create_symlink(path("open"), path("to-open"));
  std::filesystem::create_symlink(path("closed"), path("to-closed"));
  EXPECT_TRUE(read_secret_file(path("to-closed")));
  EXPECT_FALSE(read_secret_file(path("to-open")));
}

TEST_F(SecretFile, IsBounded) {
  ASSERT_TRUE(write_file(path("s"), std::string(kSecretBytes, 'x'), 0600));
  EXPECT_TRUE(read_secret_file(path("s")));
  ASSERT_TRUE(write_file(path("s"), std::string(kSecretBytes + 1, 'x'), 0600));
  EXPECT_FALSE(read_secret_file(path("s")));
  EXPECT_FALSE(read_secret_file("/dev/zero"));
}

TEST_F(SecretFile, OtherThanARegularFileIsRefusedAndNeverWaitedFor) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_secret_file(path("pipe")).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(read_secret_file(dir_.string()));
  EXPECT_EQ(read_secret_file(path("none")).error().code, ErrorCode::not_found);
}

TEST_F(SecretFile, WritingReplacesAsAWholeAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file(path("s"), "one", 0600));
  ASSERT_TRUE(write_file(path("s"), "two", 0640));
  EXPECT_EQ(read_file(path("s"), 10).value(), "two");
  EXPECT_EQ(mode_of(path("s")), 0640U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(SecretFile, CreatingNeverReplaces) {
  ASSERT_TRUE(create_file(path("s"), "one", 0600));
  EXPECT_EQ(create_file(path("s"), "two", 0600).error().code, ErrorCode::already_exists);
  EXPECT_EQ(read_file(path("s"), 10).value(), "one");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
  EXPECT_EQ(create_file(path("no/where"), "x", 0600).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tocsin::config
