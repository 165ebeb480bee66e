#include "agent/app/observer.hpp"

#include <algorithm>
#include <set>

#include "agent/app/observer_parts.hpp"
#include "agent/app/plan.hpp"
#include "agent/os/files.hpp"
#include "agent/os/listen_events.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/systemd.hpp"
#include "agent/spool/bell.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/model/last_word.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr char kBootCursor[] = "observer:boot_id";
constexpr Duration kLongestWait = 5s;
constexpr int kPollsWithoutBell = 10;
constexpr Duration kWatchRest = 5ms;        // between two looks at what happened to logs
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

}  // namespace

Observer::Observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
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

Status Observer::run(std::stop_token stop) {
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

Status Observer::begin() {
  const auto rows = spool_.checks();
  if (!rows) return fail(rows.error());
  for (const CheckRow& row : *rows) known_rows_.emplace(row.check, row);
  const auto boot = spool_.cursor(kBootCursor);
  if (!boot) return fail(boot.error());
  new_boot_ = !*boot || **boot != boot_id_;
  if (new_boot_) known_rows_.clear();
  const model::Message event{"agent.started",
                             {{"version", config_.version}, {"boot", new_boot_ ? "new" : "same"}}};
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

Status Observer::end() {
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

void Observer::await_bell() {
  runner_.when_readable(ears_.get(), [this] {
    take_rings(ears_);
    polled_.reset();
    await_bell();
  });
}

Duration Observer::spool_poll() const {
  return ears_.valid() ? config_.spool_poll : config_.spool_poll / kPollsWithoutBell;
}

void Observer::poll_spool(MonoTime now) {
  if (polled_ && now - *polled_ < spool_poll()) return;
  polled_ = now;
  take_assignment();
  tell_what_ended(now);
  take_requests();
  take_resends(now);
}

void Observer::take_resends(MonoTime now) {
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

void Observer::take_assignment() {
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

void Observer::replan(const std::vector<model::CheckDefinition>& assigned) {
  const CheckPlan plan = plan_checks(config_, assigned);
  if (plan.too_many > 0) {
    event({"agent.assignment_too_many",
           {{"count", std::to_string(plan.too_many)}, {"most", std::to_string(limits::kChecks)}}});
  }
  std::map<model::CheckRef, JobPointer> next;
  const auto take = [&](const model::CheckDefinition& check) -> Job& {
    const auto known = jobs_.find(check.check);
    JobPointer job = known != jobs_.end() ? known->second : make_job(check);
    // A shorter interval holds from now on, not after the longer one of before has passed.
    if (check.interval < job->check.interval) {
      job->due = std::min(job->due, first_run(time_.steady(), check.interval, random_()));
    }
    job->check = check;
    job->not_allowed.reset();
    return *next.emplace(check.check, std::move(job)).first->second;
  };
  for (const model::CheckDefinition& check : plan.checks) take(check);
  for (const RefusedCheck& refused : plan.refused) {
    take(refused.check).not_allowed = refused.why;
    log::warning("observer.check_not_allowed", {{"check", model::to_string(refused.check.check)}});
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
void Observer::tell_what_ended(MonoTime now) {
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

void Observer::listen_to_units() {
  std::set<std::string> units;
  for (const auto& [ref, job] : jobs_) {
    const bool unit = ref.kind == model::CheckKind::service && !job->not_allowed &&
                      os::valid_unit_name(ref.target);
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

void Observer::unit_changed(const std::string& unit) {
  const auto found = jobs_.find({model::CheckKind::service, unit});
  if (found == jobs_.end()) return;
  take_event(*found->second, time_.steady());
}

JobPointer Observer::make_job(const model::CheckDefinition& check) {
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

std::optional<std::string> Observer::cursor_of(const model::CheckRef& check) {
  return spool_.cursor(cursor_key(check)).value_or(std::nullopt);
}

std::shared_ptr<CheckContext> Observer::make_context() {
  return std::shared_ptr<CheckContext>(
      new CheckContext{time_, {}, config_.root, {}, {}, nullptr, config_.settings, {}, packages_});
}

// A log that is cut or renamed is looked at once (procedure M-05); the regular run is for what no
// event tells. A log that is written to all the time costs one look at its length each 5 ms.
void Observer::await_lost_logs() {
  runner_.when_readable(watch_->descriptor(), [this] { watch_ready_ = true; });
}

void Observer::take_lost_logs(MonoTime now) {
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

std::string Observer::watched_path(const model::CheckRef& ref) const {
  const bool file = ref.kind == model::CheckKind::audit_log && ref.target.starts_with('/');
  return file ? os::under(config_.root, ref.target) : std::string();
}

void Observer::watch_logs() {
  if (!watch_) return;
  std::vector<std::string> paths;
  for (const auto& [ref, job] : jobs_) {
    if (job->not_allowed) continue;
    if (std::string path = watched_path(ref); !path.empty()) paths.push_back(std::move(path));
  }
  watch_->watch(paths);
}

void Observer::event(model::Message message) {
  const NewFact fact = row_of(model::AgentEvent{std::move(message)}, model::Priority::normal);
  const auto seq = spool_.append({&fact, 1}, {}, {});
  if (!seq) spool_failed("append an event", seq.error());
}

// A full spool counts and tells its own losses; the rest is for the operator. What is written to
// a file that was replaced nobody would ever read: a new process opens the one that is there.
void Observer::spool_failed(std::string_view what, const Error& error) {
  if (error.code == ErrorCode::resource_exhausted || spool_gone_) return;
  log::error("observer.spool_failed", {{"doing", what}, {"why", error.message}});
  if (error.code != ErrorCode::data_loss || !spool_.must_reopen()) return;
  log::error("observer.spool_gone", {{"why", error.message}});
  spool_gone_ = error;
}

Duration Observer::until_next(MonoTime now) const {
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

Status run_observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
                    std::stop_token stop, const Catalog& catalog) {
  return Observer(config, spool, time, catalog).run(std::move(stop));
}

}  // namespace tocsin::agent
