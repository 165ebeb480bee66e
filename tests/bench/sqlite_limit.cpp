#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

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

Result<double> fdatasync_us(const std::string& folder, std::uint32_t count, std::uint32_t bytes) {
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/limit.log";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return fail(system_error("open " + path, errno));
  const std::string body(bytes, 'x');
  // As a log that is used again: its blocks are there, so only the data must reach the disk.
  const std::string blank(std::size_t{count} * bytes, ' ');
  Status status;
  if (::write(file, blank.data(), blank.size()) != static_cast<ssize_t>(blank.size()) ||
      ::fsync(file) != 0 || ::lseek(file, 0, SEEK_SET) != 0) {
    status = fail(system_error("write " + path, errno));
  }
  std::vector<double> times;
  for (std::uint32_t i = 0; i < count && status; ++i) {
    const auto begin = Clock::now();
    if (::write(file, body.data(), body.size()) != static_cast<ssize_t>(body.size()) ||
        ::fdatasync(file) != 0) {
      status = fail(system_error("write " + path, errno));
    }
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  ::close(file);
  TOCSIN_TRY(std::move(status));
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace tocsin::bench
