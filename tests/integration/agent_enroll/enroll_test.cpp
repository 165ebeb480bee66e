// A host enrols over a real TLS port.
#include "agent/enroll/enroll.hpp"

#include <filesystem>

#include "tocsin/v1/agent.grpc.pb.h"
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/config/secret_file.hpp"
#include "common/crypto/server_chain.hpp"
#include "common/time/time_source.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "0123456789abcdef";

// Signs for whoever has the token, once.
class Door final : public v1::Enrollment::Service {
 public:
  explicit Door(const crypto::Authority& authority, Instant now)
      : authority_(authority), now_(now) {}
  grpc::Status Enroll(grpc::ServerContext*, const v1::EnrollRequest* request,
                      v1::CertificateReply* reply) override {
    ++calls;
    if (request->token() != kToken) return {grpc::StatusCode::UNAUTHENTICATED, "the token"};
    const std::string key = sign_another_key ? crypto::make_key_pem().value() : "";
    const std::string asked = sign_another_key ? crypto::make_signing_request(key, "x").value()
                                               : request->signing_request();
    crypto::CertificateRequest wanted;
    wanted.identity.agent = crypto::agent_id_of_request(asked).value();
    wanted.not_before = now_ - 1min;
    wanted.life = 24h;
    reply->set_certificate(crypto::sign_certificate(authority_, asked, wanted).value());
    reply->set_authorities(authority_.certificate_pem);
    host_name = request->host_name();
    return grpc::Status::OK;
  }
  int calls = 0;
  bool sign_another_key = false;
  std::string host_name;

 private:
  const crypto::Authority& authority_;
  const Instant now_;
};

class Enroll : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-enroll-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    const auto own = site_.for_collector();
    grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    tls.pem_key_cert_pairs = {
        {own.key_pem, own.certificate_pem + site_.authority().certificate_pem}};
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port_);
    builder.RegisterService(&door_);
    server_ = builder.BuildAndStart();
    options_.collector = "127.0.0.1:" + std::to_string(port_);
    options_.token = kToken;
    options_.fingerprint = crypto::fingerprint_of(site_.authority().certificate_pem).value();
    options_.host_name = "web1";
    options_.directory = dir_ / "agent";
  }
  void TearDown() override {
    server_->Shutdown();
    std::filesystem::remove_all(dir_);
  }
  std::string file(const char* name) const { return options_.directory + "/" + name; }

  time::SystemTime time_;
  const tests::TestAuthority site_{time_.wall()};
  Door door_{site_.authority(), time_.wall()};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::filesystem::path dir_;
  EnrollOptions options_;
};

TEST_F(Enroll, GivesTheHostAKeyACertificateAndTheAuthority) {
  const auto enrolled = enroll(options_, time_);
  ASSERT_TRUE(enrolled) << enrolled.error().message;
  EXPECT_EQ(door_.host_name, "web1");
  const auto key = config::read_secret_file(file("agent.key"));
  ASSERT_TRUE(key) << "mode 0600";
  EXPECT_EQ(crypto::agent_id_of_key(*key).value(), enrolled->agent);
  const std::string certificate = config::read_file(file("agent.pem"), 1 << 16).value();
  EXPECT_EQ(crypto::read_certificate(certificate)->identity.agent, enrolled->agent);
  EXPECT_EQ(config::read_file(file("ca.pem"), 1 << 16).value(), site_.authority().certificate_pem);
}

TEST_F(Enroll, SendsNothingToACollectorWithAnotherAuthority) {
  options_.fingerprint = std::string(64, '0');
  const auto refused = enroll(options_, time_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(refused.error().message, Not(HasSubstr(kToken)));
  EXPECT_EQ(door_.calls, 0);
  EXPECT_FALSE(std::filesystem::exists(file("agent.pem")));
}

// The pinned authority must have signed what the server uses: showing its certificate is not
// enough, because anybody can.
TEST_F(Enroll, SendsNothingToAServerThatOnlyShowsTheAuthority) {
  const tests::TestAuthority impostor(time_.wall());
  const auto own = impostor.for_collector();
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs = {{own.key_pem, own.certificate_pem + site_.authority().certificate_pem}};
  Door door(impostor.authority(), time_.wall());
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port);
  builder.RegisterService(&door);
  const auto server = builder.BuildAndStart();
  options_.collector = "127.0.0.1:" + std::to_string(port);
  options_.longest = std::chrono::seconds(5);
  const auto refused = enroll(options_, time_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable) << refused.error().message;
  EXPECT_EQ(door.calls, 0);
  server->Shutdown();
}

TEST_F(Enroll, SendsNothingToAServerOfAnotherName) {
  options_.server_name = "other.example";
  options_.longest = std::chrono::seconds(5);
  EXPECT_FALSE(enroll(options_, time_));
  EXPECT_EQ(door_.calls, 0);
}

TEST_F(Enroll, WithAWrongTokenLeavesTheKeyForTheNextTry) {
  options_.token = "wrong";
  EXPECT_EQ(enroll(options_, time_).error().code, ErrorCode::unauthenticated);
  const std::string key = config::read_secret_file(file("agent.key")).value();
  options_.token = kToken;
  ASSERT_TRUE(enroll(options_, time_));
  EXPECT_EQ(config::read_secret_file(file("agent.key")).value(), key);
}

TEST_F(Enroll, IsDoneOnce) {
  ASSERT_TRUE(enroll(options_, time_));
  EXPECT_EQ(enroll(options_, time_).error().code, ErrorCode::already_exists);
  EXPECT_EQ(door_.calls, 1);
}

TEST_F(Enroll, RefusesACertificateForAnotherKey) {
  door_.sign_another_key = true;
  EXPECT_EQ(enroll(options_, time_).error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(std::filesystem::exists(file("agent.pem")));
}

TEST_F(Enroll, RefusesAKeyThatOthersMayRead) {
  std::filesystem::create_directory(options_.directory);
  ASSERT_TRUE(config::write_file(file("agent.key"), crypto::make_key_pem().value(), 0644));
  EXPECT_EQ(enroll(options_, time_).error().code, ErrorCode::permission_denied);
}

// A port that answers no TLS: accepted by the kernel, never read.
TEST(ServerChain, IsWaitedForAsLongAsSaid) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto chain = crypto::fetch_server_chain("127.0.0.1", ntohs(address.sin_port),
                                                std::chrono::milliseconds(200));
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().code, ErrorCode::deadline_exceeded);
  ::close(listener);
  const auto closed = crypto::fetch_server_chain("127.0.0.1", ntohs(address.sin_port),
                                                 std::chrono::milliseconds(200));
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace tocsin::agent
