#include "agent/checks/antivirus_facts.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <time.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

// The zone of this process, until the end of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  std::optional<std::string> before_;
};

TEST(AntivirusFacts, ReadsClamdsVersion) {
  const Zone zone("UTC");
  const auto version =
      parse_clamd_version(std::string_view("ClamAV 1.4.3/27840/Tue Nov 17 09:12:33 2026\0", 44));
  EXPECT_EQ(version.engine, "1.4.3");
  EXPECT_EQ(version.signatures, "27840");
  EXPECT_EQ(version.signatures_at, (Instant{1'794'906'753'000'000'000}));
}

// clamd writes it by ctime: without its zone signatures would look eight hours younger in Taipei.
TEST(AntivirusFacts, ClamdsTimeIsOfTheHostsZone) {
  const auto in = [](const char* name, const char* time) {
    const Zone zone(name);
    return parse_clamd_version(std::string("ClamAV 1/2/") + time).signatures_at;
  };
  const Instant utc{1'794'906'753'000'000'000};
  EXPECT_EQ(in("Asia/Taipei", "Tue Nov 17 17:12:33 2026"), utc);
  EXPECT_EQ(in("America/New_York", "Tue Nov 17 04:12:33 2026"), utc);
  EXPECT_EQ(in("America/New_York", "Fri Jul 17 05:12:33 2026"), utc - 123 * 24h) << "in summer";
}

TEST(AntivirusFacts, ADatabaseOfOnesOwnHasNoTime) {
  const auto version = parse_clamd_version("ClamAV 1.4.3");
  EXPECT_EQ(version.engine, "1.4.3");
  EXPECT_EQ(version.signatures, "");
  EXPECT_EQ(version.signatures_at, Instant{});
  EXPECT_EQ(parse_clamd_version("ClamAV 1/2/Tomorrow").signatures_at, Instant{});
  EXPECT_EQ(parse_clamd_version("ClamAV 1/2/Tue Nov 17 09:12:33 99999").signatures_at, Instant{});
}

TEST(AntivirusFacts, ReadsAnswersToAScan) {
  using Kind = ScanAnswer::Kind;
  EXPECT_EQ(parse_clamd_scan(std::string_view("fd[10]: OK\0", 11)).kind, Kind::clean);
  const auto found = parse_clamd_scan("fd[10]: Win.Test.EICAR_HDB-1 FOUND");
  EXPECT_EQ(found.kind, Kind::infected);
  EXPECT_EQ(found.text, "Win.Test.EICAR_HDB-1");
  // A file may be called anything; only the end of the line is the scanner's.
  EXPECT_EQ(parse_clamd_scan("/tmp/a: OK: Evil FOUND").kind, Kind::infected);
  EXPECT_EQ(parse_clamd_scan("fd[10]: Can't allocate memory ERROR").kind, Kind::error);
  EXPECT_EQ(parse_clamd_scan("").kind, Kind::error);
  EXPECT_EQ(parse_clamd_scan(" FOUND").kind, Kind::error);
}

TEST(AntivirusFacts, ReadsTheHeaderOfADatabase) {
  const std::string head =
      "ClamAV-VDB:17 Nov 2026 09-12 +0000:27840:2067443:90:d41d8:sig+/=:raynman:1794906753";
  const auto version = parse_signature_file(head + std::string(512 - head.size(), ' ') + "tar");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->signatures, "27840");
  EXPECT_EQ(version->signatures_at, (Instant{1'794'906'753'000'000'000}));
  EXPECT_TRUE(parse_signature_file(head));
  for (const std::string& bad :
       {std::string(), std::string("ClamAV-VDB:"), head + "x", "X" + head,
        head.substr(0, head.rfind(':') + 1), head.substr(0, head.rfind(':') + 1) + "-1",
        head.substr(0, head.rfind(':') + 1) + "999999999999999"}) {
    EXPECT_FALSE(parse_signature_file(bad)) << bad;
  }
}

TEST(AntivirusFacts, FoldersThatWereNotSeenAreBoundedAndNamedOnce) {
  model::AntivirusFacts facts;
  add_unseen(facts, "/a\x1b", model::FolderUnseen::absent);
  add_unseen(facts, "/a\x1b", model::FolderUnseen::failed);
  ASSERT_EQ(facts.folders_unseen.size(), 1U);
  EXPECT_EQ(facts.folders_unseen[0], (model::UnseenFolder{"/a\\x1b", model::FolderUnseen::absent}));
  for (std::size_t i = 0; i < limits::kUnseenFolders + 2; ++i) {
    add_unseen(facts, "/" + std::to_string(i), model::FolderUnseen::too_deep);
  }
  EXPECT_EQ(facts.folders_unseen.size(), limits::kUnseenFolders);
  EXPECT_EQ(facts.folders_unseen_over_limit, 3U);
}

TEST(AntivirusFacts, HitsAreBoundedAndCounted) {
  model::AntivirusFacts facts;
  for (std::size_t i = 0; i < limits::kAntivirusHits + 3; ++i) add_hit(facts, "/x", "y", 1);
  EXPECT_EQ(facts.hits.size(), limits::kAntivirusHits);
  EXPECT_EQ(facts.hits_over_limit, 3U);
}

}  // namespace
}  // namespace tocsin::agent
