// Who is at the other end of a gRPC call, as TLS proved it.
#pragma once

#include <string>

#include <grpcpp/server_context.h>

namespace tocsin::rpc {

// The client certificate in PEM whose chain and key TLS checked; empty where there was none.
std::string peer_certificate(const grpc::ServerContextBase& context);

// The peer's address without its port, for rate limits and the log: "10.0.0.7", "fe80::1", "unix".
std::string peer_address(const grpc::ServerContextBase& context);
// The same of gRPC's text for a peer: "ipv4:10.0.0.7:5210", "ipv6:%5Bfe80::1%5D:5210".
std::string address_of_peer(std::string_view peer);

}  // namespace tocsin::rpc
