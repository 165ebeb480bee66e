#include "collector/app/collector.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/statvfs.h>

#include "collector/app/certificates.hpp"
#include "collector/app/evidence.hpp"
#include "collector/app/policy_file.hpp"
#include "collector/engine/judge.hpp"
#include "collector/enroll/enrollment.hpp"
#include "collector/enroll/service.hpp"
#include "collector/ingest/hub.hpp"
#include "collector/ingest/service.hpp"
#include "collector/notify/outbox.hpp"
#include "collector/operate/callers.hpp"
#include "collector/operate/operator_api.hpp"
#include "collector/operate/service.hpp"
#include "collector/operate/workers.hpp"
#include "collector/samples/sample_store.hpp"
#include "collector/site/authority.hpp"
#include "collector/site/token_store.hpp"
#include "collector/store/prune_journal.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "collector/store/sqlite_state.hpp"
#include "collector/vantage/look.hpp"
#include "collector/writer/writer.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"
#include "common/rpc/credentials.hpp"
#include "common/rpc/server_tls.hpp"
#include "common/rules/judge.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kWorkerThreads = 4;
constexpr std::size_t kWorkersWaiting = 256;
constexpr std::size_t kLookThreads = 8;
constexpr std::size_t kLooksWaiting = 256;  // of more, who asked counts us as blind
constexpr std::size_t kEnrollThreads = 1;
constexpr std::size_t kEnrollsWaiting = 32;
constexpr int kEnrollStreams = 8;                // of one connection
constexpr std::size_t kEnrollMemory = 16 << 20;  // of all connections to the enrolment door
constexpr int kOperatorAnswerBytes = 64 << 20;   // a thousand hosts with all their checks
constexpr Duration kPruneEvery = 24h;
constexpr Duration kMissingTold = 24h * 7;  // since a lost range was found last
constexpr Duration kLookEvery = 1min;       // at the files of certificates
constexpr Duration kTendEvidenceEvery = 1h;
constexpr auto kShutdownDeadline = std::chrono::milliseconds(3000);

PendingEntry collector_event(std::string_view code) {
  PendingEntry entry;
  entry.body = model::CollectorEvent{{std::string(code), {}}, TOCSIN_VERSION, rules::kRulesVersion};
  entry.bytes = wire::encode_journal(*entry.body);
  return entry;
}

// A part as those call it who live before it starts and after it has ended. Thread-safe.
template <class Part>
class Slot {
 public:
  void set(Part* part) {
    const std::lock_guard lock(mutex_);
    part_ = part;
  }
  // Nothing happens where the part is not there; it cannot end while `use` runs.
  template <class Use>
  void with(Use use) {
    const std::lock_guard lock(mutex_);
    if (part_ != nullptr) use(*part_);
  }

 private:
  std::mutex mutex_;
  Part* part_ = nullptr;
};

// What the judge asks of agents: kept until there is a hub, for at the start it asks again what was
// not answered before. Thread-safe.
class RequestsForHub {
 public:
  void set(Hub* hub) {
    const std::lock_guard lock(mutex_);
    hub_ = hub;
    if (hub_ == nullptr) return;
    for (AgentRequest& request : waiting_) hub_->send_request(std::move(request));
    waiting_.clear();
  }
  void send(const AgentRequest& request) {
    const std::lock_guard lock(mutex_);
    if (hub_ != nullptr) {
      hub_->send_request(request);
    } else if (waiting_.size() < kMost) {
      waiting_.push_back(request);
    } else {
      log::warning("collector.request_dropped", {{"request", request.request.request_id}});
    }
  }

 private:
  static constexpr std::size_t kMost = 10'000;
  std::mutex mutex_;
  Hub* hub_ = nullptr;
  std::vector<AgentRequest> waiting_;
};

// The members are in the order in which they start. stop() goes the other way: agents' streams end,
// the doors close while workers and judge still answer the calls under way; the outbox ends its
// attempt; the writer commits what waits; the judge, which took the writer's last entries, ends;
// the stores close.
class RunningCollector final : public Collector {
 public:
  RunningCollector(const CollectorConfig& config, const time::TimeSource& time)
      : config_(config), time_(time), tokens_(config.token_folder()), started_(time.wall()) {}
  ~RunningCollector() override { stop(); }

  Status begin();

  Ports ports() const override { return ports_; }
  Status reload_policy() override;
  void tend() override;
  std::vector<Turns> turns() const override {
    return {{"writer", writer_->counters().turns}, {"judge", judge_->counters().turns}};
  }
  std::optional<Error> failure() const override;

 private:
  // The steps of begin(), in order.
  Status load_site();
  Status open_stores();
  Status start_writer_and_judge();
  Status say_started();
  Status use_policy();
  Status take_policy_file();
  Status start_outbox();
  Status make_services();
  Status open_doors();

  struct Door {
    const std::string& address;
    bool client_certificate;
    grpc::Service& service;
    void (*limits)(grpc::ServerBuilder&);  // beside those of every server
    int& port;
    std::unique_ptr<grpc::Server>& server;
  };
  Status open_door(const Door& door);
  Status make_hub();
  std::optional<JudgedResults> judged_results(const AgentId& agent,
                                              const std::vector<model::CheckRef>& checks);
  void make_enrollment();
  void look_from_here(const model::Request& request);
  void look_as_asked();
  Status make_operators();
  OperatorApi::Parts operator_parts();
  std::vector<CounterSource> counters();
  std::vector<model::Message> warnings() const;
  void prune();
  void look_at_tls();
  SqliteJournalOptions journal_options() const;
  SqliteStateOptions state_options() const;
  void stop();

  const CollectorConfig config_;
  const time::TimeSource& time_;
  TokenStore tokens_;
  const Instant started_;
  Ports ports_;

  SiteAuthority authority_;
  std::string authority_fingerprint_;
  std::unique_ptr<rpc::ServerTls> tls_;

  std::unique_ptr<JournalWriter> journal_;
  std::unique_ptr<JournalReader> judge_journal_;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<StateReader> state_reader_;
  FindHost find_host_;

  std::unique_ptr<Writer> writer_;
  std::stop_source look_stop_;
  std::mutex asked_mutex_;
  std::vector<model::Request> asked_;  // looks that wait for a looker, who takes them all
  std::atomic<std::uint64_t> rejected_looks_{0};
  std::unique_ptr<Workers> lookers_;  // the judge's own looks at the network
  std::unique_ptr<Judge> judge_;
  std::unique_ptr<CertificateWatch> certificates_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Workers> enroll_workers_;  // strangers cannot keep operators waiting
  std::unique_ptr<SampleStore> samples_;     // the hub and the operators use it
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Enrollment> enrollment_;
  std::unique_ptr<Callers> callers_;
  std::unique_ptr<OperatorApi> operators_;
  std::unique_ptr<EvidenceKeeping> evidence_;

  std::shared_ptr<grpc::Service> agent_service_;
  std::shared_ptr<grpc::Service> enroll_service_;
  std::shared_ptr<grpc::Service> operator_service_;
  std::unique_ptr<grpc::Server> agent_server_;
  std::unique_ptr<grpc::Server> enroll_server_;
  std::unique_ptr<grpc::Server> operator_server_;

  std::optional<MonoTime> prune_due_;     // only tend()
  std::optional<MonoTime> look_due_;      // at certificates; only tend()
  std::optional<MonoTime> evidence_due_;  // only tend()

  mutable std::mutex problems_mutex_;
  std::optional<Error> policy_problem_;  // why the policy file is not in force
  std::optional<Error> tls_problem_;     // why the server's files are not those that are served

  // The writer and the judge run before what they call exists; nothing before it is a loss, because
  // both are asked again (by the journal, and by the outbox's first look).
  Slot<Judge> judge_for_writer_;
  Slot<Outbox> outbox_for_judge_;
  Slot<Hub> hub_for_judge_;
  RequestsForHub requests_;
};

Status RunningCollector::begin() {
  // The order matters: nothing is accepted before it can be journaled, nothing is journaled before
  // it can be judged, and the doors open last.
  using Step = Status (RunningCollector::*)();
  struct NamedStep {
    std::string_view name;
    Step step;
  };
  constexpr NamedStep kSteps[] = {
      {"site", &RunningCollector::load_site},
      {"stores", &RunningCollector::open_stores},
      {"writer and judge", &RunningCollector::start_writer_and_judge},
      {"journal", &RunningCollector::say_started},
      {"policy", &RunningCollector::use_policy},
      {"outbox", &RunningCollector::start_outbox},
      {"services", &RunningCollector::make_services},
      {"listening", &RunningCollector::open_doors},
  };
  for (const NamedStep& step : kSteps) {
    if (Status status = (this->*step.step)(); !status) {
      Error error = std::move(status).error();
      error.message = fmt::format("{}: {}", step.name, error.message);
      return fail(std::move(error));
    }
  }
  return {};
}

Status RunningCollector::load_site() {
  Result<SiteAuthority> authority =
      load_authority(config_.authority_file, config_.authority_key_file);
  if (!authority) return fail(authority.error());
  authority_ = *std::move(authority);
  // An authority names no identity of ours, so there is nothing more to read in it.
  Result<std::string> fingerprint = crypto::fingerprint_of(authority_.signing.certificate_pem);
  if (!fingerprint) return fail(fingerprint.error());
  authority_fingerprint_ = *std::move(fingerprint);
  auto tls =
      rpc::ServerTls::open({config_.certificate_file, config_.key_file, config_.authority_file});
  if (!tls) return fail(tls.error());
  tls_ = *std::move(tls);
  return {};
}

Status RunningCollector::open_stores() {
  const SqliteJournalOptions journal = journal_options();
  auto writer = open_journal_writer(journal);
  if (!writer) return fail(writer.error());
  journal_ = *std::move(writer);
  auto reader = open_journal_reader(journal);
  if (!reader) return fail(reader.error());
  judge_journal_ = *std::move(reader);
  const SqliteStateOptions state = state_options();
  auto store = open_state_store(state);
  if (!store) return fail(store.error());
  state_ = *std::move(store);
  auto state_reader = open_state_reader(state);
  if (!state_reader) return fail(state_reader.error());
  state_reader_ = *std::move(state_reader);
  auto find_host = open_host_finder(state);
  if (!find_host) return fail(find_host.error());
  find_host_ = *std::move(find_host);
  return {};
}

Status RunningCollector::start_writer_and_judge() {
  writer_ = std::make_unique<Writer>(*journal_, time_, [this](std::vector<CommittedRun> runs) {
    judge_for_writer_.with([&](Judge& judge) { judge.committed(std::move(runs)); });
  });
  lookers_ = std::make_unique<Workers>(kLookThreads, kLooksWaiting);
  Judge::Hooks hooks;
  hooks.request = [this](const AgentRequest& request) { requests_.send(request); };
  hooks.look = [this](const model::Request& request) { look_from_here(request); };
  hooks.revoked = [this](const AgentId& agent) {
    hub_for_judge_.with([&](Hub& hub) { hub.revoked(agent); });
  };
  hooks.admitted = [this](const AgentId& agent) {
    hub_for_judge_.with([&](Hub& hub) { hub.admitted(agent); });
  };
  hooks.outbox_changed = [this] { outbox_for_judge_.with([](Outbox& outbox) { outbox.wake(); }); };
  auto judge = Judge::start(*judge_journal_, *state_, *writer_, std::move(hooks));
  if (!judge) {
    Error error = std::move(judge).error();
    error.message = fmt::format("{}: {}", config_.directory, error.message);
    return fail(std::move(error));
  }
  judge_ = *std::move(judge);
  judge_for_writer_.set(judge_.get());
  writer_->start();
  return {};
}

void RunningCollector::look_from_here(const model::Request& request) {
  {
    const std::lock_guard lock(asked_mutex_);
    if (asked_.size() == kLooksWaiting) {
      ++rejected_looks_;
      return;
    }
    asked_.push_back(request);
  }
  // Where the pool is full somebody in it has yet to come for what was asked.
  lookers_->post([this] { look_as_asked(); });
}

void RunningCollector::look_as_asked() {
  std::vector<model::Request> requests;
  {
    const std::lock_guard lock(asked_mutex_);
    requests.swap(asked_);
  }
  for (PendingEntry& entry : look(requests, "/", time_, look_stop_.get_token())) {
    const auto said = writer_->submit_and_wait(std::move(entry));
    if (!said) log::error("vantage.not_journaled", {{"why", said.error().message}});
  }
}

// On a full disk it waits to be journaled like everything else: with the doors shut nobody would be
// told why.
Status RunningCollector::say_started() {
  const Result<Committed> said = writer_->submit_and_wait(collector_event("collector.started"));
  if (said) return {};
  if (!is_retryable(said.error().code)) return fail(said.error());
  log::error("collector.start_not_journaled", {{"why", said.error().message}});
  return {};
}

std::optional<Error> RunningCollector::failure() const {
  if (auto problem = judge_->failure()) return problem;
  // A full disk passes; a damaged journal does not, and nobody would be told through it.
  return writer_->failure();
}

void RunningCollector::look_at_tls() {
  const Status looked = tls_->look();
  const std::lock_guard lock(problems_mutex_);
  if (!looked && (!tls_problem_ || tls_problem_->message != looked.error().message)) {
    log::error("collector.certificate_not_taken", {{"why", looked.error().message}});
  }
  tls_problem_ = looked ? std::nullopt : std::optional<Error>(looked.error());
}

void RunningCollector::tend() {
  const MonoTime now = time_.steady();
  look_at_tls();
  if (!look_due_ || now >= *look_due_) {
    if (workers_->post([this] { certificates_->look(); })) look_due_ = now + kLookEvery;
  }
  if (!evidence_due_ || now >= *evidence_due_) {
    if (evidence_->tend(time_.wall())) evidence_due_ = now + kTendEvidenceEvery;
  }
  if (prune_due_ && now < *prune_due_) return;
  // Where the workers are busy it is asked again soon.
  if (workers_->post([this] { prune(); })) prune_due_ = now + kPruneEvery;
}

void RunningCollector::prune() {
  samples_->prune(time_.wall());
  const Position judged = judge_->progress().judged;
  if (const Status synced = sync_state(state_options()); !synced) {
    log::warning("journal.not_pruned", {{"why", synced.error().message}});
    return;  // The next time; nothing may go of which the state is not on the disk.
  }
  const auto dropped =
      prune_journal(journal_options(), config_.keep_days, writer_->journal_now(), judged);
  if (!dropped) {
    log::error("journal.not_pruned", {{"why", dropped.error().message}});
  } else if (dropped->segments > 0) {
    log::info("journal.pruned",
              {{"segments", dropped->segments}, {"first_kept", dropped->first_kept.value}});
  }
}

SqliteJournalOptions RunningCollector::journal_options() const {
  SqliteJournalOptions options;
  options.directory = config_.directory + "/journal";
  return options;
}

SqliteStateOptions RunningCollector::state_options() const {
  return {config_.directory + "/state.db", {}};
}

// At a start, a mistake in the file must not leave the room unwatched while a good policy is in
// force.
Status RunningCollector::use_policy() {
  Status taken = reload_policy();
  if (taken || judge_->policy()->site.empty()) return taken;
  log::error("policy.not_taken", {{"why", taken.error().message}});
  return {};
}

Status RunningCollector::reload_policy() {
  Status taken = take_policy_file();
  const std::lock_guard lock(problems_mutex_);
  policy_problem_ = taken ? std::nullopt : std::optional<Error>(taken.error());
  return taken;
}

Status RunningCollector::take_policy_file() {
  const Result<PolicyFile> file = read_policy_file(config_.site_policy);
  if (!file) return fail(file.error());
  const Result<Position> position = submit_policy(*file, *judge_->policy(), *writer_);
  if (!position) return fail(position.error());
  if (!*position) return {};
  log::info("policy.journaled", {{"position", position->value}, {"digest", file->digest}});
  if (!judge_->wait_for(*position, std::chrono::seconds(30))) {
    return fail(ErrorCode::deadline_exceeded,
                "the policy was journaled but not judged within 30 s");
  }
  return {};
}

Status RunningCollector::start_outbox() {
  outbox_ =
      Outbox::start({*state_reader_, *writer_, [this] { return judge_->policy(); }, make_channel});
  outbox_for_judge_.set(outbox_.get());
  return {};
}

Status RunningCollector::make_services() {
  workers_ = std::make_unique<Workers>(kWorkerThreads, kWorkersWaiting);
  enroll_workers_ = std::make_unique<Workers>(kEnrollThreads, kEnrollsWaiting);
  certificates_ = std::make_unique<CertificateWatch>(
      CertificateFiles{config_.certificate_file, authority_.signing.certificate_pem,
                       config_.operators_folder()},
      *writer_);
  auto evidence = EvidenceKeeping::open(config_, *state_reader_, *writer_, *judge_);
  if (!evidence) return fail(evidence.error());
  evidence_ = *std::move(evidence);
  samples_ = std::make_unique<SampleStore>(SampleStoreOptions{config_.directory + "/metrics"});
  TOCSIN_TRY(make_hub());
  make_enrollment();
  return make_operators();
}

// The cursor first: the host is then at least as new as it says.
std::optional<JudgedResults> RunningCollector::judged_results(
    const AgentId& agent, const std::vector<model::CheckRef>& checks) {
  const auto as_of = state_reader_->as_of();
  const auto host = find_host_(agent);
  if (!as_of || !host || !*host) return std::nullopt;
  return JudgedResults{as_of->cursor, result_digests(**host, checks), (*host)->checks.size()};
}

Status RunningCollector::make_hub() {
  auto cursors = journal_->spool_cursors();
  if (!cursors) return fail(cursors.error());
  auto hosts = state_reader_->hosts();
  if (!hosts) return fail(hosts.error());
  std::vector<KnownAgent> known;
  for (const model::Host& host : *hosts) {
    if (!host.revoked) known.push_back({host.agent, host.presence});
  }
  IngestParts parts{*writer_,
                    [this](const AgentId& agent) { return judge_->admission(agent); },
                    [this] { return judge_->policy(); },
                    time_,
                    [this](const AgentId& agent, const std::vector<model::CheckRef>& checks) {
                      return judged_results(agent, checks);
                    },
                    [this](const std::string& host) { return judge_->approved_baseline(host); },
                    [this] { return judge_->baselines_revision(); },
                    [this](const AgentId& agent, std::vector<series::Sample> samples) {
                      samples_->put(agent, std::move(samples));
                    }};
  hub_ = std::make_unique<Hub>(std::move(parts), *cursors, known);
  hub_for_judge_.set(hub_.get());
  requests_.set(hub_.get());
  const Renewer renew = make_renewer({authority_.signing, authority_.all_pem}, *judge_, time_);
  agent_service_ = make_agent_link_service(
      *hub_,
      [renew](const AgentId& agent, std::string_view request) -> Result<RenewedCertificate> {
        auto issued = renew(agent, request);
        if (!issued) return fail(issued.error());
        return RenewedCertificate{std::move(issued->certificate_pem),
                                  std::move(issued->authorities_pem), issued->not_after};
      },
      time_, [this](const crypto::CertificateInfo& seen) { certificates_->seen(seen); },
      &evidence_->door());
  return {};
}

void RunningCollector::make_enrollment() {
  const auto take = [this](std::string_view token, std::string_view host,
                           const AgentId& agent) -> Result<TokenGrant> {
    auto taken = tokens_.take(token, host, agent, time_.wall());
    if (!taken) return fail(taken.error());
    return TokenGrant{taken->id, taken->creator, taken->replace};
  };
  const auto spend = [this](std::string_view token) { return tokens_.spend(token); };
  enrollment_ =
      std::make_unique<Enrollment>(Enrollment::Parts{{authority_.signing, authority_.all_pem},
                                                     *writer_,
                                                     *judge_,
                                                     *state_reader_,
                                                     time_,
                                                     take,
                                                     spend,
                                                     PeerLimits{}});
  enroll_service_ = make_enrollment_service(*enrollment_, *enroll_workers_);
}

Status RunningCollector::make_operators() {
  if (!config_.revocation_file.empty()) {
    // Starting without it would let everybody in again who was revoked.
    const auto list = config::read_file(config_.revocation_file, rpc::kTlsFileBytes);
    if (!list) return fail(list.error());
  }
  callers_ = std::make_unique<Callers>(
      config_.revocation_file, time_,
      Callers::Known{[this](std::string_view name) { return judge_->operator_revoked(name); },
                     [this](const crypto::CertificateInfo& seen) { certificates_->seen(seen); }});
  operators_ = std::make_unique<OperatorApi>(operator_parts());
  operator_service_ =
      make_operator_service(*operators_, *callers_, *workers_, &evidence_->serve(*operators_));
  return {};
}

OperatorApi::Parts RunningCollector::operator_parts() {
  OperatorApi::Parts parts{*state_reader_,
                           *writer_,
                           *judge_,
                           {},
                           {},
                           {},
                           {},
                           {},
                           {},
                           TOCSIN_VERSION,
                           "sqlite",
                           config_.enroll_address,
                           authority_fingerprint_,
                           started_};
  parts.journal_head = [this] { return writer_->head(); };
  parts.verify_journal = [this]() -> Result<ChainReport> {
    auto reader = open_journal_reader(journal_options());
    if (!reader) return fail(reader.error());
    return (*reader)->verify();
  };
  parts.create_token = [this](const TokenRequest& request) -> Result<NewToken> {
    auto created = tokens_.create(
        {request.creator, request.host_name, request.valid, request.replace}, time_.wall());
    if (!created) return fail(created.error());
    return NewToken{created->token, created->id, created->expires};
  };
  parts.spend_token = [this](const std::string& token) { return tokens_.spend(token); };
  parts.samples = [this](const AgentId& agent, std::string_view prefix, Instant since) {
    return samples_->read(agent, prefix, since);
  };
  parts.warnings = [this] { return warnings(); };
  parts.counters = counters();
  return parts;
}

std::vector<CounterSource> RunningCollector::counters() {
  const auto writer = [this](auto member) {
    return [this, member] { return static_cast<std::uint64_t>(writer_->counters().*member); };
  };
  const auto link = [this](auto member) {
    return [this, member] { return hub_->counters().*member; };
  };
  return {
      {"journal.groups", writer(&WriterCounters::groups)},
      {"journal.entries", writer(&WriterCounters::entries)},
      {"journal.refused", writer(&WriterCounters::refused)},
      {"journal.failed_commits", writer(&WriterCounters::failed_commits)},
      {"journal.clock_steps", writer(&WriterCounters::clock_steps)},
      {"journal.waiting_entries", writer(&WriterCounters::waiting_entries)},
      {"judge.unknown_entries", [this] { return judge_->progress().unknown_entries; }},
      {"judge.unknown_facts", [this] { return judge_->progress().unknown_facts; }},
      {"judge.reports_refused", [this] { return judge_->progress().reports_refused; }},
      {"judge.batches", [this] { return judge_->counters().batches; }},
      {"judge.entries", [this] { return judge_->counters().entries; }},
      {"judge.read_again", [this] { return judge_->counters().read_again; }},
      {"judge.waiting_entries", [this] { return judge_->counters().waiting_entries; }},
      {"operate.refused_callers", [this] { return callers_->refused(); }},
      {"operate.rejected_jobs", [this] { return workers_->rejected(); }},
      {"vantage.rejected_looks", [this] { return rejected_looks_.load(); }},
      {"enroll.rejected_jobs", [this] { return enroll_workers_->rejected(); }},
      {"enroll.refused_for_rate", [this] { return enrollment_->refused_for_rate(); }},
      {"enroll.refused_tokens", [this] { return enrollment_->refused_tokens(); }},
      {"link.sessions", link(&IngestCounters::sessions)},
      {"link.facts", link(&IngestCounters::facts)},
      {"link.duplicates", link(&IngestCounters::duplicates)},
      {"link.unreadable", link(&IngestCounters::unreadable)},
      {"link.gaps", link(&IngestCounters::gaps)},
      {"link.ranges_lost", link(&IngestCounters::ranges_lost)},
      {"link.new_epochs", link(&IngestCounters::new_epochs)},
      {"link.replaced", link(&IngestCounters::replaced)},
      {"link.clones", link(&IngestCounters::clones)},
      {"link.refused", link(&IngestCounters::refused)},
      {"link.violations", link(&IngestCounters::violations)},
      {"link.unknown_messages", link(&IngestCounters::unknown_messages)},
      {"link.heartbeats", link(&IngestCounters::heartbeats)},
      {"link.samples", link(&IngestCounters::samples)},
      {"samples.dropped", [this] { return samples_->dropped(); }},
      {"link.intake_full", link(&IngestCounters::intake_full)},
      {"link.failed_commits", link(&IngestCounters::failed_commits)},
      {"link.requests_dropped", link(&IngestCounters::requests_dropped)},
      {"link.results_missing", link(&IngestCounters::results_missing)},
      {"link.results_differ", link(&IngestCounters::results_differ)},
      {"link.presence_dropped", link(&IngestCounters::presence_dropped)},
      {"evidence.bytes", [this] { return evidence_->bytes(); }},
      {"evidence.streams", [this] { return evidence_->streams(); }},
      {"evidence.rejected_jobs", [this] { return evidence_->rejected(); }},
  };
}

std::vector<model::Message> RunningCollector::warnings() const {
  std::vector<model::Message> all;
  if (const auto problem = writer_->health()) {
    all.push_back({"collector.journal_not_written", {{"why", problem->message}}});
  }
  if (const auto problem = judge_->failure()) {
    all.push_back({"collector.judge_stopped", {{"why", problem->message}}});
  }
  if (const auto missing = judge_->progress().missing;
      missing && writer_->journal_now() - missing->found < kMissingTold) {
    all.push_back({"collector.facts_missing", {{"facts", std::to_string(missing->facts)}}});
  }
  if (const Hub::Strangers strangers = hub_->strangers(); strangers.count > 0) {
    all.push_back({"collector.strangers",
                   {{"count", std::to_string(strangers.count)}, {"peer", strangers.peer}}});
  }
  if (const Hub::FullSpools full = hub_->full_spools(); full.count > 0) {
    all.push_back(
        {"collector.spools_full", {{"count", std::to_string(full.count)}, {"host", full.host}}});
  }
  if (const auto problem = callers_->problem()) all.push_back(*problem);
  {
    const std::lock_guard lock(problems_mutex_);
    if (policy_problem_) {
      all.push_back({"collector.policy_not_taken",
                     {{"file", config_.site_policy}, {"why", policy_problem_->message}}});
    }
    if (tls_problem_) {
      all.push_back({"collector.certificate_not_taken", {{"why", tls_problem_->message}}});
    }
  }
  const auto ending = certificates_->warnings(writer_->journal_now());
  all.insert(all.end(), ending.begin(), ending.end());
  struct statvfs disk {};
  if (statvfs(config_.directory.c_str(), &disk) == 0 && disk.f_blocks > 0 &&
      disk.f_bavail * 20 < disk.f_blocks) {
    all.push_back({"collector.disk_nearly_full",
                   {{"directory", config_.directory},
                    {"free_percent", std::to_string(disk.f_bavail * 100 / disk.f_blocks)}}});
  }
  return all;
}

Status RunningCollector::open_door(const Door& door) {
  grpc::ServerBuilder builder;
  rpc::apply_limits(builder);
  door.limits(builder);
  builder.AddListeningPort(door.address, tls_->credentials(door.client_certificate), &door.port);
  builder.RegisterService(&door.service);
  door.server = builder.BuildAndStart();
  if (!door.server || door.port == 0) {
    return fail(
        ErrorCode::unavailable,
        fmt::format("{}: cannot be listened on; is another program using it?", door.address));
  }
  return {};
}

Status RunningCollector::open_doors() {
  const auto no_more = [](grpc::ServerBuilder&) {};
  const auto for_operators = [](grpc::ServerBuilder& builder) {
    builder.SetMaxSendMessageSize(kOperatorAnswerBytes);
    builder.SetMaxReceiveMessageSize(static_cast<int>(kLargestRequestBytes));
  };
  const auto for_strangers = [](grpc::ServerBuilder& builder) {
    builder.SetMaxReceiveMessageSize(kEnrollRequestBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kEnrollStreams);
    builder.SetResourceQuota(grpc::ResourceQuota("enroll").Resize(kEnrollMemory));
  };
  const Door doors[] = {
      {config_.listen_operators, true, *operator_service_, for_operators, ports_.operators,
       operator_server_},
      {config_.listen_enroll, false, *enroll_service_, for_strangers, ports_.enroll,
       enroll_server_},
      {config_.listen_agents, true, *agent_service_, no_more, ports_.agents, agent_server_},
  };
  for (const Door& door : doors) TOCSIN_TRY(open_door(door));
  return {};
}

void RunningCollector::stop() {
  // While the disk is full calls wait for the journal: they are told now that it is over.
  if (writer_ && writer_->health()) writer_->stop();
  if (hub_ && !hub_->stop()) log::warning("collector.streams_cut");
  const gpr_timespec deadline = gpr_time_from_millis(kShutdownDeadline.count(), GPR_TIMESPAN);
  for (auto* server : {&agent_server_, &enroll_server_, &operator_server_}) {
    if (*server) (*server)->Shutdown(deadline);
  }
  look_stop_.request_stop();
  if (evidence_) evidence_->stop();
  for (auto* workers : {&lookers_, &workers_, &enroll_workers_}) {
    if (*workers) (*workers)->stop();
  }
  for (auto* server : {&agent_server_, &enroll_server_, &operator_server_}) server->reset();
  hub_for_judge_.set(nullptr);
  requests_.set(nullptr);
  agent_service_.reset();
  hub_.reset();
  outbox_for_judge_.set(nullptr);
  outbox_.reset();
  if (writer_ && judge_) {
    if (const auto said = writer_->submit_and_wait(collector_event("collector.stopped")); !said) {
      log::warning("collector.stop_not_journaled", {{"why", said.error().message}});
    }
  }
  if (writer_) writer_->stop();
  judge_for_writer_.set(nullptr);
  judge_.reset();
}

}  // namespace

Result<std::unique_ptr<Collector>> Collector::start(const CollectorConfig& config,
                                                    const time::TimeSource& time) {
  auto collector = std::make_unique<RunningCollector>(config, time);
  TOCSIN_TRY(collector->begin());
  return std::unique_ptr<Collector>(std::move(collector));
}

}  // namespace tocsin::collector
