// What operators may ask of the collector, as plain functions: one implementation behind gRPC and
// any other door. A door proves who is calling (Callers) and runs these on Workers, because they
// block.
//
//   reads     state as of a position that the caller may demand, so that everybody reads their own
//   writes Execute   validate ─► journal ─► wait for the judge ─► its decision, or "still pending"
//
// Thread-safe. Everything in Parts must outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "collector/engine/judge.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/journal.hpp"
#include "collector/ports/state.hpp"
#include "common/base/result.hpp"
#include "common/model/baseline.hpp"
#include "common/model/incident.hpp"
#include "common/series/sample.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

// A number of some part of the collector, read when the status is asked for.
struct CounterSource {
  std::string name;  // "link.streams"
  std::function<std::uint64_t()> value;
};

struct TokenRequest {
  model::Principal creator;
  std::string host_name;  // empty: any host
  Duration valid{};
  bool replace = false;  // the host may take its name from another key
};
struct NewToken {
  std::string token;  // shown once; only its hash is kept
  std::string token_id;
  Instant expires;
};

class OperatorApi {
 public:
  struct Parts {
    StateReader& state;
    Intake& intake;
    Judge& judge;
    std::function<Position()> journal_head;               // last committed
    std::function<Result<ChainReport>()> verify_journal;  // with a reader of its own
    std::function<Result<NewToken>(const TokenRequest&)> create_token;
    std::function<Status(const std::string& token)> spend_token;  // nobody enrols with it any more
    std::function<std::vector<model::Message>()> warnings;  // of other parts: disk, clock, …
    std::vector<CounterSource> counters;
    std::string version;
    std::string store;                  // "sqlite"
    std::string enroll_address;         // host:port that agents are told
    std::string authority_fingerprint;  // SHA-256 of the CA certificate, hex
    Instant started;
    // Points of an agent's curves whose names begin so, from an instant on.
    std::function<Result<std::vector<series::Sample>>(const AgentId&, std::string_view, Instant)>
        samples = {};
  };
  explicit OperatorApi(Parts parts);

  // Errors of all: invalid_argument (the request), deadline_exceeded (the position demanded was not
  // reached in time), unavailable, internal, data_loss (the store).
  Result<v1::Status> get_status(const model::Principal& caller,
                                const v1::GetStatusRequest& request);
  Result<v1::HostList> list_hosts(const v1::ListHostsRequest& request);
  Result<v1::IncidentList> list_incidents(const v1::ListIncidentsRequest& request);
  // The newest 500 timeline items and 200 notifications, and how many older ones there are.
  Result<v1::IncidentDetail> get_incident(const v1::GetIncidentRequest& request);
  // The host's curves: not of the journal, and not as of a position. Errors: not_found (the host).
  Result<v1::MetricList> get_metrics(const v1::GetMetricsRequest& request);
  // A refusal, a conflict or an unknown record is an answer of the judge, not an error. Errors:
  // resource_exhausted (the journal's queue or disk is full), permission_denied (not an operator's
  // act), already_exists (the command's id is another caller's).
  Result<v1::ExecuteReply> execute(const model::Principal& caller,
                                   const v1::ExecuteRequest& request);
  // The same for a command that was checked already.
  Result<v1::ExecuteReply> submit(model::Command command, std::uint32_t wait_ms);
  // Now, where the position that the caller demands is judged; for answers beside these.
  Result<v1::AsOf> as_of(const v1::ReadAt& read_at);
  // An act like those of execute: journaled with who, and judged, before the token is handed out;
  // one that the judge refused, or did not come to, is spent. Errors beside those of execute:
  // permission_denied (role), already_exists (the id was used before; a token is shown once).
  Result<v1::EnrollToken> create_enroll_token(const model::Principal& caller,
                                              const v1::CreateEnrollTokenRequest& request);
  // Baselines without their entries; what one says and changes; how a host differs from its own.
  // Errors of the last two: not_found.
  Result<v1::BaselineList> list_baselines(const v1::ListBaselinesRequest& request);
  Result<v1::BaselineDetail> get_baseline(const v1::GetBaselineRequest& request);
  Result<v1::BaselineDiff> diff_baseline(const v1::DiffBaselineRequest& request);
  // Walks the whole journal. Errors: resource_exhausted (one is under way).
  Result<v1::AuditReport> verify_audit(const v1::VerifyAuditRequest& request);

 private:
  Status wait_until(const v1::ReadAt& read_at);
  Result<v1::AsOf> as_of();
  Result<std::vector<model::Host>> listed_hosts(const std::string& name);
  std::vector<model::Message> all_warnings(const v1::AsOf& as_of);

  Result<std::optional<model::BaselineRecord>> compared_with(const model::BaselineRecord& record);
  Result<std::optional<model::BaselineRecord>> in_force_for(const std::string& host);

  Parts parts_;
  std::atomic_flag verifying_;
};

}  // namespace tocsin::collector
