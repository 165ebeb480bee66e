#include "collector/engine/judge_thread.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "collector/core/commands.hpp"
#include "common/config/site_policy.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kQueueCapacity = 16'384;
constexpr std::size_t kBatch = 512;
constexpr auto kRetry = std::chrono::seconds(1);
// Journal time may run differently from the clock that waits, so a long wait looks again.
constexpr Duration kLongestWait = 10s;

model::JournalEntry decoded(const StoredEntry& stored) {
  Result<model::JournalBody> body = wire::decode_journal(stored.body);
  if (!body) {
    // Kept and counted like a kind that is not known: the journal is the truth, damaged or not.
    log::error("judge.entry_unreadable",
               {{"position", stored.position.value}, {"why", body.error().message}});
  }
  return {stored.position, stored.at, body ? std::move(*body) : model::JournalBody{}};
}

void append(Effects& all, Effects&& more) {
  std::move(more.requests.begin(), more.requests.end(), std::back_inserter(all.requests));
  std::move(more.revoked.begin(), more.revoked.end(), std::back_inserter(all.revoked));
  std::move(more.admitted.begin(), more.admitted.end(), std::back_inserter(all.admitted));
  all.outbox_changed = all.outbox_changed || more.outbox_changed;
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

Judge::Admission admission_of(const model::Host& host) { return {true, host.revoked, host.name}; }

}  // namespace

Result<std::unique_ptr<Judge>> Judge::start(JournalReader& journal, StateStore& state,
                                            Intake& intake, Hooks hooks) {
  return JudgeThread::start({journal, state, intake, config::read_site_policy}, std::move(hooks));
}

Result<std::unique_ptr<Judge>> JudgeThread::start(JudgeParts parts, Hooks hooks) {
  Result<StateSnapshot> snapshot = parts.state.load();
  if (!snapshot) return fail(snapshot.error());
  Result<Fold> fold = Fold::resume(std::move(*snapshot), parts.parse_policy);
  if (!fold) return fail(fold.error());
  std::unique_ptr<JudgeThread> judge(
      new JudgeThread(std::move(parts), std::move(hooks), std::move(*fold)));
  TOCSIN_TRY(judge->catch_up());
  judge->thread_ = std::thread([raw = judge.get()] { raw->run(); });
  return std::unique_ptr<Judge>(std::move(judge));
}

JudgeThread::JudgeThread(JudgeParts parts, Hooks hooks, Fold fold)
    : parts_(std::move(parts)),
      hooks_(std::move(hooks)),
      fold_(std::move(fold)),
      queue_(kQueueCapacity),
      policy_(fold_.policy()) {
  for (const auto& [agent, host] : fold_.world().hosts.rows()) {
    admissions_[agent] = admission_of(host);
  }
  add_revoked_operators(fold_.world().values(), revoked_operators_);
  progress_ = {fold_.cursor(), fold_.judged_at(), fold_.world().number("counter/unknown_entries")};
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

Status JudgeThread::catch_up() {
  for (;;) {
    const Result<std::vector<model::JournalEntry>> batch = read_journal();
    if (!batch) return fail(batch.error());
    if (batch->empty()) return {};
    TOCSIN_TRY(judge_batch(*batch));
  }
}

void JudgeThread::run() {
  for (;;) {
    Status done = must_reload_ ? reload() : Status{};
    if (done) done = judge_next();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    if (!done) recover_from(done.error());
    if (failure()) return;
  }
}

Status JudgeThread::judge_next() {
  const Result<std::vector<model::JournalEntry>> batch = next_batch();
  if (!batch) return fail(batch.error());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return {};
  }
  return batch->empty() ? Status{} : judge_batch(*batch);
}

Status JudgeThread::judge_batch(const std::vector<model::JournalEntry>& batch) {
  const Result<Effects> effects = fold_batch(batch);
  if (!effects) return fail(effects.error());
  const StateDelta delta = fold_.take_delta();
  TOCSIN_TRY(parts_.state.commit(delta));
  publish(delta);
  act_on(*effects);
  return {};
}

Result<Effects> JudgeThread::fold_batch(const std::vector<model::JournalEntry>& batch) {
  Effects effects;
  for (const model::JournalEntry& entry : batch) {
    bool answered = false;
    if (const std::string_view command = command_of(entry); !command.empty()) {
      const Result<std::optional<model::CommandResult>> before =
          parts_.state.command_result(command);
      if (!before) return fail(before.error());
      answered = before->has_value();
    }
    append(effects, fold_.apply(entry, answered));
  }
  return effects;
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

void JudgeThread::publish(const StateDelta& delta) {
  const std::lock_guard lock(mutex_);
  progress_ = {delta.cursor, delta.judged_at, fold_.world().number("counter/unknown_entries")};
  policy_ = fold_.policy();
  for (const model::Host& host : delta.hosts) admissions_[host.agent] = admission_of(host);
  add_revoked_operators(delta.values, revoked_operators_);
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
  if (effects.outbox_changed && hooks_.outbox_changed) hooks_.outbox_changed();
}

Result<std::vector<model::JournalEntry>> JudgeThread::next_batch() {
  std::unique_lock lock(mutex_);
  std::vector<model::JournalEntry> batch = queue_.take_after(fold_.cursor(), kBatch);
  if (!batch.empty()) return batch;
  if (queue_.head() > fold_.cursor()) {
    lock.unlock();
    return read_journal();
  }
  wait_for_work(lock);
  return batch;
}

Result<std::vector<model::JournalEntry>> JudgeThread::read_journal() {
  const Position next{fold_.cursor().value + 1};
  const Result<std::vector<StoredEntry>> stored = parts_.journal.read(next, kBatch);
  if (!stored) return fail(stored.error());
  std::vector<model::JournalEntry> entries;
  entries.reserve(stored->size());
  for (const StoredEntry& entry : *stored) entries.push_back(decoded(entry));
  const std::lock_guard lock(mutex_);
  if (!entries.empty()) queue_.reached(entries.back().position);
  return entries;
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

void JudgeThread::committed(std::vector<model::JournalEntry> entries) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push(std::move(entries));
  }
  work_.notify_all();
}

Progress JudgeThread::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
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
