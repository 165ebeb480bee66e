// What the collector answers to agents that do not keep to the protocol, and to strangers.
#include <atomic>
#include <chrono>

#include <gmock/gmock.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/rpc/credentials.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"
#include "tests/integration/link/room.hpp"

namespace tocsin::tests {
namespace {

using ::testing::HasSubstr;

// An agent spoken by hand; every call ends after ten seconds at the latest.
class HandSession {
 public:
  HandSession(Room& room, const TestAgent& agent) : stub_(room.stub(agent)) {
    context_.set_deadline(std::chrono::system_clock::now() + 10s);
    stream_ = stub_->Session(&context_);
  }
  ~HandSession() {
    context_.TryCancel();
    if (!finished_) static_cast<void>(stream_->Finish());
  }

  bool hello(std::uint64_t epoch, std::uint64_t first, std::uint64_t last,
             const std::string& instance = "one") {
    v1::AgentMessage message;
    v1::Hello& hello = *message.mutable_hello();
    hello.set_protocol(1);
    hello.set_epoch(epoch);
    hello.set_instance(instance);
    hello.set_first_seq(first);
    hello.set_last_seq(last);
    return stream_->Write(message);
  }
  bool facts(std::uint64_t epoch, std::uint64_t first, const std::vector<std::string>& facts) {
    v1::AgentMessage message;
    message.mutable_facts()->set_epoch(epoch);
    message.mutable_facts()->set_first_seq(first);
    for (const std::string& fact : facts) message.mutable_facts()->add_facts(fact);
    return stream_->Write(message);
  }
  bool write(const v1::AgentMessage& message) { return stream_->Write(message); }
  // The next message of this kind; an empty one at the end of the stream.
  v1::CollectorMessage next(v1::CollectorMessage::BodyCase kind) {
    v1::CollectorMessage message;
    while (stream_->Read(&message)) {
      if (message.body_case() == kind) return message;
    }
    return {};
  }
  grpc::Status finish() {
    finished_ = true;
    v1::CollectorMessage ignored;
    while (stream_->Read(&ignored)) continue;
    return stream_->Finish();
  }

 private:
  std::unique_ptr<v1::AgentLink::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>> stream_;
  bool finished_ = false;
};

constexpr auto kChainQuery = v1::CollectorMessage::kChainQuery;
constexpr auto kResendCheck = v1::CollectorMessage::kResendCheck;
constexpr auto kResume = v1::CollectorMessage::kResume;
constexpr auto kAck = v1::CollectorMessage::kAck;
constexpr auto kResend = v1::CollectorMessage::kResend;
constexpr auto kRefusal = v1::CollectorMessage::kRefusal;

TEST(LinkProtocol, DuplicatesHaveNoEffectAndAreCounted) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 3));
  EXPECT_EQ(session.next(kResume).resume().acked_seq(), 0U);
  ASSERT_TRUE(session.facts(7, 1, {a_fact(1), a_fact(2)}));
  EXPECT_EQ(session.next(kAck).ack().up_to_seq(), 2U);
  ASSERT_TRUE(session.facts(7, 1, {a_fact(1), a_fact(2), a_fact(3)}));
  EXPECT_EQ(session.next(kAck).ack().up_to_seq(), 3U);
  ASSERT_TRUE(session.facts(7, 2, {a_fact(2)}));
  EXPECT_EQ(session.next(kAck).ack().up_to_seq(), 3U);
  EXPECT_EQ(room.intake.seqs(agent.id, Epoch{7}), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(room.hub().counters().duplicates, 3U);
}

TEST(LinkProtocol, AGapAsksForAResendAndTakesNothingIn) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 9));
  session.next(kResume);
  ASSERT_TRUE(session.facts(7, 3, {a_fact(3)}));
  EXPECT_EQ(session.next(kResend).resend().from_seq(), 1U);
  ASSERT_TRUE(session.facts(7, 1, {a_fact(1), a_fact(2), a_fact(3)}));
  EXPECT_EQ(session.next(kAck).ack().up_to_seq(), 3U);
  EXPECT_EQ(room.intake.seqs(agent.id, Epoch{7}), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(room.hub().counters().gaps, 1U);
}

TEST(LinkProtocol, AnAckComesOnlyAfterTheCommit) {
  Room room;
  const TestAgent agent = room.add_agent();
  room.intake.hold(true);
  {
    HandSession session(room, agent);
    ASSERT_TRUE(session.hello(7, 1, 1));
    session.next(kResume);
    ASSERT_TRUE(session.facts(7, 1, {a_fact(1)}));
    ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));
  }
  // The connection is gone, the commit still to come: a new session waits for what became of it.
  HandSession again(room, agent);
  ASSERT_TRUE(again.hello(7, 1, 1));
  room.intake.hold(false);
  const std::uint64_t acked = again.next(kResume).resume().acked_seq();
  EXPECT_EQ(acked, room.intake.seqs(agent.id, Epoch{7}).size());
}

TEST(LinkProtocol, AFactThatCannotBeReadIsKeptAndBlocksNothing) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 2));
  session.next(kResume);
  const std::string garbage = "\xff\xff\xff not a fact";
  ASSERT_TRUE(session.facts(7, 1, {garbage, a_fact(2)}));
  ASSERT_TRUE(eventually([&] { return room.intake.facts() == 2; }));
  EXPECT_THAT(room.intake.bytes(),
              ::testing::Contains(wire::encode_agent_fact(agent.id, Epoch{7}, Seq{1}, garbage)));
}

TEST(LinkProtocol, TheSameInstanceReplacesItsOldStream) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession old(room, agent);
  ASSERT_TRUE(old.hello(7, 1, 0));
  old.next(kResume);
  HandSession fresh(room, agent);
  ASSERT_TRUE(fresh.hello(7, 1, 0));
  EXPECT_TRUE(fresh.next(kResume).has_resume());
  EXPECT_EQ(old.next(kRefusal).refusal().reason().code(), "link.replaced");
  EXPECT_TRUE(old.finish().ok());
  EXPECT_EQ(room.hub().counters().replaced, 1U);
}

TEST(LinkProtocol, ANewInstanceReplacesOneThatNoLongerAnswers) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession old(room, agent);
  ASSERT_TRUE(old.hello(7, 1, 0, "before the crash"));
  old.next(kResume);
  HandSession fresh(room, agent);
  ASSERT_TRUE(fresh.hello(7, 1, 0, "after the crash"));
  EXPECT_TRUE(fresh.next(kResume).has_resume());
  EXPECT_EQ(room.hub().counters().clones, 0U);
}

TEST(LinkProtocol, AnAgentThatWaitsForResumeOutlastsTheWaitForItsOldInstance) {
  const agent::LinkConfig agent_side;
  const collector::IngestOptions usual;
  EXPECT_LT(usual.longest_rival_wait + 2s, agent_side.answer_within);
  EXPECT_LE(2 * usual.longest_heartbeat, usual.longest_rival_wait);

  Room room;
  room.stop_collector();
  room.policy->agent_silent_after = 1h;
  room.options.longest_heartbeat = 1h;
  room.options.longest_rival_wait = 200ms;
  room.start_collector();
  const TestAgent agent = room.add_agent();
  HandSession old(room, agent);
  ASSERT_TRUE(old.hello(7, 1, 0, "before the crash"));
  old.next(kResume);
  HandSession fresh(room, agent);
  ASSERT_TRUE(fresh.hello(7, 1, 0, "after the crash"));
  EXPECT_TRUE(fresh.next(kResume).has_resume());
  EXPECT_EQ(old.next(kRefusal).refusal().reason().code(), "link.replaced");
}

TEST(LinkProtocol, StrangersAreRefusedBeforeTheySayAnything) {
  Room room;
  const TestAgent unknown = room.add_agent(false);
  HandSession stranger(room, unknown);
  EXPECT_EQ(stranger.next(kRefusal).refusal().reason().code(), "link.unknown");
  const TestAgent revoked = room.add_agent();
  room.admit(revoked.id, true);
  HandSession outcast(room, revoked);
  EXPECT_EQ(outcast.next(kRefusal).refusal().reason().code(), "link.revoked");
  EXPECT_EQ(room.hub().counters().refused, 2U);
}

TEST(LinkProtocol, OneAgentHoldsOnlySoManySessions) {
  Room room;
  const TestAgent agent = room.add_agent();
  const TestAgent other = room.add_agent();
  std::vector<std::unique_ptr<HandSession>> silent;
  for (std::uint64_t open = 1; open <= room.options.sessions_per_agent; ++open) {
    silent.push_back(std::make_unique<HandSession>(room, agent));
    ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == open; }));
  }
  HandSession one_more(room, agent);
  EXPECT_EQ(one_more.finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  HandSession neighbour(room, other);
  ASSERT_TRUE(neighbour.hello(7, 1, 0));
  EXPECT_TRUE(neighbour.next(kResume).has_resume());
  silent.clear();
  ASSERT_TRUE(eventually([&] { return room.hub().counters().sessions == 1; }));
  HandSession again(room, agent);
  ASSERT_TRUE(again.hello(7, 1, 0));
  EXPECT_TRUE(again.next(kResume).has_resume());
}

TEST(LinkProtocol, TheFirstMessageMustBeHello) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession session(room, agent);
  ASSERT_TRUE(session.facts(7, 1, {a_fact(1)}));
  const grpc::Status status = session.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("Hello"));
  EXPECT_EQ(room.intake.facts(), 0U);
}

TEST(LinkProtocol, NumbersOutOfRangeAndForeignEpochsEndTheSession) {
  Room room;
  const TestAgent agent = room.add_agent();
  {
    HandSession session(room, agent);
    ASSERT_TRUE(session.hello(7, 5, 3));
    EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  {
    HandSession session(room, agent);
    ASSERT_TRUE(session.hello(7, 1, ~0ULL));
    EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 1));
  session.next(kResume);
  ASSERT_TRUE(session.facts(8, 1, {a_fact(1)}));
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(room.hub().counters().violations, 3U);
}

TEST(LinkProtocol, AConnectionWithoutHelloIsEnded) {
  Room room;
  room.options.hello_within = 200ms;
  room.stop_collector();
  room.start_collector();
  HandSession session(room, room.add_agent());
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(LinkProtocol, AnOversizedMessageIsRefusedWithItsReason) {
  Room room;
  HandSession session(room, room.add_agent());
  v1::AgentMessage message;
  message.mutable_hello()->set_host_name(std::string(limits::kMessageBytes + 1, 'x'));
  session.write(message);
  const grpc::Status status = session.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

TEST(LinkProtocol, BytesThatAreNoMessageEndTheCallAndNothingElse) {
  Room room;
  const TestAgent agent = room.add_agent();
  const agent::LinkConfig files = room.config(agent);
  const auto channel = rpc::secure_channel(
      room.address(), {files.certificate_file, files.private_key_file, files.authorities_file});
  grpc::GenericStub stub(*channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 10s);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, "/tocsin.v1.AgentLink/Session", &queue);
  const auto done = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  };
  call->StartCall(nullptr);
  done();
  const grpc::Slice garbage("\xff\xff\xff\xff\xff garbage");
  call->Write(grpc::ByteBuffer(&garbage, 1), nullptr);
  done();
  grpc::Status status;
  call->Finish(&status, nullptr);
  done();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  EXPECT_EQ(room.hub().counters().unreadable, 1U);

  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 0));
  EXPECT_TRUE(session.next(kResume).has_resume()) << "the collector goes on";
}

TEST(LinkProtocol, ACertificateOfAnotherAuthorityGetsNoConnection) {
  Room room;
  TestAgent agent = room.add_agent();
  const TestAuthority other(room.time.wall());
  const KeyAndCertificate foreign = other.for_agent();
  room.write(agent.folder, "certificate.pem", foreign.certificate_pem);
  room.write(agent.folder, "key.pem", foreign.key_pem);
  HandSession session(room, agent);
  session.hello(7, 1, 0);
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(room.hub().counters().sessions, 0U);
}

TEST(LinkProtocol, WithoutCertificateThereIsNoConnection) {
  Room room;
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = room.authority.authority().certificate_pem;
  const auto stub =
      v1::AgentLink::NewStub(grpc::CreateChannel(room.address(), grpc::SslCredentials(options)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 5s);
  v1::CertificateReply reply;
  EXPECT_FALSE(stub->Renew(&context, {}, &reply).ok());
}

TEST(LinkProtocol, AnOperatorIsNoAgent) {
  Room room;
  TestAgent agent = room.add_agent();
  const KeyAndCertificate person = room.authority.for_operator("mei", model::Role::admin);
  room.write(agent.folder, "certificate.pem", person.certificate_pem);
  room.write(agent.folder, "key.pem", person.key_pem);
  HandSession session(room, agent);
  session.hello(7, 1, 0);
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST(LinkProtocol, AgentsDoNotTalkToACollectorOfAnotherAuthority) {
  Room room;
  TestAgent agent = room.add_agent();
  const TestAuthority other(room.time.wall());
  room.write(agent.folder, "authorities.pem", other.authority().certificate_pem);
  HandSession session(room, agent);
  session.hello(7, 1, 0);
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// ---- Chains ----

// An agent that says after which fact its spool's chain is what.
v1::AgentMessage hello_with_chain(std::uint64_t first, const std::string& first_chain,
                                  std::uint64_t last, const std::string& last_chain) {
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(1);
  hello.set_epoch(7);
  hello.set_instance("one");
  hello.set_first_seq(first);
  hello.set_first_chain(first_chain);
  hello.set_last_seq(last);
  hello.set_last_chain(last_chain);
  hello.set_takes_resend_check(true);
  return message;
}

v1::AgentMessage chain_is(std::uint64_t seq, const std::string& chain) {
  v1::AgentMessage message;
  message.mutable_chain_answer()->set_seq(seq);
  message.mutable_chain_answer()->set_chain(chain);
  return message;
}

// Facts 1..4 are taken in; after the last the chain was "c4".
void take_four(Room& room, const TestAgent& agent) {
  HandSession session(room, agent);
  ASSERT_TRUE(session.write(hello_with_chain(1, "", 4, "c4")));
  ASSERT_TRUE(session.next(kResume).has_resume());
  v1::AgentMessage message;
  message.mutable_facts()->set_epoch(7);
  message.mutable_facts()->set_first_seq(1);
  for (int i = 1; i <= 4; ++i) message.mutable_facts()->add_facts(a_fact(i));
  message.mutable_facts()->set_chain("c4");
  ASSERT_TRUE(session.write(message));
  ASSERT_EQ(session.next(kAck).ack().up_to_seq(), 4U);
}

TEST(LinkProtocol, TheChainIsKeptWithWhatIsTakenIn) {
  Room room;
  const TestAgent agent = room.add_agent();
  take_four(room, agent);
  ASSERT_EQ(room.intake.cursors().size(), 1U);
  EXPECT_EQ(room.intake.cursors().front().chain, "c4");
  room.stop_collector();
  room.start_collector();
  HandSession other(room, agent);
  ASSERT_TRUE(other.write(hello_with_chain(5, "another", 6, "c6")));
  const v1::CollectorMessage refused = other.next(kRefusal);
  EXPECT_EQ(refused.refusal().reason().code(), "link.epoch_required");
  EXPECT_TRUE(refused.refusal().new_epoch_required());
  // Journaled by the intake's own thread, maybe after the agent was told.
  EXPECT_TRUE(eventually(
      [&] { return room.intake.presence().back().state == model::Presence::clone_suspected; }));
}

TEST(LinkProtocol, TheCollectorAsksForTheChainThatHelloDoesNotSay) {
  Room room;
  const TestAgent agent = room.add_agent();
  take_four(room, agent);
  {
    HandSession same(room, agent);
    ASSERT_TRUE(same.write(hello_with_chain(3, "c2", 9, "c9")));
    EXPECT_EQ(same.next(kChainQuery).chain_query().seq(), 4U);
    ASSERT_TRUE(same.write(chain_is(4, "c4")));
    EXPECT_EQ(same.next(kResume).resume().acked_seq(), 4U);
  }
  HandSession another(room, agent);
  ASSERT_TRUE(another.write(hello_with_chain(3, "c2", 9, "c9")));
  EXPECT_TRUE(another.next(kChainQuery).has_chain_query());
  ASSERT_TRUE(another.write(chain_is(4, "another")));
  EXPECT_TRUE(another.next(kRefusal).refusal().new_epoch_required());
  EXPECT_EQ(room.hub().counters().new_epochs, 1U);
}

TEST(LinkProtocol, AnAgentWithoutChainsGoesOnAsBefore) {
  Room room;
  const TestAgent agent = room.add_agent();
  take_four(room, agent);
  HandSession old(room, agent);
  ASSERT_TRUE(old.hello(7, 3, 9));
  EXPECT_EQ(old.next(kResume).resume().acked_seq(), 4U);
}

TEST(LinkProtocol, AnAnswerThatNobodyAskedForEndsTheSession) {
  Room room;
  const TestAgent agent = room.add_agent();
  HandSession session(room, agent);
  ASSERT_TRUE(session.hello(7, 1, 0));
  session.next(kResume);
  ASSERT_TRUE(session.write(chain_is(0, "c")));
  EXPECT_EQ(session.finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// ---- Results ----

const model::CheckRef kSsh{model::CheckKind::service, "ssh.service"};
const std::string kNew(32, 'n');
const std::string kOld(32, 'o');

v1::AgentMessage tells(const std::string& digest, std::uint64_t last_seq) {
  model::Heartbeat heartbeat;
  heartbeat.checks.push_back({kSsh, 1s, digest, 1s, 10s, Seq{last_seq}});
  v1::AgentMessage message;
  wire::to_proto(heartbeat, *message.mutable_heartbeat());
  return message;
}

// A collector whose state has the result with digest `known` of ssh.service.
class LinkResults : public ::testing::Test {
 protected:
  LinkResults() {
    room.stop_collector();
    room.results = [this](const AgentId&, const std::vector<model::CheckRef>&) {
      ++looked;
      return std::optional(collector::JudgedResults{Position{1000}, {{kSsh, known}}});
    };
    room.options.result_again_after = 1h;
    room.options.compare_results_every = {};
    room.start_collector();
    agent = room.add_agent();
    take_four(room, agent);
  }
  std::uint64_t missing() { return room.hub().counters().results_missing; }
  bool heard(std::uint64_t heartbeats) {
    return eventually([&] { return room.hub().counters().heartbeats >= heartbeats; });
  }

  Room room;
  TestAgent agent;
  std::string known = kOld;
  std::atomic<int> looked = 0;
};

TEST_F(LinkResults, OneThatTheStateDoesNotHaveIsAskedForAgain) {
  HandSession session(room, agent);
  ASSERT_TRUE(session.write(hello_with_chain(5, "c4", 4, "c4")));
  session.next(kResume);
  ASSERT_TRUE(session.write(tells(kNew, 4)));
  const auto wanted = wire::from_proto(session.next(kResendCheck).resend_check().check());
  EXPECT_EQ(wanted.value(), kSsh);
  EXPECT_EQ(missing(), 1U);
}

TEST_F(LinkResults, OneThatTheStateHasIsComparedOnceOnly) {
  HandSession session(room, agent);
  ASSERT_TRUE(session.write(hello_with_chain(5, "c4", 4, "c4")));
  session.next(kResume);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(session.write(tells(kOld, 4)));
  ASSERT_TRUE(heard(3));
  EXPECT_EQ(missing(), 0U);
  EXPECT_EQ(looked, 1);
}

TEST_F(LinkResults, OneThatIsUnderWayIsWaitedFor) {
  HandSession session(room, agent);
  ASSERT_TRUE(session.write(hello_with_chain(5, "c4", 5, "c5")));
  session.next(kResume);
  ASSERT_TRUE(session.write(tells(kNew, 5)));
  ASSERT_TRUE(heard(1));
  EXPECT_EQ(missing(), 0U);
  EXPECT_EQ(looked, 0);
}

TEST_F(LinkResults, IsAskedForOnceAMinuteAndGivenUpWhenItComesAndStillDiffers) {
  HandSession session(room, agent);
  ASSERT_TRUE(session.write(hello_with_chain(5, "c4", 4, "c4")));
  session.next(kResume);
  ASSERT_TRUE(session.write(tells(kNew, 3)));
  ASSERT_TRUE(session.next(kResendCheck).has_resend_check());
  ASSERT_TRUE(session.write(tells(kNew, 3)));
  ASSERT_TRUE(heard(2));
  EXPECT_EQ(missing(), 1U) << "the minute is not over";
  ASSERT_TRUE(session.write(tells(kNew, 4)));
  ASSERT_TRUE(heard(3));
  ASSERT_TRUE(eventually([&] { return room.hub().counters().results_differ == 1; }));
  ASSERT_TRUE(session.write(tells(kNew, 4)));
  ASSERT_TRUE(heard(4));
  EXPECT_EQ(missing(), 1U);
  EXPECT_EQ(looked, 3);
}

}  // namespace
}  // namespace tocsin::tests
