#include "collector/site/authority.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/config/secret_file.hpp"
#include "common/crypto/signature.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kCertificateBytes = 64 << 10;

Error in_file(const std::string& path, const Error& error) {
  return {error.code, fmt::format("{}: {}", path, error.message)};
}

Result<std::string> sign_for(const crypto::Authority& authority, const std::string& key_pem,
                             const crypto::CertificateRequest& request) {
  const auto asked = crypto::make_signing_request(key_pem, request.identity.name);
  if (!asked) return fail(asked.error());
  return crypto::sign_certificate(authority, *asked, request);
}

// What the first certificate of a file says: a server's is followed by its authority's.
struct OldCertificate {
  crypto::CertificateInfo info;
  crypto::ServerNames names;
};
Result<OldCertificate> read_old(const std::string& path) {
  const auto text = config::read_file(path, kCertificateBytes);
  if (!text) return fail(text.error());
  const auto chain = crypto::split_certificates(*text);
  if (!chain) return fail(in_file(path, chain.error()));
  auto info = crypto::read_certificate(chain->front());
  if (!info) return fail(in_file(path, info.error()));
  auto names = crypto::server_names_of(chain->front());
  if (!names) return fail(in_file(path, names.error()));
  return OldCertificate{std::move(*info), std::move(*names)};
}

struct Replacement {
  KeyPair files;
  bool new_key = false;
  std::string followed_by;  // in the certificate's file
};

// A new key first: until the certificate is there too, a reader that looks between the two finds a
// pair that does not fit, and looks again.
Result<Renewed> replace(const crypto::Authority& authority, const Replacement& what,
                        const crypto::CertificateRequest& request) {
  const auto key =
      what.new_key ? crypto::make_key_pem() : config::read_secret_file(what.files.key_file);
  if (!key) return fail(key.error());
  const auto certificate = sign_for(authority, *key, request);
  if (!certificate) return fail(certificate.error());
  const auto valid = crypto::validity_of(*certificate);
  if (!valid) return fail(valid.error());
  if (what.new_key) TOCSIN_TRY(config::write_file(what.files.key_file, *key, 0600));
  TOCSIN_TRY(
      config::write_file(what.files.certificate_file, *certificate + what.followed_by, 0644));
  return Renewed{what.files.certificate_file, valid->not_after};
}

crypto::CertificateRequest operator_request(std::string_view name, model::Role role, Instant now) {
  crypto::CertificateRequest request;
  request.identity.kind = crypto::Identity::Kind::operator_;
  request.identity.role = role;
  request.identity.name = name;
  request.not_before = now;
  request.life = kOperatorLife;
  return request;
}

KeyPair operator_files(const std::string& dir, std::string_view name) {
  return {fmt::format("{}/{}.key", dir, name), fmt::format("{}/{}.pem", dir, name)};
}

}  // namespace

Result<SiteAuthority> load_authority(const std::string& certificate_file,
                                     const std::string& key_file) {
  auto certificates = config::read_file(certificate_file, kCertificateBytes);
  if (!certificates) return fail(certificates.error());
  auto key = config::read_secret_file(key_file);
  if (!key) return fail(key.error());
  if (const auto good = crypto::public_key_of(*key); !good) {
    return fail(in_file(key_file, good.error()));
  }
  const auto each = crypto::split_certificates(*certificates);
  if (!each) return fail(in_file(certificate_file, each.error()));
  Error last;
  for (const std::string& certificate : *each) {
    crypto::Authority authority{certificate, *key};
    const Status fits = crypto::check_authority(authority);
    if (fits) return SiteAuthority{std::move(authority), std::move(*certificates)};
    last = fits.error();
  }
  return fail(in_file(certificate_file, last));
}

Result<SignedKey> sign_new_key(const crypto::Authority& authority,
                               const crypto::CertificateRequest& request) {
  auto key = crypto::make_key_pem();
  if (!key) return fail(key.error());
  auto certificate = sign_for(authority, *key, request);
  if (!certificate) return fail(certificate.error());
  return SignedKey{std::move(*key), std::move(*certificate)};
}

Status write_key_pair(const SignedKey& key, const KeyPair& files) {
  TOCSIN_TRY(config::create_file(files.key_file, key.key_pem, 0600));
  TOCSIN_TRY(config::give_to_folder_owner(files.key_file));
  TOCSIN_TRY(config::create_file(files.certificate_file, key.certificate_pem, 0644));
  return config::give_to_folder_owner(files.certificate_file);
}

Result<SignedKey> sign_operator(const crypto::Authority& authority, std::string_view name,
                                model::Role role, Instant now) {
  if (name.starts_with('.')) {
    return fail(ErrorCode::invalid_argument, "an operator's name does not begin with a dot");
  }
  return sign_new_key(authority, operator_request(name, role, now));
}

Result<KeyPair> add_operator(const crypto::Authority& authority, const std::string& dir,
                             std::string_view name, model::Role role, Instant now) {
  const auto key = sign_operator(authority, name, role, now);
  if (!key) return fail(key.error());
  if (::mkdir(dir.c_str(), 0700) == 0) {
    TOCSIN_TRY(config::give_to_folder_owner(dir));
  } else if (errno != EEXIST) {
    return fail(system_error(dir, errno));
  }
  KeyPair files = operator_files(dir, name);
  TOCSIN_TRY(write_key_pair(*key, files));
  return files;
}

Result<Renewed> renew_server(const crypto::Authority& authority, const ServerRenewal& renewal,
                             Instant now) {
  auto old = read_old(renewal.files.certificate_file);
  if (!old) return fail(old.error());
  if (old->info.identity.kind != crypto::Identity::Kind::collector) {
    return fail(ErrorCode::invalid_argument,
                renewal.files.certificate_file + " is not a collector's certificate");
  }
  const bool same_names = renewal.dns_names.empty() && renewal.ip_addresses.empty();
  crypto::CertificateRequest request;
  request.identity = old->info.identity;
  request.dns_names = same_names ? old->names.dns_names : renewal.dns_names;
  request.ip_addresses = same_names ? old->names.ip_addresses : renewal.ip_addresses;
  request.not_before = now - 5min;  // An agent's clock may be behind.
  request.life = kServerLife;
  return replace(authority, {renewal.files, renewal.new_key, authority.certificate_pem}, request);
}

Result<Renewed> renew_operator(const crypto::Authority& authority, const std::string& dir,
                               std::string_view name, bool new_key, Instant now) {
  if (name.find('/') != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, "an operator's name has no slash");
  }
  const KeyPair files = operator_files(dir, name);
  const auto old = read_old(files.certificate_file);
  if (!old) return fail(old.error());
  const crypto::Identity& who = old->info.identity;
  if (who.kind != crypto::Identity::Kind::operator_ || who.name != name) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is not {}'s certificate", files.certificate_file, name));
  }
  return replace(authority, {files, new_key, ""}, operator_request(name, who.role, now));
}

}  // namespace tocsin::collector
