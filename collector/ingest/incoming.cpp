#include "collector/ingest/incoming.hpp"

#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/samples.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::uint32_t kProtocol = 1;
constexpr std::uint64_t kLastSeq = 1ULL << 62;  // what the journal can number
constexpr int kInstanceBytes = 64;
constexpr std::size_t kChainBytes = 64;

Incoming read_hello(const v1::Hello& hello) {
  if (hello.protocol() != kProtocol) return Violation{"this protocol version is not spoken here"};
  if (hello.epoch() == 0) return Violation{"Hello without an epoch"};
  if (hello.instance().empty() || hello.instance().size() > kInstanceBytes) {
    return Violation{"Hello without an instance of at most 64 bytes"};
  }
  if (hello.first_seq() > kLastSeq || hello.last_seq() >= kLastSeq) {
    return Violation{"Hello with numbers that are out of range"};
  }
  if (hello.first_chain().size() > kChainBytes || hello.last_chain().size() > kChainBytes) {
    return Violation{"Hello with a chain of more than 64 bytes"};
  }
  Greeting greeting;
  greeting.agent_version = clean_text(hello.agent_version(), limits::kName);
  greeting.host_name = clean_text(hello.host_name(), limits::kName);
  greeting.operating_system = clean_text(hello.operating_system(), limits::kName);
  greeting.epoch = Epoch{hello.epoch()};
  greeting.instance = hello.instance();
  greeting.first = Seq{hello.first_seq()};
  greeting.last = Seq{hello.last_seq()};
  greeting.baseline_digest = clean_text(hello.baseline_digest(), limits::kName);
  greeting.assign_digest = clean_text(hello.assign_digest(), limits::kName);
  greeting.first_chain = hello.first_chain();
  greeting.last_chain = hello.last_chain();
  greeting.takes_resend_check = hello.takes_resend_check();
  return greeting;
}

Incoming read_facts(const AgentId& agent, const v1::FactBatch& batch) {
  if (batch.facts().empty()) return Violation{"a batch without facts"};
  if (batch.facts_size() > static_cast<int>(limits::kBatchFacts)) {
    return Violation{"a batch of too many facts"};
  }
  if (batch.first_seq() == 0 || batch.first_seq() > kLastSeq - limits::kBatchFacts) {
    return Violation{"a batch with numbers that are out of range"};
  }
  if (batch.chain().size() > kChainBytes) {
    return Violation{"a batch with a chain of more than 64 bytes"};
  }
  FactRun run{Epoch{batch.epoch()}, Seq{batch.first_seq()}, {}, batch.chain()};
  run.entries.reserve(static_cast<std::size_t>(batch.facts_size()));
  Seq seq = run.first;
  for (const std::string& bytes : batch.facts()) {
    if (bytes.size() > limits::kFactBytes) return Violation{"a fact of more than 1 MiB"};
    run.entries.push_back({wire::encode_agent_fact(agent, run.epoch, seq, bytes), {}});
    ++seq.value;
  }
  return run;
}

}  // namespace

Incoming read_message(const AgentId& agent, const v1::AgentMessage& message) {
  switch (message.body_case()) {
    case v1::AgentMessage::kHello:
      return read_hello(message.hello());
    case v1::AgentMessage::kFacts:
      return read_facts(agent, message.facts());
    case v1::AgentMessage::kHeartbeat: {
      Result<model::Heartbeat> heartbeat = wire::from_proto(message.heartbeat());
      if (!heartbeat) return Violation{heartbeat.error().message};
      return std::move(*heartbeat);
    }
    case v1::AgentMessage::kRequestReceived:
      return Receipt{clean_text(message.request_received().request_id(), limits::kName)};
    case v1::AgentMessage::kChainAnswer:
      if (message.chain_answer().chain().size() > kChainBytes) {
        return Violation{"a chain of more than 64 bytes"};
      }
      return ChainAnswer{Seq{message.chain_answer().seq()}, message.chain_answer().chain()};
    case v1::AgentMessage::kSamples: {
      Result<std::vector<series::Sample>> samples = wire::from_proto(message.samples());
      if (!samples) return Violation{samples.error().message};
      return SampleRun{*std::move(samples)};
    }
    case v1::AgentMessage::BODY_NOT_SET:
      return UnknownMessage{};
  }
  return UnknownMessage{};
}

}  // namespace tocsin::collector
