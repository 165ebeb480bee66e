// The state's file: opening, damage and newer versions.
#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/sqlite_state.hpp"
#include "common/sqlite/sqlite.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

class StateFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    options.path = directory.file("state.db");
    StateDelta delta;
    delta.cursor = Position{1};
    for (int i = 0; i < 200; ++i) delta.values[std::to_string(i)] = std::string(100, 'x');
    ASSERT_TRUE((*open_state_store(options))->commit(delta));
  }

  void execute(const std::string& sql) {
    sqlite::OpenOptions how;
    how.create = false;
    ASSERT_TRUE(sqlite::Database::open(options.path, how)->execute(sql));
  }

  std::int64_t count(const std::string& of) const {
    sqlite::OpenOptions how;
    how.create = false;
    return sqlite::Database::open(options.path, how)
        ->query_int("SELECT count(*) FROM " + of)
        .value();
  }

  // As the versions before wrote it.
  void put_document(const AgentId& agent, const std::string& document) {
    sqlite::OpenOptions how;
    how.create = false;
    auto database = sqlite::Database::open(options.path, how);
    auto update = database->prepare("UPDATE host SET document = ? WHERE agent = ?");
    ASSERT_TRUE(update->bind_blob(1, document).bind(2, std::string_view(agent.hex)).run());
  }

  static std::int64_t version_of(const std::string& path) {
    sqlite::OpenOptions how;
    how.create = false;
    how.wal = false;
    return sqlite::Database::open(path, how)->user_version().value();
  }

  Error open_error() const {
    const auto store = open_state_store(options);
    return store ? Error{ErrorCode::internal, "it opened"} : store.error();
  }

  tests::TempDir directory;
  SqliteStateOptions options;
};

TEST_F(StateFiles, ANewerSchemaIsRefusedByBoth) {
  execute("PRAGMA user_version=1000");
  EXPECT_EQ(open_error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(open_error().message, HasSubstr("newer version"));
  EXPECT_EQ(open_state_reader(options).error().code, ErrorCode::failed_precondition);
}

// The state that version 0.1.0 left behind; beside it stays what it was.
TEST_F(StateFiles, AFileOfAnOlderSchemaIsKeptAndRaised) {
  const std::string sample = TOCSIN_SOURCE_DIR "/tests/data/release/0.1.0/state.db";
  options.path = directory.file("old.db");
  std::filesystem::copy_file(sample, options.path);
  std::ofstream(options.path + ".schema-1.new") << "of a try that was not finished";
  const auto before = open_state_reader({sample, {}});
  ASSERT_TRUE(before);
  {
    const auto store = open_state_store(options);
    ASSERT_TRUE(store) << store.error().message;
    const StateSnapshot snapshot = (*store)->load().value();
    EXPECT_GT(snapshot.cursor, Position{20});
    EXPECT_EQ(snapshot.hosts.size(), 2U);
    ASSERT_FALSE(snapshot.hosts[0].checks.empty());
    EXPECT_EQ(*(*store)->command_result("c1"), *(*before)->command_result("c1"));
    // Its answers are kept for the whole time from now on, then go.
    StateDelta delta;
    delta.cursor = snapshot.cursor;
    delta.judged_at = snapshot.judged_at;
    delta.keep_answers = StateDelta::KeptAnswers{snapshot.judged_at, 100};
    delta.baselines.emplace_back();
    delta.baselines.back().id = BaselineId{1};
    delta.hosts = snapshot.hosts;
    ASSERT_TRUE((*store)->commit(delta));
    EXPECT_EQ((*store)->load().value().hosts, snapshot.hosts);
    EXPECT_TRUE(*(*store)->command_result("c1"));
    EXPECT_EQ((*store)->load().value().baselines, delta.baselines);
    delta.keep_answers->since = snapshot.judged_at + 1s;
    ASSERT_TRUE((*store)->commit(delta));
    EXPECT_FALSE(*(*store)->command_result("c1"));
  }
  const std::string kept = options.path + ".schema-1";
  EXPECT_EQ(version_of(kept), 1);
  EXPECT_GT(version_of(options.path), 1);
  EXPECT_EQ((*open_state_reader({kept, {}}))->as_of()->cursor, (*before)->as_of()->cursor);
  EXPECT_FALSE(std::filesystem::exists(kept + ".new"));
  const auto changed = std::filesystem::last_write_time(kept);
  EXPECT_TRUE(open_state_store(options));  // Once is enough.
  EXPECT_EQ(std::filesystem::last_write_time(kept), changed);
}

// Until schema 3 a host's document had all its checks, however large.
TEST_F(StateFiles, HostsOfSchema2AreReadWithTheirChecksAndWrittenInParts) {
  options.path = directory.file("old.db");
  std::filesystem::copy_file(TOCSIN_SOURCE_DIR "/tests/data/state/schema-2.db", options.path);
  ASSERT_EQ(version_of(options.path), 2);
  StateDelta delta;
  {
    const StateSnapshot snapshot = (*open_state_store(options))->load().value();
    EXPECT_EQ(snapshot.learned.size(), 1U);
    ASSERT_EQ(snapshot.hosts.size(), 2U);
    delta.cursor = snapshot.cursor;
    delta.judged_at = snapshot.judged_at;
    delta.hosts = snapshot.hosts;
  }
  model::CheckStatus& large = delta.hosts[0].checks.at(0);
  large.reasons.assign(9, {"test", {{"x", std::string(999, 'x')}}});
  put_document(delta.hosts[0].agent, wire::encode_host(delta.hosts[0]));
  const auto store = open_state_store(options);
  EXPECT_EQ((*store)->load().value().hosts, delta.hosts);
  EXPECT_THAT(*(*open_state_reader(options))->hosts(), UnorderedElementsAreArray(delta.hosts));
  EXPECT_EQ(count("host_check"), 0);
  ASSERT_TRUE((*store)->commit(delta));
  EXPECT_EQ(count("host_check"), 1);
  EXPECT_EQ((*store)->load().value().hosts, delta.hosts);
}

// Until schema 4 a record's document alone said whose it is; of two agents here.
TEST_F(StateFiles, EvidenceOfSchema3IsCountedByAgent) {
  options.path = directory.file("old.db");
  std::filesystem::copy_file(TOCSIN_SOURCE_DIR "/tests/data/state/schema-3.db", options.path);
  ASSERT_EQ(version_of(options.path), 3);
  ASSERT_TRUE(open_state_store(options));
  const auto reader = open_state_reader(options);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->evidence({})->size(), 4U);
  EXPECT_EQ(*(*reader)->evidence_bytes({std::string(64, 'a')}), 3000U);
  EXPECT_EQ(*(*reader)->evidence_bytes({std::string(64, 'b')}), 500U);
}

TEST_F(StateFiles, AnotherDatabaseIsRefused) {
  execute("PRAGMA application_id=7");
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("state.db"));
}

TEST_F(StateFiles, DamageIsRefusedAndLeftAlone) {
  const auto size = std::filesystem::file_size(options.path);
  std::fstream file(options.path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(size - 4096));
  file << std::string(4096, '\x5a');
  file.close();
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("state.db"));
  EXPECT_EQ(std::filesystem::file_size(options.path), size);
}

TEST_F(StateFiles, ADocumentThatCannotBeReadIsDamage) {
  execute("INSERT INTO host VALUES('a', 'web1', x'ffffff')");
  const Result<StateSnapshot> snapshot = (*open_state_store(options))->load();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::data_loss);
}

TEST_F(StateFiles, OfAHostsLargeChecksOnlyThoseThatChangedAreWritten) {
  const auto store = open_state_store(options);
  model::Host host;
  host.agent = AgentId{std::string(64, 'a')};
  host.presence = model::Presence::heard;
  for (const char* target : {"a", "b", "c", "d"}) {
    model::CheckStatus& check = host.checks.emplace_back();
    check.check = {model::CheckKind::ping, target};
    check.verdict = model::Verdict::cannot_tell;
    check.observation.outcome = model::Outcome::failed;
    if (*target == 'd') continue;  // The others are large.
    check.observation.detail.code = "test";
    check.observation.detail.parameters.resize(9, {"x", std::string(999, 'x')});
  }
  StateDelta delta;
  delta.cursor = Position{2};
  delta.hosts = {host};
  ASSERT_TRUE((*store)->commit(delta));
  execute("UPDATE host_check SET document = x'ffff'");  // to see which are written again
  delta.hosts[0].checks[1].position = Position{2};
  delta.hosts[0].facts = 1;
  ASSERT_TRUE((*store)->commit(delta));
  EXPECT_EQ(count("host_check WHERE document = x'ffff'"), 2);
  EXPECT_EQ(count("host_check"), 3);
}

TEST_F(StateFiles, AReaderWantsAFileThatIsThere) {
  SqliteStateOptions missing;
  missing.path = directory.file("none.db");
  EXPECT_FALSE(open_state_reader(missing));
  EXPECT_FALSE(std::filesystem::exists(missing.path));
}

TEST_F(StateFiles, ACopyIsOneMomentOfTheStateWhileTheStoreGoesOn) {
  const auto store = open_state_store(options);
  const std::string copy = directory.file("copy.db");
  ASSERT_TRUE(copy_state(options, copy));
  StateDelta later;
  later.cursor = Position{2};
  ASSERT_TRUE((*store)->commit(later));
  EXPECT_EQ((*open_state_reader(options))->as_of()->cursor, Position{2});
  EXPECT_EQ((*open_state_reader({copy, {}}))->as_of()->cursor, Position{1});
  EXPECT_EQ((*open_state_store({copy, {}}))->load()->values.size(), 200U);
  EXPECT_EQ(copy_state(options, copy).error().code, ErrorCode::already_exists);
  EXPECT_FALSE(copy_state({directory.file("none.db"), {}}, directory.file("x.db")));
  EXPECT_FALSE(std::filesystem::exists(directory.file("x.db")));
}

TEST_F(StateFiles, ManyThreadsAskOneReaderWhileTheStoreCommits) {
  const auto store = open_state_store(options);
  const auto reader = open_state_reader(options);
  ASSERT_TRUE(store && reader);
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const auto as_of = (*reader)->as_of();
        const auto hosts = (*reader)->hosts();
        if (!as_of || !hosts || hosts->size() > 1) ++wrong;
      }
    });
  }
  for (std::uint64_t cursor = 2; cursor < 60; ++cursor) {
    StateDelta delta;
    delta.cursor = Position{cursor};
    model::Host host;
    host.agent = AgentId{std::string(64, 'a')};
    host.facts = cursor;
    host.presence = model::Presence::heard;
    delta.hosts = {host};
    ASSERT_TRUE((*store)->commit(delta));
    EXPECT_EQ((*reader)->as_of()->cursor, Position{cursor});
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tocsin::collector
