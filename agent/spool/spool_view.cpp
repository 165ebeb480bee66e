#include "agent/spool/spool_view.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool/sqlite_spool.hpp"

namespace tocsin::agent {
namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status check_content(sqlite::Database& database, const std::string& path) {
  const Result<std::int64_t> version = database.user_version();
  if (!version) return fail(version.error());
  if (*version != kSpoolSchema) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("{} is of another version (schema {}, this program knows {})", path,
                            *version, kSpoolSchema));
  }
  return database.check();
}

Result<SpoolFile> look_at(const std::string& path, bool alone) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail(system_error("stat " + path, errno));
  sqlite::OpenOptions options;
  options.read_only = true;
  options.immutable = alone;
  auto database = sqlite::Database::open(path, options);
  if (!database) return fail(database.error());
  TOCSIN_TRY(check_content(*database, path));
  SpoolFile file{std::move(*database), found.st_dev, found.st_ino, {}, {}, {}};
  return file;
}

}  // namespace

// Without a log beside it nobody has the file open, and SQLite would make one to read it. Who comes
// meanwhile makes one: then it is looked at again.
Result<SpoolView> SpoolView::open(const std::string& path) {
  const std::string log = path + "-wal";
  const bool alone = !exists(log);
  Result<SpoolFile> file = look_at(path, alone);
  if (!file && alone && exists(log)) file = look_at(path, false);
  if (!file) return fail(file.error());
  return SpoolView(std::make_unique<SqliteSpool>(std::move(*file), SpoolOptions{}));
}

SpoolView::SpoolView(std::unique_ptr<Spool> spool) : spool_(std::move(spool)) {}
SpoolView::SpoolView(SpoolView&&) noexcept = default;
SpoolView& SpoolView::operator=(SpoolView&&) noexcept = default;
SpoolView::~SpoolView() = default;

Result<SpoolStatus> SpoolView::status() { return spool_->status(); }

Result<std::optional<std::string>> SpoolView::cursor(std::string_view key) {
  return spool_->cursor(key);
}

}  // namespace tocsin::agent
