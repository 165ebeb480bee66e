#include "common/rpc/peer_text.hpp"

#include <gtest/gtest.h>

namespace tocsin::rpc {
namespace {

TEST(RpcPeer, AddressIsWithoutPort) {
  EXPECT_EQ(address_of_peer("ipv4:10.0.0.7:52100"), "10.0.0.7");
  EXPECT_EQ(address_of_peer("ipv6:%5Bfe80::1%5D:52100"), "fe80::1");
  EXPECT_EQ(address_of_peer("ipv6:[::1]:52100"), "::1");
  EXPECT_EQ(address_of_peer("unix:/run/tocsin.sock"), "unix");
  EXPECT_EQ(address_of_peer("weird"), "weird");
  EXPECT_EQ(address_of_peer(""), "");
}

}  // namespace
}  // namespace tocsin::rpc
