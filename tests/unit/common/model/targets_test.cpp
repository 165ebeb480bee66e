#include "common/model/targets.hpp"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::model {
namespace {

using Targets = std::vector<std::string>;

TEST(Targets, AreAddressesRangesAndNetworks) {
  EXPECT_EQ(parse_targets("10.0.0.7", 9), Targets{"10.0.0.7"});
  EXPECT_EQ(parse_targets("10.0.0.255-10.0.1.1,::1", 9),
            (Targets{"10.0.0.255", "10.0.1.0", "10.0.1.1", "::1"}));
  EXPECT_EQ(parse_targets("10.0.0.9/30", 9), (Targets{"10.0.0.9", "10.0.0.10"}));
  EXPECT_EQ(parse_targets("10.0.0.9/31", 9), (Targets{"10.0.0.8", "10.0.0.9"}));
  EXPECT_EQ(parse_targets("10.0.0.9/32", 9), Targets{"10.0.0.9"});
  EXPECT_EQ(parse_targets("10.0.0.0/24", 254)->size(), 254U);
}

TEST(Targets, RefuseWhatIsNone) {
  for (const char* text :
       {"", ",", "10.0.0.7,", "host", "10.0.0.7-", "-10.0.0.7", "10.0.0", "::1/64",
        "10.0.0.8-10.0.0.7", "10.0.0.0/0", "10.0.0.0/33", "10.0.0.0/", " ::1", "10.0.0.0/8",
        "0.0.0.0-255.255.255.255", "10.0.0.0/24,10.0.1.0/24"}) {
    EXPECT_EQ(parse_targets(text, 256), std::nullopt) << text;
  }
  EXPECT_EQ(parse_targets("10.0.0.0/24", 253), std::nullopt);
  EXPECT_EQ(parse_targets(std::string("10.0.0.7\0", 9), 256), std::nullopt);
}

TEST(Targets, NeverAreMoreThanTheLimit) {
  EXPECT_TRUE(rc::check("bounded for any text", [] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::element('1', '0', '2', '.', '-', ',', '/', ':'));
    const auto targets = parse_targets(text, 5);
    RC_ASSERT(!targets || (!targets->empty() && targets->size() <= 5U));
  }));
}

}  // namespace
}  // namespace tocsin::model
