#include "agent/link/renewal.hpp"

#include <cerrno>
#include <cstdio>
#include <functional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/config/secret_file.hpp"
#include "common/rpc/client_call.hpp"
#include "common/rpc/credentials.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::agent {

namespace asio = boost::asio;

namespace {

constexpr Duration kRenewWithin = 20s;

Status write_synced(int file, const std::string& path, const std::string& content) {
  std::size_t written = 0;
  while (written < content.size()) {
    const ssize_t count = ::write(file, content.data() + written, content.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("write " + path, errno));
    written += static_cast<std::size_t>(count);
  }
  if (::fsync(file) != 0) return fail(system_error("sync " + path, errno));
  return {};
}

Status sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail(system_error("open " + folder, errno));
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  if (result != 0) return fail(system_error("sync " + folder, error));
  return {};
}

Status keep(const v1::CertificateReply& reply, const crypto::CertificateInfo& old,
            const LinkConfig& config, Instant now) {
  const Result<crypto::CertificateInfo> fresh = crypto::read_certificate(reply.certificate());
  if (!fresh) return fail(fresh.error());
  if (fresh->identity.kind != crypto::Identity::Kind::agent ||
      fresh->identity.agent != old.identity.agent) {
    return fail(ErrorCode::permission_denied, "the new certificate is for another key");
  }
  // Authorities that this very certificate does not come from would end every connection for good.
  Result<std::string> authorities = reply.authorities();
  if (authorities->empty()) authorities = rpc::read_file(config.authorities_file);
  if (!authorities) return fail(authorities.error());
  TOCSIN_TRY(crypto::verify_certificate(reply.certificate(), *authorities, now));
  if (!reply.authorities().empty()) {
    TOCSIN_TRY(replace_file(config.authorities_file, reply.authorities()));
  }
  return replace_file(config.certificate_file, reply.certificate());
}

}  // namespace

Status replace_file(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".new";
  const int file =
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return fail(system_error("open " + fresh, errno));
  const Status written = write_synced(file, fresh, content);
  ::close(file);
  if (!written) return written;
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(system_error(fmt::format("rename {} to {}", fresh, path), errno));
  }
  return sync_folder_of(path);
}

Result<crypto::CertificateInfo> own_certificate(const LinkConfig& config) {
  const Result<std::string> pem = rpc::read_file(config.certificate_file);
  if (!pem) return fail(pem.error());
  Result<crypto::CertificateInfo> certificate = crypto::read_certificate(*pem);
  if (!certificate) return fail(certificate.error());
  if (certificate->identity.kind != crypto::Identity::Kind::agent) {
    return fail(ErrorCode::invalid_argument,
                config.certificate_file + " is not the certificate of an agent");
  }
  return certificate;
}

Instant renewal_due(const crypto::CertificateInfo& certificate) {
  return certificate.not_before + (certificate.not_after - certificate.not_before) / 3 * 2;
}

asio::awaitable<Status> renew(asio::any_io_executor executor, v1::AgentLink::Stub& stub,
                              const LinkConfig& config, const time::TimeSource& time) {
  const Result<crypto::CertificateInfo> old = own_certificate(config);
  if (!old) co_return fail(old.error());
  const Result<std::string> key = config::read_secret_file(config.private_key_file);
  if (!key) co_return fail(key.error());
  const Result<std::string> signing_request = crypto::make_signing_request(*key, config.host_name);
  if (!signing_request) co_return fail(signing_request.error());
  v1::RenewRequest request;
  request.set_signing_request(*signing_request);
  v1::CertificateReply reply;
  grpc::ClientContext context;
  rpc::limit_time(context, kRenewWithin);
  const auto start = [&](std::function<void(grpc::Status)> answered) {
    stub.async()->Renew(&context, &request, &reply, std::move(answered));
  };
  const grpc::Status status = co_await rpc::call(executor, start);
  if (!status.ok()) co_return fail(rpc::from_grpc(status));
  co_return keep(reply, *old, config, time.wall());
}

}  // namespace tocsin::agent
