#include "agent/tail/prefix.hpp"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

PrefixDigest of_blocks(std::uint64_t count) {
  PrefixDigest digest;
  for (std::uint64_t i = 0; i < count; ++i) add_block(digest, block_sum(std::to_string(i)));
  return digest;
}

RC_GTEST_PROP(PrefixProperty, TheTreeCoversEveryBlockWithFewNodes, ()) {
  const auto count = *rc::gen::inRange<std::uint64_t>(0, 3000);
  const PrefixDigest digest = of_blocks(count);
  RC_ASSERT(digest.blocks() == count);
  RC_ASSERT(digest.nodes.size() < kPrefixNodes);
  RC_ASSERT(digest.rest.size() <= digest.level);
  for (std::size_t i = 1; i < digest.rest.size(); ++i) {
    RC_ASSERT(digest.rest[i].level < digest.rest[i - 1].level);
  }
  RC_ASSERT(parse_prefix_digest(to_text(digest)) == digest);
}

TEST(PrefixDigest, OtherBlocksGiveAnotherTree) {
  PrefixDigest other = of_blocks(499);
  add_block(other, block_sum("another"));
  EXPECT_NE(other, of_blocks(500));
  EXPECT_EQ(other.blocks(), 500U);
}

TEST(PrefixDigest, TextThatIsNoneIsRefused) {
  const std::string good = to_text(of_blocks(300));
  ASSERT_TRUE(parse_prefix_digest(good));
  EXPECT_FALSE(parse_prefix_digest(""));
  EXPECT_FALSE(parse_prefix_digest("99" + good));
  EXPECT_FALSE(parse_prefix_digest(good.substr(1)));
  EXPECT_FALSE(parse_prefix_digest(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(parse_prefix_digest(good + ";"));
  std::string loose = good;
  const std::size_t at = loose.rfind(";0;");
  loose.replace(at, 3, ";65536;");
  EXPECT_FALSE(parse_prefix_digest(loose));
  std::string digit = good;
  digit[5] = 'x';
  EXPECT_FALSE(parse_prefix_digest(digit));
}

}  // namespace
}  // namespace tocsin::agent
