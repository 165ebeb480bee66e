// The agent link over gRPC: streams into the hub, and renewal of certificates.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/ingest/hub.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"
#include "common/time/time_source.hpp"

namespace grpc {
class Service;
}

namespace tocsin::collector {

class EvidenceDoor;

// What a renewal gives.
struct RenewedCertificate {
  std::string certificate_pem;
  std::string authorities_pem;
  Instant not_after;
};
// Signs a new certificate for the key of `agent`, which is who the certificate in use speaks for.
// Errors: permission_denied (unknown, revoked, another key), invalid_argument. Any thread.
using RenewCertificate = std::function<Result<RenewedCertificate>(
    const AgentId& agent, std::string_view signing_request)>;

// For a server that requires client certificates (rpc::ServerTls, rpc::apply_limits).
// Shut down in this order: hub.stop(), server->Shutdown(deadline), destroy the server, the service,
// the hub. The hub and `time`, by which certificates are valid or not, must outlive the service.
// `evidence`: where collections come in; nullptr: nowhere. It must outlive the service.
// `seen` is told of the certificate of each stream that is let in; any thread.
std::shared_ptr<grpc::Service> make_agent_link_service(
    Hub& hub, RenewCertificate renew, const time::TimeSource& time,
    std::function<void(const crypto::CertificateInfo&)> seen = {},
    EvidenceDoor* evidence = nullptr);

}  // namespace tocsin::collector
