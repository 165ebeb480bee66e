// The operator service over gRPC: proves who calls, bounds the request and hands it to a worker.
// gRPC's threads carry no logic and never block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "collector/operate/callers.hpp"
#include "collector/operate/evidence_api.hpp"
#include "collector/operate/operator_api.hpp"
#include "collector/operate/workers.hpp"

namespace grpc {
class Service;
}

namespace tocsin::collector {

inline constexpr std::size_t kOperatorRequestBytes = 64 << 10;  // larger ones are refused
inline constexpr std::size_t kLargestRequestBytes = kAddedBytes + kOperatorRequestBytes;  // a file

// Register it with a server that demands and verifies client certificates. Shut that server down
// while the workers still run (every call accepted is answered), then stop the workers. The three
// must outlive the service, and so must `evidence`; nullptr: none is kept.
std::shared_ptr<grpc::Service> make_operator_service(OperatorApi& api, Callers& callers,
                                                     Workers& workers,
                                                     EvidenceApi* evidence = nullptr);

}  // namespace tocsin::collector
