#include "agent/checks/backup_restic.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "agent/backup/restic.hpp"
#include "agent/os/files.hpp"
#include "agent/os/program.hpp"
#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kListBytes = 16 << 20;
constexpr std::uint64_t kSampleBytes = 64ULL << 20;  // of the file that a restore test takes
constexpr std::size_t kChunk = 1 << 20;
constexpr Duration kMargin = 300ms;
constexpr Duration kTryAgain = 1h;  // after a test that could not be made

enum class Work : std::uint8_t { integrity, restore };

// What a slow test found. `ok` is unknown where it could not be made.
struct Found {
  model::Tristate ok = model::Tristate::unknown;
  std::string why;
};

struct ResticMemory final : CheckMemory {
  std::uint64_t runs = 0;
  ResticTests tests;
  MonoTime next_check;  // not before
  MonoTime next_restore;
  std::optional<std::string> check_blind;  // why the last one could not be made
  std::optional<std::string> restore_blind;
  std::optional<Work> under_way;
  std::mutex mutex;
  std::optional<Found> found;
  std::jthread worker;  // last: it ends before the others do
};

// A folder of our own that is gone afterwards.
class WorkFolder {
 public:
  WorkFolder() : path_("/var/tmp/tocsin-restore-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Restic {
 public:
  Restic(const BackupSettings& backup, const time::TimeSource& time, std::stop_token stop)
      : backup_(backup), time_(time), stop_(std::move(stop)) {}

  Result<os::ProgramEnd> run(std::vector<std::string> command, bool lock, Duration limit) const {
    os::ProgramCall call;
    call.words = {backup_.program, "--no-cache", "--password-file", backup_.password_file};
    const bool file = !backup_.repository_file.empty();
    call.words.emplace_back(file ? "--repository-file" : "--repo");
    call.words.push_back(file ? backup_.repository_file : backup_.repository);
    if (!lock) call.words.emplace_back("--no-lock");
    call.words.insert(call.words.end(), command.begin(), command.end());
    call.limit = limit;
    call.output_limit = kListBytes;
    return os::run_program(call, time_, stop_);
  }

  Found check_integrity() const {
    std::vector<std::string> command{"check"};
    if (!backup_.check_read.empty()) {
      command.push_back("--read-data-subset=" + backup_.check_read);
    }
    const auto end = run(std::move(command), backup_.check_lock, backup_.check_limit);
    if (!end) return {model::Tristate::unknown, end.error().message};
    if (end->timed_out) return {model::Tristate::unknown, "not done in time"};
    switch (restic_end(end->status, end->errors)) {
      case ResticEnd::done:
        return {model::Tristate::yes, {}};
      case ResticEnd::damaged:
        return {model::Tristate::no, {}};
      case ResticEnd::login_refused:
      case ResticEnd::failed:
        break;
    }
    return {model::Tristate::unknown, restic_reason(end->errors)};
  }

  // Takes the file out of the newest backup and compares it with what the backup says of it, and
  // with the file itself where that is still the same.
  Found test_restore() const {
    const auto file = file_in_backup();
    if (!file && file.error().code == ErrorCode::not_found) {
      return {model::Tristate::no, file.error().message};
    }
    if (!file) return {model::Tristate::unknown, file.error().message};
    if (file->size > kSampleBytes) return {model::Tristate::unknown, "the file is too large"};
    const WorkFolder folder;
    if (folder.path().empty()) return {model::Tristate::unknown, "no folder in /var/tmp"};
    std::vector<std::string> command{"restore",     "latest",    "--target",
                                     folder.path(), "--include", backup_.restore_file,
                                     "--verify"};
    add_host(command);
    const auto end = run(std::move(command), false, backup_.check_limit);
    if (!end) return {model::Tristate::unknown, end.error().message};
    if (end->timed_out) return {model::Tristate::unknown, "not done in time"};
    if (restic_end(end->status, end->errors) == ResticEnd::login_refused) {
      return {model::Tristate::unknown, restic_reason(end->errors)};
    }
    if (end->status != 0) return {model::Tristate::no, restic_reason(end->errors)};
    return compare(folder.path() + backup_.restore_file, *file);
  }

 private:
  void add_host(std::vector<std::string>& command) const {
    if (backup_.restore_host.empty()) return;
    command.emplace_back("--host");
    command.push_back(backup_.restore_host);
  }

  Result<ResticFile> file_in_backup() const {
    std::vector<std::string> command{"ls", "--json", "latest", backup_.restore_file};
    add_host(command);
    const auto end = run(std::move(command), false, backup_.check_limit);
    if (!end) return fail(end.error());
    if (end->timed_out || end->status != 0) {
      return fail(ErrorCode::unavailable,
                  end->timed_out ? "not done in time" : restic_reason(end->errors));
    }
    return parse_ls(end->output, backup_.restore_file);
  }

  Found compare(const std::string& restored, const ResticFile& expected) const {
    const auto copy = os::open_regular(restored);
    if (!copy || copy->stat.size != expected.size) {
      return {model::Tristate::no, "the restored file is not as long as it was"};
    }
    const auto live = os::open_regular(backup_.restore_file);
    const bool same =
        live && live->stat.size == expected.size && live->stat.modified == expected.modified;
    for (std::uint64_t at = 0; same && at < expected.size; at += kChunk) {
      const auto ours = os::read_at(copy->fd, at, kChunk);
      const auto theirs = os::read_at(live->fd, at, kChunk);
      if (!ours || !theirs) return {model::Tristate::unknown, "a file could not be read"};
      if (*ours != *theirs) return {model::Tristate::no, "the restored file differs"};
    }
    return {model::Tristate::yes, {}};
  }

  const BackupSettings& backup_;
  const time::TimeSource& time_;
  std::stop_token stop_;
};

void begin(Work work, const BackupSettings& backup, const time::TimeSource& time,
           ResticMemory& memory) {
  memory.under_way = work;
  memory.worker = std::jthread([&memory, &time, work, backup](std::stop_token stop) {
    const Restic restic(backup, time, std::move(stop));
    Found found = work == Work::integrity ? restic.check_integrity() : restic.test_restore();
    const std::lock_guard lock(memory.mutex);
    memory.found = std::move(found);
  });
}

void begin_what_is_due(const BackupSettings& backup, const CheckContext& context,
                       ResticMemory& memory) {
  if (memory.under_way || memory.runs < 2) return;
  const Instant now = context.time.wall();
  const MonoTime steady = context.time.steady();
  const auto due = [&](Instant last, Duration every, MonoTime next) {
    return every > 0s && steady >= next && (last.ns == 0 || now - last >= every);
  };
  if (due(memory.tests.checked, backup.check_every, memory.next_check)) {
    begin(Work::integrity, backup, context.time, memory);
  } else if (!backup.restore_file.empty() &&
             due(memory.tests.restored, backup.restore_every, memory.next_restore)) {
    begin(Work::restore, backup, context.time, memory);
  }
}

// True where a test has ended and its result is to be kept.
bool take_what_ended(const BackupSettings& backup, const CheckContext& context,
                     ResticMemory& memory) {
  std::optional<Found> found;
  {
    const std::lock_guard lock(memory.mutex);
    found = std::exchange(memory.found, std::nullopt);
  }
  if (!found) return false;
  memory.worker.join();
  const bool check = *std::exchange(memory.under_way, std::nullopt) == Work::integrity;
  auto& blind = check ? memory.check_blind : memory.restore_blind;
  blind.reset();
  if (found->ok == model::Tristate::unknown) {
    blind = found->why;
    const Duration every = check ? backup.check_every : backup.restore_every;
    (check ? memory.next_check : memory.next_restore) =
        context.time.steady() + std::min(every, kTryAgain);
    return false;
  }
  (check ? memory.tests.check_ok : memory.tests.restore_ok) = found->ok;
  (check ? memory.tests.checked : memory.tests.restored) = context.time.wall();
  return true;
}

model::BackupJobFacts facts_of(const BackupSettings& backup, const ResticMemory& memory) {
  model::BackupJobFacts facts;
  facts.job = backup.name;
  facts.tool = "restic";
  facts.integrity_wanted = backup.check_every > 0s;
  facts.restore_wanted = !backup.restore_file.empty();
  facts.last_check = memory.tests.checked;
  facts.check_ok = memory.tests.check_ok;
  facts.last_restore_test = memory.tests.restored;
  facts.restore_ok = memory.tests.restore_ok;
  if (memory.check_blind) facts.blind.push_back({"check", *memory.check_blind, {}, 1});
  if (memory.restore_blind) facts.blind.push_back({"restore", *memory.restore_blind, {}, 1});
  return facts;
}

}  // namespace

model::Observation observe_restic(const Run& run, const BackupSettings& backup,
                                  CheckContext& context) {
  if (!context.memory) {
    auto fresh = std::make_unique<ResticMemory>();
    fresh->tests = parse_tests(context.cursor.value_or(std::string()));
    context.memory = std::move(fresh);
  }
  auto& memory = static_cast<ResticMemory&>(*context.memory);
  ++memory.runs;
  if (take_what_ended(backup, context, memory)) context.new_cursor = print_tests(memory.tests);

  const Restic restic(backup, context.time, context.stop);
  const auto end = restic.run({"snapshots", "--json", "--latest", "1"}, false,
                              run.deadline() - context.time.steady() - kMargin);
  if (!end && end.error().code == ErrorCode::not_found) {
    return run.unseen(model::Outcome::failed,
                      {"backup.tool_missing", {{"program", backup.program}}});
  }
  if (!end) return run.unseen(end.error());
  if (end->timed_out) {
    return run.unseen(Error{ErrorCode::deadline_exceeded, "restic did not answer in time"});
  }
  model::BackupJobFacts facts = facts_of(backup, memory);
  const ResticEnd how = restic_end(end->status, end->errors);
  if (how == ResticEnd::login_refused) {
    return run.unseen(model::Outcome::not_permitted,
                      {"backup.login_refused", {{"what", restic_reason(end->errors)}}});
  }
  if (how != ResticEnd::done) {
    facts.reachable = model::Tristate::no;
    facts.blind.push_back({"snapshots", restic_reason(end->errors), {}, 1});
    return run.seen(std::move(facts));
  }
  const auto snapshots = parse_snapshots(end->output);
  if (!snapshots) return run.unseen(snapshots.error());
  facts.sources = newest_of(*snapshots, backup.sources);
  if (!facts.sources.empty()) facts.last_success = facts.sources.back().last_success;
  if (facts.sources.size() > limits::kBackupSources) {
    facts.over_limit = static_cast<std::uint32_t>(facts.sources.size() - limits::kBackupSources);
    facts.sources.resize(limits::kBackupSources);
  }
  begin_what_is_due(backup, context, memory);
  return run.seen(std::move(facts));
}

}  // namespace tocsin::agent
