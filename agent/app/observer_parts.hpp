// The observer, one declaration for its parts: start, stop, what to run and the events that it is
// told (observer.cpp), runs (observer_runs.cpp), what they saw (observer_results.cpp), what the
// collector asks for (observer_requests.cpp), and restarts (observer_restarts.cpp). Internal to
// agent/app.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/app/evidence_job.hpp"
#include "agent/app/glances.hpp"
#include "agent/app/job.hpp"
#include "agent/app/observer.hpp"
#include "agent/app/row.hpp"
#include "agent/app/runner.hpp"
#include "agent/app/turns.hpp"
#include "agent/os/file_watch.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/unit_watch.hpp"
#include "common/series/series_file.hpp"

namespace tocsin::agent {

// Thread: the one that calls run(), for everything.
class Observer {
 public:
  Observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
           const Catalog& catalog);
  Status run(std::stop_token stop);

 private:
  // One run: of one job, or of several that are looked at together.
  struct Lot {
    std::vector<JobPointer> jobs;  // not empty
    MonoTime deadline;
    std::stop_source stop;
    bool stuck = false;
  };
  using LotPointer = std::shared_ptr<Lot>;

  // observer.cpp
  Status begin();
  Status end();
  void await_bell();
  Duration spool_poll() const;
  void poll_spool(MonoTime now);
  void take_resends(MonoTime now);
  void take_assignment();
  void replan(const std::vector<model::CheckDefinition>& assigned);
  void tell_what_ended(MonoTime now);
  void listen_to_units();
  void unit_changed(const std::string& unit);
  JobPointer make_job(const model::CheckDefinition& check);
  std::optional<std::string> cursor_of(const model::CheckRef& check);
  std::shared_ptr<CheckContext> make_context();
  void await_lost_logs();
  void take_lost_logs(MonoTime now);
  std::string watched_path(const model::CheckRef& ref) const;
  void watch_logs();
  void event(model::Message message);
  void spool_failed(std::string_view what, const Error& error);
  Duration until_next(MonoTime now) const;

  // observer_runs.cpp
  void glance_from_now_on(const Job& job);
  void glance_saw(const model::CheckRef& check);
  void queue_due(MonoTime now);
  void start_queued();
  std::vector<JobPointer> with_others(const JobPointer& first);
  void start(std::vector<JobPointer> jobs);
  RunTogether run_of(const Lot& lot) const;
  void on_done(Lot& lot, std::vector<model::Observation>& seen, Duration cost);
  void end_late_runs(MonoTime now);
  void settle_unrun(const JobPointer& job);
  void wait_again(Job& job);
  model::Observation late(const Job& job) const;
  model::Observation unseen(const model::CheckDefinition& check, model::Message detail) const;

  // observer_requests.cpp
  void take_requests();
  void accept(const model::Request& request);
  void run_alone(const Asker& asker, model::CheckDefinition check);
  void bring_forward(const JobPointer& job, const Asker& asker, const std::string& ports);
  void answer_late(const Job& job, const Asker& asker);
  void hand_over(Job& job);
  void refuse_too_many(const std::string& id);
  void end_late_requests(MonoTime now);
  void expire(const std::string& id);
  void take_evidence(const std::string& id, const model::TakeEvidence& asked);
  void answer(const std::string& id, model::RequestOutcome outcome, model::Message detail,
              std::vector<model::Observation> observations);

  // observer_restarts.cpp
  std::optional<model::Message> begin_restart(const std::string& unit, std::string request_id,
                                              Duration expires_in);
  RunCheck restart_run(const Job& job) const;
  static RestartProbe probe_of(const model::CheckDefinition& check, const RunCheck& ask,
                               const CheckContext& context);
  void end_restart(const Job& job, model::Observation seen);
  void consider_restart(const model::Observation& seen);

  // observer_results.cpp
  void settle(const JobPointer& job, model::Observation seen, std::uint64_t random);
  bool keep(Job& job, const model::Observation& seen, MonoTime now);
  void remember(Job& job);
  void flush_rows(MonoTime now);
  void keep_samples(Job& job);
  void samples_failed(const Error& error);

  template <class Body>
  NewFact row_of(Body body, model::Priority priority) const {
    model::Fact fact;
    fact.boot_id = boot_id_;
    fact.monotonic = time_.steady();
    fact.wall = time_.wall();
    fact.priority = priority;
    fact.body = std::move(body);
    return bounded_row(std::move(fact));
  }

  const ObserverConfig& config_;
  Spool& spool_;
  const time::TimeSource& time_;
  const Catalog& catalog_;
  const std::shared_ptr<os::Packages> packages_ = std::make_shared<os::Packages>(config_.root);
  std::optional<os::FileWatch> watch_;  // outlives runner_, which waits for it and for the next
  net::Fd ears_;                        // of the link's bell; not valid: nobody tells
  bool watch_ready_ = false;
  MonoTime watch_due_;
  Turns turns_;
  Runner runner_;
  std::mt19937_64 random_;
  std::string boot_id_;
  EvidenceJob evidence_;
  bool new_boot_ = false;
  bool stopping_ = false;
  std::map<model::CheckRef, CheckRow> known_rows_;  // of an earlier life in this boot
  std::map<model::CheckRef, JobPointer> jobs_;
  std::vector<LotPointer> running_;  // not those that are stuck
  std::optional<series::SeriesFile> curves_;
  bool samples_failing_ = false;
  std::string assignment_;
  bool assignment_known_ = false;
  std::optional<MonoTime> tell_ended_at_;  // nothing: all that ended was told
  std::optional<MonoTime> polled_;
  std::optional<MonoTime> flushed_;
  std::optional<Error> spool_gone_;  // it must be opened again, which takes a new process
  Glances glances_;
  std::unique_ptr<os::UnitWatch> units_;  // last: its thread ends before the others do
};

}  // namespace tocsin::agent
