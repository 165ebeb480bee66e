// Which file a running program is, told from real processes and this machine's packages.
#include "agent/checks/program_files.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/file_sum.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using model::Tristate;

// `path 60`, until the end of the test.
class Child {
 public:
  explicit Child(const std::string& path) : pid_(::fork()) {
    if (pid_ == 0) {
      ::execl(path.c_str(), path.c_str(), "60", nullptr);
      ::_exit(127);
    }
    const std::string link = "/proc/" + std::to_string(pid_) + "/exe";
    const auto own = std::filesystem::read_symlink("/proc/self/exe");
    while (std::filesystem::read_symlink(link) == own) ::usleep(1000);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  pid_t pid_;
};

std::string sleep_path() { return std::filesystem::canonical("/bin/sleep").string(); }

model::ProgramFile look(ProgramFiles& files, const Child& child, const std::string& path,
                        bool deleted = false) {
  return files.of({{child.pid(), path, deleted}}, {}).at(0);
}

TEST(ProgramFiles, APackageVouchesForItsFile) {
  const Child child(sleep_path());
  ProgramFiles files("/");
  EXPECT_EQ(look(files, child, sleep_path()), (model::ProgramFile{"coreutils", Tristate::yes, ""}));
  EXPECT_EQ(files.hashed(), 1U);
  EXPECT_EQ(look(files, child, sleep_path()).intact, Tristate::yes);
  EXPECT_EQ(files.hashed(), 1U) << "once, while nothing changed";
}

// The checks of a host ask for the same programs.
TEST(ProgramFiles, WhoAsksTheSamePackagesHasTheirAnswersToo) {
  const Child child(sleep_path());
  const auto packages = std::make_shared<os::Packages>("/");
  ProgramFiles sockets("/", packages);
  ProgramFiles processes("/", packages);
  EXPECT_EQ(look(sockets, child, sleep_path()).package, "coreutils");
  EXPECT_EQ(look(processes, child, sleep_path()).package, "coreutils");
  EXPECT_EQ(packages->searches(), 1U);
}

TEST(ProgramFiles, AFileOfNoPackageIsKnownByItsHash) {
  const tests::TempDir folder;
  const std::string path = folder.file("program");
  std::filesystem::copy_file(sleep_path(), path);
  const Child child(path);
  ProgramFiles files("/");
  const model::ProgramFile file = look(files, child, path);
  EXPECT_EQ(file.package, "");
  EXPECT_EQ(file.sha256, os::sha256_of(os::open_regular(path)->fd).value());
  // Also when it was removed while it ran.
  std::filesystem::remove(path);
  EXPECT_EQ(look(files, child, path, true).sha256, file.sha256);
}

// Its size must not hide it: one is larger than all that a look may hash.
TEST(ProgramFiles, OneThatIsLargerThanALookMayHashHasALookOfItsOwn) {
  const tests::TempDir folder;
  const std::string large = folder.file("large");
  std::filesystem::copy_file(sleep_path(), large);
  std::filesystem::resize_file(large, kHashedAtOnce + 1);  // Sparse.
  const Child child(large);
  const Child other(sleep_path());
  ProgramFiles files("/");
  const std::vector<ProgramFiles::Program> both{{child.pid(), large, false},
                                                {other.pid(), sleep_path(), false}};
  EXPECT_EQ(files.of(both, {})[1].intact, Tristate::unknown);  // Nothing is left of this look.
  const auto known = files.of(both, {});
  EXPECT_EQ(known[0].sha256, os::sha256_of(os::open_regular(large)->fd).value());
  EXPECT_EQ(known[1].intact, Tristate::yes);
}

// As in a container, or where somebody put another file over the package's: the path alone would
// say coreutils.
TEST(ProgramFiles, AnotherFileAtAPackagesPathIsNotThePackages) {
  const tests::TempDir folder;
  const std::string path = folder.file("program");
  std::filesystem::copy_file(sleep_path(), path);
  const Child child(path);
  ProgramFiles files("/");
  const model::ProgramFile file = look(files, child, sleep_path());
  EXPECT_EQ(file.package, "");
  EXPECT_EQ(file.sha256.size(), 64U);
}

TEST(ProgramFiles, AFileThatItsPackageDidNotPutThereIsNotIntact) {
  // A host of our own making: its dpkg knows /opt/program with another sum.
  const tests::TempDir folder;
  const std::string root = folder.file("root");
  const Child child(sleep_path());
  const std::string proc = root + "/proc/" + std::to_string(child.pid());
  std::filesystem::create_directories(root + "/var/lib/dpkg/info");
  std::filesystem::create_directories(root + "/opt");
  std::filesystem::create_directories(proc);
  std::filesystem::copy_file(sleep_path(), root + "/opt/program");
  std::filesystem::create_symlink(root + "/opt/program", proc + "/exe");
  std::ofstream(root + "/var/lib/dpkg/status") << "Package: thing\n";
  std::ofstream(root + "/var/lib/dpkg/info/thing.list") << "/opt/program\n";
  std::ofstream(root + "/var/lib/dpkg/info/thing.md5sums")
      << std::string(32, '0') << "  opt/program\n";
  ProgramFiles files(root);
  const model::ProgramFile changed = look(files, child, "/opt/program");
  EXPECT_EQ(changed.package, "thing");
  EXPECT_EQ(changed.intact, Tristate::no);
  EXPECT_EQ(changed.sha256.size(), 64U);
  EXPECT_FALSE(files.outdated());
  // Upgraded: what dpkg says is asked again.
  const auto sum = os::md5_of(os::open_regular(root + "/opt/program")->fd).value();
  std::ofstream(root + "/var/lib/dpkg/info/thing.md5sums") << sum << "  opt/program\n";
  std::ofstream(root + "/var/lib/dpkg/status") << "Package: thing\nVersion: 2\n";
  EXPECT_TRUE(files.outdated());
  EXPECT_EQ(look(files, child, "/opt/program"), (model::ProgramFile{"thing", Tristate::yes, ""}));
  EXPECT_FALSE(files.outdated());
  // What runs on after it was replaced is still the package's, which says no more about it.
  EXPECT_EQ(look(files, child, "/opt/program", true).intact, Tristate::yes)
      << "the same file as a moment ago";
}

TEST(ProgramFiles, WhatCannotBeReadIsUnknown) {
  ProgramFiles files("/");
  EXPECT_EQ(files.of({{0, "/usr/bin/x", false}, {1, "", false}}, {}),
            std::vector<model::ProgramFile>(2));
}

}  // namespace
}  // namespace tocsin::agent
