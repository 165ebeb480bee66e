// Evidence from a host made of real files, verified with the programs that every host has.
#include "agent/evidence/collect.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/evidence/pictures.hpp"
#include "agent/os/files.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/time/time_source.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    ran.output.append(buffer, n);
  }
  ran.status = WEXITSTATUS(::pclose(pipe));
  return ran;
}

class Collect : public testing::Test {
 protected:
  void SetUp() override {
    write("/var/log/audit/audit.log", "type=USER_LOGIN msg=1\n");
    write("/var/log/syslog", "first\nsecond\n");
    write("/var/log/app/x.log", "x\n");
    write("/var/log/wtmp", std::string(384, '\1'));
    write("/var/log/journal/m/system.journal", "not a journal");
    write("/proc/1/net/tcp", "  sl  local_address\n");
    key_ = crypto::make_key_pem().value();
    ASSERT_TRUE(config::write_file(key_file(), key_, 0600));
    place_.root = root();
    place_.key_file = key_file();
    place_.host_name = "web1";
    place_.program = "tocsin-agent test";
  }

  std::string root() const { return temp_.file("root"); }
  std::string key_file() const { return temp_.file("agent.key"); }
  std::string folder() const { return place_.folder; }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root() + path).parent_path());
    std::ofstream(root() + path, std::ios::binary) << text;
  }

  Collected collect() {
    EvidenceOrder order;
    order.evidence = "E-2";
    order.request = "7.c1";
    order.asked_by = "wang";
    auto done = collect_evidence(order, place_);
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(Collected{});
  }
  evidence::Manifest manifest() const {
    const std::string text =
        config::read_file(folder() + "/MANIFEST", evidence::kManifestBytes).value();
    return evidence::parse_manifest(text).value();
  }
  static const evidence::Item* find(const evidence::Manifest& manifest, std::string_view source) {
    const auto item = std::find_if(manifest.items.begin(), manifest.items.end(),
                                   [&](const evidence::Item& i) { return i.source == source; });
    return item == manifest.items.end() ? nullptr : &*item;
  }
  std::string content(const evidence::Item& item) const {
    return config::read_file(folder() + "/" + item.file, 1 << 20).value();
  }

  tests::TempDir temp_;
  time::SystemTime time_;
  std::string key_;
  EvidencePlace place_{time_, temp_.file("evidence")};
};

// The very commands that the documentation gives.
TEST_F(Collect, IsVerifiedByOpensslAndSha256sumAlone) {
  const Collected done = collect();
  EXPECT_EQ(done.agent, crypto::agent_id_of_key(key_)->hex);
  const std::string in = "cd " + folder() + " && ";
  const Ran signature =
      run(in + "openssl dgst -sha256 -verify agent.pub.pem -signature MANIFEST.sig MANIFEST");
  EXPECT_EQ(signature.status, 0) << signature.output;
  EXPECT_EQ(signature.output, "Verified OK\n");
  const Ran sums = run(in + "LC_ALL=C sha256sum --check --strict MANIFEST");
  EXPECT_EQ(sums.status, 0) << sums.output;
  EXPECT_THAT(sums.output, HasSubstr("audit.log: OK\n"));
  const Ran agent = run(in + "openssl pkey -pubin -in agent.pub.pem -outform DER | sha256sum");
  EXPECT_EQ(agent.output.substr(0, 64), done.agent);
  const Ran whole = run(in + "sha256sum MANIFEST");
  EXPECT_EQ(whole.output.substr(0, 64), done.manifest);
}

TEST_F(Collect, ChangedBytesAreFoundAndNamed) {
  collect();
  const evidence::Item audit = *find(manifest(), "/var/log/audit/audit.log");
  std::ofstream(folder() + "/" + audit.file, std::ios::app) << "forged";
  const Ran sums = run("cd " + folder() + " && LC_ALL=C sha256sum --check --strict MANIFEST");
  EXPECT_NE(sums.status, 0);
  EXPECT_THAT(sums.output, HasSubstr(audit.file + ": FAILED"));
  std::ofstream(folder() + "/MANIFEST", std::ios::app) << "# more\n";
  const Ran signature = run("cd " + folder() +
                            " && openssl dgst -sha256 -verify agent.pub.pem -signature "
                            "MANIFEST.sig MANIFEST");
  EXPECT_NE(signature.status, 0);
}

// RFC 3227: what goes first is taken first; procedure M-11: every audit and log file.
TEST_F(Collect, TakesTheVolatileFirstAndEveryLogOnce) {
  collect();
  const evidence::Manifest taken = manifest();
  std::vector<std::string> order;
  for (const evidence::Item& item : taken.items) {
    if (order.empty() || order.back() != item.what) order.push_back(item.what);
  }
  EXPECT_THAT(order, ElementsAre("sockets", "network", "processes", "console", "services", "logins",
                                 "audit", "journal", "programs", "log"));
  EXPECT_EQ(content(*find(taken, "/var/log/audit/audit.log")), "type=USER_LOGIN msg=1\n");
  EXPECT_EQ(content(*find(taken, "/var/log/app/x.log")), "x\n");
  EXPECT_EQ(find(taken, "/var/log/journal/m/system.journal"), nullptr);
  EXPECT_EQ(std::count_if(taken.items.begin(), taken.items.end(),
                          [](const auto& i) { return i.source == "/var/log/wtmp"; }),
            1);
}

// procedure H-04: all that is watched for what it says is kept, wherever it lies.
TEST_F(Collect, TakesWatchedLogsOutsideTheFoldersWithTheirOlderPartsOnce) {
  const std::string log = "/opt/tivoli/tsm/dsmerror.log";
  for (const char* part : {"", ".1", ".2.gz", "-20261122"}) write(log + part, part);
  write("/opt/tivoli/tsm/dsm.opt", "no log\n");
  write("/opt/tivoli/tsm/dsmerror.log.bak/x", "no part\n");
  place_.watched_logs = {log, log, "/var/log/syslog", "/var/log/audit/audit.log", "/opt/gone.log"};
  collect();
  const evidence::Manifest taken = manifest();
  const auto times = [&](const std::string& source) {
    return std::count_if(taken.items.begin(), taken.items.end(),
                         [&](const auto& i) { return i.source == source; });
  };
  for (const char* part : {"", ".1", ".2.gz", "-20261122"}) {
    ASSERT_EQ(times(log + part), 1) << part;
    EXPECT_EQ(content(*find(taken, log + part)), part);
  }
  EXPECT_EQ(times("/opt/tivoli/tsm/dsm.opt"), 0);
  EXPECT_EQ(times("/var/log/syslog"), 1);
  EXPECT_EQ(times("/var/log/audit/audit.log"), 1);
  ASSERT_EQ(times("/opt/gone.log"), 1);
  EXPECT_EQ(find(taken, "/opt/gone.log")->reason, "not_found");
}

TEST(WatchedLogs, AreFilesOfTheChecksThatReadThem) {
  EXPECT_TRUE(is_log_file({model::CheckKind::warnings, "/opt/a.log"}));
  EXPECT_TRUE(is_log_file({model::CheckKind::audit_log, "/opt/a.log"}));
  EXPECT_FALSE(is_log_file({model::CheckKind::audit_log, "journal"}));
  EXPECT_FALSE(is_log_file({model::CheckKind::service, "/opt/a.log"}));
}

// 無法取得 with its reason.
TEST_F(Collect, WhatCouldNotBeHadIsSaidWithItsReason) {
  fs::create_symlink("/etc/shadow", root() + "/var/log/secret.log");
  ASSERT_EQ(::mkfifo((root() + "/var/log/pipe").c_str(), 0600), 0);
  const Collected done = collect();
  const evidence::Manifest taken = manifest();
  EXPECT_EQ(find(taken, "/var/log/secret.log")->reason, "symbolic_link");
  EXPECT_EQ(find(taken, "/var/log/pipe")->reason, "not_a_file");
  EXPECT_EQ(find(taken, "/var/log/btmp")->reason, "not_found");
  EXPECT_EQ(find(taken, "/dev/vcs*")->reason, "not_found");
  EXPECT_EQ(done.missing, taken.missing());
  EXPECT_EQ(taken.asked_by, "wang");
}

// A link anywhere on the way would let somebody choose what is read.
TEST_F(Collect, NoPartOfAPathIsFollowed) {
  fs::create_directories(root() + "/elsewhere");
  std::ofstream(root() + "/elsewhere/audit.log") << "forged";
  fs::remove_all(root() + "/var/log/audit");
  fs::create_directory_symlink(root() + "/elsewhere", root() + "/var/log/audit");
  collect();
  EXPECT_EQ(find(manifest(), "/var/log/audit")->reason, "symbolic_link");
}

TEST_F(Collect, KeepsTheNewestBytesOfWhatIsTooLargeAndSaysWhatWasCut) {
  std::string large;
  for (int line = 0; line < 5000; ++line) large += std::to_string(line) + "\n";
  write("/var/log/syslog", large);
  place_.limits.item_bytes = 1000;
  collect();
  const evidence::Manifest taken = manifest();
  const evidence::Item& item = *find(taken, "/var/log/syslog");
  EXPECT_EQ(item.cut, "item_limit");
  EXPECT_EQ(item.bytes, 1000U);
  EXPECT_EQ(item.from, large.size() - 1000);
  EXPECT_EQ(item.left_out, large.size() - 1000);
  EXPECT_EQ(content(item), large.substr(large.size() - 1000));
}

TEST_F(Collect, NeverPassesItsTotal) {
  for (int i = 0; i < 20; ++i) write("/var/log/f" + std::to_string(i), std::string(3000, 'x'));
  place_.limits.total_bytes = 20'000;
  const Collected done = collect();
  EXPECT_LE(done.bytes, 20'000U);
  const evidence::Manifest taken = manifest();
  const auto last = std::find_if(taken.items.rbegin(), taken.items.rend(),
                                 [](const auto& item) { return item.what == "log"; });
  EXPECT_EQ(last->reason, "total_limit");
  EXPECT_TRUE(std::any_of(taken.items.begin(), taken.items.end(),
                          [](const auto& item) { return item.cut == "total_limit"; }));
}

TEST_F(Collect, MoreThanACollectionMayHoldIsSaid) {
  for (std::size_t i = 0; i < 700; ++i) {
    for (const char* folder : {"a", "b"}) {
      write("/var/log/" + std::string(folder) + "/" + std::to_string(i), "x");
    }
  }
  place_.log_folders = {"/var/log/a", "/var/log/b"};
  collect();
  const evidence::Manifest taken = manifest();
  EXPECT_EQ(taken.items.size(), evidence::kItems);
  EXPECT_EQ(taken.items.back().reason, "too_many");
  EXPECT_TRUE(std::any_of(taken.items.begin(), taken.items.end(),
                          [](const auto& item) { return item.what == "programs"; }));
}

TEST_F(Collect, WithoutAKeyItSaysThatItIsNotSigned) {
  fs::remove(key_file());
  const Collected done = collect();
  EXPECT_EQ(done.agent, "");
  EXPECT_THAT(done.unsigned_because, HasSubstr("agent.key"));
  EXPECT_FALSE(fs::exists(folder() + "/MANIFEST.sig"));
  const Ran sums = run("cd " + folder() + " && sha256sum --check --strict MANIFEST");
  EXPECT_EQ(sums.status, 0) << sums.output;
}

TEST_F(Collect, AStopCutsItShortAndTheManifestSaysSo) {
  std::stop_source stop;
  stop.request_stop();
  place_.stop = stop.get_token();
  collect();
  const evidence::Manifest taken = manifest();
  EXPECT_EQ(taken.kept(), 0U);
  EXPECT_TRUE(std::any_of(taken.items.begin(), taken.items.end(),
                          [](const auto& item) { return item.reason == "stopped"; }));
}

TEST_F(Collect, TouchesNoFolderThatIsThereAlready) {
  fs::create_directory(folder());
  const auto done = collect_evidence({}, place_);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::already_exists);
}

// This very machine: its own sockets and processes.
TEST_F(Collect, OfThisHostHasItsProcessesAndSockets) {
  place_.root = "/";
  place_.log_folders = {};
  place_.limits.total_bytes = 32 << 20;
  collect();
  const evidence::Manifest taken = manifest();
  const std::string processes = content(*find(taken, "a look at the processes"));
  EXPECT_THAT(processes, HasSubstr("\n" + std::to_string(::getpid()) + "\t"));
  EXPECT_THAT(content(*find(taken, "a look at the sockets")), HasSubstr("protocol\tstate"));
  EXPECT_THAT(content(*find(taken, "a look at the programs")),
              HasSubstr("integration_agent_evidence"));
  const Ran sums = run("cd " + folder() + " && sha256sum --check --strict --quiet MANIFEST");
  EXPECT_EQ(sums.status, 0) << sums.output;
}

// In a thread of its own, which is all that loses its capabilities.
template <class Do>
void without_rights(const Do& act) {
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> words{};
    ASSERT_EQ(::syscall(SYS_capget, &header, words.data()), 0);
    for (auto& word : words) word.effective = 0;
    ASSERT_EQ(::syscall(SYS_capset, &header, words.data()), 0);
    act();
  }).join();
}

// The first process of the machine has rights that we have not.
TEST(Pictures, SayWhichProcessesCouldNotBeLookedInto) {
  const os::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  std::string rows;
  const auto keep = [&](std::string_view row) {
    rows.append(row);
    return true;
  };
  without_rights([&] {
    EXPECT_EQ(programs_table("/", {}, keep).value_or("?"), "not_permitted");
    EXPECT_THAT(rows, HasSubstr("\n?\t1\t?\t?\n"));
    EXPECT_THAT(rows, HasSubstr("integration_agent_evidence"));
    EXPECT_EQ(processes_table("/", {}, keep).value_or("?"), "not_permitted");
    EXPECT_EQ(sockets_table("/", {}, keep).value_or("?"), "not_permitted");
  });
}

}  // namespace
}  // namespace tocsin::agent
