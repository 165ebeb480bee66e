#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "common/sqlite/sqlite.hpp"
#include "tests/bench/bench_ingest.hpp"

namespace tocsin::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRowsOfAStatement = 16;
constexpr std::uint64_t kRowsOfACommit = 4096;

}  // namespace

Result<double> sqlite_rows_per_second(const std::string& folder, std::uint64_t rows,
                                      std::uint32_t bytes) {
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/limit.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  auto database = sqlite::Database::open(path, {});
  if (!database) return fail(database.error());
  TOCSIN_TRY(
      database->execute("CREATE TABLE entry(pos INTEGER PRIMARY KEY, at INTEGER, body BLOB)"));
  std::string sql = "INSERT INTO entry(pos, at, body) VALUES(?,?,?)";
  for (int i = 1; i < kRowsOfAStatement; ++i) sql += ",(?,?,?)";
  auto insert = database->prepare(sql);
  if (!insert) return fail(insert.error());
  const std::string body(bytes, 'x');
  std::int64_t position = 0;
  const auto begin = Clock::now();
  for (std::uint64_t done = 0; done < rows; done += kRowsOfACommit) {
    TOCSIN_TRY(database->execute("BEGIN IMMEDIATE"));
    for (std::uint64_t i = 0; i < kRowsOfACommit; i += kRowsOfAStatement) {
      for (int row = 0; row < kRowsOfAStatement; ++row) {
        ++position;
        insert->bind(row * 3 + 1, position)
            .bind(row * 3 + 2, position)
            .bind_blob(row * 3 + 3, body);
      }
      TOCSIN_TRY(insert->run());
    }
    TOCSIN_TRY(database->execute("COMMIT"));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return static_cast<double>(position) / seconds;
}

}  // namespace tocsin::bench
