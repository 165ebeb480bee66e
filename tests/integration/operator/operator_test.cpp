// The operator service over real mTLS: who gets in, and that every method crosses the wire.
#include <future>
#include <latch>

#include "tocsin/v1/operator.grpc.pb.h"
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "collector/operate/service.hpp"
#include "common/time/time_source.hpp"
#include "tests/integration/operator/tls_server.hpp"
#include "tests/support/fake_collector.hpp"

namespace tocsin::collector {
namespace {

using grpc::StatusCode;
using tests::KeyAndCertificate;

class OperatorServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_.state.host_rows = {tests::a_host("tsm-bk02", 'a')};
    fake_.state.incident_rows = {
        tests::an_incident(42, fake_.state.host_rows[0], model::Severity::c)};
  }
  OperatorApi::Parts parts() {
    return {fake_.state,
            fake_.intake,
            fake_.judge,
            [this] { return fake_.intake.head(); },
            [this] { return verify_(); },
            [](const TokenRequest& wanted) -> Result<NewToken> {
              return NewToken{"secret", "t-1", tests::kNow + wanted.valid};
            },
            [](const std::string&) { return Status{}; },
            {},
            {},
            "0.1.0",
            "memory",
            "collector1:8444",
            "aa11",
            tests::kNow};
  }
  std::unique_ptr<v1::Operator::Stub> stub(const KeyAndCertificate& who) {
    return v1::Operator::NewStub(server_.connect(site_.authority().certificate_pem, who));
  }
  template <class Reply, class Method, class Request>
  grpc::Status call(v1::Operator::Stub& stub, Method method, const Request& request, Reply& reply) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return (stub.*method)(&context, request, &reply);
  }
  grpc::Status send_raw(const std::string& method, const std::string& bytes) {
    grpc::GenericStub raw(server_.connect(site_.authority().certificate_pem, duty_));
    grpc::ClientContext context;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer reply;
    std::promise<grpc::Status> answered;
    raw.UnaryCall(&context, method, grpc::StubOptions(), &request, &reply,
                  [&](grpc::Status status) { answered.set_value(std::move(status)); });
    return answered.get_future().get();
  }
  static v1::ExecuteRequest acknowledge(std::string id) {
    v1::ExecuteRequest request;
    request.set_wait_ms(1000);
    request.mutable_command()->set_id(std::move(id));
    request.mutable_command()->mutable_acknowledge()->set_incident_id(42);
    return request;
  }

  time::SystemTime time_;
  const tests::TestAuthority site_{time_.wall()};
  const KeyAndCertificate duty_ = site_.for_operator("wang", model::Role::duty);
  const KeyAndCertificate admin_ = site_.for_operator("root", model::Role::admin);
  tests::FakeCollector fake_;
  std::function<Result<ChainReport>()> verify_ = [] { return ChainReport{}; };
  OperatorApi api_{parts()};
  Callers callers_{"", time_};
  Workers workers_{2, 4};
  std::shared_ptr<grpc::Service> service_ = make_operator_service(api_, callers_, workers_);
  tests::TlsServer server_{*service_, site_, tests::ClientCertificate::demanded};
};

TEST_F(OperatorServiceTest, EveryMethodAnswersAnOperator) {
  const auto admin = stub(admin_);
  v1::Status status;
  ASSERT_TRUE(call(*admin, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status).ok());
  EXPECT_EQ(status.you().name(), "root");
  EXPECT_EQ(status.agents_heard(), 1U);
  v1::HostList hosts;
  ASSERT_TRUE(call(*admin, &v1::Operator::Stub::ListHosts, v1::ListHostsRequest{}, hosts).ok());
  EXPECT_EQ(hosts.hosts_size(), 1);
  v1::IncidentList incidents;
  ASSERT_TRUE(
      call(*admin, &v1::Operator::Stub::ListIncidents, v1::ListIncidentsRequest{}, incidents).ok());
  EXPECT_EQ(incidents.incidents_size(), 1);
  v1::GetIncidentRequest wanted;
  wanted.set_reference("42");
  v1::IncidentDetail detail;
  ASSERT_TRUE(call(*admin, &v1::Operator::Stub::GetIncident, wanted, detail).ok());
  EXPECT_EQ(detail.incident().id(), 42U);
  v1::ExecuteReply done;
  ASSERT_TRUE(call(*admin, &v1::Operator::Stub::Execute, acknowledge("command-1"), done).ok());
  EXPECT_EQ(done.result().outcome(), v1::CommandResult::OUTCOME_DONE);
  v1::EnrollToken token;
  v1::CreateEnrollTokenRequest for_token;
  for_token.set_command_id("command-token");
  ASSERT_TRUE(call(*admin, &v1::Operator::Stub::CreateEnrollToken, for_token, token).ok());
  EXPECT_EQ(token.token(), "secret");
  v1::AuditReport report;
  ASSERT_TRUE(
      call(*admin, &v1::Operator::Stub::VerifyAudit, v1::VerifyAuditRequest{}, report).ok());
  EXPECT_TRUE(report.intact());
}

TEST_F(OperatorServiceTest, WhatIsWrittenIsReadBack) {
  const auto duty = stub(duty_);
  v1::ExecuteReply done;
  ASSERT_TRUE(call(*duty, &v1::Operator::Stub::Execute, acknowledge("command-1"), done).ok());
  v1::ListIncidentsRequest request;
  request.mutable_read_at()->set_at_least_position(done.position());
  request.mutable_read_at()->set_wait_ms(1000);
  v1::IncidentList list;
  ASSERT_TRUE(call(*duty, &v1::Operator::Stub::ListIncidents, request, list).ok());
  EXPECT_GE(list.as_of().position(), done.position());
  request.mutable_read_at()->set_at_least_position(done.position() + 1);
  EXPECT_EQ(call(*duty, &v1::Operator::Stub::ListIncidents, request, list).error_code(),
            StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(OperatorServiceTest, TheCertificateIsTheCallerWhateverThePayloadSays) {
  const auto duty = stub(duty_);
  auto request = acknowledge("command-1");
  request.mutable_command()->mutable_principal()->set_name("root");
  request.mutable_command()->mutable_principal()->set_role(v1::ROLE_ADMIN);
  v1::ExecuteReply done;
  ASSERT_TRUE(call(*duty, &v1::Operator::Stub::Execute, request, done).ok());
  const auto& command = std::get<model::Command>(fake_.intake.entries.at(0));
  EXPECT_EQ(command.principal.name, "wang");
  EXPECT_EQ(command.principal.role, model::Role::duty);
}

TEST_F(OperatorServiceTest, ARefusalByRoleComesFromTheJudgeAndIsJournaled) {
  fake_.intake.decide = [](const model::Command& command) {
    model::CommandResult result;
    if (command.principal.role == model::Role::auditor) {
      result.outcome = model::CommandOutcome::refused;
      result.detail = {"command.not_permitted", {{"role", "auditor"}}};
    }
    return result;
  };
  const auto auditor = stub(site_.for_operator("audit1", model::Role::auditor));
  v1::ExecuteReply reply;
  ASSERT_TRUE(call(*auditor, &v1::Operator::Stub::Execute, acknowledge("command-1"), reply).ok());
  EXPECT_EQ(reply.result().outcome(), v1::CommandResult::OUTCOME_REFUSED);
  EXPECT_EQ(reply.result().detail().code(), "command.not_permitted");
  EXPECT_EQ(fake_.intake.entries.size(), 1U);
  v1::EnrollToken token;
  v1::CreateEnrollTokenRequest for_token;
  for_token.set_command_id("command-token");
  EXPECT_EQ(call(*auditor, &v1::Operator::Stub::CreateEnrollToken, for_token, token).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(fake_.intake.entries.size(), 2U);
}

TEST_F(OperatorServiceTest, AConflictAndAPendingCommandAreAnswers) {
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::conflict;
    result.conflict_with = {"li", model::Role::duty, "f9"};
    return result;
  };
  const auto duty = stub(duty_);
  v1::ExecuteReply reply;
  ASSERT_TRUE(call(*duty, &v1::Operator::Stub::Execute, acknowledge("command-1"), reply).ok());
  EXPECT_EQ(reply.result().outcome(), v1::CommandResult::OUTCOME_CONFLICT);
  EXPECT_EQ(reply.result().conflict_with().name(), "li");
  fake_.intake.judging = false;
  ASSERT_TRUE(call(*duty, &v1::Operator::Stub::Execute, acknowledge("command-2"), reply).ok());
  EXPECT_TRUE(reply.pending());
}

TEST_F(OperatorServiceTest, AnAgentIsRefusedBeforeTheJournal) {
  const auto agent = stub(site_.for_agent());
  v1::ExecuteReply done;
  EXPECT_EQ(call(*agent, &v1::Operator::Stub::Execute, acknowledge("command-1"), done).error_code(),
            StatusCode::PERMISSION_DENIED);
  v1::Status status;
  EXPECT_EQ(
      call(*agent, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status).error_code(),
      StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(fake_.intake.entries.empty());
  EXPECT_EQ(callers_.refused(), 2U);
}

TEST_F(OperatorServiceTest, NobodyGetsInWithoutACertificateOfThisSite) {
  const tests::TestAuthority foreign(time_.wall());
  v1::Status status;
  for (const KeyAndCertificate& who :
       {foreign.for_operator("wang", model::Role::admin), KeyAndCertificate{}}) {
    const auto stranger = stub(who);
    EXPECT_EQ(call(*stranger, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status)
                  .error_code(),
              StatusCode::UNAVAILABLE);
  }
  // And an operator does not talk to a collector of another authority.
  const auto misled =
      v1::Operator::NewStub(server_.connect(foreign.authority().certificate_pem, duty_));
  EXPECT_EQ(
      call(*misled, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status).error_code(),
      StatusCode::UNAVAILABLE);
}

TEST_F(OperatorServiceTest, OversizedAndGarbageRequestsAreRefusedAndTheServerLives) {
  const auto duty = stub(duty_);
  v1::ExecuteReply done;
  auto request = acknowledge("command-1");
  request.mutable_command()->set_note(std::string(100 << 10, 'x'));
  EXPECT_EQ(call(*duty, &v1::Operator::Stub::Execute, request, done).error_code(),
            StatusCode::INVALID_ARGUMENT);
  request.mutable_command()->set_note(std::string(5 << 20, 'x'));
  EXPECT_EQ(call(*duty, &v1::Operator::Stub::Execute, request, done).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);

  // Bytes that are no message: a field that claims more than there is.
  EXPECT_FALSE(
      send_raw("/tocsin.v1.Operator/GetIncident", std::string("\x12\xff\xff\x03x", 5)).ok());
  v1::Status status;
  EXPECT_TRUE(call(*duty, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status).ok());
  EXPECT_TRUE(fake_.intake.entries.empty());
}

TEST_F(OperatorServiceTest, MoreCallsThanThePoolHoldsAreRefusedAndCounted) {
  std::latch started(1);
  std::latch may_end(1);
  verify_ = [&] {
    started.count_down();
    may_end.wait();
    return ChainReport{};
  };
  const auto duty = stub(duty_);
  std::vector<std::future<grpc::StatusCode>> slow;
  slow.push_back(std::async(std::launch::async, [&] {
    v1::AuditReport report;
    return call(*duty, &v1::Operator::Stub::VerifyAudit, v1::VerifyAuditRequest{}, report)
        .error_code();
  }));
  started.wait();
  std::latch second_started(1);
  ASSERT_TRUE(workers_.post([&] {
    second_started.count_down();
    may_end.wait();
  }));
  second_started.wait();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(workers_.post([&] { may_end.wait(); }));
  v1::Status status;
  EXPECT_EQ(
      call(*duty, &v1::Operator::Stub::GetStatus, v1::GetStatusRequest{}, status).error_code(),
      StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(workers_.rejected(), 1U);
  may_end.count_down();
  EXPECT_EQ(slow[0].get(), StatusCode::OK);
  workers_.stop();  // Its other jobs look at this function's latches.
}

}  // namespace
}  // namespace tocsin::collector
