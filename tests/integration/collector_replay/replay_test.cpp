// `tocsin-collector replay` on real files; and that what every release wrote is opened and folded
// by this version. TOCSIN_WRITE_SAMPLE=DIR writes a sample of this version there
// (tests/data/release has one a release, never changed afterwards); TOCSIN_WRITE_GOLDEN=1 writes
// what this version decides differently on them.
#include "collector/replay/replay.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>

#include "collector/store/sqlite_journal.hpp"
#include "collector/store/sqlite_state.hpp"
#include "common/config/site_policy.hpp"
#include "common/sqlite/sqlite.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/story.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The site of tests/support/story.hpp as a file; `short_limit` is when an interruption is no longer
// brief (severity: SHORT).
std::string policy_text(const std::string& short_limit = "30min") {
  return fmt::format(R"([site]
name = "story"
[grading]
short = "{}"
[[channels]]
name = "mail"
kind = "email"
url = "smtps://mail.example:465"
from = "tocsin@example.tw"
[[contacts]]
name = "duty"
role = "duty"
channel = "mail"
address = "duty@example.tw"
at_least = "E"
[[baselines]]
name = "all"
version = 1
[[baselines.listeners]]
protocol = "tcp"
port = 22
[[baselines.services]]
unit = "ssh.service"
[[hosts]]
host = "*"
baseline = "all"
criticality = "standard"
)",
                     short_limit);
}

// Two hosts, a service that fails and comes back, a port, people's decisions, a mail that failed.
std::vector<model::JournalEntry> a_few_hours() {
  tests::Story story;
  const model::Principal duty{"wang", model::Role::duty, "f1"};
  const model::Principal officer{"lee", model::Role::officer, "f2"};
  story.admit("web1");
  story.admit("core1");
  story.sees("web1", tests::service_is("ssh.service", "failed"));
  story.at(5min).sees("core1", tests::ports_are({tests::listener(4444, "/tmp/.x/sshd2")}));
  story.push(model::DeliveryOutcome{{1}, 1, model::DeliveryResult::retry, {"smtp.refused", {}}});
  story.asks({"c1", duty, 0, "on my way", model::Acknowledge{{1}}});
  story.at(40min).asks({"c2", duty, 0, "", model::RegisterIncident{{2}}});
  story.asks({"c3", officer, 0, "test host", model::ApproveGrade{{2}, model::Severity::c}});
  story.asks({"c4", duty, 0, "", model::EstimateRepair{{1}, 2h}});
  story.at(50min).sees("web1", tests::service_is("ssh.service", "active"));
  story.silent("core1");
  story.at(2h).heard("core1");
  story.sees("core1", tests::ports_are({}));
  story.at(3h).asks(
      {"c5", officer, 0, "disk full", model::CloseIncident{{1}, model::IncidentVerdict::fault}});
  story.push(model::CollectorEvent{{"collector.stopped", {}}, "0.1.0", 1});
  return story.journal();
}

// Journal and state as a collector of this version leaves them. `after` is called after each entry.
void write_site(const fs::path& folder, const std::string& policy,
                const std::function<void(Position)>& after = {},
                std::uint64_t segment_bytes = 1 << 30) {
  fs::create_directories(folder);
  SqliteJournalOptions journal_options;
  journal_options.directory = (folder / "journal").string();
  journal_options.segment_bytes = segment_bytes;
  auto journal = open_journal_writer(journal_options);
  ASSERT_TRUE(journal) << journal.error().message;
  auto store = open_state_store({(folder / "state.db").string(), {}});
  ASSERT_TRUE(store) << store.error().message;
  auto fold =
      Fold::resume((*store)->load().value(), [](std::string_view toml, std::string_view name) {
        return config::read_site_policy(toml, name);
      });
  ASSERT_TRUE(fold);
  for (model::JournalEntry& entry : a_few_hours()) {
    if (auto* change = std::get_if<model::PolicyChange>(&entry.body)) change->content = policy;
    const std::vector<std::string> bodies{wire::encode_journal(entry.body)};
    ASSERT_TRUE((*journal)->append(bodies, entry.at, {}));
    fold->apply(entry);
    ASSERT_TRUE((*store)->commit(fold->take_delta()));
    if (after) after(entry.position);
  }
}

fs::path copied(const fs::path& from, const tests::TempDir& to) {
  const fs::path folder = to.file("copy");
  fs::copy(from, folder, fs::copy_options::recursive);
  return folder;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

TEST(Replay, TheSameVersionAndPolicyDecideTheSame) {
  const tests::TempDir directory;
  write_site(directory.file("site"), policy_text());
  const auto replayed = replay({directory.file("site"), ""});
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(replayed->entries, replayed->last.value);
  EXPECT_GE(replayed->comparison.incidents, 2U);
  EXPECT_EQ(replayed->comparison.different, 0U);
  EXPECT_THAT(replayed->comparison.lines, IsEmpty());
}

TEST(Replay, AnotherPolicyShowsWhatItWouldHaveDecided) {
  const tests::TempDir directory;
  write_site(directory.file("site"), policy_text());
  std::ofstream(directory.file("other.toml")) << policy_text("2h");
  const auto replayed = replay({directory.file("site"), directory.file("other.toml")});
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_THAT(replayed->comparison.lines, Contains(HasSubstr("web1: peak B -> C")));
  EXPECT_GE(replayed->comparison.different, 1U);
}

// The journal's beginning has gone; a copy of the state from before that stands in for it.
TEST(Replay, GoesOnFromAnEarlierStateWhereTheJournalsBeginningIsGone) {
  constexpr Position kCopied{12};
  const tests::TempDir directory;
  const std::string site = directory.file("site");
  const std::string earlier = directory.file("earlier.db");
  const auto copy = [&](Position judged) {
    if (judged != kCopied) return;
    ASSERT_TRUE(copy_state({site + "/state.db", {}}, earlier));
  };
  write_site(site, policy_text(), copy, 1);  // a segment for each entry
  const auto all = replay({site, ""});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->first, Position{1});
  ASSERT_GT(all->last, kCopied);

  SqliteJournalOptions journal;
  journal.directory = site + "/journal";
  ASSERT_TRUE(drop_segments_before(journal, {kCopied.value + 1}));
  const auto refused = replay({site, ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(refused.error().message, HasSubstr("begins at position 13, and 1 is to be judged"));
  EXPECT_THAT(refused.error().message, HasSubstr("--from"));

  const auto replayed = replay({site, "", earlier});
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(replayed->first.value, kCopied.value + 1);
  EXPECT_EQ(replayed->entries, all->last.value - kCopied.value);
  EXPECT_EQ(replayed->comparison.incidents, all->comparison.incidents);
  EXPECT_THAT(replayed->comparison.lines, IsEmpty());
  std::ofstream(directory.file("other.toml")) << policy_text("2h");
  const auto other = replay({site, directory.file("other.toml"), earlier});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_GE(other->comparison.different, 1U);

  // One entry more is gone than the copy has judged; and the state itself is no earlier one.
  ASSERT_TRUE(drop_segments_before(journal, {kCopied.value + 2}));
  EXPECT_EQ(replay({site, "", earlier}).error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(replay({site, "", site + "/state.db"}).error().message, HasSubstr("no earlier"));
  EXPECT_FALSE(replay({site, "", directory.file("none.db")}));
}

TEST(Replay, ChangesNoFile) {
  const tests::TempDir directory;
  write_site(directory.file("site"), policy_text());
  const auto bytes = [&](const char* name) {
    std::ifstream file(fs::path(directory.file("site")) / name, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
  };
  const std::string journal = bytes("journal/journal-000001.db");
  const std::string state = bytes("state.db");
  ASSERT_FALSE(journal.empty());
  ASSERT_TRUE(replay({directory.file("site"), ""}));
  EXPECT_EQ(bytes("journal/journal-000001.db"), journal);
  EXPECT_EQ(bytes("state.db"), state);
}

TEST(Replay, ANewerSchemaIsRefusedWithAMessage) {
  const tests::TempDir directory;
  write_site(directory.file("site"), policy_text());
  for (const char* name : {"state.db", "journal/journal-000001.db"}) {
    sqlite::OpenOptions how;
    how.create = false;
    const std::string path = (fs::path(directory.file("site")) / name).string();
    const auto before = sqlite::Database::open(path, how)->user_version().value();
    ASSERT_TRUE(sqlite::Database::open(path, how)->set_user_version(99));
    const auto refused = replay({directory.file("site"), ""});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::failed_precondition) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("newer version"));
    ASSERT_TRUE(sqlite::Database::open(path, how)->set_user_version(before));
  }
}

TEST(Replay, WhatIsNotThereIsNamed) {
  const tests::TempDir directory;
  EXPECT_EQ(replay({directory.file("nothing"), ""}).error().code, ErrorCode::not_found);
  write_site(directory.file("site"), policy_text());
  EXPECT_FALSE(replay({directory.file("site"), directory.file("no.toml")}));
}

// In the sample an agent was silent for a while; 0.1.0 kept that under another kind.
void expect_own_findings_under_their_kind(const std::string& state_file) {
  const auto reader = open_state_reader({state_file, {}});
  ASSERT_TRUE(reader);
  std::size_t own = 0;
  const auto incidents = (*reader)->incidents({});
  for (const model::Incident& incident : *incidents) {
    const auto findings = (*reader)->findings(incident.id, 100);
    for (const model::Finding& finding : *findings) {
      if (!finding.code.starts_with("agent.")) continue;
      ++own;
      EXPECT_EQ(finding.check, (model::CheckRef{model::CheckKind::collector, "agent"}));
    }
  }
  EXPECT_EQ(own, 1U);
}

TEST(ReleaseSamples, AreOpenedAndFoldedByThisVersion) {
  if (const char* folder = std::getenv("TOCSIN_WRITE_SAMPLE")) {
    write_site(folder, policy_text());
    fs::remove(fs::path(folder) / "journal/journal.lock");
  }
  const fs::path releases = fs::path(TOCSIN_SOURCE_DIR) / "tests/data/release";
  int samples = 0;
  for (const fs::directory_entry& release : fs::directory_iterator(releases)) {
    ++samples;
    const tests::TempDir directory;
    const fs::path site = copied(release.path(), directory);
    const auto replayed = replay({site.string(), ""});
    ASSERT_TRUE(replayed) << release.path() << ": " << replayed.error().message;
    EXPECT_GT(replayed->entries, 20U);
    EXPECT_EQ(replayed->comparison.incidents, 3U);
    const fs::path golden = release.path() / "differences.txt";
    const std::string now = text_of(replayed->comparison.lines);
    if (std::getenv("TOCSIN_WRITE_GOLDEN") != nullptr) std::ofstream(golden) << now;
    std::ifstream file(golden);
    std::stringstream before;
    before << file.rdbuf();
    EXPECT_EQ(now, before.str()) << golden;
    expect_own_findings_under_their_kind((site / "state.db").string());
    // And the collector goes on from it.
    EXPECT_TRUE(open_state_store({(site / "state.db").string(), {}}));
    SqliteJournalOptions journal_options;
    journal_options.directory = (site / "journal").string();
    EXPECT_TRUE(open_journal_writer(journal_options));
  }
  EXPECT_GE(samples, 1);
}

}  // namespace
}  // namespace tocsin::collector
