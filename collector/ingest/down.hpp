// What the collector says to an agent: messages made from values. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/v1/agent.pb.h"

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/baseline.hpp"
#include "common/model/fact.hpp"
#include "common/model/message.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

v1::CollectorMessage resume_message(Epoch epoch, Seq acked, std::uint32_t window,
                                    Duration heartbeat);
v1::CollectorMessage ack_message(Epoch epoch, Seq up_to);
v1::CollectorMessage resend_message(Seq from);
v1::CollectorMessage refusal_message(const model::Message& reason, bool new_epoch_required);
v1::CollectorMessage chain_query_message(Seq seq);
v1::CollectorMessage resend_check_message(const model::CheckRef& check);
// `expires_in` is what remains of the request's own.
v1::CollectorMessage request_message(const model::Request& request, Duration expires_in);

// Without a digest: none is approved.
v1::CollectorMessage baseline_message(const model::ApprovedBaseline& baseline);

// What the policy assigns to a host: its checks, and for rules of sources that are finer than the
// networks by which a host counts them the ports of which it has to tell addresses, which reach the
// host's own check of sockets too.
std::vector<model::CheckDefinition> assigned_checks(const model::SitePolicy& policy,
                                                    std::string_view host);
// An empty digest where that is nothing, and the host's own file decides.
struct Assignment {
  std::string digest;
  v1::CollectorMessage message;
};
Assignment assignment_of(const model::SitePolicy& policy, std::string_view host);

}  // namespace tocsin::collector
