// Model <-> protobuf. The only place, beside the service adapters, where generated types appear.
//
// Encoding is total. Decoding checks every limit of common/base/limits.hpp, cleans every text from
// a host (clean_text) and turns what it does not know into monostate or an error that says what and
// where; it never throws and never trusts. Serialization is deterministic (no map fields).
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/model/baseline.hpp"
#include "common/model/fact.hpp"
#include "common/model/incident.hpp"
#include "common/model/journal.hpp"

namespace tocsin::wire {

// Keeps the protobuf library from writing a line to standard error for every text that is not
// UTF-8: whoever sends such texts would fill the log. Once, at a program's start; decoding reports
// it as an error all the same.
void quiet_parsers();

// What a spool row and an AgentFact hold.
std::string encode_fact(const model::Fact& fact);
Result<model::Fact> decode_fact(std::string_view bytes);

// SHA-256 (32 bytes) of an observation without what changes at every run: times, durations, round
// trips, process ids, counters. Equal digests mean "unchanged": no new row is needed.
std::string significant_digest(const model::Observation& observation);

// A journal entry's body. `encode_agent_fact` takes the fact as the agent sent it, so that what is
// journaled is what was spooled.
std::string encode_journal(const model::JournalBody& body);
std::string encode_agent_fact(const AgentId& agent, Epoch epoch, Seq seq, std::string_view fact);
Result<model::JournalBody> decode_journal(std::string_view bytes);

// Documents of the state store (proto/tocsin/v1/state.proto).
std::string encode_host(const model::Host& host);
Result<model::Host> decode_host(std::string_view bytes);
// The same in parts, for one of its checks may be large while most changes are about another.
std::string encode_host_alone(const model::Host& host);  // without its checks
std::string encode_check_status(const model::CheckStatus& status);
Result<model::CheckStatus> decode_check_status(std::string_view bytes);
// Puts the host's next check into its document. REQUIRES: what the two above gave.
void append_check(std::string& host_document, std::string_view check_document);
std::string encode_finding(const model::Finding& finding);
Result<model::Finding> decode_finding(std::string_view bytes);
std::string encode_incident(const model::Incident& incident);
Result<model::Incident> decode_incident(std::string_view bytes);
std::string encode_timeline(const model::TimelineItem& item);
Result<model::TimelineItem> decode_timeline(std::string_view bytes);
std::string encode_notification(const model::Notification& notification);
Result<model::Notification> decode_notification(std::string_view bytes);
std::string encode_command_result(const model::CommandResult& result);
Result<model::CommandResult> decode_command_result(std::string_view bytes);
std::string encode_evidence(const model::Evidence& evidence);
Result<model::Evidence> decode_evidence(std::string_view bytes);
std::string encode_learning(const model::HostLearning& learning);
Result<model::HostLearning> decode_learning(std::string_view bytes);
std::string encode_baseline(const model::BaselineRecord& record);
Result<model::BaselineRecord> decode_baseline(std::string_view bytes);

// As a host keeps it in a file. `digest_of`: SHA-256, hex, of all but its own digest.
std::string encode_approved(const model::ApprovedBaseline& baseline);
Result<model::ApprovedBaseline> decode_approved(std::string_view bytes);
std::string digest_of(const model::ApprovedBaseline& baseline);

// What goes down to an agent, as the spool keeps it for the observer.
std::string encode_checks(const std::vector<model::CheckDefinition>& checks);
Result<std::vector<model::CheckDefinition>> decode_checks(std::string_view bytes);
std::string encode_request(const model::Request& request);
Result<model::Request> decode_request(std::string_view bytes);

}  // namespace tocsin::wire
