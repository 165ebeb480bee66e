#include "collector/operate/service.hpp"

#include <utility>

#include "tocsin/v1/operator.grpc.pb.h"
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "common/log/log.hpp"
#include "common/rpc/peer.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::collector {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

class OperatorService final : public v1::Operator::CallbackService {
 public:
  OperatorService(OperatorApi& api, Callers& callers, Workers& workers, EvidenceApi* evidence)
      : api_(api), callers_(callers), workers_(workers), evidence_(evidence) {}

  Reactor* GetStatus(Context* context, const v1::GetStatusRequest* request,
                     v1::Status* reply) override {
    return serve(context, request, reply, [this](const auto& caller, const auto& asked) {
      return api_.get_status(caller, asked);
    });
  }
  Reactor* ListHosts(Context* context, const v1::ListHostsRequest* request,
                     v1::HostList* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.list_hosts(asked); });
  }
  Reactor* ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                         v1::IncidentList* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.list_incidents(asked); });
  }
  Reactor* GetIncident(Context* context, const v1::GetIncidentRequest* request,
                       v1::IncidentDetail* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.get_incident(asked); });
  }
  Reactor* GetMetrics(Context* context, const v1::GetMetricsRequest* request,
                      v1::MetricList* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.get_metrics(asked); });
  }
  Reactor* Execute(Context* context, const v1::ExecuteRequest* request,
                   v1::ExecuteReply* reply) override {
    return serve(context, request, reply, [this](const auto& caller, const auto& asked) {
      return api_.execute(caller, asked);
    });
  }
  Reactor* CreateEnrollToken(Context* context, const v1::CreateEnrollTokenRequest* request,
                             v1::EnrollToken* reply) override {
    return serve(context, request, reply, [this](const auto& caller, const auto& asked) {
      return api_.create_enroll_token(caller, asked);
    });
  }
  Reactor* ListBaselines(Context* context, const v1::ListBaselinesRequest* request,
                         v1::BaselineList* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.list_baselines(asked); });
  }
  Reactor* GetBaseline(Context* context, const v1::GetBaselineRequest* request,
                       v1::BaselineDetail* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.get_baseline(asked); });
  }
  Reactor* DiffBaseline(Context* context, const v1::DiffBaselineRequest* request,
                        v1::BaselineDiff* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.diff_baseline(asked); });
  }
  Reactor* VerifyAudit(Context* context, const v1::VerifyAuditRequest* request,
                       v1::AuditReport* reply) override {
    return serve(context, request, reply,
                 [this](const auto&, const auto& asked) { return api_.verify_audit(asked); });
  }

  Reactor* ListEvidence(Context* context, const v1::ListEvidenceRequest* request,
                        v1::EvidenceList* reply) override {
    return serve_evidence(
        context, request, reply,
        [](EvidenceApi& api, const auto&, const auto& asked) { return api.list(asked); });
  }
  Reactor* GetEvidence(Context* context, const v1::GetEvidenceRequest* request,
                       v1::EvidenceDetail* reply) override {
    return serve_evidence(
        context, request, reply,
        [](EvidenceApi& api, const auto&, const auto& asked) { return api.get(asked); });
  }
  Reactor* VerifyEvidence(Context* context, const v1::VerifyEvidenceRequest* request,
                          v1::EvidenceReport* reply) override {
    return serve_evidence(context, request, reply,
                          [](EvidenceApi& api, const auto& caller, const auto& asked) {
                            return api.verify(caller, asked);
                          });
  }
  Reactor* ReadEvidence(Context* context, const v1::ReadEvidenceRequest* request,
                        v1::EvidencePiece* reply) override {
    return serve_evidence(context, request, reply,
                          [](EvidenceApi& api, const auto& caller, const auto& asked) {
                            return api.read(caller, asked);
                          });
  }
  Reactor* AddEvidence(Context* context, const v1::AddEvidenceRequest* request,
                       v1::ExecuteReply* reply) override {
    return serve_evidence(
        context, request, reply,
        [](EvidenceApi& api, const auto& caller, const auto& asked) {
          return api.add(caller, asked);
        },
        kLargestRequestBytes);
  }

 private:
  template <class Request, class Reply, class Call>
  Reactor* serve_evidence(Context* context, const Request* request, Reply* reply, Call call,
                          std::size_t limit = kOperatorRequestBytes) {
    const auto with_evidence = [this, call](const auto& caller,
                                            const auto& asked) -> Result<Reply> {
      if (evidence_ != nullptr) return call(*evidence_, caller, asked);
      return fail(ErrorCode::failed_precondition, "this collector keeps no evidence");
    };
    return serve(context, request, reply, with_evidence, limit);
  }

  // `context`, `request` and `reply` live until the reactor is finished.
  template <class Request, class Reply, class Call>
  Reactor* serve(Context* context, const Request* request, Reply* reply, Call call,
                 std::size_t limit = kOperatorRequestBytes) {
    Reactor* reactor = context->DefaultReactor();
    if (request->ByteSizeLong() > limit) {
      reactor->Finish({grpc::StatusCode::INVALID_ARGUMENT, "the request is too large"});
      return reactor;
    }
    const bool accepted = workers_.post([this, context, request, reply, reactor, call] {
      reactor->Finish(answer(*context, *request, *reply, call));
    });
    if (!accepted) {
      reactor->Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at once; try later"});
    }
    return reactor;
  }

  template <class Request, class Reply, class Call>
  grpc::Status answer(Context& context, const Request& request, Reply& reply, const Call& call) {
    if (context.IsCancelled()) return {grpc::StatusCode::CANCELLED, "the caller went away"};
    const auto caller = callers_.admit(rpc::peer_certificate(context));
    if (!caller) {
      log::warning("operator.refused",
                   {{"peer", rpc::peer_address(context)}, {"error", caller.error().message}});
      return rpc::to_grpc(caller.error());
    }
    auto result = call(*caller, request);
    if (!result) return rpc::to_grpc(result.error());
    reply = std::move(*result);
    return grpc::Status::OK;
  }

  OperatorApi& api_;
  Callers& callers_;
  Workers& workers_;
  EvidenceApi* const evidence_;
};

}  // namespace

std::shared_ptr<grpc::Service> make_operator_service(OperatorApi& api, Callers& callers,
                                                     Workers& workers, EvidenceApi* evidence) {
  return std::make_shared<OperatorService>(api, callers, workers, evidence);
}

}  // namespace tocsin::collector
