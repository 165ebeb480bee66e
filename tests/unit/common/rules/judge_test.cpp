#include "common/rules/judge.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/i18n/i18n.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::CheckKind;
using model::Facts;
using model::Outcome;
using model::Tristate;
using model::Verdict;

std::string word() {
  return *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                         rc::gen::element<std::string>("active", "inactive", "failed", "loaded",
                                                       "journal", "/tmp/x", "10.0.0.0/8", ""));
}
Tristate tri() { return static_cast<Tristate>(*rc::gen::inRange(0, 3)); }
std::uint32_t number() { return *rc::gen::arbitrary<std::uint32_t>(); }
bool flag() { return *rc::gen::arbitrary<bool>(); }

Facts any_facts() {
  switch (*rc::gen::inRange(0, 6)) {
    case 0: {
      model::PingFacts f;
      f.address = word(), f.sent = number(), f.received = number(), f.rtt_avg_us = number();
      f.gateway_reachable = tri();
      return f;
    }
    case 1: {
      model::ServiceFacts f;
      f.unit = word(), f.load_state = word(), f.active_state = word(), f.sub_state = word();
      f.result = word(), f.one_shot = flag(), f.restarts = number();
      f.state_since = Instant{*rc::gen::inRange<std::int64_t>(0, 2'000'000'000'000'000'000)};
      return f;
    }
    case 2: {
      model::AuditLogFacts f;
      f.source = word(), f.present = tri(), f.readable = tri(), f.size_bytes = number() % 3;
      f.auditing_was_on = flag(), f.auditing_on = tri(), f.replaced = flag(), f.shrunk = flag();
      f.rotated_sibling = flag(), f.head_changed = flag(), f.zeroed = flag(), f.disk_full = tri();
      f.sequence_gap = number() % 2, f.new_boot = flag();
      return f;
    }
    case 3: {
      model::SocketsFacts f;
      model::Listener listener;
      listener.address = word(), listener.executable = word(), listener.user = word();
      listener.port = static_cast<std::uint16_t>(number());
      f.listeners = {listener};
      f.peers = {{model::Protocol::tcp, 22, flag(), word(), 0, number()}};
      f.listeners_over_limit = number() % 2;
      return f;
    }
    case 4: {
      model::ProcessesFacts f;
      model::ProcessGroup group;
      group.name = word(), group.executable = word(), group.user = word();
      group.memory_only = tri(), group.executable_deleted = tri(), group.count = number();
      f.groups = {group};
      f.not_permitted = number() % 2, f.preload_file = flag();
      return f;
    }
    default:
      return {};
  }
}

model::Baseline a_baseline() {
  model::Baseline b;
  b.has_listeners = flag();
  b.has_processes = flag();
  b.sources = {{model::Protocol::tcp, 22, {"10.0.0.0/8", "nonsense"}}};
  return b;
}

model::Observation any_observation() {
  model::Observation observation = seen(*rc::gen::elementOf(model::kCheckKinds), any_facts());
  observation.outcome = static_cast<Outcome>(*rc::gen::inRange(1, 6));
  return observation;
}

TEST(Judge, NeverCallsNormalWhatWasNotSeen) {
  struct Case {
    Outcome outcome;
    Verdict verdict;
    const char* code;
  };
  for (const Case& c : {
           Case{Outcome::timed_out, Verdict::cannot_tell, "observation.timed_out"},
           Case{Outcome::not_permitted, Verdict::cannot_tell, "observation.not_permitted"},
           Case{Outcome::failed, Verdict::cannot_tell, "observation.failed"},
           Case{Outcome::not_applicable, Verdict::not_applicable, "observation.not_applicable"},
       }) {
    model::Observation observation;
    observation.outcome = c.outcome;
    observation.detail = {"run.error", {{"what", "open"}}};
    const model::Judgement judgement = judge(observation, nullptr, {});
    EXPECT_EQ(judgement.verdict, c.verdict);
    ASSERT_EQ(judgement.reasons.size(), 2U);
    EXPECT_EQ(judgement.reasons[0].code, c.code);
    EXPECT_EQ(judgement.reasons[1], observation.detail);
  }
}

TEST(Judge, CannotTellFactsOfAnotherKind) {
  EXPECT_EQ(first_reason(judge(seen(CheckKind::ping, model::ServiceFacts{}), nullptr, {})),
            "observation.mismatched");
  EXPECT_EQ(first_reason(judge(seen(CheckKind::sockets, {}), nullptr, {})),
            "observation.mismatched");
}

// Total, honest and explained, whatever comes in.
TEST(Judge, AnswersEveryObservation) {
  EXPECT_TRUE(rc::check("judge is total", [] {
    const model::Observation observation = any_observation();
    const model::Baseline baseline = a_baseline();
    const model::Judgement judgement = judge(observation, flag() ? &baseline : nullptr, {});
    RC_ASSERT(!judgement.reasons.empty());
    RC_ASSERT((judgement.verdict == Verdict::abnormal) == !judgement.violations.empty());
    if (observation.outcome != Outcome::seen) RC_ASSERT(judgement.verdict != Verdict::normal);
    for (const model::Message& reason : judgement.reasons) {
      RC_ASSERT(!i18n::text(i18n::Language::en, reason.code).empty());
    }
    RC_ASSERT(judge(observation, nullptr, {}) == judge(observation, nullptr, {}));
  }));
}

// Every sentence that the rules say has all of its parameters.
TEST(Judge, LeavesNoGapInItsSentences) {
  EXPECT_TRUE(rc::check("no missing parameter", [] {
    const model::Baseline baseline = a_baseline();
    const model::Judgement judgement = judge(any_observation(), &baseline, {});
    for (const model::Message& reason : judgement.reasons) {
      const std::string_view text = i18n::text(i18n::Language::en, reason.code);
      for (std::size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1)) {
        const std::string name(text.substr(open + 1, text.find('}', open) - open - 1));
        RC_ASSERT(parameter(reason, name) != "(none)");
      }
    }
  }));
}

}  // namespace
}  // namespace tocsin::rules
