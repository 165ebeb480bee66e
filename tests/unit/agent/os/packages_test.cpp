#include "agent/os/packages.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

namespace tocsin::agent::os {
namespace {

constexpr char kSum[] = "0123456789abcdef0123456789abcdef";

TEST(PackageLists, OnlyAbsolutePathsCount) {
  std::vector<std::string> paths;
  each_packaged_path("/.\n/usr/bin/a b\nusr/bin/x\n\n/last",
                     [&](std::string_view path) { paths.emplace_back(path); });
  EXPECT_EQ(paths, (std::vector<std::string>{"/.", "/usr/bin/a b", "/last"}));
}

TEST(PackageSums, AreFoundByTheWholePath) {
  const std::string sums = std::string(kSum) + "  usr/bin/sshd\n" + kSum + "x usr/bin/a\n";
  EXPECT_EQ(parse_package_sum(sums, "/usr/bin/sshd"), kSum);
  EXPECT_FALSE(parse_package_sum(sums, "/usr/bin/ssh"));
  EXPECT_FALSE(parse_package_sum(sums, "usr/bin/sshd"));
  EXPECT_FALSE(parse_package_sum(sums, "/usr/bin/a"));
  EXPECT_FALSE(parse_package_sum(std::string(32, 'Z') + "  a\n", "/a"));
}

TEST(PackageDiversions, AreReadInThrees) {
  const auto diversions =
      parse_diversions("/bin/sh\n/bin/sh.distrib\ndash\n/usr/x\n/usr/x.real\n:\n/cut", 8);
  ASSERT_EQ(diversions.size(), 2U);
  EXPECT_EQ(diversions.at("/bin/sh.distrib"), "/bin/sh");
  EXPECT_EQ(parse_diversions("/a\n/b\nc\n/d\n/e\nf\n", 1).size(), 1U);
}

TEST(MergedPath, IsTheOtherName) {
  EXPECT_EQ(merged_path("/usr/bin/ls"), "/bin/ls");
  EXPECT_EQ(merged_path("/lib/x"), "/usr/lib/x");
  EXPECT_EQ(merged_path("/usr/share/x"), "");
  EXPECT_EQ(merged_path("/opt/x"), "");
  EXPECT_EQ(merged_path(""), "");
}

class PackagesOf : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "packagesXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    std::filesystem::create_directories(root_ / "var/lib/dpkg/info");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / "var/lib/dpkg" / name) << text;
  }
  static std::string package_of(Packages& packages, const std::string& path) {
    const auto owners = packages.owners({path}, {});
    return owners ? owners->front().package : "error";
  }
  std::filesystem::path root_;
};

TEST_F(PackagesOf, AHostWithoutDpkgCannotSay) {
  Packages packages(root_);
  EXPECT_EQ(packages.owners({"/bin/sh"}, {}).error().code, ErrorCode::not_found);
}

// procedure M-09
TEST_F(PackagesOf, FilesAreFoundByEitherNameAndByTheirDiversion) {
  write("status", "");
  write("info/coreutils.list", "/bin\n/bin/ls\n");
  write("info/dash.list", "/bin/sh\n");
  write("info/libc6:amd64.list", "/usr/lib/ld.so\n");
  write("info/dash.md5sums", std::string(kSum) + "  bin/sh\n");
  write("diversions", "/bin/sh\n/bin/sh.distrib\nbash\n");
  Packages packages(root_);
  EXPECT_EQ(package_of(packages, "/bin/ls"), "coreutils");
  EXPECT_EQ(package_of(packages, "/usr/bin/ls"), "coreutils");
  EXPECT_EQ(package_of(packages, "/lib/ld.so"), "libc6:amd64");
  EXPECT_EQ(package_of(packages, "/bin/sh.distrib"), "dash");
  EXPECT_EQ(package_of(packages, "/tmp/ls"), "");
  EXPECT_EQ(package_of(packages, ""), "");
  const auto owner = packages.owners({"/usr/bin/sh"}, {});
  ASSERT_TRUE(owner);
  EXPECT_EQ(packages.sum_of(owner->front()), kSum);
  EXPECT_FALSE(packages.sum_of({}));
}

TEST_F(PackagesOf, AreReadAgainWhenDpkgDidSomething) {
  write("status", "");
  write("info/a.list", "/usr/bin/a\n");
  Packages packages(root_);
  EXPECT_EQ(package_of(packages, "/usr/bin/b"), "");
  write("info/b.list", "/usr/bin/b\n");
  EXPECT_EQ(package_of(packages, "/usr/bin/b"), "");  // dpkg has not finished.
  write("status", "Package: b\n");
  EXPECT_EQ(package_of(packages, "/usr/bin/b"), "b");
}

TEST_F(PackagesOf, AreGoneThroughOnceForWhoeverAsks) {
  write("status", "");
  write("info/a.list", "/usr/bin/a\n");
  Packages packages(root_);
  EXPECT_EQ(package_of(packages, "/usr/bin/a"), "a");
  EXPECT_EQ(package_of(packages, "/usr/bin/a"), "a");
  EXPECT_EQ(package_of(packages, "/opt/x"), "");
  EXPECT_EQ(package_of(packages, "/opt/x"), "");
  EXPECT_EQ(packages.searches(), 2U);
}

TEST_F(PackagesOf, AnswerChecksThatAskAtTheSameTime) {
  write("status", "");
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i);
    write("info/" + name + ".list", "/usr/bin/" + name + "\n");
  }
  Packages packages(root_);
  const auto ask = [&] {
    for (int i = 0; i < 40; ++i) {
      const std::string name = std::to_string(i);
      EXPECT_EQ(package_of(packages, "/usr/bin/" + name), name);
    }
  };
  std::thread other(ask);
  ask();
  other.join();
  EXPECT_LE(packages.searches(), 40U);
}

}  // namespace
}  // namespace tocsin::agent::os
