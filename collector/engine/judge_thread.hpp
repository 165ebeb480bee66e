// The judge as it runs: one thread, one fold, one commit a batch.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "collector/core/fold.hpp"
#include "collector/engine/entry_queue.hpp"
#include "collector/engine/judge.hpp"

namespace tocsin::collector {

// What the judge works with. References outlive it.
struct JudgeParts {
  JournalReader& journal;
  StateStore& state;
  Intake& intake;
  ParsePolicy parse_policy;
};

class JudgeThread final : public Judge {
 public:
  using ApprovedBaselines =
      std::map<model::BaselineScope, std::shared_ptr<const model::ApprovedBaseline>>;

  static Result<std::unique_ptr<Judge>> start(JudgeParts parts, Hooks hooks);
  ~JudgeThread() override;

  void committed(std::vector<CommittedRun> runs) override;
  Progress progress() const override;
  JudgeCounters counters() const override;
  std::map<std::string, std::uint64_t> counts() const override;
  bool wait_for(Position position, std::chrono::milliseconds timeout) override;
  std::shared_ptr<const model::SitePolicy> policy() const override;
  std::shared_ptr<const model::ApprovedBaseline> approved_baseline(
      const std::string& host) const override;
  std::uint64_t baselines_revision() const override;
  Admission admission(const AgentId& agent) const override;
  std::optional<Instant> operator_revoked(std::string_view name) const override;
  std::optional<Error> failure() const override;

 private:
  JudgeThread(JudgeParts parts, Hooks hooks, Fold fold);

  void run();
  Status catch_up();
  void ask_again();
  Status judge_next();
  Status judge_batch(const std::vector<CommittedRun>& batch);
  Result<Effects> fold_batch(const std::vector<CommittedRun>& batch);
  Result<Fold::Earlier> earlier_answer(const model::JournalBody& body);
  Status reload();
  void recover_from(const Error& error);
  void publish(const StateDelta& delta, bool baselines_changed);
  void act_on(const Effects& effects);

  // The next entries to judge; waits for them, for a timer to be due or for the end. Empty: look
  // again.
  Result<std::vector<CommittedRun>> next_batch();
  Result<std::vector<CommittedRun>> read_journal();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void ask_for_tick();

  // Only the judge's thread touches these.
  JudgeParts parts_;
  Hooks hooks_;
  Fold fold_;
  bool must_reload_ = false;               // fold_ holds what was not committed
  std::optional<Instant> catching_up_at_;  // while it does: journal time then

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable work_;
  std::condition_variable judged_;
  EntryQueue queue_;
  bool stopping_ = false;
  Progress progress_;
  JudgeCounters counters_;
  std::map<std::string, std::uint64_t> counts_;
  std::shared_ptr<const model::SitePolicy> policy_;
  ApprovedBaselines baselines_;
  std::uint64_t baselines_revision_ = 1;
  std::map<AgentId, Admission> admissions_;
  std::map<std::string, Instant, std::less<>> revoked_operators_;
  std::optional<Error> failure_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tocsin::collector
