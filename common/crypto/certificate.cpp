#include <algorithm>
#include <ctime>
#include <limits>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/identity.hpp"
#include "common/crypto/openssl.hpp"

namespace tocsin::crypto {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::size_t kNames = 32;       // alternative names of one certificate
constexpr std::size_t kAuthorities = 8;  // in one bundle
constexpr Duration kLongestLife = std::chrono::hours(24 * 366 * 30);

using StorePtr = std::unique_ptr<X509_STORE, FreeWith<&X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<&X509_STORE_CTX_free>>;

Error openssl_error(std::string_view what) {
  return Error{ErrorCode::internal, fmt::format("{}: {}", what, last_reason())};
}

Result<Validity> validity_in(const X509* certificate) {
  const auto from = instant_of(X509_get0_notBefore(certificate));
  if (!from) return fail(from.error());
  const auto to = instant_of(X509_get0_notAfter(certificate));
  if (!to) return fail(to.error());
  return Validity{*from, *to};
}

std::string_view text_in(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// Four or sixteen bytes as people write them; empty for any other number.
std::string address_in(std::string_view bytes) {
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  char text[INET6_ADDRSTRLEN] = {};
  return ::inet_ntop(family, bytes.data(), text, sizeof text) == nullptr ? "" : text;
}

// 128 random bits, positive and never zero.
bool set_serial(X509* certificate) {
  std::string bytes = random_bytes(16);
  bytes[0] = static_cast<char>((static_cast<unsigned char>(bytes[0]) & 0x7F) | 0x40);
  const std::unique_ptr<BIGNUM, FreeWith<&BN_free>> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, Instant from, Instant to) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from.ns / kNanos) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), to.ns / kNanos) != nullptr;
}

bool set_subject(X509* certificate, std::string_view organisation, std::string_view common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [&](int nid, std::string_view text) {
    return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  return add(NID_organizationName, organisation) && add(NID_commonName, common_name);
}

// `value` is one of our own constants: OpenSSL's configuration syntax never sees text from outside.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeWith<&X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool push_text_name(GENERAL_NAMES* names, int type, std::string_view text) {
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  GENERAL_NAME* name = GENERAL_NAME_new();
  TOCSIN_CHECK(value != nullptr && name != nullptr &&
               ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1);
  GENERAL_NAME_set0_value(name, type, value);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

bool push_address(GENERAL_NAMES* names, const std::string& text) {
  ASN1_OCTET_STRING* value = a2i_IPADDRESS(text.c_str());
  if (value == nullptr) return false;
  GENERAL_NAME* name = GENERAL_NAME_new();
  TOCSIN_CHECK(name != nullptr);
  GENERAL_NAME_set0_value(name, GEN_IPADD, value);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

Result<NamesPtr> alternative_names(const CertificateRequest& request, std::string_view uri) {
  if (request.dns_names.size() + request.ip_addresses.size() > kNames) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("certificate: more than {} alternative names", kNames));
  }
  if (request.identity.kind != Identity::Kind::collector &&
      !(request.dns_names.empty() && request.ip_addresses.empty())) {
    return fail(ErrorCode::invalid_argument,
                "certificate: only a collector's certificate carries DNS names or addresses");
  }
  NamesPtr names(GENERAL_NAMES_new());
  TOCSIN_CHECK(names != nullptr && push_text_name(names.get(), GEN_URI, uri));
  for (const std::string& dns : request.dns_names) {
    if (!is_dns_name(dns) || !push_text_name(names.get(), GEN_DNS, dns)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("certificate: \"{}\" is not a DNS name", clean_text(dns, 128)));
    }
  }
  for (const std::string& address : request.ip_addresses) {
    if (!push_address(names.get(), address)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("certificate: \"{}\" is not an IP address", clean_text(address, 64)));
    }
  }
  return names;
}

Result<std::string> pem_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1) {
    return fail(openssl_error("write a certificate"));
  }
  return contents_of(out.get());
}

Status require_life(Duration life) {
  if (life < 1min || life > kLongestLife) {
    return fail(ErrorCode::invalid_argument, "certificate: its life is 1 min to 30 years");
  }
  return {};
}

struct Issuer {
  CertificatePtr certificate;
  KeyPtr key;
  Instant not_after;
};

Result<Issuer> issuer_of(const Authority& authority) {
  auto certificate = parse_certificate(authority.certificate_pem);
  if (!certificate) return fail(certificate.error());
  auto key = parse_private_key(authority.key_pem);
  if (!key) return fail(key.error());
  if (X509_check_ca(certificate->get()) != 1) {
    return fail(ErrorCode::invalid_argument, "authority: its certificate may not sign others");
  }
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    return fail(ErrorCode::invalid_argument, "authority: the key is not the certificate's");
  }
  const auto end = instant_of(X509_get0_notAfter(certificate->get()));
  if (!end) return fail(end.error());
  return Issuer{std::move(*certificate), std::move(*key), *end};
}

std::string common_name_of(const Identity& identity) {
  return identity.kind == Identity::Kind::agent ? identity.agent.hex : identity.name;
}

bool add_leaf_extensions(X509* certificate, X509* issuer, const Identity& identity,
                         GENERAL_NAMES* names) {
  const bool server = identity.kind == Identity::Kind::collector;
  return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage,
                       server ? "serverAuth" : "clientAuth") &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

// The one URI of ours among the alternative names.
Result<Identity> identity_in(X509* certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  std::string_view found;
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const std::string_view uri = text_in(name->d.uniformResourceIdentifier);
    if (!uri.starts_with("tocsin:")) continue;
    if (!found.empty()) {
      return fail(ErrorCode::invalid_argument, "certificate: it names two identities");
    }
    found = uri;
  }
  if (found.empty()) {
    return fail(ErrorCode::invalid_argument, "certificate: it names no identity of ours");
  }
  return identity_of(found);
}

Result<std::string> fingerprint_in(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return fail(openssl_error("encode a certificate"));
  std::string hex = to_hex(
      sha256(std::string_view(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return hex;
}

std::string serial_in(const X509* certificate) {
  const std::unique_ptr<BIGNUM, FreeWith<&BN_free>> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (number == nullptr) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return to_hex(bytes);
}

Result<StorePtr> trust(std::string_view authorities_pem) {
  const auto certificates = split_certificates(authorities_pem);
  if (!certificates) return fail(certificates.error());
  StorePtr store(X509_STORE_new());
  TOCSIN_CHECK(store != nullptr);
  for (const std::string& pem : *certificates) {
    const auto authority = parse_certificate(pem);
    if (!authority) return fail(authority.error());
    if (X509_STORE_add_cert(store.get(), authority->get()) != 1) {
      return fail(openssl_error("trust a certificate"));
    }
  }
  return store;
}

}  // namespace

Result<std::vector<std::string>> split_certificates(std::string_view bundle) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> certificates;
  for (std::size_t at = bundle.find(kBegin); at != std::string_view::npos;
       at = bundle.find(kBegin, at)) {
    const std::size_t end = bundle.find(kEnd, at);
    if (end == std::string_view::npos) {
      return fail(ErrorCode::invalid_argument, "certificates: the last one has no end");
    }
    if (certificates.size() == kAuthorities) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("certificates: more than {} in one bundle", kAuthorities));
    }
    certificates.emplace_back(bundle.substr(at, end + kEnd.size() - at)) += '\n';
    at = end + kEnd.size();
  }
  if (certificates.empty()) {
    return fail(ErrorCode::invalid_argument, "certificates: there is none");
  }
  return certificates;
}

Result<std::string> fingerprint_of(std::string_view pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(pem);
  if (!certificate) return fail(certificate.error());
  return fingerprint_in(certificate->get());
}

Result<CertificateInfo> read_certificate(std::string_view pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(pem);
  if (!certificate) return fail(certificate.error());
  X509* x509 = certificate->get();
  EVP_PKEY* key = X509_get0_pubkey(x509);
  if (key == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("certificate: public key: {}", last_reason()));
  }
  TOCSIN_TRY(require_p256(key, "certificate"));
  auto identity = identity_in(x509);
  if (!identity) return fail(identity.error());
  if (identity->kind == Identity::Kind::agent && identity->agent.hex != key_id(key)) {
    return fail(ErrorCode::invalid_argument, "certificate: the agent's id is not its key's");
  }
  const auto valid = validity_in(x509);
  if (!valid) return fail(valid.error());
  auto fingerprint = fingerprint_in(x509);
  if (!fingerprint) return fail(fingerprint.error());
  return CertificateInfo{std::move(*identity), std::move(*fingerprint), serial_in(x509),
                         valid->not_before, valid->not_after};
}

Result<ServerNames> server_names_of(std::string_view pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(pem);
  if (!certificate) return fail(certificate.error());
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate->get(), NID_subject_alt_name, nullptr, nullptr)));
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  ServerNames found;
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      found.dns_names.emplace_back(text_in(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      found.ip_addresses.push_back(address_in(text_in(name->d.iPAddress)));
    }
    if (found.dns_names.size() + found.ip_addresses.size() > kNames) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("certificate: more than {} alternative names", kNames));
    }
  }
  return found;
}

Result<Validity> validity_of(std::string_view pem) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(pem);
  if (!certificate) return fail(certificate.error());
  return validity_in(certificate->get());
}

Status check_authority(const Authority& authority) {
  const ErrorScope scope;
  const auto issuer = issuer_of(authority);
  if (!issuer) return fail(issuer.error());
  return {};
}

Result<Authority> make_authority(std::string_view site, Instant now, Duration life) {
  const ErrorScope scope;
  TOCSIN_TRY(require_life(life));
  const auto uri =
      uri_of({.kind = Identity::Kind::collector, .agent = {}, .name = std::string(site)});
  if (!uri) return fail(uri.error());
  auto key_pem = make_key_pem();
  if (!key_pem) return fail(key_pem.error());
  const auto key = parse_private_key(*key_pem);
  if (!key) return fail(key.error());
  const CertificatePtr certificate(X509_new());
  TOCSIN_CHECK(certificate != nullptr);
  X509* x509 = certificate.get();
  const bool built =
      X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
      set_validity(x509, now, now + life) &&
      set_subject(x509, "Tocsin", fmt::format("{} authority", site)) &&
      X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 &&
      X509_set_pubkey(x509, key->get()) == 1 &&
      add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(x509, x509, NID_subject_key_identifier, "hash") &&
      X509_sign(x509, key->get(), EVP_sha256()) > 0;
  if (!built) return fail(openssl_error("make an authority"));
  auto pem = pem_of(x509);
  if (!pem) return fail(pem.error());
  return Authority{std::move(*pem), std::move(*key_pem)};
}

Result<std::string> sign_certificate(const Authority& authority, std::string_view request_der,
                                     const CertificateRequest& request) {
  const ErrorScope scope;
  TOCSIN_TRY(require_life(request.life));
  const auto issuer = issuer_of(authority);
  if (!issuer) return fail(issuer.error());
  const auto asked = parse_request(request_der);
  if (!asked) return fail(asked.error());
  EVP_PKEY* key = X509_REQ_get0_pubkey(asked->get());
  const Identity& identity = request.identity;
  if (identity.kind == Identity::Kind::agent && identity.agent.hex != key_id(key)) {
    return fail(ErrorCode::invalid_argument, "certificate: the agent's id is not its key's");
  }
  const auto uri = uri_of(identity);
  if (!uri) return fail(uri.error());
  const auto names = alternative_names(request, *uri);
  if (!names) return fail(names.error());
  const Instant end = std::min(request.not_before + request.life, issuer->not_after);
  if (end <= request.not_before) {
    return fail(ErrorCode::failed_precondition, "certificate: the authority's own has ended");
  }
  const CertificatePtr certificate(X509_new());
  TOCSIN_CHECK(certificate != nullptr);
  X509* x509 = certificate.get();
  const bool built =
      X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
      set_validity(x509, request.not_before, end) &&
      set_subject(x509, "Tocsin", common_name_of(identity)) &&
      X509_set_issuer_name(x509, X509_get_subject_name(issuer->certificate.get())) == 1 &&
      X509_set_pubkey(x509, key) == 1 &&
      add_leaf_extensions(x509, issuer->certificate.get(), identity, names->get()) &&
      X509_sign(x509, issuer->key.get(), EVP_sha256()) > 0;
  if (!built) return fail(openssl_error("sign a certificate"));
  return pem_of(x509);
}

Status verify_certificate(std::string_view pem, std::string_view authority_pem, Instant now) {
  const ErrorScope scope;
  const auto certificate = parse_certificate(pem);
  if (!certificate) return fail(certificate.error());
  const auto store = trust(authority_pem);
  if (!store) return fail(store.error());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), store->get(), certificate->get(), nullptr) != 1) {
    return fail(openssl_error("verify a certificate"));
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), now.ns / kNanos);
  if (X509_verify_cert(context.get()) != 1) {
    const int why = X509_STORE_CTX_get_error(context.get());
    return fail(ErrorCode::permission_denied,
                fmt::format("certificate: {}", X509_verify_cert_error_string(why)));
  }
  return {};
}

}  // namespace tocsin::crypto
