#include "collector/ctl/client.hpp"

#include "tocsin/v1/operator.grpc.pb.h"
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "common/rpc/status.hpp"

namespace tocsin::ctl {
namespace {

constexpr int kReplyBytes = 64 << 20;  // a thousand hosts with all their checks

class GrpcClient final : public Client {
 public:
  explicit GrpcClient(const Connection& connection) : timeout_(connection.timeout) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = connection.authority_pem;
    tls.pem_cert_chain = connection.certificate_pem;
    tls.pem_private_key = connection.key_pem;
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kReplyBytes);
    if (!connection.server_name.empty()) {
      arguments.SetSslTargetNameOverride(connection.server_name);
    }
    stub_ = v1::Operator::NewStub(
        grpc::CreateCustomChannel(connection.address, grpc::SslCredentials(tls), arguments));
  }

  Result<v1::Status> get_status(const v1::GetStatusRequest& request) override {
    return call<v1::Status>(&v1::Operator::Stub::GetStatus, request);
  }
  Result<v1::HostList> list_hosts(const v1::ListHostsRequest& request) override {
    return call<v1::HostList>(&v1::Operator::Stub::ListHosts, request);
  }
  Result<v1::IncidentList> list_incidents(const v1::ListIncidentsRequest& request) override {
    return call<v1::IncidentList>(&v1::Operator::Stub::ListIncidents, request);
  }
  Result<v1::IncidentDetail> get_incident(const v1::GetIncidentRequest& request) override {
    return call<v1::IncidentDetail>(&v1::Operator::Stub::GetIncident, request);
  }
  Result<v1::MetricList> get_metrics(const v1::GetMetricsRequest& request) override {
    return call<v1::MetricList>(&v1::Operator::Stub::GetMetrics, request);
  }
  Result<v1::ExecuteReply> execute(const v1::ExecuteRequest& request) override {
    return call<v1::ExecuteReply>(&v1::Operator::Stub::Execute, request);
  }
  Result<v1::EnrollToken> create_enroll_token(
      const v1::CreateEnrollTokenRequest& request) override {
    return call<v1::EnrollToken>(&v1::Operator::Stub::CreateEnrollToken, request);
  }
  Result<v1::BaselineList> list_baselines(const v1::ListBaselinesRequest& request) override {
    return call<v1::BaselineList>(&v1::Operator::Stub::ListBaselines, request);
  }
  Result<v1::BaselineDetail> get_baseline(const v1::GetBaselineRequest& request) override {
    return call<v1::BaselineDetail>(&v1::Operator::Stub::GetBaseline, request);
  }
  Result<v1::BaselineDiff> diff_baseline(const v1::DiffBaselineRequest& request) override {
    return call<v1::BaselineDiff>(&v1::Operator::Stub::DiffBaseline, request);
  }
  Result<v1::AuditReport> verify_audit(const v1::VerifyAuditRequest& request) override {
    return call<v1::AuditReport>(&v1::Operator::Stub::VerifyAudit, request);
  }
  Result<v1::EvidenceList> list_evidence(const v1::ListEvidenceRequest& request) override {
    return call<v1::EvidenceList>(&v1::Operator::Stub::ListEvidence, request);
  }
  Result<v1::EvidenceDetail> get_evidence(const v1::GetEvidenceRequest& request) override {
    return call<v1::EvidenceDetail>(&v1::Operator::Stub::GetEvidence, request);
  }
  Result<v1::EvidenceReport> verify_evidence(const v1::VerifyEvidenceRequest& request) override {
    return call<v1::EvidenceReport>(&v1::Operator::Stub::VerifyEvidence, request);
  }
  Result<v1::EvidencePiece> read_evidence(const v1::ReadEvidenceRequest& request) override {
    return call<v1::EvidencePiece>(&v1::Operator::Stub::ReadEvidence, request);
  }
  Result<v1::ExecuteReply> add_evidence(const v1::AddEvidenceRequest& request) override {
    return call<v1::ExecuteReply>(&v1::Operator::Stub::AddEvidence, request);
  }

 private:
  template <class Reply, class Method, class Request>
  Result<Reply> call(Method method, const Request& request) {
    grpc::ClientContext context;
    // A time span: gRPC adds it to its own clock.
    context.set_deadline(gpr_time_from_millis(timeout_.count(), GPR_TIMESPAN));
    Reply reply;
    const grpc::Status status = ((*stub_).*method)(&context, request, &reply);
    if (!status.ok()) return fail(rpc::from_grpc(status));
    return reply;
  }

  const std::chrono::milliseconds timeout_;
  std::unique_ptr<v1::Operator::Stub> stub_;
};

}  // namespace

std::unique_ptr<Client> connect(const Connection& connection) {
  return std::make_unique<GrpcClient>(connection);
}

}  // namespace tocsin::ctl
