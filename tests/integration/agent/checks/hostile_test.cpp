// Hosts that mean harm, or are merely busy: names made to move a terminal's cursor, programs that
// are gone before they were looked at, logs that grow faster than they can be read. What is said
// stays true, what it costs stays bounded.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/rules/judge.hpp"
#include "common/wire/wire.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

std::string cjk(std::size_t bytes) {
  std::string text;
  while (text.size() + 3 <= bytes) text += "備";
  return text;
}

// Each fits a file's name. A bell, a title, a cleared screen; lines; wide; no UTF-8; right to left.
const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names{"\x1b]0;owned\x07\x1b[2J\x1b[31m",
                                              "nc\nroot     1  0.0 systemd\r",
                                              cjk(252),
                                              "\xff\xfe\x80\xc3\x28",
                                              "\xe2\x80\xaegpj.exe\xe2\x80\xac",
                                              " ",
                                              "%s%n{}{0}"};
  return names;
}

bool is_utf8(const std::string& text) {
  return clean_text(text, 2 * text.size()).find("\xef\xbf\xbd") == std::string::npos;
}

bool is_clean(const std::string& text, std::size_t most) {
  return text.size() <= most && clean_text(text, most) == text;
}

// What the collector has of it: through the bytes that it goes by.
model::Observation arrived(const model::Observation& seen) {
  model::Fact fact;
  fact.body = seen;
  const auto read = wire::decode_fact(wire::encode_fact(fact));
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return read ? std::get<model::Observation>(read->body) : model::Observation{};
}

void expect_clean_judgement(const model::Observation& seen) {
  const model::Baseline nothing;
  const model::Judgement judged = rules::judge(seen, &nothing, {});
  for (const model::Violation& violation : judged.violations) {
    EXPECT_TRUE(is_clean(violation.subject, 2 * limits::kPath)) << violation.subject;
    for (const auto& parameter : violation.message.parameters) {
      EXPECT_TRUE(is_clean(parameter.value, 2 * limits::kPath)) << violation.code;
    }
  }
}

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(files, std::filesystem::directory_iterator()));
}

std::uint64_t number_after(const char* file, const std::string& label) {
  std::ifstream stream(file);
  for (std::string word; stream >> word;) {
    std::uint64_t value = 0;
    if (word == label && stream >> value) return value;
  }
  return 0;
}
std::uint64_t bytes_read() { return number_after("/proc/self/io", "rchar:"); }
std::uint64_t resident_bytes() { return number_after("/proc/self/status", "VmRSS:") << 10; }

// A program of that name, which sleeps, with a listening socket of its own.
class HostileProgram {
 public:
  HostileProgram(const std::string& folder, const std::string& name) : path_(folder + "/" + name) {
    std::filesystem::copy_file("/bin/sleep", path_);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    std::string argument = name + cjk(4096);
    std::string seconds = "60";
    char* const arguments[] = {argument.data(), seconds.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, path_.c_str(), nullptr, nullptr, arguments, environ), 0);
    ::close(listener);
  }
  ~HostileProgram() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  HostileProgram(const HostileProgram&) = delete;
  HostileProgram& operator=(const HostileProgram&) = delete;
  std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }
  std::uint16_t port() const { return port_; }

 private:
  std::string path_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

class HostileNames : public testing::Test {
 protected:
  void SetUp() override {
    // The last one lies as deep as a path can be.
    std::string deep = folder_.path();
    while (deep.size() < 3300) deep += "/" + cjk(240);
    std::filesystem::create_directories(deep);
    for (const std::string& name : hostile_names()) {
      programs_.push_back(std::make_unique<HostileProgram>(folder_.path(), name));
    }
    programs_.push_back(std::make_unique<HostileProgram>(deep, "\x1b[2J" + cjk(200)));
  }
  tests::TempDir folder_;
  std::vector<std::unique_ptr<HostileProgram>> programs_;
};

// procedure M-09
TEST_F(HostileNames, OfProcessesAreSeenAndMadeSafe) {
  CheckRun check(model::CheckKind::processes);
  const model::Observation seen = arrived(check.run());
  ASSERT_EQ(seen.outcome, model::Outcome::seen);
  const auto& facts = std::get<model::ProcessesFacts>(seen.facts);
  std::size_t found = 0;
  for (const model::ProcessGroup& group : facts.groups) {
    EXPECT_TRUE(is_clean(group.name, limits::kName)) << group.name;
    EXPECT_TRUE(is_clean(group.executable, limits::kPath)) << group.executable;
    found += static_cast<std::size_t>(
        std::count_if(programs_.begin(), programs_.end(),
                      [&](const auto& one) { return one->pid() == group.example_pid; }));
  }
  EXPECT_EQ(found, programs_.size()) << "each is a group of its own";
  expect_clean_judgement(seen);
}

// procedure M-07
TEST_F(HostileNames, OfListeningProgramsAreSeenAndMadeSafe) {
  CheckRun check(model::CheckKind::sockets);
  check.run();
  const model::Observation seen = arrived(check.run());
  ASSERT_EQ(seen.outcome, model::Outcome::seen);
  const auto& facts = std::get<model::SocketsFacts>(seen.facts);
  for (const auto& program : programs_) {
    const auto listener =
        std::find_if(facts.listeners.begin(), facts.listeners.end(),
                     [&](const auto& one) { return one.port == program->port(); });
    ASSERT_NE(listener, facts.listeners.end());
    EXPECT_FALSE(listener->executable.empty());
    EXPECT_TRUE(is_clean(listener->executable, limits::kPath)) << listener->executable;
  }
  expect_clean_judgement(seen);
}

TEST(HostileUnits, AreNoUnitsAndNothingIsAskedForThem) {
  for (const std::string& name : hostile_names()) {
    if (!is_utf8(name)) continue;  // Neither the host's own file nor the collector can say that.
    CheckRun check(model::CheckKind::service, name + ".service");
    const model::Observation seen = arrived(check.run());
    EXPECT_NE(seen.outcome, model::Outcome::seen);
    EXPECT_NE(rules::judge(seen, nullptr, {}).verdict, model::Verdict::normal);
    for (const auto& parameter : seen.detail.parameters) {
      EXPECT_TRUE(is_clean(parameter.value, limits::kText)) << parameter.value;
    }
  }
}

// procedure M-05: a rotation is still told from damage.
TEST(HostileFiles, BesideALogExplainNothingAndHideNothing) {
  const tests::TempDir folder;
  const std::string path = folder.file("audit.log");
  const auto append = [&](const std::string& text) { std::ofstream(path, std::ios::app) << text; };
  append("type=USER_START msg=audit(1700000000.001:100): op=start\n");
  for (const std::string& name : hostile_names()) {
    std::ofstream(folder.file("audit.log." + name.substr(0, 200))) << name;
    std::ofstream(folder.file("audit.log." + name.substr(0, 190) + ".gz")) << name;
  }
  CheckRun check(model::CheckKind::audit_log, path);
  check.run();
  for (const std::string& name : hostile_names()) {
    append("type=USER_LOGIN msg=audit(1700000001.001:101): acct=\"" + name + cjk(4096) + "\"\n");
  }
  EXPECT_FALSE(check.facts<model::AuditLogFacts>().content_changed);
  std::filesystem::rename(path, path + ".1");
  append("type=USER_LOGIN msg=audit(1700000002.001:102): x\n");
  const auto rotated = check.facts<model::AuditLogFacts>();
  EXPECT_TRUE(rotated.rotated_sibling);
  std::filesystem::resize_file(path, 0);
  const auto cut = check.facts<model::AuditLogFacts>();
  EXPECT_TRUE(cut.shrunk);
  EXPECT_FALSE(cut.rotated_sibling);
}

// ---- programs that come and go

// As many as there are processors start programs that end at once.
class Turmoil {
 public:
  Turmoil() {
    for (std::jthread& thread : threads_) {
      thread = std::jthread([this](const std::stop_token& stop) {
        while (!stop.stop_requested() && started_ < kMost) {
          std::string name = "/bin/true";
          char* const arguments[] = {name.data(), nullptr};
          pid_t child = -1;
          if (::posix_spawn(&child, name.c_str(), nullptr, nullptr, arguments, environ) != 0) break;
          ++started_;
          ::waitpid(child, nullptr, 0);
        }
      });
    }
  }
  int started() const { return started_; }

 private:
  static constexpr int kMost = 100'000;
  std::atomic<int> started_{0};
  std::vector<std::jthread> threads_{2};
};

TEST(VanishingProcesses, LeaveNoHoleAndNoOpenFile) {
  CheckRun processes(model::CheckKind::processes);
  CheckRun sockets(model::CheckKind::sockets);
  processes.run();
  sockets.run();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::size_t open_before = open_files();
  const Turmoil turmoil;
  for (int look = 0; look < 5; ++look) {
    const model::Observation seen = arrived(processes.run());
    ASSERT_EQ(seen.outcome, model::Outcome::seen) << seen.detail.code;
    const auto& facts = std::get<model::ProcessesFacts>(seen.facts);
    EXPECT_TRUE(std::any_of(facts.groups.begin(), facts.groups.end(), [&](const auto& group) {
      return group.executable == self;
    })) << "who stays is seen";
    EXPECT_TRUE(facts.hidden.empty()) << "who went is not hidden";
    const model::Observation ports = arrived(sockets.run());
    EXPECT_EQ(ports.outcome, model::Outcome::seen) << ports.detail.code;
  }
  EXPECT_GT(turmoil.started(), 50);
  // A child that is just starting has two ends of a pipe.
  EXPECT_LE(open_files(), open_before + 8);
}

// ---- a log that grows as fast as it can be written

constexpr std::uint64_t kLogBytes = 96 << 20;
constexpr int kRecordsOfChunk = 8192;

std::string chunk_of_log() {
  std::string chunk;
  for (int i = 0; i < kRecordsOfChunk; ++i) {
    chunk +=
        i % 1000 == 0
            ? "Nov 22 22:14:55 h kernel: Out of memory: Killed process 4242 (dsmserv)\n"
            : fmt::format("Nov 22 22:14:55 h app[1]: request {:06} took 12 ms, 備份 done\n", i);
  }
  return chunk;
}

// procedure M-04
TEST(FastLog, IsReadInBoundedStepsAndWhatIsNotReadYetIsSaid) {
  const tests::TempDir folder = tests::TempDir::in_memory();
  const std::string path = folder.file("messages");
  std::ofstream(path) << "Nov 22 22:14:54 h begin\n";
  CheckRun check(model::CheckKind::warnings, path);
  check.run();
  const std::string chunk = chunk_of_log();
  const std::uint64_t chunks = kLogBytes / chunk.size();
  const std::uint64_t whole = std::filesystem::file_size(path) + chunks * chunk.size();
  const std::uint64_t resident_before = resident_bytes();
  std::jthread writer([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    for (std::uint64_t i = 0; i < chunks; ++i) {
      if (::write(file, chunk.data(), chunk.size()) != static_cast<ssize_t>(chunk.size())) break;
    }
    ::close(file);
  });
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t kills = 0;
  int behind = 0;
  for (bool all_read = false; !all_read;) {
    const bool all_written = std::filesystem::file_size(path) == whole;
    const std::uint64_t read_before = bytes_read();
    const model::Observation seen = arrived(check.run());
    EXPECT_LT(bytes_read() - read_before, 5U << 20) << "of one look";
    ASSERT_EQ(seen.outcome, model::Outcome::seen);
    const auto& facts = std::get<model::WarningsFacts>(seen.facts);
    EXPECT_EQ(facts.lost_bytes, 0U);
    EXPECT_LE(facts.groups.size(), 1U);
    records += facts.records;
    bytes += facts.bytes;
    for (const model::WarningGroup& group : facts.groups) kills += group.count;
    if (facts.bytes_behind > 0) {
      ++behind;
      const model::Judgement judged = rules::judge(seen, nullptr, {});
      EXPECT_NE(judged.verdict, model::Verdict::normal);
      EXPECT_FALSE(judged.unseen.empty()) << "what is not read yet was not seen";
    }
    all_read = all_written && facts.bytes_behind == 0;
  }
  EXPECT_GT(behind, 5) << "the writer is faster than what one look may read";
  EXPECT_EQ(bytes, chunks * chunk.size());
  EXPECT_EQ(records, chunks * kRecordsOfChunk);
  EXPECT_EQ(kills, chunks * ((kRecordsOfChunk + 999) / 1000));
  EXPECT_LT(resident_bytes(), resident_before + (24U << 20));
}

// Removed before it could be read, while nobody had it open: that is gone, and said to the byte.
TEST(FastLog, ThatIsRemovedBeforeItWasReadIsCountedAsLost) {
  const tests::TempDir folder = tests::TempDir::in_memory();
  const std::string path = folder.file("messages");
  std::ofstream(path) << "Nov 22 22:14:54 h begin\n";
  CheckRun check(model::CheckKind::warnings, path);
  check.run();
  const std::string chunk = chunk_of_log();
  std::uint64_t written = 0;
  for (; written < 24U << 20; written += chunk.size()) {
    std::ofstream(path, std::ios::app) << chunk;
  }
  const auto first = check.facts<model::WarningsFacts>();
  EXPECT_EQ(first.bytes + first.bytes_behind, written);
  check.context.memory.reset();  // The agent restarts.
  std::filesystem::remove(path);
  std::ofstream(path) << "Nov 22 22:14:56 h a new log\n";
  const model::Observation seen = arrived(check.run());
  const auto& facts = std::get<model::WarningsFacts>(seen.facts);
  EXPECT_EQ(facts.lost_bytes, first.bytes_behind);
  EXPECT_EQ(facts.records, 1U);
  EXPECT_EQ(rules::judge(seen, nullptr, {}).verdict, model::Verdict::cannot_tell);
}

// procedure M-05
TEST(FastLog, AnAuditLogIsFollowedInBoundedSteps) {
  const tests::TempDir folder = tests::TempDir::in_memory();
  const std::string path = folder.file("audit.log");
  std::ofstream(path) << "type=USER_START msg=audit(1700000000.001:1): op=start\n";
  CheckRun check(model::CheckKind::audit_log, path);
  check.run();
  std::atomic<std::uint64_t> written{0};
  std::jthread writer([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    std::uint64_t serial = 1;
    while (written < kLogBytes) {
      std::string chunk;
      while (chunk.size() < 1U << 20) {
        chunk +=
            fmt::format("type=SYSCALL msg=audit(1700000001.001:{}): arch=c000003e\n", ++serial);
      }
      if (::write(file, chunk.data(), chunk.size()) != static_cast<ssize_t>(chunk.size())) break;
      written += chunk.size();
    }
    ::close(file);
  });
  for (bool done = false; !done;) {
    done = written >= kLogBytes;
    const std::uint64_t read_before = bytes_read();
    const auto facts = check.facts<model::AuditLogFacts>();
    // 64 MiB of what is new, and what is compared of the rest.
    EXPECT_LT(bytes_read() - read_before, 80U << 20) << "of one look";
    EXPECT_FALSE(facts.replaced || facts.shrunk || facts.head_changed || facts.zeroed ||
                 facts.content_changed);
    EXPECT_EQ(facts.sequence_gap, 0U);
  }
}

}  // namespace
}  // namespace tocsin::agent
