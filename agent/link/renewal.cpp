#include "agent/link/renewal.hpp"

#include <functional>
#include <utility>

#include "common/config/secret_file.hpp"
#include "common/rpc/client_call.hpp"
#include "common/rpc/credentials.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::agent {

namespace asio = boost::asio;

namespace {

constexpr Duration kRenewWithin = 20s;

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
  if (authorities->empty())
    authorities = config::read_file(config.authorities_file, rpc::kTlsFileBytes);
  if (!authorities) return fail(authorities.error());
  TOCSIN_TRY(crypto::verify_certificate(reply.certificate(), *authorities, now));
  if (!reply.authorities().empty()) {
    TOCSIN_TRY(config::write_file(config.authorities_file, reply.authorities(), 0644));
  }
  return config::write_file(config.certificate_file, reply.certificate(), 0644);
}

}  // namespace

Result<crypto::CertificateInfo> own_certificate(const LinkConfig& config) {
  const Result<std::string> pem = config::read_file(config.certificate_file, rpc::kTlsFileBytes);
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

asio::awaitable<Status> renew(rpc::Completions& completions, asio::any_io_executor executor,
                              v1::AgentLink::Stub& stub, const LinkConfig& config,
                              const time::TimeSource& time) {
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
  const auto prepare = [&](grpc::ClientContext* its, grpc::CompletionQueue* queue) {
    return stub.PrepareAsyncRenew(its, request, queue);
  };
  const grpc::Status status = co_await rpc::call(completions, executor, context, reply, prepare);
  if (!status.ok()) co_return fail(rpc::from_grpc(status));
  co_return keep(reply, *old, config, time.wall());
}

}  // namespace tocsin::agent
