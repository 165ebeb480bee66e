#include "collector/enroll/service.hpp"

#include "tocsin/v1/agent.grpc.pb.h"
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "common/rpc/peer.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::collector {
namespace {

class EnrollmentService final : public v1::Enrollment::CallbackService {
 public:
  EnrollmentService(Enrollment& enrollment, Workers& workers)
      : enrollment_(enrollment), workers_(workers) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const v1::EnrollRequest* request,
                                   v1::CertificateReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const bool accepted = workers_.post([this, context, request, reply, reactor] {
      reactor->Finish(answer(*context, *request, *reply));
    });
    if (!accepted) {
      reactor->Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at once; try later"});
    }
    return reactor;
  }

 private:
  grpc::Status answer(grpc::CallbackServerContext& context, const v1::EnrollRequest& request,
                      v1::CertificateReply& reply) {
    // An enrolment uses up a token: not for a caller who will never read the answer.
    if (context.IsCancelled()) return {grpc::StatusCode::CANCELLED, "the caller went away"};
    const auto issued = enrollment_.enroll(rpc::peer_address(context), request.token(),
                                           request.signing_request(), request.host_name());
    if (!issued) return rpc::to_grpc(issued.error());
    reply.set_certificate(issued->certificate_pem);
    reply.set_authorities(issued->authorities_pem);
    reply.set_agent_id(issued->agent.hex);
    reply.set_not_after_ns(issued->not_after.ns);
    return grpc::Status::OK;
  }

  Enrollment& enrollment_;
  Workers& workers_;
};

}  // namespace

std::shared_ptr<grpc::Service> make_enrollment_service(Enrollment& enrollment, Workers& workers) {
  return std::make_shared<EnrollmentService>(enrollment, workers);
}

}  // namespace tocsin::collector
