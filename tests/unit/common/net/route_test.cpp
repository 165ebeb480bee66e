#include "common/net/route.hpp"

#include <gtest/gtest.h>

namespace tocsin::net {
namespace {

TEST(DefaultGateway, IsTheFirstRouteToEverywhereThatIsUp) {
  constexpr char kRoutes[] =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
      "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
      "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n";
  EXPECT_EQ(parse_default_gateway(kRoutes), parse_ip("192.168.1.1"));
  EXPECT_EQ(parse_default_gateway("Iface\n"), std::nullopt);
  EXPECT_EQ(parse_default_gateway(""), std::nullopt);
}

}  // namespace
}  // namespace tocsin::net
