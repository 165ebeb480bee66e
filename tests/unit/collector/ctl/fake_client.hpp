// A collector as tocsinctl's commands see it: answers from a script.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/ctl/client.hpp"
#include "tests/unit/collector/ctl/samples.hpp"

namespace tocsin::ctl {

// Answers what a test put in, and keeps what it was asked.
struct Script {
  std::optional<Error> error;
  v1::IncidentList list = samples::incidents();
  v1::HostList host_list = samples::one_host();
  std::deque<v1::ExecuteReply> replies;
  v1::AuditReport audit;
  v1::MetricList metrics;
  std::vector<v1::GetMetricsRequest> metrics_asked;
  std::vector<v1::ExecuteRequest> executed;
  std::vector<v1::ListHostsRequest> hosts_asked;
  std::vector<v1::ListIncidentsRequest> lists_asked;
  std::vector<v1::CreateEnrollTokenRequest> tokens_asked;
  std::vector<v1::ListBaselinesRequest> baselines_asked;
  std::vector<v1::GetBaselineRequest> baseline_asked;
  v1::EvidenceList evidence_list;
  v1::EvidenceDetail evidence;
  v1::EvidenceReport evidence_report;
  std::vector<std::pair<std::string, std::string>> files;  // of an export: name, content
  std::vector<v1::ListEvidenceRequest> evidence_asked;
  std::vector<v1::AddEvidenceRequest> added;
};

class FakeClient final : public Client {
 public:
  explicit FakeClient(Script& script) : script_(script) {}
  Result<v1::Status> get_status(const v1::GetStatusRequest&) override {
    return answer(samples::status());
  }
  Result<v1::HostList> list_hosts(const v1::ListHostsRequest& request) override {
    script_.hosts_asked.push_back(request);
    return answer(script_.host_list);
  }
  Result<v1::IncidentList> list_incidents(const v1::ListIncidentsRequest& request) override {
    script_.lists_asked.push_back(request);
    return answer(script_.list);
  }
  Result<v1::IncidentDetail> get_incident(const v1::GetIncidentRequest& request) override {
    for (const auto& incident : script_.list.incidents()) {
      if (incident.number() != request.reference() &&
          std::to_string(incident.id()) != request.reference()) {
        continue;
      }
      v1::IncidentDetail detail = samples::detail();
      *detail.mutable_incident() = incident;
      return answer(detail);
    }
    return fail(ErrorCode::not_found, "no incident");
  }
  Result<v1::MetricList> get_metrics(const v1::GetMetricsRequest& request) override {
    script_.metrics_asked.push_back(request);
    return answer(script_.metrics);
  }
  Result<v1::ExecuteReply> execute(const v1::ExecuteRequest& request) override {
    script_.executed.push_back(request);
    v1::ExecuteReply reply;
    reply.mutable_result()->set_outcome(v1::CommandResult::OUTCOME_DONE);
    if (!script_.replies.empty()) {
      reply = script_.replies.front();
      script_.replies.pop_front();
    }
    return answer(reply);
  }
  Result<v1::EnrollToken> create_enroll_token(
      const v1::CreateEnrollTokenRequest& request) override {
    script_.tokens_asked.push_back(request);
    v1::EnrollToken token;
    token.set_token("secret");
    return answer(token);
  }
  Result<v1::BaselineList> list_baselines(const v1::ListBaselinesRequest& request) override {
    script_.baselines_asked.push_back(request);
    return answer(samples::baselines());
  }
  Result<v1::BaselineDetail> get_baseline(const v1::GetBaselineRequest& request) override {
    script_.baseline_asked.push_back(request);
    return answer(samples::proposal());
  }
  Result<v1::BaselineDiff> diff_baseline(const v1::DiffBaselineRequest&) override {
    return answer(samples::baseline_diff());
  }
  Result<v1::AuditReport> verify_audit(const v1::VerifyAuditRequest&) override {
    return answer(script_.audit);
  }
  Result<v1::EvidenceList> list_evidence(const v1::ListEvidenceRequest& request) override {
    script_.evidence_asked.push_back(request);
    return answer(script_.evidence_list);
  }
  Result<v1::EvidenceDetail> get_evidence(const v1::GetEvidenceRequest& request) override {
    v1::EvidenceDetail detail = script_.evidence;
    detail.mutable_evidence()->set_id(request.evidence_id());
    return answer(detail);
  }
  Result<v1::EvidenceReport> verify_evidence(const v1::VerifyEvidenceRequest&) override {
    return answer(script_.evidence_report);
  }
  Result<v1::EvidencePiece> read_evidence(const v1::ReadEvidenceRequest& request) override {
    if (request.file() >= script_.files.size()) return fail(ErrorCode::not_found, "no file");
    v1::EvidencePiece piece;
    const auto& [name, content] = script_.files[request.file()];
    piece.set_name(name);
    piece.set_size(content.size());
    piece.set_files(static_cast<std::uint32_t>(script_.files.size()));
    piece.set_data(content.substr(std::min<std::size_t>(request.offset(), content.size()), 3));
    return answer(piece);
  }
  Result<v1::ExecuteReply> add_evidence(const v1::AddEvidenceRequest& request) override {
    script_.added.push_back(request);
    v1::ExecuteReply reply;
    reply.mutable_result()->set_outcome(v1::CommandResult::OUTCOME_DONE);
    return answer(reply);
  }

 private:
  template <class Message>
  Result<Message> answer(Message message) {
    if (script_.error) return fail(*script_.error);
    return message;
  }
  Script& script_;
};

}  // namespace tocsin::ctl
