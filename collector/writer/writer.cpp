#include "collector/writer/writer.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

Writer::Writer(JournalWriter& journal, const time::TimeSource& time, Sink sink,
               const WriterOptions& options)
    : journal_(journal),
      time_(time),
      sink_(std::move(sink)),
      options_(options),
      head_(journal.head()),
      base_(std::max(journal.head_time(), time.wall())),
      base_steady_(time.steady()) {}

Writer::~Writer() { stop(); }

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  refuse_all();
}

Status Writer::submit(std::vector<PendingEntry>&& entries, std::optional<SpoolCursor> cursor,
                      Done done) {
  const std::size_t count = entries.size();
  std::size_t bytes = 0;
  for (const PendingEntry& entry : entries) bytes += entry.bytes.size();
  if (count == 0 || count > options_.queue_entries || bytes > options_.queue_bytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("submit to journal: {} entries of {} bytes; 1 to {} entries and {} "
                            "bytes are possible",
                            count, bytes, options_.queue_entries, options_.queue_bytes));
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::unavailable, "submit to journal: the writer is stopping");
    if (counters_.waiting_entries + count > options_.queue_entries ||
        counters_.waiting_bytes + bytes > options_.queue_bytes) {
      ++counters_.refused;
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("submit to journal: {} entries of {} bytes wait already{}{}",
                              counters_.waiting_entries, counters_.waiting_bytes,
                              problem_ ? ": " : "", problem_ ? problem_->message : ""));
    }
    counters_.waiting_entries += count;
    counters_.waiting_bytes += bytes;
    waiting_.push_back({std::move(entries), std::move(cursor), std::move(done), bytes});
  }
  wake_.notify_one();
  return {};
}

Result<Committed> Writer::submit_and_wait(PendingEntry entry) {
  {
    const std::lock_guard lock(mutex_);
    if (problem_ && counters_.waiting_entries > 0) {
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("submit to journal: {}", problem_->message));
    }
  }
  // Shared: the answer may come when nobody waits for it any more.
  const auto answer = std::make_shared<std::promise<Result<Committed>>>();
  std::future<Result<Committed>> answered = answer->get_future();
  std::vector<PendingEntry> entries;
  entries.push_back(std::move(entry));
  TOCSIN_TRY(submit(std::move(entries), std::nullopt, [answer](Result<Committed> committed) {
    answer->set_value(std::move(committed));
  }));
  if (answered.wait_for(options_.answer_within) == std::future_status::ready) return answered.get();
  const std::optional<Error> problem = health();
  return fail(ErrorCode::unavailable,
              fmt::format("submit to journal: not yet known whether it was journaled{}{}",
                          problem ? ": " : "", problem ? problem->message : ""));
}

Instant Writer::journal_now() const {
  const std::lock_guard lock(mutex_);
  return base_ + (time_.steady() - base_steady_);
}

Position Writer::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

std::optional<Error> Writer::health() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::optional<Error> Writer::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

WriterCounters Writer::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void Writer::run() {
  Duration sleep{};
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, sleep, [this] { return must_wake(); });
      if (stopping_) break;
    }
    sleep = step();
  }
  retry_at_.reset();  // One last try for everything that waits.
  do {
    step();
  } while (!retry_at_ && counters().waiting_entries > 0);
}

bool Writer::must_wake() const {
  // While a group is kept for its next try, what is submitted waits with it.
  return stopping_ || (!waiting_.empty() && !retry_at_);
}

Duration Writer::step() {
  {
    const std::lock_guard lock(mutex_);
    ++counters_.turns;
  }
  if (retry_at_ && time_.steady() < *retry_at_) return until_next();
  if (!check_clock()) return until_next();
  if (group_.empty()) take_group();
  if (!group_.empty()) commit_group();
  return until_next();
}

Duration Writer::until_next() const {
  const MonoTime now = time_.steady();
  if (retry_at_) return std::max(*retry_at_ - now, Duration{});
  return std::max(*clock_checked_ + options_.clock_check - now, Duration{});
}

void Writer::take_group() {
  const std::lock_guard lock(mutex_);
  std::size_t entries = 0;
  while (!waiting_.empty()) {
    Submission& next = waiting_.front();
    if (entries > 0 && entries + next.entries.size() > options_.group_entries) break;
    entries += next.entries.size();
    group_.bytes += next.bytes;
    for (PendingEntry& entry : next.entries) group_.bodies.push_back(std::move(entry.bytes));
    if (next.cursor) group_.cursors.push_back(*next.cursor);
    group_.submissions.push_back(std::move(next));
    waiting_.pop_front();
  }
}

void Writer::commit_group() {
  const Instant at = std::max(journal_now(), journal_.head_time());
  const Result<Position> first = journal_.append(group_.bodies, at, group_.cursors);
  if (!first) {
    failed(first.error());
    if (is_retryable(first.error().code)) return;
    // Damage does not pass by waiting: the submitters must know.
    const Group lost = std::exchange(group_, {});
    release(lost);
    answer(lost, fail(first.error()));
    return;
  }
  Group done = std::exchange(group_, {});
  succeeded();
  release(done);
  count(done.bodies.size(), Position{first->value + done.bodies.size() - 1});
  std::vector<CommittedRun> runs;
  runs.reserve(done.submissions.size());
  Position next = *first;
  auto body = done.bodies.begin();
  for (Submission& submission : done.submissions) {
    for (PendingEntry& entry : submission.entries) entry.bytes = std::move(*body++);
    runs.push_back({next, at, std::move(submission.entries), submission.bytes});
    const CommittedRun& run = runs.back();
    next.value += run.entries.size();
    if (submission.done) submission.done(Committed{run.first, run.last(), at});
  }
  if (sink_) sink_(std::move(runs));
}

bool Writer::check_clock() {
  const MonoTime now = time_.steady();
  if (clock_checked_ && now - *clock_checked_ < options_.clock_check) return true;
  // Journal time went on while nobody was here; that it did is journaled now.
  const bool pause = !clock_checked_ && journal_.head();
  const Instant at = pause ? journal_.head_time() : std::max(journal_now(), journal_.head_time());
  const Instant wall = time_.wall();
  const Duration change = (wall - at) - known_difference_;
  if (std::chrono::abs(change) > options_.clock_tolerance && !journal_step(wall - at, at, wall)) {
    return false;
  }
  clock_checked_ = now;
  return true;
}

bool Writer::journal_step(Duration difference, Instant at, Instant wall) {
  model::JournalBody body = model::ClockStep{difference};
  const std::vector<std::string> bodies{wire::encode_journal(body)};
  const Result<Position> position = journal_.append(bodies, at, {});
  if (!position) {
    failed(position.error());
    return false;
  }
  const Instant now = journal_now();
  {
    const std::lock_guard lock(mutex_);
    base_ = std::max({at, wall, now});
    base_steady_ = time_.steady();
    ++counters_.clock_steps;
  }
  count(1, *position);
  known_difference_ = std::min(difference, Duration{});
  succeeded();
  log::warning("journal.clock_step",
               {{"difference_ms",
                 std::chrono::duration_cast<std::chrono::milliseconds>(difference).count()}});
  if (!sink_) return true;
  std::vector<CommittedRun> runs(1);
  runs.front() = {*position, at, {}, bodies.front().size()};
  runs.front().entries.push_back({{}, std::move(body)});
  sink_(std::move(runs));
  return true;
}

void Writer::answer(const Group& group, const Result<Committed>& result) {
  for (const Submission& submission : group.submissions) {
    if (submission.done) submission.done(result);
  }
}

void Writer::failed(const Error& error) {
  retry_wait_ = retry_wait_ == Duration{} ? options_.retry_first
                                          : std::min(retry_wait_ * 2, options_.retry_longest);
  retry_at_ = time_.steady() + retry_wait_;
  log::error("journal.commit_failed", {{"error", error.message}});
  const std::lock_guard lock(mutex_);
  problem_ = error;
  if (!failure_ && !is_retryable(error.code)) failure_ = error;
  ++counters_.failed_commits;
}

void Writer::succeeded() {
  retry_wait_ = Duration{};
  retry_at_.reset();
  const std::lock_guard lock(mutex_);
  if (problem_) log::info("journal.commits_again", {{"failed", counters_.failed_commits}});
  problem_.reset();
}

void Writer::count(std::size_t entries, Position last) {
  const std::lock_guard lock(mutex_);
  head_ = last;
  ++counters_.groups;
  counters_.entries += entries;
}

// The group no longer waits.
void Writer::release(const Group& group) {
  const std::lock_guard lock(mutex_);
  counters_.waiting_entries -= group.bodies.size();
  counters_.waiting_bytes -= group.bytes;
}

void Writer::refuse_all() {
  std::deque<Submission> refused;
  {
    const std::lock_guard lock(mutex_);
    refused.swap(waiting_);
    counters_.waiting_entries = 0;
    counters_.waiting_bytes = 0;
  }
  const Error stopped{ErrorCode::unavailable, "submit to journal: the writer was stopped"};
  answer(std::exchange(group_, {}), fail(stopped));
  for (const Submission& submission : refused) {
    if (submission.done) submission.done(fail(stopped));
  }
}

}  // namespace tocsin::collector
