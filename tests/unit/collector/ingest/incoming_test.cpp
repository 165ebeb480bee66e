#include "collector/ingest/incoming.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

const AgentId kAgent{std::string(64, 'a')};

v1::AgentMessage a_hello() {
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(1);
  hello.set_epoch(7);
  hello.set_instance("one");
  hello.set_first_seq(1);
  return message;
}

bool violates(const v1::AgentMessage& message) {
  return std::holds_alternative<Violation>(read_message(kAgent, message));
}

std::string a_fact() {
  model::Fact fact;
  fact.body = model::AgentEvent{{"test.event", {}}};
  return wire::encode_fact(fact);
}

TEST(Incoming, HelloIsCleanedAndChecked) {
  v1::AgentMessage message = a_hello();
  message.mutable_hello()->set_host_name("h1\x1b[2J" + std::string(1000, 'x'));
  const Incoming read = read_message(kAgent, message);
  ASSERT_TRUE(std::holds_alternative<Greeting>(read));
  const Greeting& greeting = std::get<Greeting>(read);
  EXPECT_EQ(greeting.epoch, Epoch{7});
  EXPECT_EQ(greeting.host_name.find('\x1b'), std::string::npos);
  EXPECT_LE(greeting.host_name.size(), limits::kName);

  message = a_hello();
  message.mutable_hello()->set_protocol(2);
  EXPECT_TRUE(violates(message));
  message = a_hello();
  message.mutable_hello()->set_epoch(0);
  EXPECT_TRUE(violates(message));
  message = a_hello();
  message.mutable_hello()->clear_instance();
  EXPECT_TRUE(violates(message));
  message = a_hello();
  message.mutable_hello()->set_last_seq(1ULL << 62);
  EXPECT_TRUE(violates(message));
}

TEST(Incoming, FactsAreNumberedFromTheFirstAndKeptAsTheyCame) {
  v1::AgentMessage message;
  message.mutable_facts()->set_epoch(7);
  message.mutable_facts()->set_first_seq(5);
  message.mutable_facts()->add_facts(a_fact());
  message.mutable_facts()->add_facts("\xff no fact");
  const Incoming read = read_message(kAgent, message);
  ASSERT_TRUE(std::holds_alternative<FactRun>(read));
  const FactRun& run = std::get<FactRun>(read);
  ASSERT_EQ(run.entries.size(), 2U);
  EXPECT_EQ(run.entries[0].bytes, wire::encode_agent_fact(kAgent, Epoch{7}, Seq{5}, a_fact()));
  EXPECT_EQ(run.entries[1].bytes,
            wire::encode_agent_fact(kAgent, Epoch{7}, Seq{6}, "\xff no fact"));
}

TEST(Incoming, BatchesHaveLimits) {
  v1::AgentMessage message;
  message.mutable_facts()->set_first_seq(1);
  EXPECT_TRUE(violates(message)) << "no facts";
  message.mutable_facts()->add_facts(std::string(limits::kFactBytes + 1, 'x'));
  EXPECT_TRUE(violates(message)) << "too large";
  message.mutable_facts()->clear_facts();
  for (std::size_t i = 0; i <= limits::kBatchFacts; ++i) message.mutable_facts()->add_facts("x");
  EXPECT_TRUE(violates(message)) << "too many";
  message.mutable_facts()->clear_facts();
  message.mutable_facts()->add_facts(a_fact());
  message.mutable_facts()->set_first_seq(0);
  EXPECT_TRUE(violates(message)) << "numbers begin with 1";
  message.mutable_facts()->set_first_seq(~0ULL);
  EXPECT_TRUE(violates(message)) << "would overflow";
}

TEST(Incoming, PointsOfCurvesAreBoundedAndCleaned) {
  v1::AgentMessage message;
  v1::Series& series = *message.mutable_samples()->add_series();
  series.set_name("cpu\x1b.busy");
  series.add_at_ns(7);
  series.add_value(1.5);
  const Incoming read = read_message(kAgent, message);
  const auto* run = std::get_if<SampleRun>(&read);
  ASSERT_NE(run, nullptr);
  ASSERT_EQ(run->samples.size(), 1U);
  EXPECT_EQ(run->samples[0].series, "cpu\\x1b.busy");
  EXPECT_EQ(run->samples[0].value, 1.5);
  series.add_at_ns(8);
  EXPECT_TRUE(violates(message)) << "a time without a value";
}

TEST(Incoming, WhatANewerAgentSaysIsNoError) {
  EXPECT_TRUE(std::holds_alternative<UnknownMessage>(read_message(kAgent, {})));
}

}  // namespace
}  // namespace tocsin::collector
