// Plugins as a site has them: Debian's monitoring-plugins, and scripts that misbehave.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using model::Outcome;
using model::PluginFacts;

// False where it is gone, or a zombie that init has not collected yet.
bool runs(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    if (word != "State:") continue;
    status >> word;
    return word != "Z" && word != "X";
  }
  return false;
}

class PluginCheck : public testing::Test {
 protected:
  std::string script(const std::string& body) {
    const std::string path = dir_.file("plugin");
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }
  model::Observation run(std::vector<std::string> command, Duration deadline = 10s) {
    CheckRun check(model::CheckKind::plugin, "it");
    check.context.settings.plugins = {{"it", std::move(command)}};
    check.definition.deadline = deadline;
    return check.run();
  }
  static PluginFacts facts(const model::Observation& seen) {
    const auto* facts = std::get_if<PluginFacts>(&seen.facts);
    return facts == nullptr ? PluginFacts{} : *facts;
  }

  tests::TempDir dir_;
};

TEST_F(PluginCheck, RunsDebiansPlugins) {
  const auto ok = facts(run({"/usr/lib/nagios/plugins/check_dummy", "0", "all is well"}));
  EXPECT_EQ(ok.status, 0U);
  EXPECT_EQ(ok.output, "OK: all is well");
  const auto disk = facts(run({"/usr/lib/nagios/plugins/check_disk", "-w", "0%", "-c", "0%", "/"}));
  EXPECT_EQ(disk.status, 0U);
  ASSERT_FALSE(disk.performance.empty());
  EXPECT_EQ(disk.performance.front().label, "/");
  const auto critical = run({"/usr/lib/nagios/plugins/check_dummy", "2", "too hot"});
  const auto judgement = rules::judge(critical, nullptr, {});
  EXPECT_EQ(judgement.verdict, model::Verdict::abnormal);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations.front().code, "plugin.critical");
}

// The room's power through NUT: a UPS that is simulated, everything behind it as on a real host.
TEST_F(PluginCheck, TellsThatTheRoomRunsOnBattery) {
  const tests::ServerProcess nut("nut.py", {dir_.path()});
  const std::vector<std::string> command{
      "/usr/lib/nagios/plugins/check_ups", "-H", "127.0.0.1", "-p", nut.port(), "-u", "room"};
  const auto online = facts(run(command));
  EXPECT_EQ(online.status, 0U) << online.output;
  ASSERT_GE(online.performance.size(), 4U);
  EXPECT_EQ(online.performance[1].label, "battery");
  EXPECT_EQ(online.performance[1].value, "98");
  EXPECT_EQ(online.performance[1].unit, "%");
  std::ofstream(dir_.file("room.dev")) << "ups.status: OB LB\nbattery.charge: 7\nTIMER 1\n";
  auto seen = run(command);
  for (int i = 0; i < 100 && facts(seen).status != 2; ++i) {
    std::this_thread::sleep_for(100ms);
    seen = run(command);
  }
  EXPECT_EQ(facts(seen).status, 2U);
  EXPECT_NE(facts(seen).output.find("On Battery, Low Battery"), std::string::npos);
  const auto judgement = rules::judge(seen, nullptr, {});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations.front().code, "plugin.critical");
}

TEST_F(PluginCheck, OneThatNeverEndsIsKilledWithAllThatItStarted) {
  const std::string pid_file = dir_.file("pid");
  const auto seen = run({script("sleep 1000 & echo $! > " + pid_file + "; sleep 1000")}, 400ms);
  EXPECT_EQ(seen.outcome, Outcome::timed_out);
  pid_t child = 0;
  std::ifstream(pid_file) >> child;
  ASSERT_GT(child, 0);
  // A signal takes effect when the kernel comes to it.
  for (int i = 0; i < 500 && runs(child); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(runs(child));
}

TEST_F(PluginCheck, OneThatLeavesAChildBehindIsNotWaitedFor) {
  const auto seen = run({script("sleep 1000 & echo fine")}, 600ms);
  EXPECT_EQ(seen.outcome, Outcome::seen);
  EXPECT_EQ(facts(seen).output, "fine");
}

// It has a session of its own, its parent is gone, and it holds nothing of ours.
TEST_F(PluginCheck, OneThatBecomesADaemonLeavesNothingBehind) {
  const std::string id = dir_.file("id");
  const std::string daemon = "(setsid sh -c 'echo $$ >" + id + ".part; mv " + id + ".part " + id +
                             "; exec sleep 1000' </dev/null >/dev/null 2>&1 &)\n"
                             "while [ ! -e " +
                             id + " ]; do sleep 0.01; done\n";
  for (const bool ends : {true, false}) {
    std::filesystem::remove(id);
    const auto seen = ends ? run({script(daemon + "echo ok")})
                           : run({script(daemon + "sleep 1000")}, Duration(6s));
    if (ends) {
      EXPECT_EQ(facts(seen).output, "ok");
    }
    pid_t left = 0;
    std::ifstream(id) >> left;
    ASSERT_GT(left, 1);
    EXPECT_FALSE(runs(left)) << ends;
  }
}

TEST_F(PluginCheck, TheEndOfOneProgramIsNoOthers) {
  const std::string go = dir_.file("go");
  const std::string waits = dir_.file("waits");
  std::ofstream(waits) << "#!/bin/sh\n>" + go + ".begun\nwhile [ ! -e " + go +
                              " ]; do sleep 0.01; done\necho waited\n";
  ASSERT_EQ(::chmod(waits.c_str(), 0755), 0);
  model::Observation other;
  std::thread beside([&] { other = run({waits}, 60s); });
  while (!std::filesystem::exists(go + ".begun")) std::this_thread::yield();
  const std::string daemon = script("(setsid sleep 1000 >/dev/null 2>&1 &)\necho ok");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(facts(run({daemon})).output, "ok");
  std::ofstream(go) << "";
  beside.join();
  EXPECT_EQ(facts(other).output, "waited");
  EXPECT_EQ(facts(other).status, 0U);
}

TEST_F(PluginCheck, EndlessOutputIsBoundedAndSaid) {
  const auto seen = facts(run({script("yes x | head -c 10000000; exit 1")}));
  EXPECT_EQ(seen.status, 1U);
  EXPECT_TRUE(seen.output_cut);
}

TEST_F(PluginCheck, HostileTextIsMadeSafe) {
  const auto seen = facts(run({script("printf 'a\\033[2Jb\\377|x=1'; exit 2")}));
  EXPECT_EQ(seen.output, "a\\x1b[2Jb\xef\xbf\xbd");
  EXPECT_EQ(seen.performance.size(), 1U);
}

TEST_F(PluginCheck, WhatIsNoAnswerCannotTell) {
  EXPECT_EQ(run({script("exit 127")}).outcome, Outcome::failed);
  EXPECT_EQ(run({script("kill -SEGV $$")}).outcome, Outcome::failed);
  EXPECT_EQ(run({dir_.file("absent")}).outcome, Outcome::failed);
  EXPECT_EQ(facts(run({script("exit 3")})).status, 3U);
  CheckRun unnamed(model::CheckKind::plugin, "other");
  EXPECT_EQ(unnamed.run().outcome, Outcome::not_applicable);
  EXPECT_EQ(unnamed.run().detail.code, "plugin.unnamed");
}

TEST_F(PluginCheck, SaysHowItEndedAndWhatItComplainedOf) {
  const auto what = [&](const std::string& body) {
    return run({script(body)}).detail.parameters.at(0).value;
  };
  EXPECT_EQ(what("kill -SEGV $$"), "signal 11");
  EXPECT_EQ(what("echo no such sensor >&2; exit 127"), "status 127; no such sensor");
  EXPECT_EQ(what("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 9").size(), 10U + 200U);
}

TEST_F(PluginCheck, ItGetsNoEnvironmentOfOurs) {
  ASSERT_EQ(::setenv("TOCSIN_SECRET", "x", 1), 0);
  const auto seen =
      facts(run({script("echo $(env | grep -c TOCSIN) $(ls /proc/self/fd | wc -l)")}));
  ::unsetenv("TOCSIN_SECRET");
  // Its own three descriptors, and the one of the folder that `ls` reads.
  EXPECT_EQ(seen.output, "0 4");
}

}  // namespace
}  // namespace tocsin::agent
