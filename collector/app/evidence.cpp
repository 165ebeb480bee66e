#include "collector/app/evidence.hpp"

#include <optional>
#include <string>
#include <utility>

#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kThreads = 2;  // that write; they wait for the disk
constexpr std::size_t kWaiting = 64;

EvidenceLimits limits_of(const CollectorConfig& config) {
  constexpr std::uint64_t kMiB = 1 << 20;
  return {config.evidence_mib * kMiB, config.evidence_agent_mib * kMiB,
          config.evidence_collection_mib * kMiB, config.evidence_free_mib * kMiB};
}

Result<std::optional<model::Evidence>> record_of(StateReader& state, const AgentId& agent,
                                                 const std::string& request) {
  if (request.empty()) return std::optional<model::Evidence>();
  auto rows = state.evidence({{}, {}, request, 1});
  if (!rows) return fail(rows.error());
  if (rows->empty() || rows->front().agent != agent) return std::optional<model::Evidence>();
  return std::optional<model::Evidence>(std::move(rows->front()));
}

}  // namespace

Result<std::unique_ptr<EvidenceKeeping>> EvidenceKeeping::open(const CollectorConfig& config,
                                                               StateReader& state, Intake& intake,
                                                               Judge& judge) {
  auto store = EvidenceStore::open(config.evidence_folder(), limits_of(config));
  if (!store) return fail(store.error());
  return std::unique_ptr<EvidenceKeeping>(
      new EvidenceKeeping(std::move(*store), state, intake, judge));
}

EvidenceKeeping::EvidenceKeeping(std::unique_ptr<EvidenceStore> store, StateReader& state,
                                 Intake& intake, Judge& judge)
    : state_(state),
      intake_(intake),
      store_(std::move(store)),
      workers_(kThreads, kWaiting),
      door_({{*store_,
              [this](const AgentId& agent, const std::string& request) {
                return record_of(state_, agent, request);
              },
              [this](const AgentId& agent) { return state_.evidence_bytes(agent); },
              [this](const model::EvidenceEvent& event) -> Status {
                std::string bytes = wire::encode_journal(event);
                const auto committed = intake_.submit_and_wait({std::move(bytes), event});
                if (!committed) return fail(committed.error());
                return {};
              }},
             [&judge](const AgentId& agent) {
               const Judge::Admission admission = judge.admission(agent);
               return admission.known && !admission.revoked;
             },
             [this](std::function<void()> job) { return workers_.post(std::move(job)); }}) {}

bool EvidenceKeeping::tend(Instant now) {
  return workers_.post([this, now] { store_->forget_old_parts(now); });
}

EvidenceApi& EvidenceKeeping::serve(OperatorApi& operators) {
  api_ = std::make_unique<EvidenceApi>(EvidenceApi::Parts{operators, state_, intake_, *store_});
  return *api_;
}

}  // namespace tocsin::collector
