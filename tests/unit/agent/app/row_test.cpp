#include "agent/app/row.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

model::Observation long_observation() {
  model::ProcessesFacts facts;
  facts.groups_over_limit = 7;
  for (std::size_t i = 0; i < limits::kProcessGroups; ++i) {
    model::ProcessGroup group;
    group.executable.assign(limits::kPath, 'x');
    facts.groups.push_back(group);
  }
  model::Observation observation;
  observation.check.kind = model::CheckKind::processes;
  observation.facts = std::move(facts);
  return observation;
}

// A row that is too large would be refused by the collector again and again.
TEST(BoundedRow, DropsAndCountsWhatDoesNotFit) {
  model::Fact fact;
  fact.body = long_observation();
  const NewFact row = bounded_row(fact);
  EXPECT_LE(row.bytes.size(), limits::kFactBytes);
  const auto back = wire::decode_fact(row.bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  const auto& facts =
      std::get<model::ProcessesFacts>(std::get<model::Observation>(back->body).facts);
  EXPECT_FALSE(facts.groups.empty());
  EXPECT_EQ(facts.groups.size() + facts.groups_over_limit, limits::kProcessGroups + 7);
}

TEST(BoundedRow, BoundsAnAnswerToARequestToo) {
  model::Fact fact;
  fact.body = model::RequestResult{"r", model::RequestOutcome::done, {}, {long_observation()}};
  EXPECT_LE(bounded_row(fact).bytes.size(), limits::kFactBytes);
}

TEST(BoundedRow, LeavesWhatFitsAsItIs) {
  model::Fact fact;
  fact.priority = model::Priority::critical;
  fact.body = model::AgentEvent{{"agent.started", {{"version", "1"}}}};
  const NewFact row = bounded_row(fact);
  EXPECT_EQ(row.bytes, wire::encode_fact(fact));
  EXPECT_EQ(row.priority, model::Priority::critical);
}

// What is left out first while a spool fills is told again by itself.
TEST(PriorityOf, NumbersGoFirstAndNothingElse) {
  for (const model::CheckKind kind : model::kCheckKinds) {
    const bool numbers = kind == model::CheckKind::metrics;
    EXPECT_EQ(priority_of(kind), numbers ? model::Priority::low : model::Priority::normal);
  }
}

}  // namespace
}  // namespace tocsin::agent
