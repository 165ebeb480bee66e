// The spool on SQLite, one declaration for its parts: opening and state (spool.cpp), what the
// observer writes (spool_append.cpp), what the link takes (spool_link.cpp), and what comes down
// (spool_down.cpp). Internal to agent/spool.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spool/schema.hpp"
#include "agent/spool/spool.hpp"

namespace tocsin::agent {

inline constexpr std::uint64_t kRowOverhead = 32;  // bytes that keeping a row costs beside its fact

std::uint64_t random_number();  // never 0, which means "none"

// The chain after `fact`, which follows what `before` stands for.
std::string next_chain(std::string_view before, std::string_view fact);

// What was refused since the last row that fitted: how many facts are lost, which a SpoolLoss fact
// tells; none where all that was refused is only late.
struct Lost {
  std::uint64_t count = 0;
  Instant from;
  Instant to;
  std::string cause;  // message code; empty: nothing was refused

  bool refused() const { return !cause.empty(); }
  void add(const Lost& other) {
    if (!other.refused()) return;
    from = refused() ? std::min(from, other.from) : other.from;
    to = refused() ? std::max(to, other.to) : other.to;
    if (!refused()) cause = other.cause;
    count += other.count;
  }
};

// The one row of `state`, as every transaction starts from it: the other process changes it too.
struct State {
  Epoch epoch;
  std::int64_t number_base = 0;
  std::int64_t last_number = 0;
  std::uint64_t bytes = 0;
  Lost lost;
  std::string first_chain;
  std::string last_chain;

  Seq seq_of(std::int64_t number) const {
    return Seq{number > number_base ? static_cast<std::uint64_t>(number - number_base) : 0};
  }
  Seq last() const { return seq_of(last_number); }
};

// What the file held when it was looked at: it moves with every commit of another process, and with
// every transaction that this object began.
struct SpoolVersion {
  std::int64_t others = 0;
  std::uint64_t own = 0;
  friend bool operator==(const SpoolVersion&, const SpoolVersion&) = default;
};

class SqliteSpool final : public Spool {
 public:
  SqliteSpool(SpoolFile file, const SpoolOptions& options);

  Status tell_of_damage();

  bool must_reopen() override;
  Result<Seq> append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                     std::span<const CheckRow> checks) override;
  void lose(std::size_t facts, const Error& why) override;
  Result<std::optional<std::string>> cursor(std::string_view key) override;
  Result<std::vector<CheckRow>> checks() override;
  Result<net::Fd> listen() override;
  Result<Taken> take_requests(Instant now) override;
  Result<Seq> finish_request(std::string_view request_id, std::span<const NewFact> facts) override;
  Result<std::optional<std::string>> assigned_checks() override;
  Result<std::vector<model::CheckRef>> take_resends() override;

  Result<SpoolStatus> status() override;
  Result<std::vector<SpoolRow>> read(Seq from, std::size_t max_rows,
                                     std::size_t max_bytes) override;
  Status acknowledge(Epoch epoch, Seq up_to) override;
  Result<std::string> chain_at(Seq seq) override;
  Result<Epoch> begin_new_epoch() override;
  Status put_assignment(std::string_view bytes, std::string_view digest) override;
  Result<std::string> assignment_digest() override;
  Status put_request(const model::Request& request, Instant received) override;
  Status put_resend(const model::CheckRef& check) override;

 private:
  Result<sqlite::Transaction> begin();
  Result<SpoolVersion> version();
  Result<State> load();
  Status store(const State& state);
  Result<std::int64_t> number(std::string_view sql);

  struct Acknowledged {
    State state;
    std::int64_t number = 0;  // of the last row that may go
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  Status insert_epoch_begun(State& state, std::int64_t row);
  Result<std::string> chain_of(const State& state, std::int64_t row);
  Result<Acknowledged> acknowledged(Epoch epoch, Seq up_to);
  Status check_append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                      std::span<const CheckRow> checks) const;
  Result<Seq> try_append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                         std::span<const CheckRow> checks);
  Status insert_facts(State& state, std::span<const NewFact> facts);
  Status insert_row(sqlite::Statement& insert, State& state, std::string_view fact);
  Status insert_loss(sqlite::Statement& insert, State& state);
  Status save_cursors(std::span<const ReaderCursor> cursors);
  Status save_checks(const State& state, std::span<const CheckRow> checks);
  Status forget_check(const model::CheckRef& check);
  void refuse(std::span<const NewFact> facts, const Error& why);
  bool remember(std::size_t lost, const Error& why);
  Status save_loss();
  void facts_are_in();
  std::string encode(model::Fact fact) const;

  SpoolFile file_;
  SpoolOptions options_;
  time::SystemTime system_time_;
  const time::TimeSource* time_;
  std::string boot_id_;
  std::uint64_t life_;  // of this object; marks the requests that it started
  Lost unsaved_loss_;   // the part of the loss that the disk did not take either
  bool loss_logged_ = false;
  bool late_logged_ = false;
  std::optional<MonoTime> read_whole_;  // by must_reopen(), last

  // For those who ask again and again: what they asked for is still as it was then.
  std::optional<sqlite::Statement> data_version_;
  std::uint64_t transactions_ = 0;
  std::optional<SpoolVersion> no_requests_;
  std::optional<SpoolVersion> no_resends_;
  std::optional<SpoolVersion> assignment_seen_;
  std::optional<std::string> assignment_;
  std::optional<SpoolVersion> no_rows_;
  Seq no_rows_from_;
};

}  // namespace tocsin::agent
