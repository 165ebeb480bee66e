#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

// FIPS 180-4 and RFC 4231.
TEST(Hash, MatchesThePublishedVectors) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hash, AnEmptyKeyIsNotTheKeyOfTheCallBefore) {
  const std::string before = hmac_sha256(std::string_view(), "x");
  hmac_sha256("secret", "x");
  EXPECT_EQ(hmac_sha256(std::string_view(), "x"), before);
}

RC_GTEST_PROP(HashProperty, IsTheSameInPiecesAndTheObjectServesAgain,
              (const std::vector<std::string>& pieces)) {
  Sha256 hash;
  for (int round = 0; round < 2; ++round) {
    std::string whole;
    for (const std::string& piece : pieces) {
      hash.update(piece);
      whole += piece;
    }
    RC_ASSERT(hash.finish() == sha256(whole));
  }
}

RC_GTEST_PROP(HashProperty, ConstantTimeCompareAgreesWithEquality,
              (const std::string& a, const std::string& b)) {
  RC_ASSERT(equal_in_constant_time(a, b) == (a == b));
  RC_ASSERT(equal_in_constant_time(a, a));
}

TEST(Random, GivesAsManyBytesAsAskedAndNotTheSameTwice) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(16).size(), 16U);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace tocsin::crypto
