#include "tests/sim/sim_collector.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "collector/core/notify_decision.hpp"
#include "collector/engine/same_history.hpp"
#include "collector/store/memory_store.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::Fold;

constexpr std::size_t kPage = 512;

Result<model::SitePolicy> parse(std::string_view, std::string_view) { return story_policy(); }

model::JournalEntry decoded(const collector::StoredEntry& stored) {
  Result<model::JournalBody> body = wire::decode_journal(stored.body);
  return {stored.position, stored.at, body ? std::move(*body) : model::JournalBody{}};
}

// The grade that the recipient reads.
model::Severity severity_of(const model::Notification& row) {
  for (const model::Parameter& parameter : row.subject.parameters) {
    if (parameter.name != "severity") continue;
    return model::severity_from(parameter.value).value_or(model::Severity::none);
  }
  return model::Severity::none;
}

Result<collector::Fold::Earlier> earlier_answer(collector::StateStore& state,
                                                const model::JournalEntry& entry) {
  const std::string_view command = collector::command_of(entry.body);
  if (command.empty()) return collector::Fold::Earlier{};
  return state.command_result(command);
}

}  // namespace

// ---- What the journal must hold ----

void JournalModel::add(Position position, const std::string& body) {
  if (position.value != bodies_.size() + 1) {
    complain_(fmt::format("journal position {} follows {}", position.value, bodies_.size()));
  }
  bodies_.push_back(body);
  const auto entry = wire::decode_journal(body);
  if (!entry) return complain_("an entry that cannot be read was journaled");
  if (const auto* fact = std::get_if<model::AgentFact>(&*entry)) {
    take_seq(fact->agent, fact->epoch, fact->seq, fact->seq, "fact");
    if (const auto* loss = std::get_if<model::SpoolLoss>(&fact->fact.body)) {
      lost_in_spool_[fact->agent] += loss->count;
    } else {
      ++facts_[fact->fact.boot_id];
    }
  } else if (const auto* lost = std::get_if<model::FactRangeLost>(&*entry)) {
    take_seq(lost->agent, lost->epoch, lost->from, lost->to, "lost range");
  }
}

void JournalModel::take_seq(const AgentId& agent, Epoch epoch, Seq from, Seq to, const char* what) {
  Seq& last = last_[{agent, epoch}];
  if (from.value != last.value + 1 || to < from) {
    complain_(fmt::format("journaled {} {}..{} of {} after {}", what, from.value, to.value,
                          agent.hex.substr(0, 8), last.value));
  }
  last = std::max(last, to);
}

void JournalModel::compare(collector::JournalReader& reader) {
  const std::size_t promised = bodies_.size();
  std::size_t seen = 0;
  for (;;) {
    const auto page = reader.read(Position{seen + 1}, kPage);
    if (!page) return complain_("the journal cannot be read: " + page.error().message);
    if (page->empty()) break;
    for (const collector::StoredEntry& entry : *page) {
      if (seen >= promised) {
        add(entry.position, entry.body);
      } else if (entry.position.value != seen + 1 || entry.body != bodies_[seen]) {
        return complain_(fmt::format("journal entry {} was altered", seen + 1));
      }
      ++seen;
    }
  }
  if (seen < promised) {
    complain_(fmt::format("{} entries were committed, {} are there", promised, seen));
  }
}

Seq JournalModel::committed(const AgentId& agent, Epoch epoch) const {
  const auto found = last_.find({agent, epoch});
  return found == last_.end() ? Seq{} : found->second;
}

std::uint64_t JournalModel::lost_in_spool(const AgentId& agent) const {
  const auto found = lost_in_spool_.find(agent);
  return found == lost_in_spool_.end() ? 0 : found->second;
}

// ---- Seams ----

class SimCollector::RecordingJournal final : public collector::JournalWriter {
 public:
  RecordingJournal(std::unique_ptr<collector::JournalWriter> journal, JournalModel& model)
      : journal_(std::move(journal)), model_(model) {}
  Result<Position> append(std::span<const std::string> bodies, Instant at,
                          std::span<const collector::SpoolCursor> cursors) override {
    const Result<Position> first = journal_->append(bodies, at, cursors);
    if (!first) return first;
    Position position = *first;
    for (const std::string& body : bodies) {
      model_.add(position, body);
      ++position.value;
    }
    return first;
  }
  Position head() const override { return journal_->head(); }
  Instant head_time() const override { return journal_->head_time(); }
  Result<std::vector<collector::SpoolCursor>> spool_cursors() override {
    return journal_->spool_cursors();
  }

 private:
  std::unique_ptr<collector::JournalWriter> journal_;
  JournalModel& model_;
};

class SimCollector::SabotagedIntake final : public collector::Intake {
 public:
  SabotagedIntake(collector::Intake& intake, Sabotage sabotage)
      : intake_(intake), sabotage_(sabotage) {}
  Status submit(std::vector<collector::PendingEntry>&& entries,
                std::optional<collector::SpoolCursor> cursor, Done done) override {
    if (cursor && sabotage_ == Sabotage::swallow_fact && entries.size() > 1) {
      entries.erase(entries.begin());
    }
    if (cursor && sabotage_ == Sabotage::acknowledge_early) {
      done(collector::Committed{});
      done = [](const Result<collector::Committed>&) {};
    }
    if (sabotage_ == Sabotage::forget_cursor) cursor.reset();
    return intake_.submit(std::move(entries), std::move(cursor), std::move(done));
  }
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override {
    return intake_.submit_and_wait(std::move(entry));
  }
  Instant journal_now() const override { return intake_.journal_now(); }

 private:
  collector::Intake& intake_;
  Sabotage sabotage_;
};

// ---- Life and death ----

SimCollector::SimCollector(Chance& chance, Sabotage sabotage, JournalModel::Complain complain)
    : chance_(chance), sabotage_(sabotage), complain_(complain), model_(complain) {
  TOCSIN_CHECK(start());
}

SimCollector::~SimCollector() { kill(); }

collector::SqliteJournalOptions SimCollector::journal_options() const {
  collector::SqliteJournalOptions options;
  options.directory = directory_.file("journal");
  options.segment_bytes = 64 << 10;  // several segments a run
  options.checkpoint_pages = 16;
  options.vfs = disk_.name();
  return options;
}

// A failure is the planned power cut's, or a bug.
bool SimCollector::open_stores() {
  auto journal = collector::open_journal_writer(journal_options());
  auto reader = collector::open_journal_reader(journal_options());
  auto state = collector::open_state_store({directory_.file("state.db"), disk_.name()});
  const auto say = [this](const char* what, const Error& error) {
    if (!disk_.happened()) complain_(fmt::format("{} cannot be opened: {}", what, error.message));
    return false;
  };
  if (!journal) return say("the journal", journal.error());
  if (!reader) return say("the journal", reader.error());
  if (!state) return say("the state", state.error());
  auto snapshot = (*state)->load();
  if (!snapshot) return say("the state", snapshot.error());
  const auto fits = collector::same_history(**reader, snapshot->cursor, snapshot->judged_at);
  if (!fits) return say("the state", fits.error());
  model_.compare(**reader);
  hosts_.clear();
  for (const model::Host& host : snapshot->hosts) hosts_[host.agent] = host;
  auto fold = Fold::resume(std::move(*snapshot), parse);
  TOCSIN_CHECK(fold.has_value());
  journal_ = std::make_unique<RecordingJournal>(std::move(*journal), model_);
  reader_ = std::move(*reader);
  state_ = std::move(*state);
  fold_ = std::make_unique<Fold>(std::move(*fold));
  return true;
}

bool SimCollector::start() {
  if (!open_stores()) return false;
  skip_next_ = sabotage_ == Sabotage::skip_entry && fold_->cursor().value > 0;
  tick_asked_ = false;
  // The judge catches up before agents may speak: as in the program.
  writer_ = std::make_unique<collector::Writer>(*journal_, time, nullptr);
  while (fold_->cursor() < journal_->head()) {
    if (!step_judge()) {
      kill();
      return false;
    }
  }
  const auto cursors = journal_->spool_cursors();
  if (!cursors) {
    kill();
    return false;
  }
  intake_ = std::make_unique<SabotagedIntake>(*writer_, sabotage_);
  collector::IngestOptions options;
  options.own_thread = false;
  options.window = 8;
  const auto policy = std::make_shared<const model::SitePolicy>(story_policy());
  collector::IngestParts parts{*intake_, [this](const AgentId& agent) { return admission(agent); },
                               [policy] { return policy; }, time};
  if (sabotage_ != Sabotage::forget_results) {
    parts.results = [this](const AgentId& agent, const std::vector<model::CheckRef>& checks)
        -> std::optional<collector::JudgedResults> {
      const auto host = hosts_.find(agent);
      if (host == hosts_.end()) return std::nullopt;
      return collector::JudgedResults{fold_->cursor(),
                                      collector::result_digests(host->second, checks)};
    };
  }
  hub_ = std::make_unique<collector::Hub>(std::move(parts), *cursors, known_agents(), options);
  return true;
}

void SimCollector::kill() {
  if (hub_) {
    const collector::IngestCounters last = hub_->counters();
    counted.duplicates += last.duplicates;
    counted.gaps += last.gaps;
    counted.ranges_lost += last.ranges_lost;
    counted.new_epochs += last.new_epochs;
    counted.replaced += last.replaced;
    counted.facts += last.facts;
    counted.results_missing += last.results_missing;
  }
  if (writer_) clock_steps += writer_->counters().clock_steps;
  hub_.reset();
  intake_.reset();
  writer_.reset();
  fold_.reset();
  state_.reset();
  reader_.reset();
  journal_.reset();
  ++kills;
}

void SimCollector::cut_power() {
  disk_.survive(chance_.one_in(2) ? 0 : static_cast<std::uint32_t>(1 + chance_.below(1000)));
  disk_.cut();
  kill();
  disk_.restart();
  disk_.plan_nothing();
  ++power_cuts;
}

// The process and then the machine: the files are all there is.
void SimCollector::halt() {
  kill();
  disk_.survive(0);
  disk_.cut();
  disk_.restart();
  disk_.plan_nothing();
}

std::vector<std::string> SimCollector::files(bool of_journal) const {
  std::vector<std::string> found;
  const std::string folder = of_journal ? directory_.file("journal") : directory_.path();
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.is_regular_file()) found.push_back(file.path().string());
  }
  return found;
}

void SimCollector::keep_copy() {
  halt();
  copy_.clear();
  for (const bool of_journal : {false, true}) {
    for (const std::string& path : files(of_journal)) {
      std::ifstream file(path, std::ios::binary);
      copy_[path] = {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
  }
  copied_model_ = model_;
}

void SimCollector::replace(bool of_journal) {
  for (const std::string& path : files(of_journal)) std::filesystem::remove(path);
  const std::string journal = directory_.file("journal") + "/";
  for (const auto& [path, content] : copy_) {
    if (path.starts_with(journal) != of_journal) continue;
    std::ofstream(path, std::ios::binary) << content;
  }
}

// As the collector finds out at its start.
bool SimCollector::state_fits() {
  const auto reader = collector::open_journal_reader(journal_options());
  const auto state = collector::open_state_store({directory_.file("state.db"), disk_.name()});
  TOCSIN_CHECK(reader.has_value() && state.has_value());
  const auto snapshot = (*state)->load();
  TOCSIN_CHECK(snapshot.has_value());
  return collector::same_history(**reader, snapshot->cursor, snapshot->judged_at).has_value();
}

void SimCollector::put_back(PutBack what) {
  if (copy_.empty()) return keep_copy();
  halt();
  if (what != PutBack::state) {
    replace(true);
    model_ = *copied_model_;
    ++journals_put_back;
  }
  if (what != PutBack::journal) {
    replace(false);
    ++states_put_back;
  } else if (!state_fits()) {
    halt();
    for (const std::string& path : files(false)) std::filesystem::remove(path);
    ++states_refused;
  }
}

void SimCollector::plan_power_cut() { disk_.plan(1 + chance_.below(40), Fault::power_cut); }

collector::Judge::Admission SimCollector::admission(const AgentId& agent) const {
  const auto found = hosts_.find(agent);
  if (found == hosts_.end()) return {};
  return {true, found->second.revoked, found->second.name};
}

std::vector<collector::KnownAgent> SimCollector::known_agents() const {
  std::vector<collector::KnownAgent> known;
  for (const auto& [agent, host] : hosts_) known.push_back({agent, host.presence});
  return known;
}

void SimCollector::submit(const model::JournalBody& body) {
  std::vector<collector::PendingEntry> entries;
  entries.push_back({wire::encode_journal(body), body});
  // Refused or not committed: whoever asked asks again, or nobody does; both must be harmless.
  const Status queued =
      writer_->submit(std::move(entries), std::nullopt, [](const Result<collector::Committed>&) {});
  if (!queued) complain_("the writer's queue is full: " + queued.error().message);
}

// ---- The judge ----

bool SimCollector::step_judge() {
  const Position next{fold_->cursor().value + 1};
  const auto stored = reader_->read(next, 1 + chance_.below(5));
  if (!stored) return false;
  if (stored->empty()) {
    const auto due = fold_->next_due();
    if (!due || *due > writer_->journal_now() || tick_asked_) return false;
    tick_asked_ = true;
    submit(model::Tick{});
    return true;
  }
  tick_asked_ = false;
  for (const collector::StoredEntry& entry : *stored) {
    if (std::exchange(skip_next_, false)) continue;
    const model::JournalEntry read = decoded(entry);
    const auto earlier = earlier_answer(*state_, read);
    if (!earlier) return false;
    fold_->apply(read, *earlier);
  }
  if (fold_->cursor() < next) return true;
  collector::StateDelta delta = fold_->take_delta();
  if (sabotage_ == Sabotage::drop_notification) {
    std::erase_if(delta.notifications, [](const model::Notification& row) {
      return severity_of(row) >= model::Severity::b;
    });
  }
  if (sabotage_ == Sabotage::tell_late) {
    for (model::Notification& row : delta.notifications) {
      if (severity_of(row) >= model::Severity::b) row.created = row.created + 1min;
    }
  }
  if (!state_->commit(delta)) return false;
  for (const model::Host& host : delta.hosts) hosts_[host.agent] = host;
  check_incidents();
  return true;
}

bool SimCollector::idle() const {
  const auto due = fold_->next_due();
  return fold_->cursor() == journal_->head() && (!due || *due > writer_->journal_now()) &&
         writer_->counters().waiting_entries == 0;
}

// ---- Invariants ----

void SimCollector::check_incidents() {
  std::set<std::string> keys;
  for (const auto& [id, incident] : fold_->world().incidents.rows()) {
    if (incident.closed) continue;
    if (!keys.insert(incident.dedup_key).second) {
      complain_("two open incidents of " + incident.dedup_key);
    }
    if (incident.live >= model::Severity::b && incident.told < incident.live) {
      complain_(fmt::format("incident {} is of grade {} and told as {}", id.value,
                            model::to_string(incident.live), model::to_string(incident.told)));
    }
  }
}

// When it was first graded B or worse, by its history; nothing where it never was.
std::optional<Instant> graded_b_at(const std::vector<model::TimelineItem>& timeline) {
  std::optional<Instant> first;
  for (const model::TimelineItem& item : timeline) {
    if (item.message.code != "incident.opened" && item.message.code != "incident.worse") continue;
    for (const model::Parameter& parameter : item.message.parameters) {
      if (parameter.name != "severity" && parameter.name != "to") continue;
      const auto grade = model::severity_from(parameter.value);
      if (!grade || *grade < model::Severity::b) continue;
      first = first ? std::min(*first, item.at) : item.at;
    }
  }
  return first;
}

// The first to this contact that says so is made at the moment at which it was graded: nothing in
// the policy lets B or worse wait.
void SimCollector::check_told_at_once(const model::Incident& incident,
                                      const model::ContactPolicy& contact,
                                      const std::vector<model::Notification>& rows,
                                      const std::vector<model::TimelineItem>& timeline) {
  const std::optional<Instant> graded = graded_b_at(timeline);
  std::optional<Instant> told;
  for (const model::Notification& row : rows) {
    if (row.recipient != contact.address || severity_of(row) < model::Severity::b) continue;
    told = told ? std::min(*told, row.created) : row.created;
  }
  if (!graded || !told || *told <= *graded) return;
  complain_(fmt::format("incident {} was told late to {}", incident.id.value, contact.name));
}

// An incident of grade B or worse reaches everybody who is owed it: the mail is delivered or on its
// way, was given up, which the history says, or it was over before.
void SimCollector::check_told(collector::StateReader& reader, const model::Incident& incident) {
  const auto rows = reader.notifications(incident.id, SIZE_MAX).value();
  const auto failed = static_cast<std::uint64_t>(
      std::count_if(rows.begin(), rows.end(), [](const model::Notification& row) {
        return row.status == model::NotificationStatus::failed;
      }));
  const auto timeline = reader.timeline(incident.id, SIZE_MAX).value();
  const auto said = static_cast<std::uint64_t>(std::count_if(
      timeline.begin(), timeline.end(),
      [](const model::TimelineItem& item) { return item.message.code == "notification.failed"; }));
  if (failed != said) {
    complain_(fmt::format("incident {}: {} notifications were given up, {} lines say so",
                          incident.id.value, failed, said));
  }
  given_up += failed;
  if (incident.peak < model::Severity::b) return;
  ++b_or_worse;
  const model::SitePolicy policy = story_policy();
  for (const model::ContactPolicy& contact : policy.contacts) {
    const collector::Occasion worst{collector::NotifyReason::opened, incident.peak,
                                    collector::Confidence::confirmed, false};
    if (collector::suppressed(contact, worst)) continue;
    check_told_at_once(incident, contact, rows, timeline);
    const bool owed = std::none_of(rows.begin(), rows.end(), [&](const model::Notification& row) {
      return row.recipient == contact.address && severity_of(row) >= incident.peak &&
             (row.suppressed.empty() || row.suppressed == "already_over");
    });
    if (owed) {
      complain_(fmt::format("incident {} of grade {} was not told to {}", incident.id.value,
                            model::to_string(incident.peak), contact.name));
    }
  }
}

void SimCollector::check_at_the_end() {
  const auto chain = reader_->verify();
  if (!chain || !chain->intact) complain_("the hash chain is broken");
  model_.compare(*reader_);

  const auto reader = collector::open_state_reader({directory_.file("state.db"), disk_.name()});
  TOCSIN_CHECK(reader.has_value());
  const std::string reached = Story::state_bytes_of(*state_, **reader);
  std::set<std::string> open;
  const collector::StateSnapshot kept = state_->load().value();
  for (const model::Finding& finding : kept.findings) {
    if (!finding.closed && !open.insert(finding.dedup_key).second) {
      complain_("two open findings of " + finding.dedup_key);
    }
  }
  collector::IncidentQuery query;
  query.limit = 1000;
  const auto incidents = (*reader)->incidents(query).value();  // newest first
  std::set<std::string> numbers;
  for (std::size_t i = 0; i < incidents.size(); ++i) {
    if (incidents[i].id.value != incidents.size() - i) complain_("incident ids have a gap");
    if (!incidents[i].number.empty()) numbers.insert(incidents[i].number);
    check_told(**reader, incidents[i]);
  }
  for (std::size_t i = 1; i <= numbers.size(); ++i) {
    const std::string number = fmt::format("SI-115-{:04}", i);
    if (!numbers.contains(number)) complain_("official numbers have a gap: no " + number);
  }

  // The same journal without crashes, an entry at a time.
  const collector::MemoryState fresh;
  const auto store = fresh.open_store();
  Fold fold = Fold::resume(store->load().value(), parse).value();
  for (Position next{1};;) {
    const auto page = reader_->read(next, kPage);
    TOCSIN_CHECK(page.has_value());
    if (page->empty()) break;
    for (const collector::StoredEntry& stored : *page) {
      const model::JournalEntry entry = decoded(stored);
      fold.apply(entry, earlier_answer(*store, entry).value());
      TOCSIN_CHECK(store->commit(fold.take_delta()).has_value());
    }
    next.value += page->size();
  }
  if (Story::state_bytes_of(fresh) != reached) {
    complain_("the state is not the fold of the journal");
  }
}

}  // namespace tocsin::tests
