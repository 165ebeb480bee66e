// What must hold for every journal, whatever is in it.
#include "collector/core/fold.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

const std::vector<std::string> kHosts{"web1", "web2", "core1"};
const std::vector<std::string> kUnits{"ssh.service", "cron.service"};

template <class T>
T one_of(const std::vector<T>& choices) {
  return choices[*rc::gen::inRange<std::size_t>(0, choices.size())];
}

model::Observation some_observation() {
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
      return service_is(one_of(kUnits), one_of<std::string>({"active", "failed", "inactive"}));
    case 1: {
      std::vector<model::Listener> listeners;
      const auto count = *rc::gen::inRange<std::uint16_t>(0, 4);
      for (std::uint16_t i = 0; i < count; ++i) {
        listeners.push_back(listener(static_cast<std::uint16_t>(4444 + i), "/usr/bin/nc"));
      }
      return ports_are(listeners);
    }
    case 2:
      return ping_of("10.0.0.9", *rc::gen::inRange<std::uint32_t>(0, 6));
    case 3:
      return cannot_see({model::CheckKind::sockets, ""});
    default:
      return cannot_see({model::CheckKind::service, one_of(kUnits)});
  }
}

model::Command some_command(const Story& story, int step) {
  const auto& incidents = story.world().incidents.rows();
  const IncidentId id = incidents.empty() ? IncidentId{1} : incidents.rbegin()->first;
  const std::vector<decltype(model::Command::act)> acts{
      model::Acknowledge{id},
      model::RegisterIncident{id},
      model::RunCheck{agent_of(one_of(kHosts)), {model::CheckKind::sockets, ""}},
      model::RegisterIncident{{*rc::gen::inRange<std::uint64_t>(0, 20)}},
      std::monostate{},
  };
  model::Command command;
  // Some are repeated.
  command.id = std::to_string(*rc::gen::inRange(0, 4) == 0 ? step / 2 : step + 1000);
  command.principal = {"someone", model::kRoles[*rc::gen::inRange<std::size_t>(0, 6)], ""};
  command.seen_revision = *rc::gen::inRange<std::uint64_t>(0, 4);
  command.act = one_of(acts);
  return command;
}

void one_step(Story& story, Duration& clock, int step) {
  clock += std::chrono::seconds(*rc::gen::inRange(0, 1500));
  story.at(clock);
  const std::string host = one_of(kHosts);
  switch (*rc::gen::inRange(0, 9)) {
    case 0:
      story.presence(host, static_cast<model::Presence>(*rc::gen::inRange(1, 5)));
      break;
    case 1:
      story.push(some_command(story, step));
      break;
    case 2:
      story.push(model::DeliveryOutcome{{*rc::gen::inRange<std::uint64_t>(1, 40)},
                                        *rc::gen::inRange<std::uint32_t>(1, 12),
                                        static_cast<model::DeliveryResult>(*rc::gen::inRange(1, 4)),
                                        {"x", {}}});
      break;
    case 3:
      story.push(model::FactRangeLost{agent_of(host), {1}, {1}, {4}, {"x", {}}});
      break;
    default:
      story.sees(host, some_observation(),
                 std::chrono::seconds(*rc::gen::inRange(0, 2) * *rc::gen::inRange(0, 9000)));
  }
}

void hold_in_every_state(const Story& story) {
  std::set<std::string> open_keys;
  std::set<std::string> numbers;
  for (const auto& [id, incident] : story.world().incidents.rows()) {
    RC_ASSERT(open_keys.insert(incident.dedup_key).second);
    RC_ASSERT(incident.live <= incident.peak);
    RC_ASSERT(!incident.findings.empty());
    RC_ASSERT(incident.number.empty() == !incident.registered.has_value());
    if (!incident.number.empty()) RC_ASSERT(numbers.insert(incident.number).second);
    RC_ASSERT(!incident.recovered || incident.live == model::Severity::none);
  }
}

void numbers_have_no_gaps(Story& story) {
  std::map<std::string, std::set<int>> by_year;
  for (const model::Incident& incident : story.incidents()) {
    if (incident.number.empty()) continue;
    by_year[incident.number.substr(0, 6)].insert(std::stoi(incident.number.substr(7)));
  }
  for (const auto& [year, numbers] : by_year) {
    RC_ASSERT(*numbers.begin() == 1);
    RC_ASSERT(*numbers.rbegin() == static_cast<int>(numbers.size()));
  }
}

// Folds the same entries with commits where `borders` says, starting again at each commit.
std::string folded_again(const Story& story, const std::set<std::size_t>& borders) {
  collector::MemoryState state;
  const auto store = state.open_store();
  auto fold = collector::Fold::resume(store->load().value(), story.parser());
  for (std::size_t i = 0; i < story.journal().size(); ++i) {
    const model::JournalEntry& entry = story.journal()[i];
    const std::string_view id = collector::command_of(entry.body);
    const auto earlier = id.empty() ? std::nullopt : store->command_result(id).value();
    fold->apply(entry, earlier);
    if (borders.contains(i) || i + 1 == story.journal().size()) {
      RC_ASSERT(store->commit(fold->take_delta()).has_value());
      fold = collector::Fold::resume(store->load().value(), story.parser());
    }
  }
  return Story::state_bytes_of(state);
}

RC_GTEST_PROP(FoldProperty, EveryJournalKeepsItsPromises, ()) {
  Story story;
  for (const std::string& host : kHosts) story.admit(host);
  Duration clock{};
  std::map<IncidentId, model::Severity> peaks;
  const int steps = *rc::gen::inRange(1, 120);
  for (int step = 0; step < steps; ++step) {
    one_step(story, clock, step);
    hold_in_every_state(story);
    for (const auto& [id, incident] : story.world().incidents.rows()) {
      RC_ASSERT(incident.peak >= peaks[id]);
      peaks[id] = incident.peak;
    }
  }
  numbers_have_no_gaps(story);
}

RC_GTEST_PROP(FoldProperty, TheSameJournalGivesTheSameBytesHoweverItIsCutIntoCommits, ()) {
  Story story;
  for (const std::string& host : kHosts) story.admit(host);
  Duration clock{};
  const int steps = *rc::gen::inRange(1, 100);
  std::set<std::size_t> borders;
  for (int step = 0; step < steps; ++step) {
    one_step(story, clock, step);
    if (*rc::gen::inRange(0, 8) == 0) borders.insert(story.journal().size() - 1);
  }
  const std::string bytes = story.state_bytes();
  RC_ASSERT(folded_again(story, borders) == bytes);
  RC_ASSERT(folded_again(story, {}) == bytes);
}

TEST(Fold, ACollectorThatStartsAgainGoesOnWithTheSameTimersAndPolicy) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.resume();
  story.at(30min);
  story.resume();
  EXPECT_EQ(story.incident().live, model::Severity::b);
  EXPECT_EQ(story.incident().number, "SI-115-0001");
}

TEST(Fold, AVersionThatCannotReadThePolicyInForceDoesNotJudgeByAnother) {
  collector::StateSnapshot snapshot;
  snapshot.values["policy/content"] = "x = 1";
  const auto fold = collector::Fold::resume(snapshot, [](auto, auto) -> Result<model::SitePolicy> {
    return fail(ErrorCode::invalid_argument, "line 1");
  });
  ASSERT_FALSE(fold.has_value());
  EXPECT_EQ(fold.error().code, ErrorCode::failed_precondition);
}

// Answers are kept for a while, not for ever; where commits begin and end changes nothing of it.
TEST(Fold, ACommandThatIsRepeatedIsANewOneAfterThirtyDays) {
  Story story;
  story.admit("web1");
  const model::Command asked{
      "again", {"admin", model::Role::admin, ""}, 0, "", model::RevokeAgent{agent_of("web1")}};
  story.push(asked);
  const auto repeated = [&] { return story.world().number("counter/commands_repeated"); };
  story.at(29 * 24h).push(asked);
  EXPECT_EQ(repeated(), 1U);
  for (Duration day = 30 * 24h; day <= 31 * 24h; day += 30min) story.at(day).push(model::Tick{});
  story.push(asked);
  EXPECT_EQ(repeated(), 1U);
  story.push(asked);
  EXPECT_EQ(repeated(), 2U);
  std::set<std::size_t> all;
  for (std::size_t i = 0; i < story.journal().size(); ++i) all.insert(i);
  EXPECT_EQ(folded_again(story, {}), story.state_bytes());
  EXPECT_EQ(folded_again(story, all), story.state_bytes());
}

// The entry that is judged says what time it is, whether its first answer is in the store or not.
TEST(Fold, TheRepeatedCommandsOwnTimeDecidesWhetherItWasAnswered) {
  Story story;
  story.admit("web1");
  const model::Command asked{
      "again", {"admin", model::Role::admin, ""}, 0, "", model::RevokeAgent{agent_of("web1")}};
  story.push(asked);
  story.at(31 * 24h).push(asked);  // Nothing was journaled in between.
  EXPECT_EQ(story.world().number("counter/commands_repeated"), 0U);
  EXPECT_EQ(folded_again(story, {}), story.state_bytes());
}

TEST(Fold, AStepOfTheClockIsCounted) {
  Story story;
  story.push(model::ClockStep{-3s});
  EXPECT_EQ(story.world().number("counter/clock_steps"), 1U);
  EXPECT_EQ(story.world().value("clock/last_step_ns"), "-3000000000");
}

}  // namespace
}  // namespace tocsin::tests
