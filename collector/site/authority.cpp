#include "collector/site/authority.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/config/secret_file.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kCertificateBytes = 64 << 10;

}  // namespace

Result<crypto::Authority> load_authority(const std::string& certificate_file,
                                         const std::string& key_file) {
  auto certificate = config::read_file(certificate_file, kCertificateBytes);
  if (!certificate) return fail(certificate.error());
  auto key = config::read_secret_file(key_file);
  if (!key) return fail(key.error());
  return crypto::Authority{std::move(*certificate), std::move(*key)};
}

Result<SignedKey> sign_new_key(const crypto::Authority& authority,
                               const crypto::CertificateRequest& request) {
  auto key = crypto::make_key_pem();
  if (!key) return fail(key.error());
  const auto asked = crypto::make_signing_request(*key, request.identity.name);
  if (!asked) return fail(asked.error());
  auto certificate = crypto::sign_certificate(authority, *asked, request);
  if (!certificate) return fail(certificate.error());
  return SignedKey{std::move(*key), std::move(*certificate)};
}

Status write_key_pair(const SignedKey& key, const KeyPair& files) {
  TOCSIN_TRY(config::create_file(files.key_file, key.key_pem, 0600));
  return config::create_file(files.certificate_file, key.certificate_pem, 0644);
}

Result<SignedKey> sign_operator(const crypto::Authority& authority, std::string_view name,
                                model::Role role, Instant now) {
  if (name.starts_with('.')) {
    return fail(ErrorCode::invalid_argument, "an operator's name does not begin with a dot");
  }
  crypto::CertificateRequest request;
  request.identity.kind = crypto::Identity::Kind::operator_;
  request.identity.role = role;
  request.identity.name = name;
  request.not_before = now - 5min;
  request.life = kOperatorLife;
  return sign_new_key(authority, request);
}

Result<KeyPair> add_operator(const crypto::Authority& authority, const std::string& dir,
                             std::string_view name, model::Role role, Instant now) {
  const auto key = sign_operator(authority, name, role, now);
  if (!key) return fail(key.error());
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return fail(system_error(dir, errno));
  KeyPair files{fmt::format("{}/{}.key", dir, name), fmt::format("{}/{}.pem", dir, name)};
  TOCSIN_TRY(write_key_pair(*key, files));
  return files;
}

}  // namespace tocsin::collector
