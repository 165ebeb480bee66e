// The agent's durable memory and the only place where its two processes meet. SQLite, WAL,
// synchronous FULL: what append() returned is on disk. Both processes open the same file.
//
// Up: facts numbered without gaps in an epoch; the reader's cursors (log offsets) commit with the
// facts they produced, so that a crash loses nothing and repeats nothing. A chain, a rolling hash
// over all facts ever given a number, tells this spool from a copy of it that was restored and went
// another way. Down: the checks that the collector assigns, its requests, and the checks whose
// result it wants again; a request is marked started before the observer acts on it. Not
// thread-safe: one object a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/fact.hpp"
#include "common/net/fd.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct SpoolOptions {
  std::uint64_t max_bytes = 256ULL << 20;  // of rows; low priority stops at 70 %, normal at 90 %
  std::string vfs;                         // SQLite VFS; tests put one that cuts the power here
  const time::TimeSource* time = nullptr;  // stamps rows and losses; nullptr: the system's clocks
};

struct NewFact {
  std::string bytes;  // common/wire encode_fact
  model::Priority priority = model::Priority::normal;
  // What the next look says again where it is still so. Refused it is late, not lost; whoever looks
  // tells by lose() where it was not so any more.
  bool seen_again = false;
};

struct SpoolRow {
  Seq seq;
  std::string bytes;
  std::string chain;  // after this row; empty: from before there were chains
};

// A reader's place, e.g. key "audit:/var/log/audit/audit.log".
struct ReaderCursor {
  std::string key;
  std::string value;  // at most 64 KiB; empty removes it
};
// The key of what a check remembers.
inline std::string cursor_key(const model::CheckRef& check) {
  return "check:" + model::to_string(check);
}

// What the heartbeat says of a check; kept by the observer at each run.
struct CheckRow {
  model::CheckRef check;
  Instant last_run;
  MonoTime last_run_monotonic;
  std::string digest;
  MonoTime unchanged_since_monotonic;
  Duration interval{};
  Seq last_seq;
  bool told = false;   // in append(): by the last of its facts, whose number becomes last_seq
  bool ended = false;  // in append(): it does not run any more, and its row goes
};

struct SpoolStatus {
  Epoch epoch;
  Seq first;  // last + 1 when empty
  Seq last;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::optional<Instant> oldest;  // wall clock of the oldest row
  bool full = false;              // something was refused since the last row that fitted
  std::string first_chain;        // before the oldest row
  std::string last_chain;         // after the newest, or the same when empty
};

class Spool {
 public:
  // Opens or creates. A damaged file is set aside beside itself (".damaged-N"), a new epoch begins,
  // and the first fact of it says so. Errors: permission_denied, resource_exhausted, data_loss,
  // failed_precondition (written by a newer version). Later, any call of the other process's object
  // may return data_loss ("was replaced"): open again.
  static Result<std::unique_ptr<Spool>> open(const std::string& path, const SpoolOptions& options);
  virtual ~Spool() = default;

  // After data_loss: whether the file was replaced or its content is damaged, so that nothing gets
  // better until it is opened again. Not so of a disk that does not answer now. Reads the whole
  // file, at most once a minute: until then it tells only of a file that was replaced.
  virtual bool must_reopen() = 0;

  // Observer. One transaction: facts (numbered in order), cursors and check rows. Returns the last
  // number given. When the spool or the disk is full: resource_exhausted and nothing changed; what
  // is lost is remembered, and a SpoolLoss fact precedes the next facts that fit. So it is after
  // any other failure to write; invalid_argument (a fact, cursor or list over its limit) is no
  // loss.
  virtual Result<Seq> append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                             std::span<const CheckRow> checks) = 0;
  // So many facts that append() refused with `why` were not seen again: they are lost.
  virtual void lose(std::size_t facts, const Error& why) = 0;
  virtual Result<std::optional<std::string>> cursor(std::string_view key) = 0;
  virtual Result<std::vector<CheckRow>> checks() = 0;
  // Readable after the link put a request, an assignment or a wish for results (bell.hpp). Errors:
  // resource_exhausted, not_found: look now and then.
  virtual Result<net::Fd> listen() = 0;
  // Requests not started yet, oldest first, marked started before this returns (so never acted on
  // twice). Those found started from an earlier life of the observer are in `interrupted`. Each is
  // told once in the life of this object, and again after a restart until it is finished.
  struct Taken {
    std::vector<model::Request> fresh;
    std::vector<model::Request> expired;
    std::vector<std::string> interrupted;
  };
  virtual Result<Taken> take_requests(Instant now) = 0;
  // Done with a request: forgets it, in the same transaction as the facts that answer it. Nothing
  // is changed after an error; not_found: no such request, or finished before.
  virtual Result<Seq> finish_request(std::string_view request_id,
                                     std::span<const NewFact> facts) = 0;
  virtual Result<std::optional<std::string>> assigned_checks() = 0;  // common/wire decode_checks
  // The checks whose result the collector wants again, each once.
  virtual Result<std::vector<model::CheckRef>> take_resends() = 0;

  // Link.
  virtual Result<SpoolStatus> status() = 0;
  virtual Result<std::vector<SpoolRow>> read(Seq from, std::size_t max_rows,
                                             std::size_t max_bytes) = 0;
  // The collector has committed everything up to here; those rows go. Errors: failed_precondition
  // (another epoch), invalid_argument (numbers that were never given).
  virtual Status acknowledge(Epoch epoch, Seq up_to) = 0;
  // After this fact; empty where it is not known any more, or not yet.
  virtual Result<std::string> chain_at(Seq seq) = 0;
  // The collector refused this epoch (restored or cloned spool). The new one begins with a fact
  // that says how many rows are carried over ("spool.epoch_begun"): the collector may have taken
  // them in under their old numbers. All checks' results are wanted again.
  virtual Result<Epoch> begin_new_epoch() = 0;
  virtual Status put_assignment(std::string_view bytes, std::string_view digest) = 0;
  virtual Result<std::string> assignment_digest() = 0;  // empty: none
  // A request id seen before is ignored. At most 64 wait; more are resource_exhausted.
  virtual Status put_request(const model::Request& request, Instant received) = 0;
  // One that is not configured is ignored. Errors: resource_exhausted where too many wait.
  virtual Status put_resend(const model::CheckRef& check) = 0;
};

}  // namespace tocsin::agent
