// Who is at the other end of a gRPC call, as TLS proved it.
#pragma once

#include <string>

#include <grpcpp/server_context.h>

namespace tocsin::rpc {

// The client certificate in PEM whose chain and key TLS checked; empty where there was none.
std::string peer_certificate(const grpc::ServerContextBase& context);

// The peer's address without its port, for rate limits and the log: "10.0.0.7", "fe80::1", "unix".
std::string peer_address(const grpc::ServerContextBase& context);

}  // namespace tocsin::rpc
