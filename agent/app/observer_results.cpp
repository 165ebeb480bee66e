// What the observer's checks saw: what changed becomes a fact of the spool, the rest is noted
// there.
#include "agent/app/observer_parts.hpp"
#include "agent/app/plan.hpp"
#include "agent/checks/warnings.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

void Observer::settle(const JobPointer& job, model::Observation seen, std::uint64_t random) {
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
bool Observer::keep(Job& job, const model::Observation& seen, MonoTime now) {
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
void Observer::remember(Job& job) {
  const model::CheckRef& ref = job.check.check;
  const bool stuck = job.state == Job::State::stuck;
  if (stuck || !catalog_(ref.kind).one_memory || !job.context->new_cursor) return;
  const ReaderCursor cursor{cursor_key(ref), *job.context->new_cursor};
  const auto seq = spool_.append({}, {&cursor, 1}, {});
  if (!seq) return spool_failed("append", seq.error());
  const auto own = jobs_.find(ref);
  if (own != jobs_.end()) own->second->context->cursor = cursor.value;
}

void Observer::flush_rows(MonoTime now) {
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
void Observer::keep_samples(Job& job) {
  const std::vector<series::Sample> samples = std::exchange(job.context->samples, {});
  if (samples.empty() || config_.samples_file.empty()) return;
  if (!curves_) {
    auto file = series::SeriesFile::open(config_.samples_file, series::Shape{});
    if (!file) return samples_failed(file.error());
    if (file->gave_up_another()) {
      log::warning("observer.curves_begun_anew", {{"file", config_.samples_file}});
    }
    curves_ = *std::move(file);
  }
  const auto left_out = curves_->append(samples);
  if (!left_out) return samples_failed(left_out.error());
  samples_failing_ = false;
}

void Observer::samples_failed(const Error& error) {
  if (std::exchange(samples_failing_, true)) return;
  log::warning("observer.curves_not_kept", {{"why", error.message}});
}

}  // namespace tocsin::agent
