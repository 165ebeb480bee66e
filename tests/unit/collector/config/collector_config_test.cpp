#include "collector/config/collector_config.hpp"

#include <gtest/gtest.h>

#include "common/config/secret_file.hpp"
#include "tests/support/uncomment.hpp"

namespace tocsin::collector {
namespace {

TEST(CollectorConfig, ReadsTheExampleWithEveryKey) {
  const auto config = load_collector_config(TOCSIN_EXAMPLES "/collector.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->enroll_address, "collector.example:8445");
  EXPECT_EQ(config->authority_key_file, "/etc/tocsin/ca.key");
}

TEST(CollectorConfig, TheExamplesCommentsStateTheRealDefaults) {
  const std::string text = config::read_file(TOCSIN_EXAMPLES "/collector.toml", 1 << 20).value();
  const auto [all, count] = tests::uncommented(text);
  EXPECT_EQ(count, 12);
  EXPECT_EQ(read_collector_config(all, "x"), read_collector_config(text, "x"));
}

TEST(CollectorConfig, ReadsBackAsItIsPrinted) {
  auto config = load_collector_config(TOCSIN_EXAMPLES "/collector.toml").value();
  config.log_level = log::Level::debug;
  config.keep_days = 0;
  config.evidence_mib = 7;
  config.evidence_free_mib = 0;
  config.revocation_file = "/etc/tocsin/revoked \"x\"";
  EXPECT_EQ(read_collector_config(print_config(config), "printed").value(), config);
}

TEST(CollectorConfig, SaysEverythingThatIsMissing) {
  EXPECT_EQ(read_collector_config("[listen]\nagents = '8444'\n", "c.toml").error().message,
            "c.toml:1:1: \"enroll_address\" is missing\n"
            "c.toml:1:1: \"tls\" is missing\n"
            "c.toml:2:10: \"8444\" is not an address such as \"collector:8444\" or \"[::1]:8444\"");
}

TEST(CollectorConfig, TheJournalIsKeptForDaysThatMakeSense) {
  const std::string text = config::read_file(TOCSIN_EXAMPLES "/collector.toml", 1 << 20).value();
  const auto with = [&](const std::string& days) {
    std::string changed = text;
    const std::string line = "[collector]\n";
    return read_collector_config(
        changed.insert(changed.find(line) + line.size(), "keep_days = " + days + "\n"), "c.toml");
  };
  EXPECT_EQ(read_collector_config(text, "c.toml")->keep_days, 400U);
  EXPECT_EQ(with("0")->keep_days, 0U);
  EXPECT_EQ(with("36500")->keep_days, 36500U);
  EXPECT_FALSE(with("-1"));
  EXPECT_FALSE(with("36501"));
}

TEST(CollectorConfig, HasNoPlaceForAKeyItself) {
  const std::string text = config::read_file(TOCSIN_EXAMPLES "/collector.toml", 1 << 20).value();
  EXPECT_FALSE(read_collector_config(text + "key = '-----BEGIN PRIVATE KEY-----'\n", "c.toml"));
}

}  // namespace
}  // namespace tocsin::collector
