// Certificates, requests, keys and signed documents from strangers, as PEM or DER. Nothing is taken
// as signed by an authority that never signed it, and an agent is never anybody but the holder of
// its key.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/signature.hpp"
#include "common/crypto/signed_document.hpp"

namespace {

using namespace tocsin;

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kBeginKey = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kBeginDocument = "-----BEGIN CMS-----";

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string pem_of(std::string_view der, std::string_view begin) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string pem(begin);
  for (std::size_t i = 0; i < der.size(); i += 3) {
    if (i % 48 == 0) pem += '\n';
    const std::size_t left = std::min<std::size_t>(3, der.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? static_cast<unsigned char>(der[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      pem += k <= left ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return pem + "\n-----END" + std::string(begin.substr(10)) + "\n";
}

const crypto::Authority& stranger() {
  static const crypto::Authority authority = [] {
    auto made = crypto::make_authority("fuzz", Instant{}, std::chrono::hours(24 * 365));
    TOCSIN_CHECK(made.has_value());
    return std::move(*made);
  }();
  return authority;
}

void check_certificate(const std::string& pem) {
  const Instant now{1'000'000'000};
  TOCSIN_CHECK(!crypto::verify_certificate(pem, stranger().certificate_pem, now));
  TOCSIN_CHECK(!crypto::verify_certificate(stranger().certificate_pem, pem, now) ||
               pem.find(stranger().certificate_pem) != std::string::npos);
  if (const auto names = crypto::server_names_of(pem)) {
    TOCSIN_CHECK(names->dns_names.size() + names->ip_addresses.size() <= 32);
  }
  const auto info = crypto::read_certificate(pem);
  if (!info) {
    TOCSIN_CHECK(!info.error().message.empty());
    return;
  }
  TOCSIN_CHECK(is_digest(info->fingerprint));
  TOCSIN_CHECK(crypto::fingerprint_of(pem) == info->fingerprint);
  using Kind = crypto::Identity::Kind;
  TOCSIN_CHECK(info->identity.kind != Kind::agent || is_digest(info->identity.agent.hex));
  TOCSIN_CHECK(info->identity.kind == Kind::agent || !info->identity.name.empty());
}

void check_document(std::string_view pem) {
  const auto opened = crypto::open_document(pem, stranger().certificate_pem);
  if (!opened) {
    TOCSIN_CHECK(opened.error().code == ErrorCode::invalid_argument);
    return;
  }
  TOCSIN_CHECK(opened->problem != crypto::DocumentProblem::none);
}

// A key says who an agent is, and nothing is signed by it that its holder did not sign.
void check_public_key(std::string_view pem) {
  const auto agent = crypto::agent_id_of_public_key(pem);
  if (!agent) {
    TOCSIN_CHECK(agent.error().code == ErrorCode::invalid_argument);
    return;
  }
  TOCSIN_CHECK(is_digest(agent->hex));
  TOCSIN_CHECK(!crypto::verify(pem, pem.substr(0, pem.size() / 2), pem.substr(pem.size() / 2)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool is_pem = bytes.find(kBegin) != bytes.npos;
  check_certificate(is_pem ? std::string(bytes) : pem_of(bytes, kBegin));
  const bool is_document = bytes.find(kBeginDocument) != bytes.npos;
  check_document(is_document ? std::string(bytes) : pem_of(bytes, kBeginDocument));
  if (bytes.find(kBeginKey) != bytes.npos) check_public_key(bytes);
  if (const auto parts = crypto::split_certificates(bytes)) {
    TOCSIN_CHECK(!parts->empty() && parts->size() <= 8);
    for (const std::string& part : *parts) TOCSIN_CHECK(part.starts_with(kBegin));
  }
  if (const auto agent = crypto::agent_id_of_request(bytes)) {
    TOCSIN_CHECK(is_digest(agent->hex));
    // What is enrolled under this id is what the request's key holds, and nothing else.
    const Instant now{1'000'000'000};
    crypto::CertificateRequest request{
        {.kind = crypto::Identity::Kind::agent, .agent = *agent, .name = {}},
        {},
        {},
        now,
        std::chrono::hours(24)};
    const auto signed_pem = crypto::sign_certificate(stranger(), bytes, request);
    TOCSIN_CHECK(signed_pem.has_value());
    const auto info = crypto::read_certificate(*signed_pem);
    TOCSIN_CHECK(info && info->identity.agent == *agent);
    TOCSIN_CHECK(
        crypto::verify_certificate(*signed_pem, stranger().certificate_pem, now).has_value());
  }
  return 0;
}
