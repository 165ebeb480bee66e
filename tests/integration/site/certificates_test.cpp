#include "collector/app/certificates.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/core/certificates.hpp"
#include "common/config/secret_file.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::collector {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class Certificates : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-certificates-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    std::filesystem::create_directory(top_ / "operators");
    write("server.pem", site_.for_collector().certificate_pem + authority());
    write("operators/wang.pem", site_.for_operator("wang", model::Role::duty).certificate_pem);
    write("operators/wang.key", "not looked at");
  }
  void TearDown() override { std::filesystem::remove_all(top_); }
  void write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(config::write_file(top_ / name, content, 0644));
  }
  std::string authority() const { return site_.authority().certificate_pem; }
  CertificateFiles files() const { return {top_ / "server.pem", authority(), top_ / "operators"}; }
  std::vector<model::CertificateHolder> journaled() const {
    std::vector<model::CertificateHolder> holders;
    for (const model::JournalBody& body : fake_.intake.entries) {
      holders.push_back(std::get<model::CertificateSeen>(body).holder);
    }
    return holders;
  }

  std::filesystem::path top_;
  tests::FakeCollector fake_;
  const tests::TestAuthority site_{tests::kNow};
};

TEST_F(Certificates, OfTheFilesAreJournaledOnceAndAgainWhenTheyAreOthers) {
  using Holder = model::CertificateHolder;
  CertificateWatch watch(files(), fake_.intake);
  watch.look();
  watch.look();
  EXPECT_EQ(journaled(), (std::vector{Holder::server, Holder::authority, Holder::operator_}));
  write("server.pem", site_.for_collector().certificate_pem);
  watch.look();
  EXPECT_THAT(journaled(), SizeIs(4));
}

TEST_F(Certificates, ThatCannotBeReadHideNoOther) {
  write("server.pem", "nonsense");
  write("operators/aa.pem", "nonsense");
  CertificateWatch watch(files(), fake_.intake);
  watch.look();
  EXPECT_THAT(journaled(), SizeIs(2));
}

TEST_F(Certificates, OfCallersAreJournaledWhenTheyAreNew) {
  CertificateWatch watch(files(), fake_.intake);
  const auto agent = crypto::read_certificate(site_.for_agent().certificate_pem).value();
  watch.seen(agent);
  watch.seen(agent);
  ASSERT_THAT(journaled(), SizeIs(1));
  const auto& seen = std::get<model::CertificateSeen>(fake_.intake.entries[0]);
  EXPECT_EQ(seen.holder, model::CertificateHolder::agent);
  EXPECT_EQ(seen.name, agent.identity.agent.hex);
  EXPECT_EQ(seen.not_after, agent.not_after);
}

TEST_F(Certificates, ThatTheIntakeDoesNotTakeAreTriedAgain) {
  CertificateWatch watch(files(), fake_.intake);
  fake_.intake.full = Error{ErrorCode::resource_exhausted, "full"};
  watch.look();
  EXPECT_THAT(journaled(), IsEmpty());
  fake_.intake.full.reset();
  watch.look();
  EXPECT_THAT(journaled(), SizeIs(3));
}

TEST_F(Certificates, ThatEndSoonAreAWarningInTheStatus) {
  CertificateWatch watch(files(), fake_.intake);
  watch.look();
  EXPECT_THAT(watch.warnings(tests::kNow), IsEmpty());
  // Those of the server and of the operator live for a day.
  const auto warnings = watch.warnings(tests::kNow + 23h);
  ASSERT_THAT(warnings, SizeIs(2));
  EXPECT_EQ(warnings[0].code.substr(0, 12), "certificate.");
  EXPECT_EQ(watch.warnings(tests::kNow + 24h * 365).size(), 3U) << "and the authority's";
}

}  // namespace
}  // namespace tocsin::collector
