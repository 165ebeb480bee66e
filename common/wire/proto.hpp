// Model <-> generated messages, for the service adapters (link, ingest, operate, ctl) only.
// Everything else includes common/wire/wire.hpp.
#pragma once

#include "tocsin/v1/agent.pb.h"
#include "tocsin/v1/baseline.pb.h"
#include "tocsin/v1/journal.pb.h"
#include "tocsin/v1/model.pb.h"
#include "tocsin/v1/operator.pb.h"
#include "tocsin/v1/state.pb.h"

#include "common/base/result.hpp"
#include "common/model/baseline.hpp"
#include "common/model/fact.hpp"
#include "common/model/incident.hpp"
#include "common/model/journal.hpp"

namespace tocsin::wire {

void to_proto(const model::Message& from, v1::Message& to);
Result<model::Message> from_proto(const v1::Message& from);
void to_proto(const model::CheckRef& from, v1::CheckRef& to);
Result<model::CheckRef> from_proto(const v1::CheckRef& from);  // of a host only
Result<model::CheckRef> any_check(const v1::CheckRef& from);   // or the collector's own
void to_proto(const model::CheckDefinition& from, v1::CheckDefinition& to);
Result<model::CheckDefinition> from_proto(const v1::CheckDefinition& from);
void to_proto(const model::Observation& from, v1::Observation& to);
Result<model::Observation> from_proto(const v1::Observation& from);
void to_proto(const model::Fact& from, v1::Fact& to);
Result<model::Fact> from_proto(const v1::Fact& from);
void to_proto(const model::Heartbeat& from, v1::Heartbeat& to);
Result<model::Heartbeat> from_proto(const v1::Heartbeat& from);
void to_proto(const model::Request& from, v1::Request& to);
Result<model::Request> from_proto(const v1::Request& from);
void to_proto(const model::Principal& from, v1::Principal& to);
Result<model::Principal> from_proto(const v1::Principal& from);
void to_proto(const model::Command& from, v1::Command& to);
Result<model::Command> from_proto(const v1::Command& from);
void to_proto(const model::CheckStatus& from, v1::CheckStatus& to);
Result<model::CheckStatus> from_proto(const v1::CheckStatus& from);
void put_alone(const model::Host& from, v1::HostState& to);  // without its checks
void to_proto(const model::Host& from, v1::HostState& to);
Result<model::Host> from_proto(const v1::HostState& from);
void to_proto(const model::Finding& from, v1::FindingState& to);
Result<model::Finding> from_proto(const v1::FindingState& from);
void to_proto(const model::Incident& from, v1::IncidentState& to);
Result<model::Incident> from_proto(const v1::IncidentState& from);
void to_proto(const model::TimelineItem& from, v1::TimelineItem& to);
Result<model::TimelineItem> from_proto(const v1::TimelineItem& from);
void to_proto(const model::Notification& from, v1::NotificationState& to);
Result<model::Notification> from_proto(const v1::NotificationState& from);
void to_proto(const model::CommandResult& from, v1::CommandResult& to);
Result<model::CommandResult> from_proto(const v1::CommandResult& from);
void to_proto(const model::TakeEvidence& from, v1::TakeEvidence& to);
model::TakeEvidence from_proto(const v1::TakeEvidence& from);
void to_proto(const model::EvidenceEvent& from, v1::EvidenceEvent& to);
Result<model::EvidenceEvent> from_proto(const v1::EvidenceEvent& from);
void to_proto(const model::Evidence& from, v1::EvidenceState& to);
Result<model::Evidence> from_proto(const v1::EvidenceState& from);
void to_proto(const model::BaselineScope& from, v1::BaselineScope& to);
Result<model::BaselineScope> from_proto(const v1::BaselineScope& from);
void to_proto(const model::BaselineEntry& from, v1::BaselineEntry& to);
Result<model::BaselineEntry> from_proto(const v1::BaselineEntry& from);
void to_proto(const model::ApprovedBaseline& from, v1::ApprovedBaseline& to);
Result<model::ApprovedBaseline> from_proto(const v1::ApprovedBaseline& from);
void to_proto(const model::HostLearning& from, v1::HostLearning& to);
Result<model::HostLearning> from_proto(const v1::HostLearning& from);
void to_proto(const model::BaselineRecord& from, v1::BaselineState& to);
Result<model::BaselineRecord> from_proto(const v1::BaselineState& from);

}  // namespace tocsin::wire
