#include "common/evidence/seal.hpp"

#include <gtest/gtest.h>

#include "common/crypto/crypto.hpp"
#include "common/crypto/signature.hpp"

namespace tocsin::evidence {
namespace {

Manifest small() {
  Manifest manifest;
  manifest.host = "web1";
  manifest.began = manifest.ended = Instant{1'795'341'600'000'000'000};
  return manifest;
}

TEST(Seal, NamesTheAgentOfItsKeyAndIsOpenedByIt) {
  const std::string key = crypto::make_key_pem().value();
  const auto sealed = seal(small(), key);
  ASSERT_TRUE(sealed) << sealed.error().message;
  const auto manifest = open_sealed(*sealed);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->agent, crypto::agent_id_of_key(key)->hex);
}

TEST(Seal, AChangedManifestAnotherKeyAndAnotherAgentAreRefused) {
  const std::string key = crypto::make_key_pem().value();
  const std::string other = crypto::make_key_pem().value();
  const Sealed sealed = seal(small(), key).value();

  Sealed changed = sealed;
  changed.manifest.replace(changed.manifest.find("web1"), 4, "web2");
  EXPECT_EQ(open_sealed(changed).error().code, ErrorCode::permission_denied);

  Sealed foreign = sealed;
  foreign.public_key_pem = crypto::public_key_of(other).value();
  EXPECT_EQ(open_sealed(foreign).error().code, ErrorCode::permission_denied);

  // Signed well, by somebody who is not the agent that it names.
  Sealed stolen = foreign;
  stolen.signature = crypto::sign(other, stolen.manifest).value();
  EXPECT_EQ(open_sealed(stolen).error().message,
            "manifest: it names another agent than the one whose key signed it");

  Sealed bare = sealed;
  bare.signature.clear();
  EXPECT_FALSE(open_sealed(bare));
  bare.public_key_pem = "no key";
  EXPECT_EQ(open_sealed(bare).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tocsin::evidence
