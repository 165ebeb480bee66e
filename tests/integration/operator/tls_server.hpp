// A gRPC server on a free loopback port with a test's certificates, and channels to it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "tests/support/test_authority.hpp"

namespace tocsin::tests {

enum class ClientCertificate { none, demanded };

class TlsServer {
 public:
  TlsServer(grpc::Service& service, const TestAuthority& site, ClientCertificate client,
            int most_bytes = 4 << 20) {
    const KeyAndCertificate own = site.for_collector();
    grpc::SslServerCredentialsOptions options(
        client == ClientCertificate::demanded
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    options.pem_root_certs = site.authority().certificate_pem;
    options.pem_key_cert_pairs = {{own.key_pem, own.certificate_pem}};
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.SetMaxReceiveMessageSize(most_bytes);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
  }
  ~TlsServer() {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    server_->Wait();
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // A connection of its own; `client` may be empty.
  std::shared_ptr<grpc::Channel> connect(const std::string& root_pem,
                                         const KeyAndCertificate& client) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = root_pem;
    options.pem_private_key = client.key_pem;
    options.pem_cert_chain = client.certificate_pem;
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);
    return grpc::CreateCustomChannel(address(), grpc::SslCredentials(options), arguments);
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tocsin::tests
