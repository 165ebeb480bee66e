#include "common/model/ports.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::model {
namespace {

using Ports = std::vector<std::uint16_t>;

TEST(Ports, AreAListOfPortsAndRanges) {
  EXPECT_EQ(parse_ports("22"), Ports{22});
  EXPECT_EQ(parse_ports("80,22,1500-1502"), (Ports{22, 80, 1500, 1501, 1502}));
  EXPECT_EQ(parse_ports("22,20-23"), (Ports{20, 21, 22, 23}));
  EXPECT_EQ(parse_ports("1-4096")->size(), kMostPorts);
}

TEST(Ports, RefuseWhatIsNone) {
  for (const char* text : {"", ",", "0", "65536", "1-", "-1", "2-1", "1,,2", "a", "1-4097", " 1",
                           "1-3000,3001-6000"}) {
    EXPECT_EQ(parse_ports(text), std::nullopt) << text;
  }
}

TEST(Ports, NeverAreMoreThanTheLimit) {
  EXPECT_TRUE(rc::check("bounded and sorted for any text", [] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789,-")));
    const auto ports = parse_ports(text);
    if (!ports) return;
    RC_ASSERT(!ports->empty() && ports->size() <= kMostPorts);
    RC_ASSERT(std::is_sorted(ports->begin(), ports->end()));
  }));
}

}  // namespace
}  // namespace tocsin::model
