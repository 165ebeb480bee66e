#include "common/rpc/server_tls.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin::rpc {
namespace {

constexpr unsigned kReloadSeconds = 5;

std::string path_of(int copy) { return fmt::format("/proc/self/fd/{}", copy); }

// Never empty in between, and cut to its length last.
Status overwrite(int copy, std::string_view content) {
  const auto size = static_cast<off_t>(content.size());
  if (::pwrite(copy, content.data(), content.size(), 0) == size && ::ftruncate(copy, size) == 0) {
    return {};
  }
  return fail(system_error("keep a certificate in memory", errno));
}

}  // namespace

Result<std::unique_ptr<ServerTls>> ServerTls::open(const TlsFiles& files) {
  std::unique_ptr<ServerTls> tls(new ServerTls(files));
  for (int& copy : tls->copies_) {
    copy = ::memfd_create("tocsin-tls", MFD_CLOEXEC);
    if (copy < 0) return fail(system_error("make a file in memory", errno));
  }
  TOCSIN_TRY(tls->look());
  return tls;
}

ServerTls::~ServerTls() {
  for (const int copy : copies_) {
    if (copy >= 0) ::close(copy);
  }
}

std::shared_ptr<grpc::ServerCredentials> ServerTls::credentials(bool client_certificate) const {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      path_of(copies_[1]), path_of(copies_[0]), client_certificate ? path_of(copies_[2]) : "",
      kReloadSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (client_certificate) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

Status ServerTls::look() {
  std::string now = stamps();
  if (now == seen_) return last_;
  const Result<TlsMaterial> material = read_tls_files(files_);
  if (material) {
    last_ = take(*material);
  } else {
    last_ = fail(material.error());
  }
  // What was written while it was read has another stamp at the next look.
  seen_ = std::move(now);
  return last_;
}

Status ServerTls::take(const TlsMaterial& material) {
  if (material == served_) return {};
  const std::array contents{&material.certificate, &material.private_key, &material.authorities};
  for (std::size_t i = 0; i < kFiles; ++i) TOCSIN_TRY(overwrite(copies_[i], *contents[i]));
  served_ = material;
  return {};
}

std::string ServerTls::stamps() const {
  std::string all;
  for (const std::string* path : {&files_.certificate, &files_.private_key, &files_.authorities}) {
    struct stat file {};
    const int error = ::stat(path->c_str(), &file) == 0 ? 0 : errno;
    all += fmt::format("{} {} {} {} {}.{} {}.{} {:o};", error, file.st_dev, file.st_ino,
                       file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec, file.st_ctim.tv_sec,
                       file.st_ctim.tv_nsec, file.st_mode);
  }
  return all;
}

}  // namespace tocsin::rpc
