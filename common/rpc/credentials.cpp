#include "common/rpc/credentials.hpp"

#include <vector>

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/base/limits.hpp"

namespace tocsin::rpc {
namespace {

constexpr int kKeepaliveMs = 20'000;         // a ping after this long without traffic
constexpr int kKeepaliveTimeoutMs = 10'000;  // no answer: the connection is dead
constexpr int kLeastPingMs = 10'000;         // more often than this from a client is abuse
constexpr int kConnectMs = 10'000;
constexpr int kMessageBytes = static_cast<int>(limits::kMessageBytes);

}  // namespace

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
  const Result<TlsMaterial> pem = read_tls_files(files);
  if (!pem) return fail(pem.error());
  const std::vector<grpc::experimental::IdentityKeyCertPair> pairs{
      {pem->private_key, pem->certificate}};
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(pem->authorities, pairs));
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
