#include "common/rpc/tls_files.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/signature.hpp"

namespace tocsin::rpc {
namespace {

tl::unexpected<Error> in_file(const std::string& path, const Error& error) {
  return fail(error.code, fmt::format("{}: {}", path, error.message));
}

// The first of a bundle; each of them is one.
Result<std::string> first_of(const std::string& bundle) {
  Result<std::vector<std::string>> each = crypto::split_certificates(bundle);
  if (!each) return fail(each.error());
  for (const std::string& certificate : *each) {
    const Result<std::string> fingerprint = crypto::fingerprint_of(certificate);
    if (!fingerprint) return fail(fingerprint.error());
  }
  return std::move(each->front());
}

}  // namespace

Result<TlsMaterial> read_tls_files(const TlsFiles& files) {
  Result<std::string> certificate = config::read_file(files.certificate, kTlsFileBytes);
  if (!certificate) return fail(certificate.error());
  Result<std::string> key = config::read_secret_file(files.private_key);
  if (!key) return fail(key.error());
  Result<std::string> authorities = config::read_file(files.authorities, kTlsFileBytes);
  if (!authorities) return fail(authorities.error());
  const Result<std::string> first = first_of(*certificate);
  if (!first) return in_file(files.certificate, first.error());
  const Result<std::string> certified = crypto::public_key_of_certificate(*first);
  if (!certified) return in_file(files.certificate, certified.error());
  const Result<std::string> own = crypto::public_key_of(*key);
  if (!own) return in_file(files.private_key, own.error());
  if (*certified != *own) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not the key of the certificate {}",
                                                         files.private_key, files.certificate));
  }
  if (const auto good = first_of(*authorities); !good) {
    return in_file(files.authorities, good.error());
  }
  return TlsMaterial{*std::move(certificate), *std::move(key), *std::move(authorities)};
}

}  // namespace tocsin::rpc
