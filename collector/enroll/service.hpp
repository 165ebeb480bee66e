// The enrolment service over gRPC, for a TLS port without client certificates.
#pragma once

#include <cstddef>
#include <memory>

#include "collector/enroll/enrollment.hpp"
#include "collector/operate/workers.hpp"

namespace grpc {
class Service;
}

namespace tocsin::collector {

// The server's limit on what it receives (ServerBuilder::SetMaxReceiveMessageSize).
inline constexpr int kEnrollRequestBytes = 16 << 10;

// Shut the server down while the workers still run. Both must outlive the service.
std::shared_ptr<grpc::Service> make_enrollment_service(Enrollment& enrollment, Workers& workers);

}  // namespace tocsin::collector
