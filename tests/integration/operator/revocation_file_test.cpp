// The list of revoked operators on a real file that is changed while the collector runs.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "collector/operate/callers.hpp"
#include "common/crypto/crypto.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::collector {
namespace {

class RevocationFile : public testing::Test {
 protected:
  RevocationFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ / "revoked-operators";
  }
  ~RevocationFile() override { std::filesystem::remove_all(folder_); }

  // As an administrator's editor does it: a new file in the old one's place.
  void replace(const std::string& content) const {
    std::ofstream(file_.string() + ".new") << content;
    std::filesystem::rename(file_.string() + ".new", file_);
  }
  static std::string fingerprint(const std::string& pem) {
    return crypto::read_certificate(pem).value().fingerprint;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
  tests::FakeClock clock_;
  const tests::TestAuthority site_{tests::kNow};
  const std::string duty_ = site_.for_operator("wang", model::Role::duty).certificate_pem;
};

TEST_F(RevocationFile, IsReadAgainWhenItChanges) {
  replace("# nobody\n");
  Callers callers(file_.string(), clock_);
  EXPECT_TRUE(callers.admit(duty_));
  replace(fingerprint(duty_) + "\n");
  EXPECT_EQ(callers.admit(duty_).error().code, ErrorCode::permission_denied);
  replace("# forgiven\n");
  EXPECT_TRUE(callers.admit(duty_));
}

TEST_F(RevocationFile, ThatGoesAwayGivesNobodyTheirRightsBack) {
  replace(fingerprint(duty_) + "\n");
  Callers callers(file_.string(), clock_);
  EXPECT_FALSE(callers.admit(duty_));
  EXPECT_FALSE(callers.problem());
  std::filesystem::remove(file_);
  EXPECT_FALSE(callers.admit(duty_));
  ASSERT_TRUE(callers.problem());
  EXPECT_EQ(callers.problem()->code, "operator.revocations_unreadable");
  replace("# forgiven\n");
  EXPECT_TRUE(callers.admit(duty_));
  EXPECT_FALSE(callers.problem());
}

TEST_F(RevocationFile, WithLinesThatRevokeNothingIsReported) {
  replace("wang\n" + fingerprint(duty_) + "\n");
  Callers callers(file_.string(), clock_);
  EXPECT_FALSE(callers.admit(duty_));
  ASSERT_TRUE(callers.problem());
  EXPECT_EQ(callers.problem()->code, "operator.revocations_bad_lines");
}

}  // namespace
}  // namespace tocsin::collector
