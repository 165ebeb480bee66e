#include <gtest/gtest.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "tests/unit/common/crypto/foreign.hpp"

namespace tocsin::crypto {
namespace {

TEST(Key, HasTheSameIdInTheKeyAndInItsRequest) {
  const auto key = make_key_pem();
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto id = agent_id_of_key(*key);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->hex.size(), 64U);
  const auto request = make_signing_request(*key, "web1.example");
  ASSERT_TRUE(request);
  EXPECT_EQ(agent_id_of_request(*request).value(), *id);
}

TEST(Key, IsAnotherEachTime) {
  EXPECT_NE(agent_id_of_key(make_key_pem().value()).value(),
            agent_id_of_key(make_key_pem().value()).value());
}

TEST(Key, OfAnotherKindIsRefusedAndTheMessageSaysWhichIsWanted) {
  for (const std::string_view pem : {kRsaKey, kP384Key}) {
    const auto id = agent_id_of_key(pem);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(id.error().message, "private key: the key must be ECDSA on curve P-256");
  }
}

TEST(Key, WithAPassPhraseIsRefusedWithoutAskingForIt) {
  const auto id = agent_id_of_key(kEncryptedKey);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::invalid_argument);
}

TEST(SigningRequest, OfAnotherCurveIsRefused) {
  std::string der;
  ASSERT_TRUE(from_hex(kP384RequestHex, der));
  const auto id = agent_id_of_request(der);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().message, "signing request: the key must be ECDSA on curve P-256");
}

TEST(SigningRequest, KeepsAHostileNameHarmlessAndCutsALongOne) {
  const std::string key = make_key_pem().value();
  const std::string hostile("\xff\x00\x1b[2J,CN=admin", 15);
  for (const std::string& name : {std::string(), hostile, std::string(5000, 'x')}) {
    const auto request = make_signing_request(key, name);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_TRUE(agent_id_of_request(*request));
  }
}

TEST(SigningRequest, ChangedAfterItWasSignedIsRefused) {
  std::string request = make_signing_request(make_key_pem().value(), "web1").value();
  const std::size_t at = request.find("web1");
  ASSERT_NE(at, std::string::npos);
  request[at + 3] = '2';
  const auto id = agent_id_of_request(request);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().message, "signing request: not signed by its own key");
}

TEST(SigningRequest, WithBytesAfterItsEndIsRefused) {
  const auto id =
      agent_id_of_request(make_signing_request(make_key_pem().value(), "web1").value() + "x");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().message, "signing request: bytes follow its end");
}

}  // namespace
}  // namespace tocsin::crypto
