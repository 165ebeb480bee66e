#include "agent/app/evidence_job.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

// What the thread has of its own: it may outlive the job.
struct EvidenceJob::Run {
  EvidenceOrder order;
  EvidenceOutbox outbox;
  EvidencePlace place;
  EvidenceSettings settings;
  Collect collect;
  Done done;
  MonoTime begun;
  bool prepare = false;  // the outbox first
  std::stop_source stop = {};
  // Who is first: the thread, which puts the collection into the outbox, or who gives it up.
  enum class Fate : std::uint8_t { open, kept, given_up };
  std::atomic<Fate> fate = Fate::open;
};

struct EvidenceJob::Answer {
  model::RequestOutcome outcome = model::RequestOutcome::failed;
  model::Message message;
  bool prepared = false;
};

namespace {

using model::RequestOutcome;

std::string reason(const Error& error) { return clean_text(error.message, limits::kText); }

model::Message failed(std::string what) { return {"evidence.failed", {{"what", std::move(what)}}}; }

// What could not be removed is in the way of no other collection.
Status prepare(const EvidenceOutbox& outbox) {
  const auto left = outbox.prepare();
  if (!left) return fail(left.error());
  for (const std::string& one : *left) {
    log::warning("observer.evidence_left", {{"why", clean_text(one, limits::kText)}});
  }
  return {};
}

}  // namespace

// Everything here may wait for a disk.
EvidenceJob::Answer EvidenceJob::collect(Run& run) {
  const std::string& id = run.order.request;
  Answer answer;
  if (run.prepare) {
    const Status ready = prepare(run.outbox);
    if (!ready) return {RequestOutcome::refused, failed(reason(ready.error()))};
  }
  answer.prepared = true;
  const auto used = run.outbox.make_room(run.settings.total_bytes, run.settings.waiting_bytes);
  if (!used) return {RequestOutcome::refused, failed(reason(used.error())), true};
  if (*used >= run.settings.waiting_bytes) {
    return {
        RequestOutcome::refused, {"evidence.no_room", {{"bytes", std::to_string(*used)}}}, true};
  }
  run.place.limits.total_bytes =
      std::min(run.settings.total_bytes, run.settings.waiting_bytes - *used);
  const auto give_up = [&](model::Message why) {
    static_cast<void>(run.outbox.discard_part(id));
    answer.message = std::move(why);
    return answer;
  };
  const auto done = run.collect(run.order, run.place);
  if (!done) return give_up(failed(reason(done.error())));
  // The collector could not tell it from what somebody else made.
  if (done->agent.empty()) {
    return give_up(
        {"evidence.not_signed", {{"what", clean_text(done->unsigned_because, limits::kText)}}});
  }
  Run::Fate open = Run::Fate::open;
  if (!run.fate.compare_exchange_strong(open, Run::Fate::kept)) return give_up({});
  const Status kept = run.outbox.finish(id);
  if (!kept) return give_up(failed(reason(kept.error())));
  answer.outcome = RequestOutcome::done;
  answer.message = {"evidence.collected",
                    {{"items", std::to_string(done->items)},
                     {"missing", std::to_string(done->missing)},
                     {"bytes", std::to_string(done->bytes)},
                     {"manifest", done->manifest}}};
  return answer;
}

EvidenceJob::EvidenceJob(const ObserverConfig& config, const time::TimeSource& time,
                         std::string boot_id, std::function<void(std::function<void()>)> post,
                         Collect collect)
    : config_(config),
      time_(time),
      boot_id_(std::move(boot_id)),
      post_(std::move(post)),
      collect_(std::move(collect)),
      outbox_(config.evidence_folder) {}

EvidenceJob::~EvidenceJob() {
  if (run_) run_->stop.request_stop();
}

std::shared_ptr<EvidenceJob::Run> EvidenceJob::make_run(const std::string& request_id,
                                                        const model::TakeEvidence& asked) {
  const EvidenceSettings& settings = config_.settings.evidence;
  EvidenceOrder order{model::evidence_name(asked.evidence),
                      request_id,
                      asked.incident,
                      asked.asked_by,
                      asked.reason,
                      asked.since};
  EvidencePlace place{time_, outbox_.part_folder(request_id)};
  place.folder_mode = 0770;  // The link removes what it sent.
  place.file_mode = 0640;
  place.root = config_.root;
  place.log_folders = settings.folders;
  place.limits.item_bytes = settings.item_bytes;
  place.host_name = config_.host_name;
  place.operating_system = config_.operating_system;
  place.boot_id = boot_id_;
  place.program = "tocsin-agent " + config_.version;
  place.key_file = config_.key_file;
  auto run = std::shared_ptr<Run>(new Run{std::move(order),
                                          outbox_,
                                          std::move(place),
                                          settings,
                                          collect_,
                                          {},
                                          time_.steady(),
                                          !prepared_});
  run->place.stop = run->stop.get_token();
  return run;
}

std::optional<model::Message> EvidenceJob::begin(const std::string& request_id,
                                                 const model::TakeEvidence& asked,
                                                 std::vector<std::string> watched_logs, Done done) {
  if (!config_.settings.evidence.allow) return model::Message{"evidence.not_allowed", {}};
  if (run_) return model::Message{"evidence.busy", {}};
  if (!EvidenceOutbox::is_id(request_id)) return failed("not a request's id");
  // One that hangs before the outbox was ready would remove what the next one makes.
  if (hung_ >= kMostHungCollections || (hung_ > 0 && !prepared_)) {
    return model::Message{"evidence.hung_before", {{"count", std::to_string(hung_)}}};
  }
  auto run = make_run(request_id, asked);
  run->place.watched_logs = std::move(watched_logs);
  run->done = std::move(done);
  try {
    std::thread([this, run, post = post_] {
      Answer answer = collect(*run);
      post([this, run, answer = std::move(answer)] { end(*run, answer); });
    }).detach();
  } catch (const std::system_error& error) {
    return failed(error.what());
  }
  run_ = std::move(run);
  log::info("evidence.collecting", {{"request", request_id}, {"asked_by", asked.asked_by}});
  return std::nullopt;
}

void EvidenceJob::end(const Run& run, const Answer& answer) {
  prepared_ = prepared_ || answer.prepared;
  if (run_.get() != &run) {
    --hung_;  // It was answered when it was given up.
    log::info("observer.evidence_unstuck", {{"request", run.order.request}});
    return;
  }
  const std::shared_ptr<Run> ended = std::exchange(run_, nullptr);
  ended->done(answer.outcome, answer.message);
}

void EvidenceJob::look(MonoTime now) {
  if (!run_) return;
  const Duration took = now - run_->begun;
  if (took > kLongestCollection) run_->stop.request_stop();
  if (took <= kLongestCollection + kLastWords) return;
  const std::shared_ptr<Run> hung = std::exchange(run_, nullptr);
  hung->fate = Run::Fate::given_up;
  ++hung_;
  log::error("observer.evidence_hung", {{"request", hung->order.request}, {"hung", hung_}});
  hung->done(
      RequestOutcome::failed,
      {"evidence.hung", {{"minutes", std::to_string((kLongestCollection + kLastWords) / 1min)}}});
}

}  // namespace tocsin::agent
