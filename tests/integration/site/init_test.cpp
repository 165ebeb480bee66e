#include "collector/site/init.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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
  const auto context = ctl::choose_context(*contexts, "").value();
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
  const auto wang = add_operator(*authority, file("operators"), "wang", model::Role::duty, now_);
  ASSERT_TRUE(wang) << wang.error().message;
  const std::string pem = config::read_file(wang->certificate_file, 1 << 16).value();
  EXPECT_EQ(crypto::read_certificate(pem)->identity.role, model::Role::duty);
  EXPECT_EQ(
      add_operator(*authority, file("operators"), "wang", model::Role::admin, now_).error().code,
      ErrorCode::already_exists);
  EXPECT_EQ(config::read_file(wang->certificate_file, 1 << 16).value(), pem);
}

TEST_F(Init, AnAuthorityWhoseKeyOthersMayReadIsNotUsed) {
  ASSERT_TRUE(init_site(options_, now_));
  ASSERT_EQ(::chmod(file("ca.key").c_str(), 0640), 0);
  EXPECT_EQ(load_authority(file("ca.pem"), file("ca.key")).error().code,
            ErrorCode::permission_denied);
}

}  // namespace
}  // namespace tocsin::collector
