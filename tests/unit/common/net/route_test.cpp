#include "common/net/route.hpp"

#include <gtest/gtest.h>

namespace tocsin::net {
namespace {

TEST(DefaultGateway, IsTheFirstRouteToEverywhereThatIsUp) {
  constexpr char kRoutes[] =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
      "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
      "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n";
  EXPECT_EQ(parse_default_gateway(kRoutes), (Gateway{*parse_ip("192.168.1.1"), "eth0"}));
  EXPECT_EQ(parse_default_gateway("Iface\n"), std::nullopt);
  EXPECT_EQ(parse_default_gateway(""), std::nullopt);
}

TEST(DefaultGateway, OfIpv6IsTheFirstThatIsUpAndNoReject) {
  const std::string none(32, '0');
  const std::string own = "20010db8000700000000000000000000";
  const std::string tail = " 00000400 00000001 00000000 ";
  const std::string routes =
      own + " 40 " + none + " 00 " + none + tail + "00000001 eth0\n" +  // its own network
      own + " 40 " + none + " 00 " + own + tail + "00000003 eth0\n" +   // a network behind another
      none + " 00 " + none + " 00 " + none + tail + "00200200 lo\n" +   // unreachable
      none + " 00 " + none + " 00 fe800000000000000000000000000001" + tail + "00000003 eth1\n";
  EXPECT_EQ(parse_default_gateway_v6(routes), (Gateway{*parse_ip("fe80::1"), "eth1"}));
  EXPECT_EQ(parse_default_gateway_v6("0 00"), std::nullopt);
  EXPECT_EQ(parse_default_gateway_v6(""), std::nullopt);
}

}  // namespace
}  // namespace tocsin::net
