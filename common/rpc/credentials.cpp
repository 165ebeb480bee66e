#include "common/rpc/credentials.hpp"

#include <array>
#include <vector>

#include <grpc/grpc_security_constants.h>
#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/base/limits.hpp"
#include "common/config/secret_file.hpp"

namespace tocsin::rpc {
namespace {

constexpr unsigned kReloadSeconds = 10;
constexpr int kKeepaliveMs = 20'000;         // a ping after this long without traffic
constexpr int kKeepaliveTimeoutMs = 10'000;  // no answer: the connection is dead
constexpr int kLeastPingMs = 10'000;         // more often than this from a client is abuse
constexpr int kConnectMs = 10'000;
constexpr int kMessageBytes = static_cast<int>(limits::kMessageBytes);

Status check_readable(const TlsFiles& files, bool authorities) {
  for (const std::string* path : {&files.certificate, &files.private_key, &files.authorities}) {
    if (path == &files.authorities && !authorities) continue;
    const Result<std::string> content = path == &files.private_key
                                            ? config::read_secret_file(*path)
                                            : config::read_file(*path, kTlsFileBytes);
    if (!content) return fail(content.error());
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(const TlsFiles& files,
                                                                    bool client_certificate) {
  TOCSIN_TRY(check_readable(files, client_certificate));
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.private_key, files.certificate, client_certificate ? files.authorities : "",
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

void apply_limits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMessageBytes);
  builder.SetMaxSendMessageSize(kMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

Result<std::shared_ptr<grpc::Channel>> secure_channel(const std::string& address,
                                                      const TlsFiles& files,
                                                      const std::string& server_name) {
  std::array<std::string, 3> pem;
  const std::array paths{&files.certificate, &files.private_key, &files.authorities};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    Result<std::string> content = paths[i] == &files.private_key
                                      ? config::read_secret_file(*paths[i])
                                      : config::read_file(*paths[i], kTlsFileBytes);
    if (!content) return fail(content.error());
    pem[i] = std::move(*content);
  }
  const std::vector<grpc::experimental::IdentityKeyCertPair> pairs{{pem[1], pem[0]}};
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(pem[2], pairs));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_verify_server_certs(true);

  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytes);
  arguments.SetMaxSendMessageSize(kMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // What comes down is little: to measure for how much more there would be room costs the client
  // and the server a ping and several timers for each message.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  if (!server_name.empty()) arguments.SetSslTargetNameOverride(server_name);
  return grpc::CreateCustomChannel(address, grpc::experimental::TlsCredentials(options), arguments);
}

}  // namespace tocsin::rpc
