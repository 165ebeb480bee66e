// The collector as tocsinctl sees it, and the gRPC way to it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "tocsin/v1/operator.pb.h"

#include "common/base/result.hpp"

namespace tocsin::ctl {

// Every call blocks for at most the client's time limit. Errors: unavailable (no connection, or not
// our collector), deadline_exceeded, and what the collector answers.
class Client {
 public:
  virtual ~Client() = default;
  virtual Result<v1::Status> get_status(const v1::GetStatusRequest& request) = 0;
  virtual Result<v1::HostList> list_hosts(const v1::ListHostsRequest& request) = 0;
  virtual Result<v1::IncidentList> list_incidents(const v1::ListIncidentsRequest& request) = 0;
  virtual Result<v1::IncidentDetail> get_incident(const v1::GetIncidentRequest& request) = 0;
  virtual Result<v1::MetricList> get_metrics(const v1::GetMetricsRequest& request) = 0;
  virtual Result<v1::ExecuteReply> execute(const v1::ExecuteRequest& request) = 0;
  virtual Result<v1::EnrollToken> create_enroll_token(
      const v1::CreateEnrollTokenRequest& request) = 0;
  virtual Result<v1::BaselineList> list_baselines(const v1::ListBaselinesRequest& request) = 0;
  virtual Result<v1::BaselineDetail> get_baseline(const v1::GetBaselineRequest& request) = 0;
  virtual Result<v1::BaselineDiff> diff_baseline(const v1::DiffBaselineRequest& request) = 0;
  virtual Result<v1::AuditReport> verify_audit(const v1::VerifyAuditRequest& request) = 0;
  virtual Result<v1::EvidenceList> list_evidence(const v1::ListEvidenceRequest& request) = 0;
  virtual Result<v1::EvidenceDetail> get_evidence(const v1::GetEvidenceRequest& request) = 0;
  virtual Result<v1::EvidenceReport> verify_evidence(const v1::VerifyEvidenceRequest& request) = 0;
  virtual Result<v1::EvidencePiece> read_evidence(const v1::ReadEvidenceRequest& request) = 0;
  virtual Result<v1::ExecuteReply> add_evidence(const v1::AddEvidenceRequest& request) = 0;
};

struct Connection {
  std::string address;      // host:port
  std::string server_name;  // in its certificate; empty: the address's
  std::string authority_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::chrono::milliseconds timeout{10'000};
};
// Connects with the first call.
std::unique_ptr<Client> connect(const Connection& connection);

}  // namespace tocsin::ctl
