// The test disk itself: a fake that forgets nothing would prove nothing.
#include "tests/support/power_cut_vfs.hpp"

#include <gtest/gtest.h>

#include "common/sqlite/sqlite.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {
namespace {

sqlite::Database open(const PowerCutVfs& disk, const TempDir& directory) {
  sqlite::OpenOptions options;
  options.vfs = disk.name();
  return std::move(sqlite::Database::open(directory.file("a.db"), options).value());
}

TEST(PowerCutVfs, LosesWhatWasNotSynced) {
  TempDir directory;
  PowerCutVfs disk;
  {
    sqlite::Database database = open(disk, directory);
    ASSERT_TRUE(database.execute("CREATE TABLE t(n)"));
    ASSERT_TRUE(database.execute("PRAGMA synchronous=OFF; INSERT INTO t VALUES(1)"));
    EXPECT_EQ(*database.query_int("SELECT count(*) FROM t"), 1);
    disk.cut();
    EXPECT_FALSE(database.execute("INSERT INTO t VALUES(2)"));
  }
  disk.restart();
  EXPECT_EQ(*open(disk, directory).query_int("SELECT count(*) FROM t"), 0);
}

TEST(PowerCutVfs, KeepsWhatWasSynced) {
  TempDir directory;
  PowerCutVfs disk;
  {
    sqlite::Database database = open(disk, directory);
    ASSERT_TRUE(database.execute("CREATE TABLE t(n); INSERT INTO t VALUES(1)"));
    disk.cut();
  }
  disk.restart();
  EXPECT_EQ(*open(disk, directory).query_int("SELECT count(*) FROM t"), 1);
}

TEST(PowerCutVfs, AFileThatWasNeverSyncedIsGone) {
  TempDir directory;
  PowerCutVfs disk;
  {
    sqlite::OpenOptions options;
    options.vfs = disk.name();
    options.wal = false;
    auto database = sqlite::Database::open(directory.file("a.db"), options);
    ASSERT_TRUE(database->execute("PRAGMA synchronous=OFF; CREATE TABLE t(n)"));
    EXPECT_TRUE(std::filesystem::exists(directory.file("a.db")));
    disk.cut();
  }
  EXPECT_FALSE(std::filesystem::exists(directory.file("a.db")));
}

TEST(PowerCutVfs, ShowsUnsyncedWritesToOtherConnections) {
  TempDir directory;
  PowerCutVfs disk;
  sqlite::Database writer = open(disk, directory);
  sqlite::Database reader = open(disk, directory);
  ASSERT_TRUE(writer.execute("CREATE TABLE t(n); PRAGMA synchronous=OFF; INSERT INTO t VALUES(1)"));
  EXPECT_EQ(*reader.query_int("SELECT count(*) FROM t"), 1);
}

TEST(PowerCutVfs, FailsTheOperationThatWasPlannedAndNoOther) {
  TempDir directory;
  PowerCutVfs disk;
  sqlite::Database database = open(disk, directory);
  ASSERT_TRUE(database.execute("CREATE TABLE t(n)"));
  disk.plan(1, Fault::io_error);
  EXPECT_FALSE(database.execute("INSERT INTO t VALUES(1)"));
  EXPECT_TRUE(disk.happened());
  EXPECT_TRUE(database.execute("INSERT INTO t VALUES(2)"));
}

TEST(PowerCutVfs, StaysFullUntilThereIsRoom) {
  TempDir directory;
  PowerCutVfs disk;
  sqlite::Database database = open(disk, directory);
  ASSERT_TRUE(database.execute("CREATE TABLE t(n)"));
  disk.plan_write(1, Fault::disk_full);
  for (int i = 0; i < 3; ++i) {
    const Status full = database.execute("INSERT INTO t VALUES(1)");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, ErrorCode::resource_exhausted);
  }
  disk.make_room();
  EXPECT_TRUE(database.execute("INSERT INTO t VALUES(1)"));
}

}  // namespace
}  // namespace tocsin::tests
