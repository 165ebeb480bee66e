// Whatever is put in, the answer is a value or a clear error: never a crash, never a prompt.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/crypto/crypto.hpp"

namespace tocsin::crypto {
namespace {

constexpr Instant kNow{1'795'000'000'000'000'000};

struct Genuine {
  Authority authority = make_authority("IDC-1", kNow, 24h * 365).value();
  std::string key = make_key_pem().value();
  std::string request = make_signing_request(key, "web1").value();
  AgentId agent = agent_id_of_key(key).value();
  std::string certificate =
      sign_certificate(authority, request,
                       {.identity = {.kind = Identity::Kind::agent, .agent = agent, .name = {}},
                        .dns_names = {},
                        .ip_addresses = {},
                        .not_before = kNow,
                        .life = 24h})
          .value();
};

const Genuine& genuine() {
  static const Genuine kOnce;
  return kOnce;
}

// A few bytes replaced, inserted or removed, or the end cut off.
std::string mutated(std::string text) {
  const int edits = *rc::gen::inRange(1, 6);
  for (int i = 0; i < edits && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const char byte = *rc::gen::arbitrary<char>();
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, 1);
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

template <class T>
void require_clear(const Result<T>& result) {
  RC_ASSERT(result || !result.error().message.empty());
  RC_ASSERT(result || result.error().code != ErrorCode::internal);
}

RC_GTEST_PROP(HostileCrypto, CertificatesMutatedAreReadOrRefused, ()) {
  const std::string pem = mutated(genuine().certificate);
  const auto info = read_certificate(pem);
  require_clear(info);
  // What can still be read has the agent's key, or it would not be an agent's certificate.
  if (info && info->identity.kind == Identity::Kind::agent) {
    const bool same_bytes = info->fingerprint == fingerprint_of(genuine().certificate).value();
    RC_ASSERT(same_bytes ==
              verify_certificate(pem, genuine().authority.certificate_pem, kNow).has_value());
  }
}

RC_GTEST_PROP(HostileCrypto, KeysMutatedAreReadOrRefused, ()) {
  require_clear(agent_id_of_key(mutated(genuine().key)));
}

RC_GTEST_PROP(HostileCrypto, RequestsMutatedAreNotSigned, ()) {
  const std::string der = mutated(genuine().request);
  const auto id = agent_id_of_request(der);
  require_clear(id);
  RC_ASSERT(!id || der == genuine().request);
}

RC_GTEST_PROP(HostileCrypto, BundlesMutatedAreSplitOrRefused, ()) {
  const std::string bundle = mutated(genuine().certificate + genuine().authority.certificate_pem);
  require_clear(split_certificates(bundle));
  const Status verified = verify_certificate(genuine().certificate, bundle, kNow);
  RC_ASSERT(verified || !verified.error().message.empty());
}

RC_GTEST_PROP(HostileCrypto, GarbageIsRefused, (const std::string& garbage)) {
  RC_ASSERT(!read_certificate(garbage));
  RC_ASSERT(!agent_id_of_key(garbage));
  RC_ASSERT(!agent_id_of_request(garbage));
  RC_ASSERT(!verify_certificate(garbage, garbage, kNow));
  RC_ASSERT(!fingerprint_of(garbage));
}

TEST(HostileCryptoSize, HugeInputIsRefusedBeforeItIsParsed) {
  const std::string huge(32 << 20, 'A');
  const std::string pem = "-----BEGIN CERTIFICATE-----\n" + huge;
  EXPECT_EQ(read_certificate(pem).error().message,
            "certificate: 33554460 bytes is more than 65536");
  EXPECT_FALSE(agent_id_of_key(huge));
  EXPECT_FALSE(agent_id_of_request(huge));
}

}  // namespace
}  // namespace tocsin::crypto
