// Mutual TLS for gRPC, and the limits that every server and channel of ours has.
//
// Both ends speak TLS 1.3; gRPC 1.51 has no public way to refuse 1.2. The chain, the validity and,
// for a client, the server's name are checked by TLS; who the certificate speaks for and whether it
// is revoked is the service's business (common/crypto, rpc/peer.hpp).
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/server_builder.h>

#include "common/base/result.hpp"
#include "common/rpc/tls_files.hpp"

namespace tocsin::rpc {

// Message sizes, keepalive and the pings that it accepts. Call before BuildAndStart.
void apply_limits(grpc::ServerBuilder& builder);

// A channel of its own connection to "host:port"; connects at the first call. The files are read
// now, so a new channel is what uses a renewed certificate. The server's certificate must have
// `server_name`, or the address's host where that is empty. Errors: those of read_tls_files.
Result<std::shared_ptr<grpc::Channel>> secure_channel(const std::string& address,
                                                      const TlsFiles& files,
                                                      const std::string& server_name = "");

}  // namespace tocsin::rpc
