// What an agent, or whoever has its key, may say on the link: it ends the session or becomes clean
// values whose numbers follow each other and whose bytes the journal can read back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <google/protobuf/stubs/logging.h>

#include "collector/ingest/incoming.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"
#include "common/wire/wire.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::collector;

bool clean(const std::string& text) {
  return text.size() <= limits::kName && clean_text(text, limits::kName) == text;
}

struct Checker {
  const AgentId& agent;
  const v1::AgentMessage& message;

  void operator()(const UnknownMessage&) const {
    TOCSIN_CHECK(message.body_case() == v1::AgentMessage::BODY_NOT_SET);
  }
  void operator()(const SampleRun& run) const {
    TOCSIN_CHECK(run.samples.size() <= limits::kSamples);
    for (const series::Sample& sample : run.samples) {
      TOCSIN_CHECK(!sample.series.empty() && sample.series.size() <= limits::kSeriesName);
    }
  }
  void operator()(const Greeting& greeting) const {
    TOCSIN_CHECK(greeting.epoch && !greeting.instance.empty());
    TOCSIN_CHECK(clean(greeting.agent_version) && clean(greeting.host_name));
    TOCSIN_CHECK(clean(greeting.operating_system) && clean(greeting.assign_digest));
    TOCSIN_CHECK(greeting.first.value <= 1ULL << 62 && greeting.last.value < 1ULL << 62);
  }
  void operator()(const FactRun& run) const {
    TOCSIN_CHECK(run.entries.size() == static_cast<std::size_t>(message.facts().facts_size()));
    TOCSIN_CHECK(!run.entries.empty() && run.entries.size() <= limits::kBatchFacts);
    std::uint64_t seq = run.first.value;
    for (const PendingEntry& entry : run.entries) {
      const auto journaled = wire::decode_journal(entry.bytes);
      TOCSIN_CHECK(journaled.has_value());
      const auto* fact = std::get_if<model::AgentFact>(&*journaled);
      TOCSIN_CHECK(fact != nullptr && fact->agent == agent && fact->epoch == run.epoch);
      TOCSIN_CHECK(fact->seq.value == seq);
      const auto& sent = message.facts().facts(static_cast<int>(seq - run.first.value));
      const auto read = wire::decode_fact(sent);
      TOCSIN_CHECK(fact->fact == (read ? *read : model::Fact{}));
      ++seq;
    }
  }
  void operator()(const model::Heartbeat& heartbeat) const {
    TOCSIN_CHECK(heartbeat.checks.size() <= limits::kChecks);
  }
  void operator()(const ChainAnswer& answer) const {
    TOCSIN_CHECK(answer.chain.size() <= 64);
    TOCSIN_CHECK(answer.seq.value == message.chain_answer().seq());
  }
  void operator()(const Receipt& receipt) const { TOCSIN_CHECK(clean(receipt.request_id)); }
  void operator()(const Violation& violation) const {
    TOCSIN_CHECK(!violation.what.empty());
    TOCSIN_CHECK(clean_text(violation.what, violation.what.size()) == violation.what);
  }
};

}  // namespace

// The library would print a line for each text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const AgentId agent{std::string(64, 'a')};
  v1::AgentMessage message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  std::visit(Checker{agent, message}, read_message(agent, message));
  return 0;
}
