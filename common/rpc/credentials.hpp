// Mutual TLS for gRPC, and the limits that every server and channel of ours has.
//
// Both ends speak TLS 1.3; gRPC 1.51 has no public way to refuse 1.2. The chain, the validity and,
// for a client, the server's name are checked by TLS; who the certificate speaks for and whether it
// is revoked is the service's business (common/crypto, rpc/peer.hpp).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "common/base/result.hpp"

namespace tocsin::rpc {

inline constexpr std::size_t kTlsFileBytes = 1 << 20;

// Paths of PEM files. A private key that group or others may read is refused: permission_denied.
struct TlsFiles {
  std::string certificate;
  std::string private_key;
  std::string authorities;  // whom the other side must be signed by
};

// The files are looked at again every ten seconds, so a renewed certificate needs no restart.
// Replace them by rename. Errors: those of reading them now.
Result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(const TlsFiles& files,
                                                                    bool client_certificate);

// Message sizes, keepalive and the pings that it accepts. Call before BuildAndStart.
void apply_limits(grpc::ServerBuilder& builder);

// A channel of its own connection to "host:port"; connects at the first call. The files are read
// now, so a new channel is what uses a renewed certificate. The server's certificate must have
// `server_name`, or the address's host where that is empty. Errors: those of reading the files.
Result<std::shared_ptr<grpc::Channel>> secure_channel(const std::string& address,
                                                      const TlsFiles& files,
                                                      const std::string& server_name = "");

}  // namespace tocsin::rpc
