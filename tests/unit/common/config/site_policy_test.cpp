#include "common/config/site_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/secret_file.hpp"
#include "tests/support/uncomment.hpp"

namespace tocsin::config {
namespace {

using testing::ElementsAre;

std::string refusal(const std::string& toml) {
  const auto policy = read_site_policy(toml, "site.toml");
  return policy ? "" : policy.error().message;
}

constexpr const char* kSite = "[site]\nname = 'IDC-1'\n";

TEST(SitePolicy, ReadsTheExampleWithEveryKey) {
  const auto text = read_file(TOCSIN_EXAMPLES "/site.toml", 1 << 20);
  ASSERT_TRUE(text);
  const auto read = read_site_policy(*text, "site.toml");
  ASSERT_TRUE(read) << read.error().message;
  const model::SitePolicy& policy = *read;
  EXPECT_EQ(policy.site, "IDC-1");
  ASSERT_EQ(policy.baselines.size(), 1U);
  const model::Baseline& web = policy.baselines[0];
  EXPECT_TRUE(web.has_listeners);
  ASSERT_EQ(web.listeners.size(), 3U);
  EXPECT_EQ(web.listeners[0].executable, "/usr/sbin/nginx");
  EXPECT_THAT(web.listeners[0].address_classes,
              ElementsAre(model::AddressClass::any, model::AddressClass::private_network));
  EXPECT_EQ(web.listeners[1].port_to, 8099);
  EXPECT_FALSE(web.listeners[1].redirect);
  EXPECT_TRUE(web.listeners[2].redirect);
  EXPECT_THAT(web.sources[0].networks,
              ElementsAre("10.20.0.0/16", "2001:db8:20::/48", "10.30.0.16/28"));
  EXPECT_TRUE(web.services[0].must_run);
  EXPECT_TRUE(web.has_processes);
  ASSERT_EQ(policy.hosts.size(), 3U);
  EXPECT_EQ(policy.hosts[0].criticality, model::Criticality::core);
  EXPECT_EQ(policy.hosts[0].checks.size(), 5U);
  ASSERT_EQ(policy.channels.size(), 2U);
  EXPECT_EQ(policy.channels[0].password_file, "/etc/tocsin/mail.password");
  EXPECT_TRUE(policy.channels[0].require_tls);
  EXPECT_EQ(policy.hosts[0].address, "10.0.0.11");
  EXPECT_EQ(policy.hosts[0].group, "web");
  EXPECT_EQ(web.listeners[0].package, "nginx-core");
  EXPECT_EQ(web.processes[0].sha256.substr(0, 8), "9f86d081");
  EXPECT_EQ(policy.hosts[0].rack, "A3");
  EXPECT_EQ(policy.hosts[0].backup_rpo, 4h);
  ASSERT_EQ(policy.contacts.size(), 4U);
  EXPECT_EQ(policy.contacts[2].group, "network");
  EXPECT_EQ(policy.contacts[1].at_least, model::Severity::b);
  EXPECT_EQ(baseline_of(policy, "another"), &web) << "by the entry \"*\"";
}

TEST(SitePolicy, TheExamplesCommentsStateTheRealDefaults) {
  const std::string text = read_file(TOCSIN_EXAMPLES "/site.toml", 1 << 20).value();
  const auto [all, count] = tests::uncommented(text);
  EXPECT_EQ(count, 32);
  const auto policy = read_site_policy(all, "site.toml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(*policy, read_site_policy(text, "site.toml").value());
}

TEST(SitePolicy, AFileIsOfAPackageOrHasAHash) {
  const auto with = [](const std::string& keys) {
    return std::string(kSite) +
           "[[baselines]]\nname='b'\nversion=1\n[[baselines.processes]]\nname='x'\n" + keys;
  };
  EXPECT_EQ(refusal(with("package='p'\n")), "");
  EXPECT_THAT(refusal(with("sha256='abc'\n")), testing::HasSubstr("64 hex digits"));
  EXPECT_THAT(refusal(with("package='p'\nsha256='" + std::string(64, 'a') + "'\n")),
              testing::HasSubstr("exclude each other"));
}

TEST(SitePolicy, ARedirectIsOfAPortAndOfNoProgram) {
  const auto with = [](const std::string& keys) {
    return std::string(kSite) +
           "[[baselines]]\nname='b'\nversion=1\n[[baselines.listeners]]\nredirect=true\n" + keys;
  };
  EXPECT_EQ(refusal(with("protocol='tcp'\nport=80\n")), "");
  for (const char* wrong :
       {"protocol='tcp'\n", "protocol='udp'\nport=80\n", "protocol='tcp'\nport=80\nuser='root'\n",
        "protocol='tcp'\nport=80\nexecutable='/usr/sbin/nginx'\n"}) {
    EXPECT_THAT(refusal(with(wrong)), testing::HasSubstr("\"redirect\"")) << wrong;
  }
}

// procedure M-07: a program that takes any free port of a range is normal on all of them.
TEST(SitePolicy, ARangeOfPortsIsOneText) {
  const auto with = [](const std::string& keys) {
    return std::string(kSite) +
           "[[baselines]]\nname='b'\nversion=1\n[[baselines.listeners]]\nprotocol='udp'\n" + keys;
  };
  const auto policy = read_site_policy(with("ports = '600-1023'\n"), "site.toml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->baselines[0].listeners[0].port, 600);
  EXPECT_EQ(policy->baselines[0].listeners[0].port_to, 1023);
  const auto one = read_site_policy(with("ports = '443'\n"), "site.toml");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->baselines[0].listeners[0].port, 443);
  EXPECT_EQ(one->baselines[0].listeners[0].port_to, 0);
  for (const char* wrong :
       {"", "x", "-5", "0-9", "600-", "600-599", "1-2-3", "1-70000", "70000", "1 - 2", "600,700"}) {
    EXPECT_THAT(refusal(with(std::string("ports = '") + wrong + "'\n")),
                testing::HasSubstr("\"ports\""))
        << wrong;
  }
  EXPECT_THAT(refusal(with("port = 1\nports = '1-2'\n")), testing::HasSubstr("keep one"));
}

TEST(SitePolicy, IsShortWhenDefaultsWillDo) {
  const auto policy = read_site_policy(kSite, "site.toml");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->auto_register, 10min);
  EXPECT_EQ(policy->time_zone, "Asia/Taipei");
}

TEST(SitePolicy, AnEmptyListOfListenersIsNotAnAbsentOne) {
  const std::string start = std::string(kSite) + "[[baselines]]\nname = 'b'\nversion = 1\n";
  EXPECT_FALSE(read_site_policy(start, "site.toml")->baselines[0].has_listeners);
  EXPECT_TRUE(
      read_site_policy(start + "listeners = []\n", "site.toml")->baselines[0].has_listeners);
}

TEST(SitePolicy, NamesMustLeadSomewhere) {
  EXPECT_EQ(
      refusal(std::string(kSite) + "[[hosts]]\nhost = 'a'\nbaseline = 'nowhere'\n"
                                   "[[contacts]]\nname = 'n'\nrole = 'duty'\nchannel = 'none'\n"),
      "site.toml:5:12: there is no baseline \"nowhere\"\n"
      "site.toml:9:11: there is no channel \"none\"");
}

TEST(SitePolicy, NamesAreThereOnce) {
  EXPECT_EQ(refusal(std::string(kSite) + "[[hosts]]\nhost = 'a'\n[[hosts]]\nhost = 'a'\n"),
            "site.toml:6:8: \"a\" is there twice");
}

TEST(SitePolicy, ZonesNumbersAndNetworksAreChecked) {
  EXPECT_EQ(refusal("[site]\nname = 'a'\ntime_zone = 'Asia/Taipeh'\n"),
            "site.toml:3:13: there is no time zone \"Asia/Taipeh\"");
  for (const char* format :
       {"SI", "{number}{number}", "{number:0}", "{number:10}", "{month}-{number}", "{number",
        "number}", "}{number}", "SI-{number:4}"}) {
    EXPECT_THAT(refusal(std::string("[site]\nname = 'a'\nnumber_format = '") + format + "'\n"),
                testing::StartsWith("site.toml:3:17: \"number_format\" needs {year} or {roc_year}"))
        << format;
  }
  EXPECT_EQ(refusal("[site]\nname = 'a'\nnumber_format = 'X{year}/{number}'\n"), "");
  EXPECT_EQ(refusal("[site]\nname = 'a'\nnumber_format = '{number:3}-{roc_year}'\n"), "");
  const std::string source = std::string(kSite) +
                             "[[baselines]]\nname = 'b'\nversion = 1\n[[baselines.sources]]\n"
                             "protocol = 'tcp'\nport = 22\nnetworks = ['";
  for (const char* good : {"10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::1", "192.0.2.7/32"}) {
    EXPECT_EQ(refusal(source + good + "']\n"), "") << good;
  }
  for (const char* bad : {"", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-0", "::/129",
                          "10.0.0.0/8x", "host", "10.0.0.0/8/8"}) {
    EXPECT_NE(refusal(source + bad + "']\n"), "") << bad;
  }
}

TEST(SitePolicy, ChannelsNeedWhatTheirKindNeeds) {
  const std::string start = std::string(kSite) + "[[channels]]\nname = 'c'\n";
  EXPECT_EQ(refusal(start + "kind = 'email'\nurl = 'http://x'\n"),
            "site.toml:3:1: \"from\" is missing\n"
            "site.toml:6:7: an e-mail channel's \"url\" is smtp://host:port or smtps://host:port");
  EXPECT_EQ(refusal(start + "kind = 'sms'\nurl = 'x'\n"),
            "site.toml:5:8: \"kind\" is not one of email, webhook");
  EXPECT_EQ(refusal(start + "kind = 'webhook'\nurl = 'https://x'\nfrom = 'a'\n"),
            "site.toml:7:1: unknown key \"from\"");
  EXPECT_EQ(refusal(start + "kind = 'webhook'\nurl = 'https://x'\nhmac_key = 'secret'\n"),
            "site.toml:7:1: unknown key \"hmac_key\"")
      << "a secret itself has no place here";
}

TEST(SitePolicy, AHostsOwnLimitGoesBeforeTheSites) {
  model::SitePolicy site;
  site.limits.backup.rpo = 30h;
  site.hosts.resize(2);
  site.hosts[0].host = "db1";
  site.hosts[0].backup_rpo = 4h;
  site.hosts[1].host = "web1";
  EXPECT_EQ(model::rule_limits(site, "db1").backup.rpo, 4h);
  EXPECT_EQ(model::rule_limits(site, "web1"), site.limits);
  EXPECT_EQ(model::rule_limits(site, "unknown"), site.limits);
}

TEST(SitePolicy, AMistakeSeenTwiceIsReportedOnce) {
  EXPECT_EQ(refusal(std::string(kSite) + "[[hosts]]\nhost = 'a'\nbaseline = 7\n"),
            "site.toml:5:12: \"baseline\" must be a text, not a number");
}

}  // namespace
}  // namespace tocsin::config
