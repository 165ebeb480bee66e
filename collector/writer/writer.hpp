// The one writer of the journal: takes what all adapters submit, commits it in groups, answers, and
// hands the entries to the judge. One thread owns the JournalWriter; everything else only queues.
//
// Group commit: a group is everything that waits, up to `group_entries`, so one sync carries one
// command at night and thousands of facts in a storm. A submission is never split.
//
// Journal time is the last entry's plus what the steady clock has counted since. Every
// `clock_check` it is compared with the wall; when the difference changed by more than
// `clock_tolerance` a ClockStep is journaled, alone and with the time before the step, and journal
// time goes on from the wall if that is ahead. It never goes back: behind a wall that was set back
// it runs on alone. After a pause it goes on from the wall too, from the first moment on.
//
// When the disk is full the group is kept and tried again, waiting longer each time; the queue
// fills, submit() refuses, agents keep their facts in their spools, and health() says so. Nothing
// is lost and no restart is needed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/ports/intake.hpp"
#include "collector/ports/journal.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

struct WriterOptions {
  std::size_t queue_entries = 65536;   // waiting, the group in hand included
  std::size_t queue_bytes = 64 << 20;  // of their bodies
  std::size_t group_entries = 8192;
  Duration clock_check = 10s;
  Duration clock_tolerance = 2s;
  Duration retry_first = 100ms;  // after a commit that failed, doubled each time
  Duration retry_longest = 5s;
  Duration answer_within = 10s;  // to a person who waits
};

struct WriterCounters {
  std::uint64_t groups = 0;
  std::uint64_t entries = 0;
  std::uint64_t refused = 0;         // submissions that did not fit the queue
  std::uint64_t failed_commits = 0;  // tries, also those that were repeated
  std::uint64_t clock_steps = 0;
  std::uint64_t turns = 0;  // of its thread, which goes round at every `clock_check` at least
  std::size_t waiting_entries = 0;
  std::size_t waiting_bytes = 0;
};

class Writer final : public Intake {
 public:
  // Takes committed entries in journal order, on the writer's thread, after the submitters'
  // answers. Must be quick: Judge::committed.
  using Sink = std::function<void(std::vector<CommittedRun>)>;

  // `journal` and `time` must outlive the writer, which is the only user of `journal`. Nothing is
  // committed before start().
  Writer(JournalWriter& journal, const time::TimeSource& time, Sink sink,
         const WriterOptions& options = {});
  ~Writer() override;  // stop()
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void start();
  // Commits what waits, once, and ends the thread; what could not be committed is answered
  // `unavailable`, and so is everything submitted later. It waits for nobody and for no disk.
  void stop();

  // Errors besides those of Intake: invalid_argument (no entries, or more than the queue could ever
  // hold), unavailable (stopped).
  Status submit(std::vector<PendingEntry>&& entries, std::optional<SpoolCursor> cursor,
                Done done) override;
  // While a group is being tried again it refuses at once, with the reason, so that a person is not
  // kept waiting. After `answer_within` the error is `unavailable`, and it is not known yet whether
  // the entry will be journaled: ask again with the same command.
  Result<Committed> submit_and_wait(PendingEntry entry) override;
  Instant journal_now() const override;

  // Nothing while commits succeed; else why the last one did not. Thread-safe.
  std::optional<Error> health() const;
  // The first failure that no waiting cures (the journal is damaged): the process should end.
  // Thread-safe.
  std::optional<Error> failure() const;
  WriterCounters counters() const;  // thread-safe
  Position head() const;            // last committed; thread-safe

  // What the thread does when it wakes: at most one clock step and one group. Returns how long it
  // may sleep when nothing is submitted. For tests that run the writer without its thread.
  Duration step();

 private:
  struct Submission {
    std::vector<PendingEntry> entries;
    std::optional<SpoolCursor> cursor;
    Done done;
    std::size_t bytes = 0;
  };
  struct Group {
    std::vector<Submission> submissions;
    std::vector<std::string> bodies;  // taken from the submissions' entries, until committed
    std::vector<SpoolCursor> cursors;
    std::size_t bytes = 0;
    bool empty() const { return bodies.empty(); }
  };

  void run();
  bool must_wake() const;  // with mutex_
  void take_group();
  void commit_group();  // a group that may succeed later is kept
  bool check_clock();   // false: a step could not be journaled yet
  bool journal_step(Duration difference, Instant at, Instant wall);
  void answer(const Group& group, const Result<Committed>& result);
  void failed(const Error& error);
  void succeeded();
  void count(std::size_t entries, Position last);
  void release(const Group& group);
  void refuse_all();
  Duration until_next() const;

  JournalWriter& journal_;
  const time::TimeSource& time_;
  const Sink sink_;
  const WriterOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Submission> waiting_;
  WriterCounters counters_;
  std::optional<Error> problem_;
  std::optional<Error> failure_;
  bool stopping_ = false;
  Position head_;
  Instant base_;  // journal time when the steady clock said base_steady_
  MonoTime base_steady_;

  // Only the writer's thread.
  Group group_;
  Duration known_difference_{};  // wall minus journal time, as last journaled
  std::optional<MonoTime> clock_checked_;
  std::optional<MonoTime> retry_at_;
  Duration retry_wait_{};
  std::thread thread_;
};

}  // namespace tocsin::collector
