#include "collector/engine/judge_thread.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "collector/core/commands.hpp"
#include "collector/core/hidden_ports.hpp"
#include "collector/core/hosts.hpp"
#include "collector/core/inquiry.hpp"
#include "collector/core/probes.hpp"
#include "collector/engine/same_history.hpp"
#include "common/config/site_policy.hpp"
#include "common/log/log.hpp"
#include "common/rules/baseline.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

// What waits for the judge, and what it takes for one commit: a storm is folded in few commits, and
// decoded once unless it lasts so long that the queue is full.
constexpr EntryQueueLimits kQueue{65'536, 32 << 20};
constexpr EntryQueueLimits kBatch{8'192, 8 << 20};
constexpr auto kRetry = std::chrono::seconds(1);
// Journal time may run differently from the clock that waits, so a long wait looks again.
constexpr Duration kLongestWait = 10s;

model::JournalBody decoded(Position position, std::string_view bytes) {
  Result<model::JournalBody> body = wire::decode_journal(bytes);
  if (!body) {
    // Kept and counted like a kind that is not known: the journal is the truth, damaged or not.
    log::error("judge.entry_unreadable",
               {{"position", position.value}, {"why", body.error().message}});
  }
  return body ? std::move(*body) : model::JournalBody{};
}

std::optional<Progress::Missing> facts_missing(const World& world) {
  const std::uint64_t facts = world.number(kFactsMissing);
  if (facts == 0) return std::nullopt;
  return Progress::Missing{facts,
                           Instant{static_cast<std::int64_t>(world.number(kFactsMissingSince))}};
}

Progress progress_of(const Fold& fold) {
  return {fold.cursor(),
          fold.judged_at(),
          fold.world().number("counter/unknown_entries"),
          fold.world().number("counter/unknown_facts"),
          fold.world().number("counter/reports_refused"),
          facts_missing(fold.world())};
}

void append(Effects& all, Effects&& more) {
  std::move(more.requests.begin(), more.requests.end(), std::back_inserter(all.requests));
  std::move(more.own_looks.begin(), more.own_looks.end(), std::back_inserter(all.own_looks));
  std::move(more.revoked.begin(), more.revoked.end(), std::back_inserter(all.revoked));
  std::move(more.admitted.begin(), more.admitted.end(), std::back_inserter(all.admitted));
  all.outbox_changed = all.outbox_changed || more.outbox_changed;
  all.baselines_changed = all.baselines_changed || more.baselines_changed;
}

// What was asked when an entry was made that is judged only now, `late`: it has that much less
// time, or none. Commands ask again by themselves, if nobody answered them since.
void make_late(Effects& effects, Duration late) {
  const auto over = [late](model::Request& request) {
    request.expires_in -= late;
    return request.expires_in <= Duration{};
  };
  std::erase_if(effects.own_looks, over);
  std::erase_if(effects.requests, [&](AgentRequest& asked) {
    const std::string& id = asked.request.request_id;
    const bool asked_once = is_inquiry(id) || is_port_question(id) || is_probe_question(id);
    return !asked_once || over(asked.request);
  });
}

void add_revoked_operators(const std::map<std::string, std::string>& values,
                           std::map<std::string, Instant, std::less<>>& revoked) {
  const std::string prefix(kRevokedOperators);
  for (auto row = values.lower_bound(prefix); row != values.end() && row->first.starts_with(prefix);
       ++row) {
    Instant when;
    const std::string& text = row->second;
    std::from_chars(text.data(), text.data() + text.size(), when.ns);
    revoked[row->first.substr(prefix.size())] = when;
  }
}

void add_counts(const std::map<std::string, std::string>& values,
                std::map<std::string, std::uint64_t>& counts) {
  constexpr std::string_view kCounter = "counter/";
  for (auto row = values.lower_bound(std::string(kCounter));
       row != values.end() && row->first.starts_with(kCounter); ++row) {
    const std::string& text = row->second;
    std::uint64_t& count = counts[row->first.substr(kCounter.size())];
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
}

JudgeThread::ApprovedBaselines approved_of(const World& world) {
  JudgeThread::ApprovedBaselines all;
  for (const auto& [id, record] : world.baselines.rows()) {
    if (record.status != model::BaselineStatus::approved) continue;
    model::ApprovedBaseline baseline = model::approved(record);
    baseline.digest = wire::digest_of(baseline);
    all[record.scope] = std::make_shared<const model::ApprovedBaseline>(std::move(baseline));
  }
  return all;
}

Judge::Admission admission_of(const model::Host& host) { return {true, host.revoked, host.name}; }

}  // namespace

Result<std::unique_ptr<Judge>> Judge::start(JournalReader& journal, StateStore& state,
                                            Intake& intake, Hooks hooks) {
  return JudgeThread::start({journal, state, intake, config::read_site_policy}, std::move(hooks));
}

Result<std::unique_ptr<Judge>> JudgeThread::start(JudgeParts parts, Hooks hooks) {
  Result<StateSnapshot> snapshot = parts.state.load();
  if (!snapshot) return fail(snapshot.error());
  TOCSIN_TRY(same_history(parts.journal, snapshot->cursor, snapshot->judged_at));
  Result<Fold> fold = Fold::resume(std::move(*snapshot), parts.parse_policy);
  if (!fold) return fail(fold.error());
  std::unique_ptr<JudgeThread> judge(
      new JudgeThread(std::move(parts), std::move(hooks), std::move(*fold)));
  TOCSIN_TRY(judge->catch_up());
  judge->ask_again();
  judge->thread_ = std::thread([raw = judge.get()] { raw->run(); });
  return std::unique_ptr<Judge>(std::move(judge));
}

JudgeThread::JudgeThread(JudgeParts parts, Hooks hooks, Fold fold)
    : parts_(std::move(parts)),
      hooks_(std::move(hooks)),
      fold_(std::move(fold)),
      queue_(kQueue),
      policy_(fold_.policy()),
      baselines_(approved_of(fold_.world())) {
  for (const auto& [agent, host] : fold_.world().hosts.rows()) {
    admissions_[agent] = admission_of(host);
  }
  add_revoked_operators(fold_.world().values(), revoked_operators_);
  add_counts(fold_.world().values(), counts_);
  progress_ = progress_of(fold_);
  queue_.reached(fold_.cursor());
}

JudgeThread::~JudgeThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// The tail is as long as the time since the state's copy where one was put back.
Status JudgeThread::catch_up() {
  catching_up_at_ = parts_.intake.journal_now();
  for (;;) {
    const Result<std::vector<CommittedRun>> batch = read_journal();
    if (!batch) return fail(batch.error());
    if (batch->empty()) break;
    TOCSIN_TRY(judge_batch(*batch));
  }
  catching_up_at_.reset();
  return {};
}

// What was asked before the start and is not answered: the link had it in memory only.
void JudgeThread::ask_again() {
  const Instant now = std::max(parts_.intake.journal_now(), fold_.judged_at());
  Effects again;
  for (const OpenRequest& request : open_requests(fold_.world())) {
    const auto entry = parts_.journal.read(request.command, 1);
    if (!entry || entry->empty() || entry->front().position != request.command) {
      log::warning("judge.request_lost", {{"request", request.request_id}});
      continue;
    }
    const model::JournalBody body = decoded(request.command, entry->front().body);
    if (auto asked = fold_.ask_again(request, body, now)) {
      again.requests.push_back(*std::move(asked));
    }
  }
  act_on(again);
}

void JudgeThread::run() {
  for (;;) {
    Status done = must_reload_ ? reload() : Status{};
    if (done) done = judge_next();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      ++counters_.turns;
    }
    if (!done) recover_from(done.error());
    if (failure()) return;
  }
}

Status JudgeThread::judge_next() {
  const Result<std::vector<CommittedRun>> batch = next_batch();
  if (!batch) return fail(batch.error());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return {};
  }
  return batch->empty() ? Status{} : judge_batch(*batch);
}

Status JudgeThread::judge_batch(const std::vector<CommittedRun>& batch) {
  const Result<Effects> effects = fold_batch(batch);
  if (!effects) return fail(effects.error());
  const StateDelta delta = fold_.take_delta();
  TOCSIN_TRY(parts_.state.commit(delta));
  publish(delta, effects->baselines_changed);
  act_on(*effects);
  return {};
}

Result<Effects> JudgeThread::fold_batch(const std::vector<CommittedRun>& batch) {
  Effects effects;
  for (const CommittedRun& run : batch) {
    Position position = run.first;
    for (const PendingEntry& entry : run.entries) {
      model::JournalBody read;
      if (!entry.body) read = decoded(position, entry.bytes);
      const model::JournalBody& body = entry.body ? *entry.body : read;
      const Result<Fold::Earlier> earlier = earlier_answer(body);
      if (!earlier) return fail(earlier.error());
      Effects one = fold_.apply(position, run.at, body, *earlier);
      if (catching_up_at_) make_late(one, *catching_up_at_ - run.at);
      append(effects, std::move(one));
      ++position.value;
    }
  }
  return effects;
}

Result<Fold::Earlier> JudgeThread::earlier_answer(const model::JournalBody& body) {
  const std::string_view command = command_of(body);
  if (command.empty()) return Fold::Earlier{};
  return parts_.state.command_result(command);
}

// What was folded and not committed is forgotten; the journal gives it again.
Status JudgeThread::reload() {
  Result<StateSnapshot> snapshot = parts_.state.load();
  if (!snapshot) return fail(snapshot.error());
  Result<Fold> fold = Fold::resume(std::move(*snapshot), parts_.parse_policy);
  if (!fold) return fail(fold.error());
  fold_ = std::move(*fold);
  must_reload_ = false;
  return {};
}

// The fold may be ahead of the store, its changes taken and lost: nothing is judged with it until
// it was loaded again, however often that takes.
void JudgeThread::recover_from(const Error& error) {
  log::error("judge.cannot_go_on", {{"code", to_string(error.code)}, {"why", error.message}});
  must_reload_ = true;
  std::unique_lock lock(mutex_);
  if (!is_retryable(error.code)) {
    failure_ = error;
    judged_.notify_all();
    return;
  }
  work_.wait_for(lock, kRetry, [&] { return stopping_; });
}

void JudgeThread::publish(const StateDelta& delta, bool baselines_changed) {
  ApprovedBaselines baselines;
  if (baselines_changed) baselines = approved_of(fold_.world());
  const std::lock_guard lock(mutex_);
  if (baselines_changed) {
    baselines_ = std::move(baselines);
    ++baselines_revision_;
  }
  ++counters_.batches;
  counters_.entries += delta.cursor.value - progress_.judged.value;
  progress_ = progress_of(fold_);
  policy_ = fold_.policy();
  for (const model::Host& host : delta.hosts) admissions_[host.agent] = admission_of(host);
  add_revoked_operators(delta.values, revoked_operators_);
  add_counts(delta.values, counts_);
  judged_.notify_all();
}

void JudgeThread::act_on(const Effects& effects) {
  for (const AgentId& agent : effects.revoked) {
    if (hooks_.revoked) hooks_.revoked(agent);
  }
  for (const AgentId& agent : effects.admitted) {
    if (hooks_.admitted) hooks_.admitted(agent);
  }
  for (const AgentRequest& request : effects.requests) {
    if (hooks_.request) hooks_.request(request);
  }
  for (const model::Request& request : effects.own_looks) {
    if (hooks_.look) hooks_.look(request);
  }
  if (effects.outbox_changed && hooks_.outbox_changed) hooks_.outbox_changed();
}

Result<std::vector<CommittedRun>> JudgeThread::next_batch() {
  std::unique_lock lock(mutex_);
  std::vector<CommittedRun> batch = queue_.take_after(fold_.cursor(), kBatch);
  if (!batch.empty()) return batch;
  if (queue_.head() > fold_.cursor()) {
    lock.unlock();
    return read_journal();
  }
  wait_for_work(lock);
  return batch;
}

Result<std::vector<CommittedRun>> JudgeThread::read_journal() {
  const Position next{fold_.cursor().value + 1};
  Result<std::vector<StoredEntry>> stored = parts_.journal.read(next, kBatch.entries, kBatch.bytes);
  if (!stored) return fail(stored.error());
  std::vector<CommittedRun> runs;
  for (StoredEntry& entry : *stored) {
    if (runs.empty() || runs.back().at != entry.at) runs.push_back({entry.position, entry.at, {}});
    runs.back().entries.push_back({std::move(entry.body), {}});
  }
  const std::lock_guard lock(mutex_);
  counters_.read_again += stored->size();
  if (!runs.empty()) queue_.reached(runs.back().last());
  return runs;
}

// Until entries come, a timer is due in journal time, or it is time to look again.
void JudgeThread::wait_for_work(std::unique_lock<std::mutex>& lock) {
  if (stopping_) return;
  Duration wait = kLongestWait;
  if (const std::optional<Instant> due = fold_.next_due()) {
    wait = std::min(wait, *due - parts_.intake.journal_now());
    if (wait <= Duration{}) {
      lock.unlock();
      ask_for_tick();
      lock.lock();
      if (stopping_ || queue_.head() > fold_.cursor()) return;
      wait = kRetry;
    }
  }
  work_.wait_for(lock, wait);  // Woken for nothing, it looks again: no predicate is needed.
}

// Time passes in the journal like everything else: a timer fires when an entry as late as it is
// judged, and where none comes by itself a tick is appended. Failing is harmless: it is asked
// again.
void JudgeThread::ask_for_tick() {
  std::vector<PendingEntry> tick;
  tick.push_back({wire::encode_journal(model::Tick{}), model::Tick{}});
  const Status asked =
      parts_.intake.submit(std::move(tick), std::nullopt, [](const Result<Committed>&) {});
  if (!asked) log::warning("judge.tick_refused", {{"why", asked.error().message}});
}

void JudgeThread::committed(std::vector<CommittedRun> runs) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push(std::move(runs));
  }
  work_.notify_all();
}

Progress JudgeThread::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

JudgeCounters JudgeThread::counters() const {
  const std::lock_guard lock(mutex_);
  JudgeCounters counters = counters_;
  counters.waiting_entries = queue_.head().value - std::min(queue_.head(), progress_.judged).value;
  return counters;
}

std::map<std::string, std::uint64_t> JudgeThread::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool JudgeThread::wait_for(Position position, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  judged_.wait_for(lock, timeout, [&] { return progress_.judged >= position || failure_; });
  return progress_.judged >= position;
}

std::shared_ptr<const model::SitePolicy> JudgeThread::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

std::shared_ptr<const model::ApprovedBaseline> JudgeThread::approved_baseline(
    const std::string& host) const {
  const std::lock_guard lock(mutex_);
  for (const model::BaselineScope& scope : rules::scopes_for(*policy_, host)) {
    const auto found = baselines_.find(scope);
    if (found != baselines_.end()) return found->second;
  }
  return nullptr;
}

std::uint64_t JudgeThread::baselines_revision() const {
  const std::lock_guard lock(mutex_);
  return baselines_revision_;
}

Judge::Admission JudgeThread::admission(const AgentId& agent) const {
  const std::lock_guard lock(mutex_);
  const auto it = admissions_.find(agent);
  return it == admissions_.end() ? Admission{} : it->second;
}

std::optional<Instant> JudgeThread::operator_revoked(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto it = revoked_operators_.find(name);
  if (it == revoked_operators_.end()) return std::nullopt;
  return it->second;
}

std::optional<Error> JudgeThread::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace tocsin::collector
