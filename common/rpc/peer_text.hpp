// What gRPC writes of a peer, read. Pure, and without gRPC.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::rpc {

// The address without its port of "ipv4:10.0.0.7:5210" or "ipv6:%5Bfe80::1%5D:5210"; "unix" of a
// local socket. Clean, and no longer than limits::kName.
std::string address_of_peer(std::string_view peer);

}  // namespace tocsin::rpc
