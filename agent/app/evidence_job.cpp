#include "agent/app/evidence_job.hpp"

#include <algorithm>
#include <stop_token>
#include <thread>
#include <utility>

#include "agent/evidence/collect.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

// What the thread has of its own: it may outlive the job.
struct EvidenceJob::Run {
  EvidenceOrder order;
  EvidenceOutbox outbox;
  EvidencePlace place;
  std::stop_source stop;
  MonoTime begun;
};

namespace {

std::string reason(const Error& error) { return clean_text(error.message, limits::kText); }

struct Answer {
  model::RequestOutcome outcome;
  model::Message message;
};

Answer collect(const EvidenceOrder& order, const EvidencePlace& place,
               const EvidenceOutbox& outbox) {
  const auto failed = [&](std::string code, const std::string& why) {
    static_cast<void>(outbox.discard_part(order.request));
    return Answer{model::RequestOutcome::failed, {std::move(code), {{"what", why}}}};
  };
  const auto done = collect_evidence(order, place);
  if (!done) return failed("evidence.failed", reason(done.error()));
  // The collector could not tell it from what somebody else made.
  if (done->agent.empty()) return failed("evidence.not_signed", done->unsigned_because);
  const Status kept = outbox.finish(order.request);
  if (!kept) return failed("evidence.failed", reason(kept.error()));
  return {model::RequestOutcome::done,
          {"evidence.collected",
           {{"items", std::to_string(done->items)},
            {"missing", std::to_string(done->missing)},
            {"bytes", std::to_string(done->bytes)},
            {"manifest", done->manifest}}}};
}

}  // namespace

EvidenceJob::EvidenceJob(const ObserverConfig& config, const time::TimeSource& time,
                         std::string boot_id, std::function<void(std::function<void()>)> post)
    : config_(config),
      time_(time),
      boot_id_(std::move(boot_id)),
      post_(std::move(post)),
      outbox_(config.evidence_folder) {}

EvidenceJob::~EvidenceJob() {
  if (run_) run_->stop.request_stop();
}

std::optional<model::Message> EvidenceJob::begin(const std::string& request_id,
                                                 const model::TakeEvidence& asked, Done done) {
  const EvidenceSettings& settings = config_.settings.evidence;
  if (!settings.allow) return model::Message{"evidence.not_allowed", {}};
  if (run_) return model::Message{"evidence.busy", {}};
  if (!EvidenceOutbox::is_id(request_id)) {
    return model::Message{"evidence.failed", {{"what", "not a request's id"}}};
  }
  if (!prepared_) {
    const Status ready = outbox_.prepare();
    if (!ready) return model::Message{"evidence.failed", {{"what", reason(ready.error())}}};
    prepared_ = true;
  }
  const auto used = outbox_.make_room(settings.total_bytes, settings.waiting_bytes);
  if (!used) return model::Message{"evidence.failed", {{"what", reason(used.error())}}};
  if (*used >= settings.waiting_bytes) {
    return model::Message{"evidence.no_room", {{"bytes", std::to_string(*used)}}};
  }
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
  place.limits.total_bytes = std::min(settings.total_bytes, settings.waiting_bytes - *used);
  place.host_name = config_.host_name;
  place.operating_system = config_.operating_system;
  place.boot_id = boot_id_;
  place.program = "tocsin-agent " + config_.version;
  place.key_file = config_.key_file;
  run_ = std::shared_ptr<Run>(
      new Run{std::move(order), outbox_, std::move(place), {}, time_.steady()});
  run_->place.stop = run_->stop.get_token();
  log::info("evidence.collecting", {{"request", request_id}, {"asked_by", asked.asked_by}});
  std::thread([this, run = run_, post = post_, done = std::move(done)] {
    Answer answer = collect(run->order, run->place, run->outbox);
    post([this, done, answer = std::move(answer)] {
      run_.reset();
      done(answer.outcome, answer.message);
    });
  }).detach();
  return std::nullopt;
}

void EvidenceJob::look(MonoTime now) {
  if (run_ && now - run_->begun > kLongestCollection) run_->stop.request_stop();
}

}  // namespace tocsin::agent
