#include "collector/site/init.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/config/collector_config.hpp"
#include "collector/ctl/context.hpp"
#include "collector/site/authority.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {
namespace {

class Init : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-init-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    options_.directory = top_ / "site";
    options_.site = "IDC-1";
    options_.dns_names = {"collector.example"};
    options_.ip_addresses = {"127.0.0.1"};
  }
  void TearDown() override { std::filesystem::remove_all(top_); }
  std::string file(const std::string& name) const { return options_.directory + "/" + name; }
  std::string read(const std::string& name) const {
    return config::read_file(file(name), 1 << 20).value();
  }

  const Instant now_ = time::SystemTime().wall();
  std::filesystem::path top_;
  InitOptions options_;
};

TEST_F(Init, MakesASiteWhoseFilesFitTogether) {
  const auto made = init_site(options_, now_);
  ASSERT_TRUE(made) << made.error().message;
  for (const std::string& path : made->files) EXPECT_TRUE(std::filesystem::exists(path)) << path;

  const auto collector = load_collector_config(file("collector.toml"));
  ASSERT_TRUE(collector) << collector.error().message;
  EXPECT_EQ(collector->enroll_address, "127.0.0.1:8445");
  EXPECT_TRUE(std::filesystem::is_empty(collector->directory));
  EXPECT_EQ(config::read_site_policy(read("site.toml"), "site.toml")->site, "IDC-1");

  const std::string authority = read("ca.pem");
  EXPECT_EQ(crypto::fingerprint_of(authority).value(), made->authority_fingerprint);
  const auto chain = crypto::split_certificates(read("collector.pem")).value();
  ASSERT_EQ(chain.size(), 2U) << "the server's and, for pinning, its authority's";
  EXPECT_EQ(chain[1], authority);
  EXPECT_TRUE(crypto::verify_certificate(chain[0], authority, now_));
  EXPECT_EQ(crypto::read_certificate(chain[0])->identity.name, "IDC-1");

  const auto contexts = ctl::load_contexts(file("contexts.toml"));
  ASSERT_TRUE(contexts) << contexts.error().message;
  const auto context = ctl::choose_context(*contexts, "", i18n::Language::en).value();
  EXPECT_EQ(context.collector, "127.0.0.1:8443");
  EXPECT_EQ(context.server_name, "collector.example");
  const std::string person = config::read_file(context.certificate_file, 1 << 16).value();
  EXPECT_TRUE(crypto::verify_certificate(person, authority, now_));
  const auto identity = crypto::read_certificate(person)->identity;
  EXPECT_EQ(identity.name, "admin");
  EXPECT_EQ(identity.role, model::Role::admin);
}

TEST_F(Init, KeepsKeysToTheirOwner) {
  ASSERT_TRUE(init_site(options_, now_));
  for (const char* key : {"ca.key", "collector.key", "operators/admin.key"}) {
    EXPECT_TRUE(config::read_secret_file(file(key))) << key;
  }
  struct stat about {};
  ASSERT_EQ(::stat(options_.directory.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700U);
}

TEST_F(Init, OverwritesNothingAndThenMakesNothing) {
  ASSERT_TRUE(init_site(options_, now_));
  const std::string before = read("ca.key");
  std::filesystem::remove(file("collector.toml"));
  const auto again = init_site(options_, now_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  EXPECT_EQ(read("ca.key"), before);
  EXPECT_FALSE(std::filesystem::exists(file("collector.toml")));
}

TEST_F(Init, RefusesBadNamesBeforeTheFirstFile) {
  const InitOptions good = options_;
  const auto refused = [&] {
    const auto made = init_site(options_, now_);
    const bool clean = !std::filesystem::exists(options_.directory);
    options_ = good;
    return !made && made.error().code == ErrorCode::invalid_argument && clean;
  };
  options_.site = "a/b";
  EXPECT_TRUE(refused());
  options_.operator_name = "../x";
  EXPECT_TRUE(refused());
  options_.dns_names = {"*.example"};
  EXPECT_TRUE(refused());
  options_.ip_addresses = {"1.2.3"};
  EXPECT_TRUE(refused());
  options_.listen_agents = "8444";
  EXPECT_TRUE(refused());
  options_.dns_names.clear();
  options_.ip_addresses.clear();
  EXPECT_TRUE(refused());
}

TEST_F(Init, OperatorsAreAddedAndNotReplaced) {
  ASSERT_TRUE(init_site(options_, now_));
  const auto authority = load_authority(file("ca.pem"), file("ca.key"));
  ASSERT_TRUE(authority);
  const auto wang =
      add_operator(authority->signing, file("operators"), "wang", model::Role::duty, now_);
  ASSERT_TRUE(wang) << wang.error().message;
  const std::string pem = config::read_file(wang->certificate_file, 1 << 16).value();
  EXPECT_EQ(crypto::read_certificate(pem)->identity.role, model::Role::duty);
  EXPECT_EQ(add_operator(authority->signing, file("operators"), "wang", model::Role::admin, now_)
                .error()
                .code,
            ErrorCode::already_exists);
  EXPECT_EQ(config::read_file(wang->certificate_file, 1 << 16).value(), pem);
}

TEST_F(Init, PutsTheDataWhereItIsToldAndGivesAllToItsOwner) {
  options_.data = top_ / "data";
  const std::uint32_t user = ::geteuid() == 0 ? 12345 : ::geteuid();
  const std::uint32_t group = ::geteuid() == 0 ? 23456 : ::getegid();
  options_.owner = Owner{user, group};
  ASSERT_TRUE(std::filesystem::create_directory(options_.data)) << "an empty one may be there";
  const auto made = init_site(options_, now_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(load_collector_config(file("collector.toml"))->directory, options_.data);
  std::vector<std::string> all = made->files;
  all.insert(all.end(), {options_.directory, file("operators")});
  for (const std::string& path : all) {
    struct stat about {};
    ASSERT_EQ(::stat(path.c_str(), &about), 0) << path;
    EXPECT_EQ(about.st_uid, user) << path;
    EXPECT_EQ(about.st_gid, group) << path;
    EXPECT_EQ(about.st_mode & 0022U, 0U) << path << ": nobody else writes";
  }
  struct stat about {};
  ASSERT_EQ(::stat(options_.directory.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0711U) << "the agent's file lies there too";
  ASSERT_EQ(::stat(options_.data.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
}

TEST_F(Init, LeavesDataThatIsThereAlone) {
  options_.data = top_ / "data";
  std::filesystem::create_directory(options_.data);
  ASSERT_TRUE(config::create_file(options_.data + "/state.db", "x", 0600));
  EXPECT_EQ(init_site(options_, now_).error().code, ErrorCode::already_exists);
  EXPECT_FALSE(std::filesystem::exists(options_.directory));
}

TEST(Owners, AreNamesOrNumbers) {
  const auto root = parse_owner("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0U);
  EXPECT_EQ(root->group, 0U);
  EXPECT_EQ(parse_owner("12:34")->group, 34U);
  EXPECT_EQ(parse_owner("root:daemon")->group, parse_owner("daemon")->group);
  for (const char* bad :
       {"", ":", "no-such-user", "root:no-such-group", "-1", "1x", "4294967296"}) {
    EXPECT_FALSE(parse_owner(bad)) << bad;
  }
}

TEST_F(Init, AServerIsRenewedForTheSameNamesAndKey) {
  ASSERT_TRUE(init_site(options_, now_));
  const auto authority = load_authority(file("ca.pem"), file("ca.key"))->signing;
  const std::string key = read("collector.key");
  const ServerRenewal renewal{{file("collector.key"), file("collector.pem")}, false, {}, {}};
  const auto renewed = renew_server(authority, renewal, now_ + 24h * 700);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_GT(renewed->not_after, now_ + kServerLife);
  const auto chain = crypto::split_certificates(read("collector.pem")).value();
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[1], read("ca.pem"));
  EXPECT_EQ(crypto::server_names_of(chain[0])->dns_names, options_.dns_names);
  EXPECT_EQ(crypto::server_names_of(chain[0])->ip_addresses, options_.ip_addresses);
  EXPECT_EQ(crypto::read_certificate(chain[0])->identity.name, "IDC-1");
  EXPECT_TRUE(crypto::verify_certificate(chain[0], read("ca.pem"), now_ + 24h * 1500));
  EXPECT_EQ(read("collector.key"), key);
}

TEST_F(Init, AServerIsRenewedWithANewKeyAndOtherNamesWhereAsked) {
  ASSERT_TRUE(init_site(options_, now_));
  const auto authority = load_authority(file("ca.pem"), file("ca.key"))->signing;
  const std::string key = read("collector.key");
  const ServerRenewal renewal{
      {file("collector.key"), file("collector.pem")}, true, {"new.example"}, {"::1", "10.0.0.7"}};
  ASSERT_TRUE(renew_server(authority, renewal, now_));
  EXPECT_NE(config::read_secret_file(file("collector.key")).value(), key);
  const auto names =
      crypto::server_names_of(crypto::split_certificates(read("collector.pem"))->front()).value();
  EXPECT_EQ(names.dns_names, renewal.dns_names);
  EXPECT_EQ(names.ip_addresses, renewal.ip_addresses);
  EXPECT_EQ(renew_server(
                authority,
                {{file("operators/admin.key"), file("operators/admin.pem")}, false, {}, {}}, now_)
                .error()
                .code,
            ErrorCode::invalid_argument);
}

TEST_F(Init, AnOperatorIsRenewedWithTheSameRole) {
  ASSERT_TRUE(init_site(options_, now_));
  const auto authority = load_authority(file("ca.pem"), file("ca.key"))->signing;
  const std::string key = read("operators/admin.key");
  const Instant later = now_ + 24h * 300;
  const auto renewed = renew_operator(authority, file("operators"), "admin", false, later);
  ASSERT_TRUE(renewed) << renewed.error().message;
  const auto info = crypto::read_certificate(read("operators/admin.pem"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->identity.role, model::Role::admin);
  EXPECT_GT(info->not_after, now_ + kOperatorLife);
  EXPECT_EQ(read("operators/admin.key"), key);
  ASSERT_TRUE(renew_operator(authority, file("operators"), "admin", true, later));
  EXPECT_NE(read("operators/admin.key"), key);
  EXPECT_TRUE(config::read_secret_file(file("operators/admin.key")));
  EXPECT_EQ(renew_operator(authority, file("operators"), "wang", false, now_).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(renew_operator(authority, file("operators"), "../collector", false, now_).error().code,
            ErrorCode::invalid_argument);
}

// One authority takes over from another: both are trusted, and the one whose key is there signs.
TEST_F(Init, OfSeveralAuthoritiesTheOneWithTheKeySigns) {
  ASSERT_TRUE(init_site(options_, now_));
  const auto next = crypto::make_authority("IDC-1", now_ - 5min, kAuthorityLife).value();
  const std::string both = read("ca.pem") + next.certificate_pem;
  ASSERT_TRUE(config::write_file(file("ca.pem"), both, 0644));
  const auto before = load_authority(file("ca.pem"), file("ca.key"));
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->signing.certificate_pem + next.certificate_pem, both);
  EXPECT_EQ(before->all_pem, both);
  ASSERT_TRUE(config::write_file(file("ca.key"), next.key_pem, 0600));
  const auto after = load_authority(file("ca.pem"), file("ca.key"));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->signing.certificate_pem, next.certificate_pem);
  const auto stranger = crypto::make_authority("IDC-1", now_ - 5min, kAuthorityLife).value();
  ASSERT_TRUE(config::write_file(file("ca.key"), stranger.key_pem, 0600));
  EXPECT_EQ(load_authority(file("ca.pem"), file("ca.key")).error().code,
            ErrorCode::invalid_argument);
}

TEST_F(Init, AnAuthorityWhoseKeyOthersMayReadIsNotUsed) {
  ASSERT_TRUE(init_site(options_, now_));
  ASSERT_EQ(::chmod(file("ca.key").c_str(), 0640), 0);
  EXPECT_EQ(load_authority(file("ca.pem"), file("ca.key")).error().code,
            ErrorCode::permission_denied);
}

}  // namespace
}  // namespace tocsin::collector
