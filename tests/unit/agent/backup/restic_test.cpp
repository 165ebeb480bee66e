// Output of restic 0.14 as it was printed, and what is no output of it.
#include "agent/backup/restic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/time/civil.hpp"

namespace tocsin::agent {
namespace {

using model::BackupSource;
using model::Tristate;
using testing::ElementsAre;

constexpr const char* kSnapshots =
    R"([{"time":"2026-11-23T01:03:57.778209067Z","tree":"a4f4","paths":["/srv","/etc"],)"
    R"("hostname":"web1","username":"root","id":"2444","short_id":"24448153"},)"
    R"({"time":"2026-11-23T09:00:00+08:00","paths":["/home"],"hostname":"web1","id":"9"},)"
    R"({"time":"2026-11-20T00:00:00.5Z","paths":["/srv"],"hostname":"db1","id":"9"}])";

TEST(Restic, ReadsSnapshots) {
  const auto read = parse_snapshots(kSnapshots);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ((*read)[0].host, "web1");
  EXPECT_THAT((*read)[0].paths, ElementsAre("/srv", "/etc"));
  EXPECT_EQ((*read)[0].at, Instant{1'795'395'837'778'209'067});
  EXPECT_EQ((*read)[1].at, *time::parse_rfc3339("2026-11-23T01:00:00Z"));
  EXPECT_TRUE(parse_snapshots("[]")->empty());
  EXPECT_TRUE(parse_snapshots("null")->empty());
}

TEST(Restic, WhatIsNoListOfSnapshotsIsRefused) {
  for (const char* bad :
       {"", "{}", "[1]", "[{}]", "[{\"time\":\"now\",\"paths\":[],\"hostname\":\"h\"}]",
        "[{\"time\":\"2026-11-23T01:03:57Z\",\"paths\":7,\"hostname\":\"h\"}]", "[",
        "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]"}) {
    EXPECT_FALSE(parse_snapshots(bad)) << bad;
  }
}

TEST(Restic, TheNewestOfEachHostAndSetOfPathsCountsTheOldestFirst) {
  const auto snapshots = *parse_snapshots(kSnapshots);
  EXPECT_THAT(newest_of(snapshots, {}),
              ElementsAre(BackupSource{"db1:/srv", *time::parse_rfc3339("2026-11-20T00:00:00.5Z")},
                          BackupSource{"web1:/home", *time::parse_rfc3339("2026-11-23T01:00:00Z")},
                          BackupSource{"web1:/srv,/etc", snapshots[0].at}));
}

TEST(Restic, WhatIsWantedCountsAndNothingElse) {
  const auto snapshots = *parse_snapshots(kSnapshots);
  EXPECT_THAT(newest_of(snapshots, {"web1", "db1:/etc", "mail1", "web1:/home"}),
              ElementsAre(BackupSource{"db1:/etc", {}}, BackupSource{"mail1", {}},
                          BackupSource{"web1:/home", snapshots[1].at},
                          BackupSource{"web1", snapshots[0].at}));
}

TEST(Restic, FindsAFileInAListing) {
  const std::string listing =
      "{\"time\":\"2026-11-23T01:03:58.5Z\",\"struct_type\":\"snapshot\"}\n"
      "{\"name\":\"a\",\"type\":\"dir\",\"path\":\"/src/a\",\"mtime\":\"2026-11-23T01:03:55Z\"}\n"
      "{\"name\":\"b\",\"type\":\"file\",\"path\":\"/src/b\",\"size\":6,"
      "\"mtime\":\"2026-11-23T01:03:55.304603419Z\"}\nno json\n"
      "{\"name\":\"c\",\"type\":\"file\",\"path\":\"/src/c\",\"mtime\":\"2026-11-23T01:03:55Z\"}\n";
  const auto file = parse_ls(listing, "/src/b");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 6U);
  EXPECT_EQ(file->modified, *time::parse_rfc3339("2026-11-23T01:03:55.304603419Z"));
  EXPECT_EQ(parse_ls(listing, "/src/c")->size, 0U) << "restic leaves the size of an empty file out";
  EXPECT_EQ(parse_ls(listing, "/src/a").error().code, ErrorCode::not_found) << "a folder";
  EXPECT_EQ(parse_ls("", "/src/a").error().code, ErrorCode::not_found);
}

TEST(Restic, ToldApartIsWhyItFailed) {
  EXPECT_EQ(restic_end(0, "warning"), ResticEnd::done);
  EXPECT_EQ(restic_end(1, "Fatal: wrong password or no key found\n"), ResticEnd::login_refused);
  EXPECT_EQ(restic_end(12, ""), ResticEnd::login_refused);
  EXPECT_EQ(restic_end(1, "Resolving password failed: Fatal: nopw does not exist"),
            ResticEnd::login_refused);
  EXPECT_EQ(restic_end(1, "pack 37fc: does not exist\nFatal: repository contains errors\n"),
            ResticEnd::damaged);
  EXPECT_EQ(restic_end(1, "Fatal: unable to open config file: stat nope/config"),
            ResticEnd::failed);
  EXPECT_EQ(restic_end(-1, ""), ResticEnd::failed);
  EXPECT_EQ(restic_reason("x\nFatal: unable to open\nmore"), "unable to open");
}

RC_GTEST_PROP(ResticProperty, TestsAreReadAsTheyWereWritten, ()) {
  const auto state = [] { return static_cast<Tristate>(*rc::gen::inRange(0, 3)); };
  const ResticTests tests{Instant{*rc::gen::arbitrary<std::int64_t>()}, state(),
                          Instant{*rc::gen::arbitrary<std::int64_t>()}, state()};
  RC_ASSERT(parse_tests(print_tests(tests)) == tests);
}

TEST(Restic, TestsThatCannotBeReadWereNotMade) {
  EXPECT_EQ(parse_tests(""), ResticTests{});
  EXPECT_EQ(parse_tests("2 1 1 1 1 "), ResticTests{});
  EXPECT_EQ(parse_tests("1 5 3 1 1 "), ResticTests{});
  EXPECT_EQ(parse_tests("1 5 1 1 1 x"), ResticTests{});
}

}  // namespace
}  // namespace tocsin::agent
