// procedure M-10: what a virus scan must not forget when the agent starts anew.
#include "agent/checks/antivirus_past.hpp"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostBytes = 48 << 10;

RC_GTEST_PROP(AntivirusPastProperty, WhatIsKeptReadsBackTheSame, ()) {
  AntivirusPast past;
  for (const auto& [name, mounted] : *rc::gen::arbitrary<std::map<std::string, bool>>()) {
    const std::string clean = clean_text(name, limits::kPath);
    if (!clean.empty()) past.folders.emplace(clean, mounted);
  }
  const auto keys = *rc::gen::arbitrary<std::set<FileKey>>();
  for (const FileKey& key : keys) {
    const std::string name = clean_text(*rc::gen::string<std::string>(), limits::kName);
    const auto bytes = *rc::gen::arbitrary<std::uint64_t>();
    past.infected[key] = {"/srv/" + name, name, bytes};
  }
  past.infected_over_limit = *rc::gen::arbitrary<std::uint32_t>();
  const std::string text = to_text(past);
  RC_ASSERT(parse_antivirus_past(text) == past);
}

TEST(AntivirusPast, HitsThatFindNoRoomAreCounted) {
  AntivirusPast past;
  past.folders["/srv"] = true;
  past.infected_over_limit = 3;
  for (std::uint64_t i = 0; i < limits::kAntivirusHits; ++i) {
    past.infected[{1, i}] = {"/srv/" + std::string(4000, 'x') + std::to_string(i), "Evil", 68};
  }
  const std::string text = to_text(past);
  EXPECT_LE(text.size(), kMostBytes);
  const auto again = parse_antivirus_past(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->folders, past.folders);
  EXPECT_GT(again->infected.size(), 5U);
  EXPECT_EQ(again->infected.size() + again->infected_over_limit, limits::kAntivirusHits + 3);
}

TEST(AntivirusPast, IsNothingWhereItIsNoSuchText) {
  const std::string head = "antivirus 1\n";
  EXPECT_TRUE(parse_antivirus_past(head));
  for (const char* line : {"folder\t2\t/srv\n", "folder\t1\t\n", "folder\t1\n", "folder\t1\t/srv",
                           "folder\t1\t/s\x1b\n", "folder\t1\t/srv\nfolder\t0\t/srv\n",
                           "hit\t1\t2\t3\tEvil\n", "hit\t-1\t2\t3\tEvil\t/srv/a\n",
                           "hit\t1\t2\t3\tEvil\t\n", "hit\t1\t2\t3\tE\t/a\nhit\t1\t2\t3\tE\t/b\n",
                           "more\t0\n", "more\t1\nmore\t1\n", "other\n", "\n"}) {
    EXPECT_FALSE(parse_antivirus_past(head + line)) << line;
  }
  EXPECT_FALSE(parse_antivirus_past(""));
  EXPECT_FALSE(parse_antivirus_past("antivirus 2\nfolder\t1\t/srv\n")) << "of another version";
  EXPECT_FALSE(parse_antivirus_past(head + "folder\t1\t/" + std::string(kMostBytes, 'x') + "\n"));
}

}  // namespace
}  // namespace tocsin::agent
