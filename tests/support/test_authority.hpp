// A certificate authority of a test, and certificates of all kinds signed by it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/crypto/crypto.hpp"

namespace tocsin::tests {

struct KeyAndCertificate {
  std::string key_pem;
  std::string certificate_pem;
};

class TestAuthority {
 public:
  explicit TestAuthority(Instant now)
      : now_(now), authority_(crypto::make_authority("idc", now - 1h, 24h * 365).value()) {}

  const crypto::Authority& authority() const { return authority_; }

  KeyAndCertificate for_operator(std::string name, model::Role role) const {
    crypto::CertificateRequest request = plain();
    request.identity.kind = crypto::Identity::Kind::operator_;
    request.identity.role = role;
    request.identity.name = std::move(name);
    return sign(crypto::make_key_pem().value(), request);
  }
  KeyAndCertificate for_agent() const {
    std::string key = crypto::make_key_pem().value();
    crypto::CertificateRequest request = plain();
    request.identity.agent = crypto::agent_id_of_key(key).value();
    return sign(std::move(key), request);
  }
  // Serves 127.0.0.1 and localhost.
  KeyAndCertificate for_collector() const {
    crypto::CertificateRequest request = plain();
    request.identity.kind = crypto::Identity::Kind::collector;
    request.identity.name = "idc";
    request.dns_names = {"localhost"};
    request.ip_addresses = {"127.0.0.1"};
    return sign(crypto::make_key_pem().value(), request);
  }

 private:
  crypto::CertificateRequest plain() const {
    crypto::CertificateRequest request;
    request.not_before = now_ - 30min;
    request.life = 24h;
    return request;
  }
  KeyAndCertificate sign(std::string key, const crypto::CertificateRequest& request) const {
    const std::string asked = crypto::make_signing_request(key, "test").value();
    std::string certificate = crypto::sign_certificate(authority_, asked, request).value();
    return {std::move(key), std::move(certificate)};
  }

  const Instant now_;
  const crypto::Authority authority_;
};

}  // namespace tocsin::tests
