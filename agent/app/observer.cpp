#include "agent/app/observer.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/actions/restart.hpp"
#include "agent/actions/restart_limits.hpp"
#include "agent/app/evidence_job.hpp"
#include "agent/app/glances.hpp"
#include "agent/app/job.hpp"
#include "agent/app/plan.hpp"
#include "agent/app/row.hpp"
#include "agent/app/runner.hpp"
#include "agent/app/turns.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/warnings.hpp"
#include "agent/os/file_watch.hpp"
#include "agent/os/files.hpp"
#include "agent/os/listen_events.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"
#include "agent/os/unit_watch.hpp"
#include "agent/spool/bell.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/model/last_word.hpp"
#include "common/rules/judge.hpp"
#include "common/series/series_file.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr char kBootCursor[] = "observer:boot_id";
constexpr Duration kLongestWait = 5s;
constexpr int kPollsWithoutBell = 10;
constexpr Duration kWatchRest = 5ms;  // between two looks at what happened to logs
constexpr int kGlanceRest = 15;  // times as long as the run before had a processor, until a glance
constexpr Duration kRestartLimit = 60s;
constexpr Duration kTellEndedAgain = 1min;  // where the spool did not take it
constexpr Duration kHurryAgain = 1min;  // a check that is wanted again more often waits its turn

LineLimits own_limits(const ObserverConfig& config) {
  const std::size_t workers = std::max<std::size_t>(config.workers, 1);
  return {workers, workers + config.most_stuck};
}
LineLimits asked_limits(const ObserverConfig& config) {
  const std::size_t workers = std::max<std::size_t>(config.request_workers, 1);
  return {workers, workers + 1};
}

std::optional<os::ListenEvents> listen_events(const ObserverConfig& config) {
  auto events = os::ListenEvents::open(config.root);
  if (events) return *std::move(events);
  log::info("observer.listeners_not_told", {{"why", events.error().message}});
  return std::nullopt;
}

// One run: of one job, or of several that are looked at together.
struct Lot {
  std::vector<JobPointer> jobs;  // not empty
  MonoTime deadline;
  std::stop_source stop;
  bool stuck = false;
};
using LotPointer = std::shared_ptr<Lot>;

class Observer {
 public:
  Observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
           const Catalog& catalog)
      : config_(config),
        spool_(spool),
        time_(time),
        catalog_(catalog),
        turns_(own_limits(config), asked_limits(config), config.most_requests),
        runner_(own_limits(config).threads + asked_limits(config).threads),
        random_(config.jitter_seed != 0 ? config.jitter_seed : std::random_device{}()),
        boot_id_(os::boot_id(config.root)),
        evidence_(config, time, boot_id_, runner_.poster()),
        glances_(
            time,
            [this, post = runner_.poster()](const model::CheckRef& check) {
              post([this, check] { glance_saw(check); });
            },
            listen_events(config)) {}

  Status run(std::stop_token stop) {
    TOCSIN_TRY(begin());
    const std::stop_callback wake(stop, runner_.waker());
    while (!stop.stop_requested() && !spool_gone_) {
      const MonoTime now = time_.steady();
      poll_spool(now);
      end_late_runs(now);
      end_late_requests(now);
      evidence_.look(now);
      take_lost_logs(now);
      queue_due(now);
      start_queued();
      flush_rows(now);
      runner_.wait(until_next(time_.steady()));
    }
    return end();
  }

 private:
  // ---- Start and stop ----

  Status begin() {
    const auto rows = spool_.checks();
    if (!rows) return fail(rows.error());
    for (const CheckRow& row : *rows) known_rows_.emplace(row.check, row);
    const auto boot = spool_.cursor(kBootCursor);
    if (!boot) return fail(boot.error());
    new_boot_ = !*boot || **boot != boot_id_;
    if (new_boot_) known_rows_.clear();
    const model::Message event{
        "agent.started", {{"version", config_.version}, {"boot", new_boot_ ? "new" : "same"}}};
    const ReaderCursor cursor{kBootCursor, boot_id_};
    const NewFact fact = row_of(model::AgentEvent{event}, model::Priority::normal);
    const auto seq = spool_.append({&fact, 1}, {&cursor, 1}, {});
    if (!seq && seq.error().code != ErrorCode::resource_exhausted) return fail(seq.error());
    log::info("observer.started", {{"version", config_.version}, {"boot", boot_id_}});
    if (auto watch = os::FileWatch::make()) {
      watch_ = std::move(*watch);
      await_lost_logs();
    } else {
      log::warning("observer.logs_not_watched", {{"why", watch.error().message}});
    }
    if (auto ears = spool_.listen()) {
      ears_ = *std::move(ears);
      await_bell();
    } else {
      log::warning("observer.no_bell", {{"why", ears.error().message}});
    }
    replan({});
    return {};
  }

  Status end() {
    stopping_ = true;
    for (const LotPointer& lot : running_) lot->stop.request_stop();
    const MonoTime until = time_.steady() + config_.stop_grace;
    while (runner_.running() > 0 && time_.steady() < until) runner_.wait(until - time_.steady());
    if (spool_gone_) return fail(*spool_gone_);
    flush_rows(time_.steady() + config_.flush);
    event({"agent.stopped", {}});
    log::info("observer.stopped", {{"left_running", runner_.running()}});
    return {};
  }

  // ---- What to run ----

  void await_bell() {
    runner_.when_readable(ears_.get(), [this] {
      take_rings(ears_);
      polled_.reset();
      await_bell();
    });
  }
  Duration spool_poll() const {
    return ears_.valid() ? config_.spool_poll : config_.spool_poll / kPollsWithoutBell;
  }

  void poll_spool(MonoTime now) {
    if (polled_ && now - *polled_ < spool_poll()) return;
    polled_ = now;
    take_assignment();
    tell_what_ended(now);
    take_requests();
    take_resends(now);
  }

  void take_resends(MonoTime now) {
    const auto wanted = spool_.take_resends();
    if (!wanted) return spool_failed("take resends", wanted.error());
    for (const model::CheckRef& check : *wanted) {
      const auto found = jobs_.find(check);
      if (found == jobs_.end()) continue;
      Job& job = *found->second;
      job.must_send = true;
      if (job.hurried && now - *job.hurried < kHurryAgain) continue;
      job.hurried = now;
      job.due = std::min(job.due, now);
    }
  }

  void take_assignment() {
    const auto bytes = spool_.assigned_checks();
    if (!bytes) return spool_failed("read assignment", bytes.error());
    assignment_known_ = true;
    const std::string text = bytes->value_or(std::string());
    if (text == assignment_) return;
    assignment_ = text;
    auto checks = wire::decode_checks(text);
    if (!checks) {
      log::error("observer.assignment_unreadable", {{"why", checks.error().message}});
      return event({"agent.assignment_unreadable",
                    {{"what", clean_text(checks.error().message, limits::kText)}}});
    }
    replan(*checks);
  }

  void replan(const std::vector<model::CheckDefinition>& assigned) {
    const CheckPlan plan = plan_checks(config_, assigned);
    for (const RefusedCheck& refused : plan.refused) event(refused.why);
    std::map<model::CheckRef, JobPointer> next;
    for (const model::CheckDefinition& check : plan.checks) {
      const auto known = jobs_.find(check.check);
      JobPointer job = known != jobs_.end() ? known->second : make_job(check);
      // A shorter interval holds from now on, not after the longer one of before has passed.
      if (check.interval < job->check.interval) {
        job->due = std::min(job->due, first_run(time_.steady(), check.interval, random_()));
      }
      job->check = check;
      next.emplace(check.check, std::move(job));
    }
    for (const auto& [ref, job] : jobs_) {
      job->removed = !next.contains(ref);
      if (!job->removed) continue;
      if (const auto refused = std::exchange(job->refused, {})) spool_.lose(1, refused->second);
      if (job->state != Job::State::running) hand_over(*job);
      known_rows_[ref] = job->row;
      glances_.end(ref);
    }
    jobs_ = std::move(next);
    tell_ended_at_ = MonoTime{};
    listen_to_units();
    watch_logs();
  }

  // The collector believes what a check saw last until it hears that nobody looks any more. What
  // the spool has a row of and is not to run has ended, in this life or before it.
  void tell_what_ended(MonoTime now) {
    if (!assignment_known_ || !tell_ended_at_ || now < *tell_ended_at_) return;
    tell_ended_at_ = now + kTellEndedAgain;
    const auto rows = spool_.checks();
    if (!rows) return spool_failed("read checks", rows.error());
    for (CheckRow row : *rows) {
      if (jobs_.contains(row.check)) continue;
      row.ended = true;
      NewFact fact = row_of(model::last_word(row.check, time_.wall()), model::Priority::critical);
      fact.seen_again = true;
      const auto seq = spool_.append({&fact, 1}, {}, {&row, 1});
      if (!seq) return spool_failed("tell what ended", seq.error());
      known_rows_.erase(row.check);
    }
    tell_ended_at_.reset();
  }

  // ---- Events ----

  void listen_to_units() {
    std::set<std::string> units;
    for (const auto& [ref, job] : jobs_) {
      const bool unit = ref.kind == model::CheckKind::service && os::valid_unit_name(ref.target);
      if (unit) units.insert(ref.target);
    }
    if (!units_ && !units.empty() && os::systemd_runs(config_.root)) {
      units_ = std::make_unique<os::UnitWatch>(
          config_.root, [this, post = runner_.poster()](const std::string& unit) {
            post([this, unit] { unit_changed(unit); });
          });
    }
    if (units_) units_->watch(std::move(units));
  }

  void unit_changed(const std::string& unit) {
    const auto found = jobs_.find({model::CheckKind::service, unit});
    if (found == jobs_.end()) return;
    take_event(*found->second, time_.steady());
  }

  JobPointer make_job(const model::CheckDefinition& check) {
    auto job = std::make_shared<Job>();
    job->check = check;
    job->context = make_context();
    job->due = first_run(time_.steady(), check.interval, random_());
    const auto known = known_rows_.find(check.check);
    job->must_send = known == known_rows_.end();
    if (known != known_rows_.end()) job->row = known->second;
    job->row.check = check.check;
    job->context->cursor = cursor_of(check.check);
    return job;
  }

  std::optional<std::string> cursor_of(const model::CheckRef& check) {
    return spool_.cursor(cursor_key(check)).value_or(std::nullopt);
  }

  std::shared_ptr<CheckContext> make_context() {
    return std::shared_ptr<CheckContext>(new CheckContext{
        time_, {}, config_.root, {}, {}, nullptr, config_.settings, {}, packages_});
  }

  // ---- Requests ----

  void take_requests() {
    auto taken = spool_.take_requests(time_.wall());
    if (!taken) return spool_failed("take requests", taken.error());
    for (const std::string& id : taken->interrupted) {
      answer(id, model::RequestOutcome::unknown, {"request.interrupted", {}}, {});
    }
    for (const model::Request& request : taken->expired) expire(request.request_id);
    for (const model::Request& request : taken->fresh) accept(request);
  }

  void accept(const model::Request& request) {
    if (const auto* restart = std::get_if<model::RestartUnit>(&request.act)) {
      if (!turns_.admit()) return refuse_too_many(request.request_id);
      const auto why = begin_restart(restart->unit, request.request_id, request.expires_in);
      if (why) answer(request.request_id, model::RequestOutcome::refused, *why, {});
      return;
    }
    if (const auto* take = std::get_if<model::TakeEvidence>(&request.act)) {
      return take_evidence(request.request_id, *take);
    }
    const auto& asked = std::get<model::CheckDefinition>(request.act);
    const model::CheckRef& ref = asked.check;
    if (!request_allowed(config_, ref)) {
      return answer(request.request_id, model::RequestOutcome::refused,
                    {"request.not_allowed", {{"check", model::to_string(ref)}}}, {});
    }
    if (!turns_.admit()) return refuse_too_many(request.request_id);
    const Asker asker{request.request_id, time_.steady() + request.expires_in};
    const auto own = jobs_.find(ref);
    // A scan of other ports is another look.
    const bool other = ref.kind == model::CheckKind::port_scan && own != jobs_.end() &&
                       own->second->check.ports != asked.ports;
    if (own == jobs_.end() || other) return run_alone(asker, bounded(asked, 0s));
    bring_forward(own->second, asker, asked.ports);
  }

  // A look that the host does not have: it remembers nothing of others.
  void run_alone(const Asker& asker, model::CheckDefinition check) {
    auto job = std::make_shared<Job>();
    job->check = std::move(check);
    job->context = make_context();
    job->request_id = asker.request_id;
    job->expires = asker.expires;
    turns_.add_asked(std::move(job));
  }

  // What is asked of one of the host's own checks its next run answers, with what it remembers. The
  // ports of a request for sockets answered a scan from another host: the check tries them from
  // then on.
  void bring_forward(const JobPointer& job, const Asker& asker, const std::string& ports) {
    if (job->state == Job::State::stuck) return answer_late(*job, asker);
    const bool sockets = job->check.check.kind == model::CheckKind::sockets;
    take_asker(*job, asker, sockets ? ports : std::string(), time_.steady());
    turns_.move_up(job);
  }

  void answer_late(const Job& job, const Asker& asker) {
    answer(asker.request_id, model::RequestOutcome::done, {}, {late(job)});
  }

  // The host does not have the check any more: no run of its own answers those who still wait. One
  // that hangs is not begun a second time.
  void hand_over(Job& job) {
    for (const Asker& asker : std::exchange(job.askers, {})) {
      if (job.state == Job::State::stuck) {
        answer_late(job, asker);
      } else {
        run_alone(asker, job.check);
      }
    }
  }

  void refuse_too_many(const std::string& id) {
    log::warning("observer.request_refused", {{"request", id}, {"refused", turns_.refused()}});
    answer(id, model::RequestOutcome::refused,
           {"request.too_many",
            {{"most", std::to_string(config_.most_requests)},
             {"refused", std::to_string(turns_.refused())}}},
           {});
  }

  void end_late_requests(MonoTime now) {
    for (const JobPointer& job : turns_.take_expired(now)) expire(job->request_id);
    for (const auto& [ref, job] : jobs_) {
      for (const Asker& asker : expired(*job, now)) expire(asker.request_id);
    }
  }

  void expire(const std::string& id) {
    answer(id, model::RequestOutcome::expired, {"request.expired", {}}, {});
  }

  void take_evidence(const std::string& id, const model::TakeEvidence& asked) {
    std::vector<std::string> logs;
    for (const auto& [ref, job] : jobs_) {
      if (is_log_file(ref)) logs.push_back(ref.target);
    }
    const auto why =
        evidence_.begin(id, asked, std::move(logs),
                        [this, id](model::RequestOutcome outcome, const model::Message& message) {
                          if (stopping_) return;  // Answered after the next start, as interrupted.
                          answer(id, outcome, message, {});
                        });
    if (why) answer(id, model::RequestOutcome::refused, *why, {});
  }

  void answer(const std::string& id, model::RequestOutcome outcome, model::Message detail,
              std::vector<model::Observation> observations) {
    model::RequestResult result{id, outcome, std::move(detail), std::move(observations)};
    const NewFact fact = row_of(std::move(result), model::Priority::critical);
    const auto seq = spool_.finish_request(id, {&fact, 1});
    if (!seq) spool_failed("answer a request", seq.error());
  }

  // ---- Restarts ----

  // Counts the attempt on disk, then begins it; or says why not. A request without an id is the
  // agent's own.
  std::optional<model::Message> begin_restart(const std::string& unit, std::string request_id,
                                              Duration expires_in) {
    const std::string key = "restart:" + clean_text(unit, limits::kName);
    const Instant now = time_.wall();
    const auto noted = spool_.cursor(key);
    if (!noted) return model::Message{"action.not_counted", {{"unit", unit}}};
    const std::vector<Instant> attempts = parse_attempts(noted->value_or(std::string()), now);
    if (auto why = refuse_restart(config_.settings.actions, unit, attempts, now)) return why;
    const ReaderCursor counted{key, print_attempts(attempts, now)};
    if (!spool_.append({}, {&counted, 1}, {})) {
      return model::Message{"action.not_counted", {{"unit", unit}}};
    }
    auto job = std::make_shared<Job>();
    job->check.check = {model::CheckKind::service, unit};
    job->check.deadline = kRestartLimit + 10s;
    job->context = make_context();
    job->request_id = std::move(request_id);
    job->expires = time_.steady() + expires_in;
    job->restart = std::make_shared<RestartOutcome>();
    job->at_once = true;
    if (job->asked()) {
      turns_.add_asked(std::move(job));
    } else {
      turns_.add(std::move(job));
    }
    return std::nullopt;
  }

  // The attempt, then a look at what it led to.
  RunCheck restart_run(const Job& job) const {
    return [snapshots = config_.snapshots, outcome = job.restart,
            look = catalog_(model::CheckKind::service).run,
            ask = catalog_(model::CheckKind::answer).run](const model::CheckDefinition& check,
                                                          CheckContext& context) {
      const RestartPlace place{context.time,  context.root, snapshots,
                               kRestartLimit, context.stop, probe_of(check, ask, context)};
      *outcome = restart_service(check.check.target, place);
      return look(check, context);
    };
  }

  // The question that the host's own file names for the unit. It names the address too, so no other
  // list has to allow it.
  static RestartProbe probe_of(const model::CheckDefinition& check, const RunCheck& ask,
                               const CheckContext& context) {
    const RestartSettings* settings =
        restart_settings(context.settings.actions, check.check.target);
    if (settings == nullptr || settings->probe.empty()) return {};
    RestartProbe probe{settings->probe, settings->probe_within, {}};
    probe.ask = [&context, ask, target = settings->probe](Duration limit) {
      model::CheckDefinition question;
      question.check = {model::CheckKind::answer, target};
      question.deadline = limit;
      CheckContext its{context.time, context.stop, context.root, {}, {}, {}, context.settings};
      its.settings.probe_targets = {"0.0.0.0/0", "::/0"};
      const model::Observation seen = ask(question, its);
      const model::Judgement judged = rules::judge(seen, nullptr, {});
      const bool answers = judged.verdict == model::Verdict::normal;
      return ProbeAnswer{answers, judged.reasons.empty() ? model::Message{} : judged.reasons[0]};
    };
    return probe;
  }

  void end_restart(const Job& job, model::Observation seen) {
    RestartOutcome outcome;
    outcome.detail = {"action.unfinished", {{"unit", job.check.check.target}}};
    if (job.state != Job::State::stuck) outcome = *job.restart;
    if (!job.asked()) return event(outcome.detail);
    answer(job.request_id, outcome.outcome, outcome.detail, {std::move(seen)});
  }

  // A service that failed and may be restarted without being asked.
  void consider_restart(const model::Observation& seen) {
    const auto* facts = std::get_if<model::ServiceFacts>(&seen.facts);
    if (facts == nullptr || facts->active_state != "failed") return;
    const std::string& unit = seen.check.target;
    const RestartSettings* settings = restart_settings(config_.settings.actions, unit);
    if (settings == nullptr || !settings->automatic) return;
    if (const auto why = begin_restart(unit, {}, {})) event(*why);
  }

  // ---- Runs ----

  // What listens is watched for events where the kernel has none: a look of microseconds, and the
  // run only where that look saw something new.
  void glance_from_now_on(const Job& job) {
    const CatalogEntry& entry = catalog_(job.check.check.kind);
    if (!entry.glance || job.asked() || job.restart || job.removed) return;
    const MonoTime first = time_.steady() + std::max(entry.glance_every, job.cost * kGlanceRest);
    glances_.begin(job.check.check, entry.glance, job.context, first,
                   glances_.is_told() ? entry.glance_every_told : entry.glance_every);
  }
  void glance_saw(const model::CheckRef& check) {
    const auto found = jobs_.find(check);
    if (found == jobs_.end()) return;
    found->second->due = std::min(found->second->due, time_.steady());
  }

  // A log that is cut or renamed is looked at once (procedure M-05); the regular run is for what no
  // event tells. A log that is written to all the time costs one look at its length each 5 ms.
  void await_lost_logs() {
    runner_.when_readable(watch_->descriptor(), [this] { watch_ready_ = true; });
  }
  void take_lost_logs(MonoTime now) {
    if (!watch_ready_ || now < watch_due_) return;
    watch_ready_ = false;
    watch_due_ = now + kWatchRest;
    const std::vector<std::string> lost = watch_->take();
    await_lost_logs();
    for (const auto& [ref, job] : jobs_) {
      const std::string path = watched_path(ref);
      if (path.empty() || std::find(lost.begin(), lost.end(), path) == lost.end()) continue;
      if (job->state == Job::State::waiting) {
        job->at_once = true;
        job->due = now;
      } else if (job->state != Job::State::queued) {
        job->again = true;
      }
    }
  }
  std::string watched_path(const model::CheckRef& ref) const {
    const bool file = ref.kind == model::CheckKind::audit_log && ref.target.starts_with('/');
    return file ? os::under(config_.root, ref.target) : std::string();
  }
  void watch_logs() {
    if (!watch_) return;
    std::vector<std::string> paths;
    for (const auto& [ref, job] : jobs_) {
      if (std::string path = watched_path(ref); !path.empty()) paths.push_back(std::move(path));
    }
    watch_->watch(paths);
  }

  void queue_due(MonoTime now) {
    for (const auto& [ref, job] : jobs_) {
      if (job->state != Job::State::waiting || now < job->due) continue;
      turns_.add(job);
    }
  }

  // When every thread of the host's own checks is stuck they say so instead of waiting in silence.
  void start_queued() {
    while (const JobPointer job = turns_.next_without_thread()) settle_unrun(job);
    while (const JobPointer job = turns_.next()) {
      if (job->removed) {
        turns_.ended(*job);
      } else {
        start(with_others(job));
      }
    }
  }

  // The checks that `first` is looked at together with, itself first: those of its kind that wait
  // for a worker too, and those of the same interval whose turn comes so soon that it may as well
  // be now. These keep the same turn from then on.
  std::vector<JobPointer> with_others(const JobPointer& first) {
    std::vector<JobPointer> jobs{first};
    const model::CheckDefinition& check = first->check;
    if (first->restart || !catalog_(check.check.kind).run_together) return jobs;
    const auto fits = [&](const Job& job) {
      return jobs.size() < limits::kChecks && !job.removed && !job.restart &&
             job.check.check.kind == check.check.kind && job.check.deadline == check.deadline &&
             job.asked() == first->asked();
    };
    turns_.take_along(*first, [&](const JobPointer& job) {
      const bool taken = fits(*job);
      if (taken) jobs.push_back(job);
      return taken;
    });
    if (first->asked()) return jobs;
    const MonoTime soon = time_.steady() + check.interval / 20;  // as next_run() may have it
    for (const auto& [ref, job] : jobs_) {
      const bool waits = job->state == Job::State::waiting && job->due <= soon;
      if (waits && job->check.interval == check.interval && fits(*job)) jobs.push_back(job);
    }
    for (const JobPointer& job : jobs) {
      if (job->check.interval == check.interval) job->due = first->due;
    }
    return jobs;
  }

  void start(std::vector<JobPointer> jobs) {
    auto lot = std::make_shared<Lot>();
    lot->jobs = std::move(jobs);
    lot->deadline = time_.steady() + lot->jobs.front()->check.deadline;
    std::vector<model::CheckDefinition> checks;
    std::vector<std::shared_ptr<CheckContext>> contexts;
    for (const JobPointer& job : lot->jobs) {
      if (!job->asked()) glances_.end(job->check.check);
      job->state = Job::State::running;
      job->at_once = false;
      job->context->stop = lot->stop.get_token();
      job->context->new_cursor.reset();
      if (job->asked() && !job->restart && catalog_(job->check.check.kind).one_memory) {
        job->context->cursor = cursor_of(job->check.check);
      }
      checks.push_back(job->check);
      contexts.push_back(job->context);
    }
    running_.push_back(lot);
    runner_.start(run_of(*lot), std::move(checks), std::move(contexts),
                  [this, lot](std::vector<model::Observation> seen, Duration cost) {
                    on_done(*lot, seen, cost);
                  });
  }

  RunTogether run_of(const Lot& lot) const {
    const Job& first = *lot.jobs.front();
    const CatalogEntry& entry = catalog_(first.check.check.kind);
    if (lot.jobs.size() > 1) return entry.run_together;
    if (first.restart) return alone(restart_run(first));
    const bool first_look = first.asked() && is_first_look(first.check.check, *first.context);
    return alone(first_look ? RunCheck(tell_first_look) : entry.run);
  }

  void on_done(Lot& lot, std::vector<model::Observation>& seen, Duration cost) {
    if (stopping_) return;  // Cut short by the stop: says nothing of the host.
    TOCSIN_CHECK(seen.size() == lot.jobs.size());
    if (lot.stuck) {
      turns_.unstuck(*lot.jobs.front());
    } else {
      turns_.ended(*lot.jobs.front());
      std::erase_if(running_, [&](const LotPointer& one) { return one.get() == &lot; });
    }
    const std::uint64_t random = random_();  // What was looked at together stays together.
    for (std::size_t i = 0; i < lot.jobs.size(); ++i) {
      const JobPointer& job = lot.jobs[i];
      job->cost = cost;
      if (lot.stuck) {
        // Its observation is too old to say anything; it was reported as timed out.
        job->context->new_cursor.reset();
        job->context->samples.clear();
        log::info("observer.unstuck", {{"check", model::to_string(job->check.check)}});
        // What happened meanwhile was not looked at.
        plan_after_run(*job, job->due, time_.steady());
      } else {
        if (!job->asked()) keep_samples(*job);
        settle(job, std::move(seen[i]), random);
      }
      wait_again(*job);
    }
  }

  void end_late_runs(MonoTime now) {
    const std::vector<LotPointer> running = running_;
    for (const LotPointer& lot : running) {
      if (now < lot->deadline) continue;
      lot->stop.request_stop();
      lot->stuck = true;
      std::erase(running_, lot);
      turns_.stuck(*lot->jobs.front());
      const std::uint64_t random = random_();
      for (const JobPointer& job : lot->jobs) {
        job->state = Job::State::stuck;
        settle(job, late(*job), random);
      }
      if (!lot->jobs.front()->asked() && turns_.stuck_own() == config_.most_stuck) {
        event({"agent.stuck_limit", {{"count", std::to_string(turns_.stuck_own())}}});
      }
    }
  }

  void settle_unrun(const JobPointer& job) {
    const std::string stuck = std::to_string(turns_.stuck_own());
    settle(job, unseen(job->check, {"run.no_worker", {{"stuck", stuck}}}), random_());
    wait_again(*job);
  }

  void wait_again(Job& job) {
    job.state = Job::State::waiting;
    glance_from_now_on(job);
  }

  model::Observation late(const Job& job) const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(job.check.deadline);
    return unseen(job.check, {"run.past_deadline", {{"ms", std::to_string(ms.count())}}});
  }

  model::Observation unseen(const model::CheckDefinition& check, model::Message detail) const {
    model::Observation observation;
    observation.check = check.check;
    observation.outcome = model::Outcome::timed_out;
    observation.detail = std::move(detail);
    observation.at = time_.wall();
    observation.took = check.deadline;
    return observation;
  }

  // ---- Results ----

  void settle(const JobPointer& job, model::Observation seen, std::uint64_t random) {
    const MonoTime now = time_.steady();
    plan_after_run(*job, next_run(job->due, job->check.interval, now, random), now);
    if (job->restart) return end_restart(*job, std::move(seen));
    if (job->asked()) {
      remember(*job);
      return answer(job->request_id, model::RequestOutcome::done, {}, {std::move(seen)});
    }
    const bool first_look = is_first_look(job->check.check, *job->context);
    // What the spool did not take the next run sees again, and answers.
    if (!job->removed && !keep(*job, seen, now)) return leave_to_next(*job);
    // The check goes on from its first look; who asked would take it for "nothing is wrong".
    const bool says_nothing = first_look && seen.outcome == model::Outcome::seen;
    if (says_nothing) seen = tell_first_look(job->check, *job->context);
    for (const Asker& asker : answered(*job)) {
      answer(asker.request_id, model::RequestOutcome::done, {}, {seen});
    }
    if (job->removed) hand_over(*job);
  }

  // Writes a fact where the run saw something else than before, its cursor with it; else remembers
  // the run for the next flush. False: the spool did not take it.
  bool keep(Job& job, const model::Observation& seen, MonoTime now) {
    NewFact fact = row_of(seen, priority_of(seen.check.kind));
    fact.seen_again = true;
    const std::string digest = digest_of_row(fact, seen);
    const bool changed = job.must_send || digest != job.row.digest;
    CheckRow row = job.row;
    row.last_run = seen.at;
    row.last_run_monotonic = now;
    row.interval = job.check.interval;
    if (digest != job.row.digest) row.unchanged_since_monotonic = now;
    row.digest = digest;
    row.told = changed;
    // A run that was given up still owns its context.
    const bool stuck = job.state == Job::State::stuck;
    const auto cursor = stuck ? std::optional<std::string>() : job.context->new_cursor;
    const bool moved = cursor && cursor != job.context->cursor;
    // What was refused and is not so any more nobody will hear of. A check that has a cursor looks
    // again at all that came since what was taken.
    const auto refused = std::exchange(job.refused, {});
    const bool covered = cursor || job.context->cursor;
    if (refused && !covered && refused->first != digest) spool_.lose(1, refused->second);
    if (!changed && !moved) {
      job.row = row;
      job.row_pending = true;
      return true;
    }
    const bool failed_service = changed && job.check.check.kind == model::CheckKind::service;
    const model::Observation service = failed_service ? seen : model::Observation{};
    std::vector<NewFact> facts;
    if (changed) facts.push_back(std::move(fact));
    std::vector<ReaderCursor> cursors;
    if (moved) cursors.push_back({cursor_key(job.check.check), *cursor});
    const auto seq = spool_.append(facts, cursors, {&row, 1});
    if (!seq) {
      if (changed) job.refused.emplace(digest, seq.error());
      spool_failed("append", seq.error());
      return false;
    }
    if (changed) row.last_seq = *seq;
    row.told = false;
    if (moved) job.context->cursor = cursor;
    job.row = row;
    job.row_pending = false;
    job.must_send = false;
    consider_restart(service);
    return true;
  }

  // What an asked run leaves to the next one, of a kind that has one memory.
  void remember(Job& job) {
    const model::CheckRef& ref = job.check.check;
    const bool stuck = job.state == Job::State::stuck;
    if (stuck || !catalog_(ref.kind).one_memory || !job.context->new_cursor) return;
    const ReaderCursor cursor{cursor_key(ref), *job.context->new_cursor};
    const auto seq = spool_.append({}, {&cursor, 1}, {});
    if (!seq) return spool_failed("append", seq.error());
    const auto own = jobs_.find(ref);
    if (own != jobs_.end()) own->second->context->cursor = cursor.value;
  }

  void flush_rows(MonoTime now) {
    if (flushed_ && now - *flushed_ < config_.flush) return;
    flushed_ = now;
    std::vector<CheckRow> rows;
    for (const auto& [ref, job] : jobs_) {
      if (std::exchange(job->row_pending, false)) rows.push_back(job->row);
    }
    if (rows.empty()) return;
    const auto seq = spool_.append({}, {}, rows);
    if (!seq) spool_failed("note unchanged checks", seq.error());
  }

  // Points that the disk does not take are gone: nobody is waited for because of them.
  void keep_samples(Job& job) {
    const std::vector<series::Sample> samples = std::exchange(job.context->samples, {});
    if (samples.empty() || config_.samples_file.empty()) return;
    if (!curves_) {
      auto file = series::SeriesFile::open(config_.samples_file, series::Shape{});
      if (!file) return samples_failed(file.error());
      curves_ = *std::move(file);
    }
    const auto left_out = curves_->append(samples);
    if (!left_out) return samples_failed(left_out.error());
    samples_failing_ = false;
  }

  void samples_failed(const Error& error) {
    if (std::exchange(samples_failing_, true)) return;
    log::warning("observer.curves_not_kept", {{"why", error.message}});
  }

  void event(model::Message message) {
    const NewFact fact = row_of(model::AgentEvent{std::move(message)}, model::Priority::normal);
    const auto seq = spool_.append({&fact, 1}, {}, {});
    if (!seq) spool_failed("append an event", seq.error());
  }

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

  // A full spool counts and tells its own losses; the rest is for the operator. What is written to
  // a file that was replaced nobody would ever read: a new process opens the one that is there.
  void spool_failed(std::string_view what, const Error& error) {
    if (error.code == ErrorCode::resource_exhausted || spool_gone_) return;
    log::error("observer.spool_failed", {{"doing", what}, {"why", error.message}});
    if (error.code != ErrorCode::data_loss || !spool_.must_reopen()) return;
    log::error("observer.spool_gone", {{"why", error.message}});
    spool_gone_ = error;
  }

  Duration until_next(MonoTime now) const {
    Duration wait = std::min(spool_poll(), kLongestWait);
    if (flushed_) wait = std::min(wait, *flushed_ + config_.flush - now);
    for (const auto& [ref, job] : jobs_) {
      if (job->state != Job::State::waiting) continue;
      wait = std::min(wait, job->due - now);
    }
    for (const LotPointer& lot : running_) wait = std::min(wait, lot->deadline - now);
    if (watch_ready_) wait = std::min(wait, watch_due_ - now);
    return std::max<Duration>(wait, 0s);
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

}  // namespace

Status run_observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
                    std::stop_token stop, const Catalog& catalog) {
  return Observer(config, spool, time, catalog).run(std::move(stop));
}

}  // namespace tocsin::agent
