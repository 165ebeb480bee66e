#include "collector/ingest/down.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/model/ports.hpp"
#include "common/rules/baseline.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

std::uint32_t milliseconds(Duration duration) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
}

}  // namespace

v1::CollectorMessage resume_message(Epoch epoch, Seq acked, std::uint32_t window,
                                    Duration heartbeat) {
  v1::CollectorMessage message;
  v1::Resume& resume = *message.mutable_resume();
  resume.set_epoch(epoch.value);
  resume.set_acked_seq(acked.value);
  resume.set_window(window);
  resume.set_heartbeat_ms(milliseconds(heartbeat));
  return message;
}

v1::CollectorMessage ack_message(Epoch epoch, Seq up_to) {
  v1::CollectorMessage message;
  message.mutable_ack()->set_epoch(epoch.value);
  message.mutable_ack()->set_up_to_seq(up_to.value);
  return message;
}

v1::CollectorMessage resend_message(Seq from) {
  v1::CollectorMessage message;
  message.mutable_resend()->set_from_seq(from.value);
  return message;
}

v1::CollectorMessage chain_query_message(Seq seq) {
  v1::CollectorMessage message;
  message.mutable_chain_query()->set_seq(seq.value);
  return message;
}

v1::CollectorMessage resend_check_message(const model::CheckRef& check) {
  v1::CollectorMessage message;
  wire::to_proto(check, *message.mutable_resend_check()->mutable_check());
  return message;
}

v1::CollectorMessage refusal_message(const model::Message& reason, bool new_epoch_required) {
  v1::CollectorMessage message;
  wire::to_proto(reason, *message.mutable_refusal()->mutable_reason());
  message.mutable_refusal()->set_new_epoch_required(new_epoch_required);
  return message;
}

v1::CollectorMessage request_message(const model::Request& request, Duration expires_in) {
  v1::CollectorMessage message;
  model::Request remaining = request;
  remaining.expires_in = std::max<Duration>(expires_in, 1ms);
  wire::to_proto(remaining, *message.mutable_request());
  return message;
}

v1::CollectorMessage baseline_message(const model::ApprovedBaseline& baseline) {
  v1::CollectorMessage message;
  wire::to_proto(baseline, *message.mutable_baseline());
  return message;
}

std::vector<model::CheckDefinition> assigned_checks(const model::SitePolicy& policy,
                                                    std::string_view host) {
  const model::HostPolicy* own = model::host_policy(policy, host);
  if (own == nullptr) return {};
  std::vector<model::CheckDefinition> checks = own->checks;
  const model::Baseline* baseline = model::baseline_of(policy, host);
  const std::string exact =
      baseline == nullptr ? std::string() : rules::ports_of_fine_sources(*baseline);
  if (exact.empty()) return checks;
  const model::CheckRef ref{model::CheckKind::sockets, ""};
  const auto sockets =
      std::find_if(checks.begin(), checks.end(),
                   [&](const model::CheckDefinition& d) { return d.check == ref; });
  if (sockets != checks.end()) {
    sockets->exact_sources = model::merged_ports(sockets->exact_sources, exact);
  } else if (checks.size() < limits::kChecks) {
    model::CheckDefinition details;
    details.check = ref;
    details.interval = model::default_interval(ref.kind);
    details.deadline = details.interval;
    details.exact_sources = exact;
    details.details_only = true;
    checks.push_back(std::move(details));
  }
  return checks;
}

Assignment assignment_of(const model::SitePolicy& policy, std::string_view host) {
  Assignment assignment;
  v1::Assign& assign = *assignment.message.mutable_assign();
  const std::vector<model::CheckDefinition> checks = assigned_checks(policy, host);
  if (checks.empty()) return assignment;
  assignment.digest = to_hex(crypto::sha256(wire::encode_checks(checks)));
  assign.set_digest(assignment.digest);
  for (const model::CheckDefinition& check : checks) wire::to_proto(check, *assign.add_checks());
  return assignment;
}

}  // namespace tocsin::collector
