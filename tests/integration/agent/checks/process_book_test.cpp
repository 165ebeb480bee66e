// What a look at known processes may not miss, though it reads little: on this machine's own.
#include "agent/checks/process_book.hpp"

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tocsin::agent {
namespace {

// A process of a test that does what it is told, step by step.
class Child {
 public:
  // `act` runs in the child at each step(); `pid` 0: whichever number is free.
  explicit Child(std::function<void(int step)> act, pid_t pid = 0) {
    EXPECT_EQ(::pipe(down_), 0);
    EXPECT_EQ(::pipe(up_), 0);
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    if (pid != 0) {
      arguments.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
      arguments.set_tid_size = 1;
    }
    pid_ = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    EXPECT_GE(pid_, 0);
    const bool parent = pid_ != 0;
    ::close(down_[parent ? 0 : 1]);
    ::close(up_[parent ? 1 : 0]);
    if (parent) return;
    char order = 0;
    for (int done = 0; ::read(down_[0], &order, 1) == 1; ++done) {
      act(done);
      if (::write(up_[1], &order, 1) != 1) break;
    }
    ::_exit(0);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next step, without waiting for its end.
  void order() {
    const char order = 's';
    ASSERT_EQ(::write(down_[1], &order, 1), 1);
  }
  void step() {
    order();
    char done = 0;
    ASSERT_EQ(::read(up_[0], &done, 1), 1);
  }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    ::close(down_[1]);
    ::close(up_[0]);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int down_[2]{};
  int up_[2]{};
};

// Looks at one process again and again.
class Book {
 public:
  explicit Book(pid_t pid) : pid_(static_cast<std::uint32_t>(pid)) {}
  // Nothing where it is not there.
  std::optional<SeenProcess> look() {
    const auto looked = book_.look(proc_, {&pid_, 1}, {});
    EXPECT_TRUE(looked);
    if (!looked || book_.processes().empty()) return std::nullopt;
    return book_.processes()[0];
  }
  void look_often() {
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(look());
  }

 private:
  std::uint32_t pid_;
  os::ProcReader proc_ = *os::ProcReader::open("/");
  ProcessBook book_;
};

// The user as the process's own file has it.
std::uint32_t user_of(pid_t pid) {
  const auto proc = os::ProcReader::open("/");
  const auto status = proc->read(static_cast<std::uint32_t>(pid), "status", 8192);
  return os::parse_status_uid(status.value_or("")).value_or(0xFFFFFFFF);
}

TEST(ProcessBook, SeesAtOnceWhoseRightsAProcessHas) {
  Child child([](int step) {
    if (::seteuid(step == 0 ? 65534 : 0) != 0) ::_exit(1);
  });
  Book book(child.pid());
  book.look_often();
  for (const std::uint32_t user : {65534U, 0U}) {
    child.step();
    ASSERT_EQ(user_of(child.pid()), user);
    const auto seen = book.look();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->uid, user);
  }
}

TEST(ProcessBook, SeesAtOnceThatAProcessRunsAnotherProgram) {
  Child child([](int) {
    char* const arguments[] = {const_cast<char*>("snore"), const_cast<char*>("60"), nullptr};
    char* const environment[] = {const_cast<char*>("LD_PRELOAD=/nonexistent.so"), nullptr};
    ::execve("/bin/sleep", arguments, environment);
    ::_exit(127);
  });
  Book book(child.pid());
  int read_anew = 0;
  constexpr int kLooks = 30;
  for (int i = 0; i < kLooks; ++i) read_anew += book.look()->read_anew ? 1 : 0;
  EXPECT_LT(read_anew, kLooks / 2) << "of one that does not change";
  // It answers no more once it is the other program.
  const std::string link = "/proc/" + std::to_string(child.pid()) + "/exe";
  const auto own = std::filesystem::read_symlink(link);
  child.order();
  while (std::filesystem::read_symlink(link) == own) ::usleep(1000);
  ::usleep(20'000);  // The kernel shows the new arguments a moment after the new program.
  const auto seen = book.look();
  ASSERT_TRUE(seen);
  EXPECT_EQ(std::filesystem::path(seen->link).filename(), "sleep");
  EXPECT_EQ(seen->stat.name, "sleep");
  EXPECT_EQ(seen->command, "snore");
  EXPECT_EQ(seen->preload, model::Tristate::yes);
  EXPECT_TRUE(seen->read_anew);
}

TEST(ProcessBook, SeesWithinSixLooksThatAProcessCallsItselfOtherwise) {
  Child child([](int) { ::prctl(PR_SET_NAME, "kworker/u8:3"); });
  Book book(child.pid());
  book.look_often();
  child.step();
  int looks = 1;
  while (book.look()->stat.name != "kworker/u8:3" && looks < 100) ++looks;
  EXPECT_LE(looks, 6);
}

TEST(ProcessBook, TakesAnotherProcessWithTheSameNumberForAnotherOne) {
  auto first = std::make_unique<Child>([](int) { ::prctl(PR_SET_NAME, "first"); });
  const pid_t pid = first->pid();
  first->step();
  Book book(pid);
  book.look_often();
  EXPECT_EQ(book.look()->stat.name, "first");
  first->end();
  EXPECT_FALSE(book.look());
  first = std::make_unique<Child>([](int) { ::prctl(PR_SET_NAME, "second"); }, pid);
  first->step();
  book.look_often();
  EXPECT_EQ(book.look()->stat.name, "second");
  // And where no look came between the two.
  first->end();
  Child third([](int) { ::prctl(PR_SET_NAME, "third"); }, pid);
  ASSERT_EQ(third.pid(), pid);
  third.step();
  EXPECT_EQ(book.look()->stat.name, "third");
}

TEST(ProcessIdentity, HasTheUserOfEveryProcessOfThisMachine) {
  const auto proc = os::ProcReader::open("/");
  const auto pids = proc->process_ids();
  ASSERT_TRUE(pids);
  int compared = 0;
  for (const std::uint32_t pid : *pids) {
    const auto before = proc->identity(pid);
    const std::uint32_t user = user_of(static_cast<pid_t>(pid));
    const auto after = proc->identity(pid);
    if (!before || !after || *before != *after) continue;  // It ended, or took other rights.
    EXPECT_EQ(before->uid, user) << pid;
    ++compared;
  }
  EXPECT_GT(compared, 1);
}

}  // namespace
}  // namespace tocsin::agent
