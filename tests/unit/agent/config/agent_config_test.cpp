#include "agent/config/agent_config.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/config/secret_file.hpp"
#include "tests/support/uncomment.hpp"

namespace tocsin::agent {
namespace {

std::string refusal(std::string_view toml) {
  const auto config = read_agent_config(toml, "agent.toml");
  return config ? "" : config.error().message;
}

TEST(AgentConfig, ReadsTheExampleWithEveryKey) {
  const auto config = load_agent_config(TOCSIN_EXAMPLES "/agent.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->collectors.size(), 2U);
  EXPECT_EQ(config->checks.size(), 13U);
  EXPECT_EQ(config->settings.plugins.size(), 1U);
  ASSERT_EQ(config->settings.backups.size(), 2U);
  EXPECT_EQ(config->settings.backups[0].program, "/usr/bin/dsmadmc");
  EXPECT_EQ(config->settings.backups[1].restore_every, 7 * 24h);
  EXPECT_EQ(config->key_file(), "/var/lib/tocsin-agent/agent.key");
}

TEST(AgentConfig, TheExamplesCommentsStateTheRealDefaults) {
  const std::string text = config::read_file(TOCSIN_EXAMPLES "/agent.toml", 1 << 20).value();
  const auto [all, count] = tests::uncommented(text);
  EXPECT_EQ(count, 34);
  const auto config = read_agent_config(all, "agent.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, read_agent_config(text, "agent.toml").value());
}

TEST(AgentConfig, ReadsBackAsItIsPrinted) {
  const auto example = load_agent_config(TOCSIN_EXAMPLES "/agent.toml").value();
  EXPECT_EQ(read_agent_config(print_config(example), "printed").value(), example);
  AgentConfig other;
  other.host_name = "\"quoted\\";
  other.collectors = {"[2001:db8::1]:8444"};
  other.allowed_kinds = {};
  other.log_folders = {"/srv/log", "/var/log"};
  other.settings.actions = {true,
                            {{"a.service", true}, {"b.service", false, "tcp://[::1]:80", 5s}}};
  other.settings.plugins = {{"ups", {"/usr/lib/nagios/plugins/check_ups", "-H", "localhost"}}};
  other.settings.antivirus.command = {"/opt/av/scan", "--quiet"};
  other.settings.antivirus.most_files = 7;
  other.settings.antivirus.signatures = {"/var/lib/av/daily.cld", "/var/lib/av/daily.cvd"};
  other.settings.login.account = "tocsin-probe";
  other.settings.warnings.local_probe = "tocsin-probe";
  other.settings.login.password_file = "/etc/secret";
  other.settings.login.least_interval = 2min;
  other.settings.login.hold = 1h;
  other.settings.login.targets = {{"bk02:22", "tocsin-bk", "/etc/key", "ssh-rsa AAAA x"}};
  other.settings.audit = {10min, true};
  other.settings.evidence = {false, {"/srv/log"}, 1 << 20, 2 << 20, 3 << 20};
  EXPECT_EQ(read_agent_config(print_config(other), "printed").value(), other);
}

TEST(AgentConfig, AnEmptyFileIsAnAgentThatKeepsItsFacts) {
  const auto config = read_agent_config("", "agent.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(*config, AgentConfig{});
}

TEST(AgentConfig, WhatTellsTheAgeOfSignaturesIsAPath) {
  EXPECT_EQ(refusal("[antivirus]\nsignatures = ['daily.cvd']\n"),
            "agent.toml:2:14: a file is an absolute path");
}

TEST(AgentConfig, NamesEachServiceThatMayBeRestartedOnce) {
  EXPECT_EQ(refusal("[[actions.restart]]\nunit = 'web'\n"),
            "agent.toml:2:8: a unit is called NAME.service");
  EXPECT_EQ(refusal("[[actions.restart]]\nunit = 'a.service'\n"
                    "[[actions.restart]]\nunit = 'a.service'\n"),
            "agent.toml:4:8: unit a.service is there twice");
}

// procedure M-03: what a restart is verified by is written by the host's administrator alone.
TEST(AgentConfig, AProbeIsAnAddressWithAProtocol) {
  const auto with = [](const char* probe) {
    return refusal(fmt::format("[[actions.restart]]\nunit = 'a.service'\nprobe = '{}'\n", probe));
  };
  EXPECT_EQ(with("http://127.0.0.1:8080/health"), "");
  EXPECT_NE(with("127.0.0.1:8080"), "");
  EXPECT_NE(with("http://localhost/"), "");
}

TEST(AgentConfig, AHeartbeatIsNoFlood) {
  EXPECT_NE(refusal("[audit]\nheartbeat = '9s'\n"), "");
  EXPECT_EQ(refusal("[audit]\nheartbeat = '0s'\n"), "");
}

// procedure M-02: a test that touches a person's account can lock somebody out.
TEST(AgentConfig, OnlyAProbesAccountIsEverNamedForALogin) {
  for (const char* name : {"root", "wang", "tocsin", "tocsin-", "tocsin-Wang", "tocsin-link",
                           "tocsin-observer", "tocsin-a b", "xtocsin-probe"}) {
    EXPECT_EQ(refusal(fmt::format("[login]\naccount = '{}'\npassword_file = '/p'\n", name)),
              "agent.toml:2:11: an account for login tests is called tocsin-…, so that it is "
              "nobody's own")
        << name;
  }
  EXPECT_EQ(refusal("[login]\naccount = 'tocsin-probe'\n"),
            "agent.toml:2:11: \"account\" and \"password_file\" go together");
}

TEST(AgentConfig, ALoginElsewhereNamesTheHostsKeyAndEachHostOnce) {
  const std::string target =
      "[[login.targets]]\naddress = 'b:22'\naccount = 'tocsin-probe'\nkey_file = '/k'\n"
      "host_key = 'ssh-ed25519 AAAA'\n";
  EXPECT_EQ(refusal(target), "");
  EXPECT_EQ(refusal(target + target), "agent.toml:7:11: \"b:22\" is there twice");
  EXPECT_EQ(refusal("[[login.targets]]\naddress = 'b:22'\naccount = 'tocsin-probe'\n"
                    "key_file = '/k'\nhost_key = 'AAAA'\n"),
            "agent.toml:5:12: a host key is a type and a key, as in \"ssh-ed25519 AAAA…\"");
}

TEST(AgentConfig, AProgramIsNamedByItsAbsolutePathAndOnce) {
  EXPECT_EQ(refusal("[[plugins]]\nname = 'a'\ncommand = ['check_ups']\n"
                    "[[plugins]]\nname = 'a'\ncommand = ['/bin/true']\n"),
            "agent.toml:3:11: \"command\" is a list; its first text is a program's absolute path\n"
            "agent.toml:5:8: plugin \"a\" is there twice");
}

// No secret is written where it does not belong, and nothing becomes part of a query that could
// change it.
TEST(AgentConfig, ABackupNamesFilesForItsSecretsAndPlainNames) {
  const std::string tsm = "[[backups]]\nname = 'a'\ntool = 'tsm'\n";
  EXPECT_EQ(refusal(tsm), "agent.toml:1:1: \"credentials_file\" is missing");
  EXPECT_EQ(refusal(tsm + "credentials_file = '/c'\nsources = [\"A') or ('1'='1\"]\n"),
            "agent.toml:5:11: a source of tsm is the name of a node");
  EXPECT_EQ(refusal(tsm + "credentials_file = '/c'\npassword_file = '/p'\n"),
            "agent.toml:5:1: unknown key \"password_file\"");
  const std::string restic = "[[backups]]\nname = 'a'\ntool = 'restic'\npassword_file = '/p'\n";
  EXPECT_EQ(refusal(restic),
            "agent.toml:1:1: either \"repository\" or \"repository_file\" is needed");
  EXPECT_EQ(refusal(restic + "repository = 'rest:https://u:p@h/r'\n"),
            "agent.toml:5:14: a repository with a password belongs into a \"repository_file\"");
  EXPECT_EQ(refusal(restic + "repository = 'sftp://u@h/r'\n"), "");
  EXPECT_EQ(refusal(restic + "repository = '/r'\nrestore_file = '/etc/*'\n"),
            "agent.toml:6:16: \"restore_file\" is one file, not a pattern");
  EXPECT_EQ(refusal(restic + "repository = '/r'\ncheck_read = '--help'\n"),
            "agent.toml:6:14: \"check_read\" is a part such as \"5%\" or \"1/10\"");
  EXPECT_EQ(refusal(restic + "repository = '/r'\n" + restic + "repository = '/r'\n"),
            "agent.toml:7:8: backup \"a\" is there twice");
}

TEST(AgentConfig, ReportsMistakesTogether) {
  EXPECT_EQ(
      refusal("[agent]\ndirectory = 'var'\n[collector]\nadresses = ['a:1']\n"
              "[allow]\nkinds = ['socket']\nlog_folders = ['log']\n"),
      "agent.toml:2:13: \"directory\" must be an absolute path\n"
      "agent.toml:3:1: \"addresses\" is missing\n"
      "agent.toml:4:1: unknown key \"adresses\"; is \"addresses\" meant?\n"
      "agent.toml:6:9: \"socket\" is not one of ping, service, audit_log, sockets, processes, "
      "antivirus, plugin, warnings, port_scan, answer, login, "
      "backup_job, metrics\n"
      "agent.toml:7:15: a folder is an absolute path");
  EXPECT_EQ(refusal("[collector]\naddresses = ['collector']\n"),
            "agent.toml:2:13: \"collector\" is not an address such as \"collector:8444\" or "
            "\"[::1]:8444\"");
}

}  // namespace
}  // namespace tocsin::agent
