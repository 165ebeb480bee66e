// Enrolment over a real TLS port without client certificates.
#include "tocsin/v1/agent.grpc.pb.h"
#include <gtest/gtest.h>

#include "collector/enroll/service.hpp"
#include "common/time/time_source.hpp"
#include "tests/integration/operator/tls_server.hpp"
#include "tests/support/fake_collector.hpp"

namespace tocsin::collector {
namespace {

using grpc::StatusCode;

class EnrollmentServiceTest : public testing::Test {
 protected:
  Enrollment::Parts parts() {
    return {{site_.authority(), site_.authority().certificate_pem},
            fake_.intake,
            fake_.judge,
            fake_.state,
            time_,
            [this](std::string_view token, std::string_view, const AgentId&) -> Result<TokenGrant> {
              if (token != "good" || used_) return fail(ErrorCode::unauthenticated, "unknown");
              return TokenGrant{"t-1", {"root", model::Role::admin, "f2"}};
            },
            [this](std::string_view) {
              used_ = true;
              return Status{};
            },
            {}};
  }
  grpc::Status enroll(const v1::EnrollRequest& request, v1::CertificateReply& reply) {
    const auto stub =
        v1::Enrollment::NewStub(server_.connect(site_.authority().certificate_pem, {}));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return stub->Enroll(&context, request, &reply);
  }
  v1::EnrollRequest request() const {
    v1::EnrollRequest request;
    request.set_token("good");
    request.set_signing_request(crypto::make_signing_request(key_, "hint").value());
    request.set_host_name("tsm-bk02");
    return request;
  }

  time::SystemTime time_;
  const tests::TestAuthority site_{time_.wall()};
  const std::string key_ = crypto::make_key_pem().value();
  tests::FakeCollector fake_;
  bool used_ = false;
  Enrollment enrollment_{parts()};
  Workers workers_{1, 4};
  std::shared_ptr<grpc::Service> service_ = make_enrollment_service(enrollment_, workers_);
  tests::TlsServer server_{*service_, site_, tests::ClientCertificate::none, kEnrollRequestBytes};
};

TEST_F(EnrollmentServiceTest, AHostWithATokenGetsACertificateOnce) {
  v1::CertificateReply reply;
  const grpc::Status first = enroll(request(), reply);
  ASSERT_TRUE(first.ok()) << first.error_message();
  EXPECT_EQ(reply.agent_id(), crypto::agent_id_of_key(key_)->hex);
  EXPECT_TRUE(crypto::verify_certificate(reply.certificate(), reply.authorities(), time_.wall()));
  const grpc::Status second = enroll(request(), reply);
  EXPECT_EQ(second.error_code(), StatusCode::UNAUTHENTICATED);
  auto unknown = request();
  unknown.set_token("never-existed");
  EXPECT_EQ(enroll(unknown, reply).error_message(), second.error_message());
}

TEST_F(EnrollmentServiceTest, RequestsAreBounded) {
  auto large = request();
  large.set_host_name(std::string(1 << 20, 'a'));
  v1::CertificateReply reply;
  EXPECT_EQ(enroll(large, reply).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  auto hostile = request();
  hostile.set_host_name("a b");
  EXPECT_EQ(enroll(hostile, reply).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(enroll(request(), reply).ok());
}

TEST_F(EnrollmentServiceTest, AnAddressThatTriesTooOftenMustWait) {
  auto wrong = request();
  wrong.set_token("guess");
  v1::CertificateReply reply;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(enroll(wrong, reply).error_code(), StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(enroll(wrong, reply).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(enroll(request(), reply).error_code(), StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace tocsin::collector
