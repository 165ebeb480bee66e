// What every state store and its reader must do, whatever they are made of.
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/memory_store.hpp"
#include "collector/store/sqlite_state.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Memory {
 public:
  std::unique_ptr<StateStore> store() { return state_.open_store(); }
  std::unique_ptr<StateReader> reader() { return state_.open_reader(); }

 private:
  MemoryState state_;
};

class Sqlite {
 public:
  std::unique_ptr<StateStore> store() { return std::move(open_state_store(options()).value()); }
  std::unique_ptr<StateReader> reader() { return std::move(open_state_reader(options()).value()); }

 private:
  SqliteStateOptions options() const { return {directory_.file("state.db"), {}}; }
  tests::TempDir directory_;
};

model::Host host(const char* agent, const char* name) {
  model::Host made;
  made.agent = AgentId{std::string(64 - std::string(agent).size(), '0') + agent};
  made.name = name;
  made.presence = model::Presence::heard;
  return made;
}

model::Finding finding(std::uint64_t id, std::uint64_t incident) {
  model::Finding made;
  made.id = FindingId{id};
  made.incident = IncidentId{incident};
  made.agent = host("1", "").agent;
  made.dedup_key = "key-" + std::to_string(id);
  made.code = "port.unexpected";
  made.opened = Instant{100};
  return made;
}

model::Incident incident(std::uint64_t id, model::Severity peak = model::Severity::c) {
  model::Incident made;
  made.id = IncidentId{id};
  made.agent = host("1", "").agent;
  made.peak = peak;
  made.live = peak;
  made.opened = Instant{100};
  return made;
}

model::TimelineItem timeline_item(std::uint64_t incident, std::uint32_t index) {
  model::TimelineItem made;
  made.incident = IncidentId{incident};
  made.index = index;
  made.at = Instant{100};
  made.message.code = "timeline.opened";
  return made;
}

model::Notification notification(std::uint64_t id, std::uint64_t incident, std::int64_t due,
                                 const char* channel = "mail") {
  model::Notification made;
  made.id = NotificationId{id};
  made.incident = IncidentId{incident};
  made.due = Instant{due};
  made.channel = channel;
  made.reason = "opened";
  made.language = "en";
  return made;
}

model::CommandResult result(const char* id, std::uint64_t position) {
  model::CommandResult made;
  made.command_id = id;
  made.position = Position{position};
  made.decided = Instant{100};
  return made;
}

model::Evidence evidence(std::uint64_t id, std::uint64_t incident) {
  model::Evidence made;
  made.id = model::EvidenceId{id};
  made.incident = IncidentId{incident};
  made.request_id = std::to_string(id) + ".request";
  made.custody = {{Instant{100}, Position{1}, model::CustodyAct::asked, {}, {}}};
  return made;
}

template <class T>
auto ids(const std::vector<T>& rows) {
  std::vector<std::uint64_t> values;
  for (const T& row : rows) values.push_back(row.id.value);
  return values;
}

template <class Back>
class StateConformance : public ::testing::Test {
 protected:
  Back back;
  std::unique_ptr<StateStore> store = back.store();
  std::unique_ptr<StateReader> reader = back.reader();
  std::uint64_t cursor = 0;

  // Commits at the next position.
  void commit(StateDelta delta) {
    delta.cursor = Position{++cursor};
    if (delta.judged_at == Instant{}) delta.judged_at = Instant{std::int64_t(cursor)};
    const Status committed = store->commit(delta);
    ASSERT_TRUE(committed) << committed.error().message;
  }
};

using Backs = ::testing::Types<Memory, Sqlite>;
TYPED_TEST_SUITE(StateConformance, Backs);

StateDelta everything() {
  StateDelta delta;
  delta.judged_at = Instant{1000};
  delta.hosts = {host("1", "web1")};
  delta.findings = {finding(1, 1)};
  delta.incidents = {incident(1)};
  delta.timeline = {timeline_item(1, 0)};
  delta.notifications = {notification(1, 1, 50)};
  delta.evidence = {evidence(1, 1)};
  delta.timers_set = {{"register:1", Instant{600}}};
  delta.command_results = {result("c1", 1)};
  delta.values = {{"next.incident", "2"}, {"binary", std::string("\0\xff", 2)}};
  return delta;
}

TYPED_TEST(StateConformance, AnEmptyStateIsEmpty) {
  const Result<StateSnapshot> snapshot = this->store->load();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->cursor, Position{});
  EXPECT_EQ(snapshot->judged_at, Instant{});
  EXPECT_THAT(snapshot->hosts, IsEmpty());
  EXPECT_THAT(snapshot->values, IsEmpty());
  EXPECT_EQ(this->reader->as_of()->cursor, Position{});
  EXPECT_THAT(*this->reader->incidents({}), IsEmpty());
  EXPECT_FALSE(*this->reader->incident("42"));
  EXPECT_FALSE(*this->reader->incident(""));
}

TYPED_TEST(StateConformance, EvidenceIsFoundByIdIncidentAndRequestNewestFirst) {
  StateDelta delta;
  delta.evidence = {evidence(1, 7), evidence(2, 7), evidence(3, 0)};
  this->commit(delta);
  delta.evidence = {evidence(2, 7)};
  delta.evidence[0].state = model::EvidenceState::received;
  this->commit(delta);
  EXPECT_EQ(ids(this->store->load()->evidence), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(ids(*this->reader->evidence({})), (std::vector<std::uint64_t>{3, 2, 1}));
  EXPECT_EQ(ids(*this->reader->evidence({{}, IncidentId{7}, "", 1})),
            (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(ids(*this->reader->evidence({{}, {}, "3.request", 9})),
            (std::vector<std::uint64_t>{3}));
  const auto second = this->reader->evidence({model::EvidenceId{2}, {}, "", 9});
  ASSERT_EQ(second->size(), 1U);
  EXPECT_EQ(second->front(), delta.evidence[0]);
}

// However many records there are of others.
TYPED_TEST(StateConformance, AnAgentsEvidenceIsCountedByWhatIsHere) {
  const AgentId web1{"1"};
  StateDelta delta;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    model::Evidence row = evidence(id, 0);
    row.agent = id == 3 ? AgentId{"2"} : web1;
    row.manifest = "aa";
    row.bytes = id;
    delta.evidence.push_back(row);
  }
  delta.evidence.push_back(evidence(4, 0));
  delta.evidence[3].agent = web1;
  delta.evidence[3].bytes = 100;  // It is only known how much is to come.
  this->commit(delta);
  EXPECT_EQ(*this->reader->evidence_bytes(web1), 3U);
  EXPECT_EQ(*this->reader->evidence_bytes({"2"}), 3U);
  EXPECT_EQ(*this->reader->evidence_bytes({"3"}), 0U);
  delta.evidence = {delta.evidence[3]};
  delta.evidence[0].manifest = "bb";
  this->commit(delta);
  EXPECT_EQ(*this->reader->evidence_bytes(web1), 103U);
}

TYPED_TEST(StateConformance, LoadsWhatWasCommitted) {
  this->commit(everything());
  const StateDelta delta = everything();
  const Result<StateSnapshot> snapshot = this->store->load();
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->cursor, Position{1});
  EXPECT_EQ(snapshot->judged_at, Instant{1000});
  EXPECT_EQ(snapshot->hosts, delta.hosts);
  EXPECT_EQ(snapshot->findings, delta.findings);
  EXPECT_EQ(snapshot->incidents, delta.incidents);
  EXPECT_EQ(snapshot->notifications, delta.notifications);
  EXPECT_EQ(snapshot->timers, delta.timers_set);
  EXPECT_EQ(snapshot->values, delta.values);
}

TYPED_TEST(StateConformance, SurvivesReopen) {
  this->commit(everything());
  this->reader.reset();
  this->store.reset();
  this->store = this->back.store();
  EXPECT_EQ(this->store->load()->hosts, everything().hosts);
  EXPECT_EQ(this->store->load()->cursor, Position{1});
  EXPECT_TRUE(*this->store->command_result("c1"));
}

TYPED_TEST(StateConformance, RowsReplaceTheRowWithTheSameKey) {
  this->commit(everything());
  StateDelta delta;
  delta.hosts = {host("1", "renamed")};
  model::Incident changed = incident(1, model::Severity::a);
  changed.number = "SI-115-0001";
  delta.incidents = {changed};
  delta.timers_set = {{"register:1", Instant{700}}};
  delta.values = {{"next.incident", "3"}};
  this->commit(delta);
  const Result<StateSnapshot> snapshot = this->store->load();
  EXPECT_EQ(snapshot->hosts, delta.hosts);
  EXPECT_EQ(snapshot->incidents, delta.incidents);
  EXPECT_EQ(snapshot->timers, delta.timers_set);
  EXPECT_EQ(snapshot->values.at("next.incident"), "3");
  EXPECT_EQ(snapshot->values.size(), 2U);
}

enum class Size { small, large };

model::CheckStatus check_of(model::CheckKind kind, const char* target, std::uint64_t position,
                            Size size = Size::small) {
  model::CheckStatus made;
  made.check = {kind, target};
  made.verdict = model::Verdict::cannot_tell;
  made.position = Position{position};
  made.observation.check = made.check;
  made.observation.outcome = model::Outcome::timed_out;
  made.observation.detail = {"test", {{"seen", std::to_string(position)}}};
  if (size == Size::large) {
    made.observation.detail.parameters.resize(9, {"x", std::string(999, 'x')});
  }
  return made;
}

TYPED_TEST(StateConformance, AHostIsReadWithItsChecksAsTheyWereWrittenLast) {
  using model::CheckKind;
  model::Host web = host("1", "web1");
  web.checks = {check_of(CheckKind::ping, "10.0.0.1", 1), check_of(CheckKind::ping, "10.0.0.2", 1),
                check_of(CheckKind::ping, "10.0.0.3", 1, Size::large),
                check_of(CheckKind::sockets, "", 1, Size::large)};
  model::Host db = host("2", "db1");
  StateDelta delta;
  delta.hosts = {web, db};
  const auto expect = [&](const char* when) {
    this->commit(delta);
    EXPECT_EQ(this->store->load()->hosts, (std::vector{web, db})) << when;
    EXPECT_EQ(*this->reader->hosts(), (std::vector{db, web})) << when;
    model::Host light_db = db;
    model::Host light_web = web;
    light_db.checks.clear();
    light_web.checks.clear();
    EXPECT_EQ(*this->reader->agents(), (std::vector{light_db, light_web})) << when;
  };
  expect("at first");
  web.checks[0] = check_of(CheckKind::ping, "10.0.0.1", 2);
  delta.hosts = {web};
  expect("a small one has changed");
  web.checks[3] = check_of(CheckKind::sockets, "", 3, Size::large);
  web.checks[2].verdict = model::Verdict::not_run;  // judged again, from what was seen before
  delta.hosts = {web};
  expect("large ones have changed");
  web.checks[0] = check_of(CheckKind::ping, "10.0.0.1", 4, Size::large);
  web.checks[3] = check_of(CheckKind::sockets, "", 4);
  delta.hosts = {web};
  expect("a small one is large now, a large one small");
  web.checks = {web.checks[0], check_of(CheckKind::audit_log, "x", 5)};
  db.checks = {check_of(CheckKind::ping, "10.0.0.1", 5)};
  delta.hosts = {web, db};
  expect("one more, two less");
  // A commit that failed wrote nothing, whatever the store remembers of it.
  StateDelta wrong;
  wrong.timeline = {timeline_item(1, 0)};
  this->commit(wrong);
  wrong.hosts = {web};
  wrong.hosts[0].checks[0] = check_of(CheckKind::ping, "10.0.0.1", 6, Size::large);
  wrong.cursor = Position{this->cursor + 1};
  ASSERT_FALSE(this->store->commit(wrong));
  web.checks[0] = wrong.hosts[0].checks[0];
  delta.hosts = {web};
  expect("after a failure");
  this->store.reset();
  this->store = this->back.store();
  web.checks.clear();
  delta.hosts = {web};
  expect("by another process");
}

TYPED_TEST(StateConformance, LoadsOnlyWhatIsNotDone) {
  StateDelta delta;
  delta.judged_at = Instant{} + 48h;
  model::Finding old = finding(1, 1);
  old.closed = Instant{} + 23h;
  model::Finding recent = finding(2, 1);
  recent.closed = Instant{} + 24h;
  delta.findings = {old, recent, finding(3, 1)};
  model::Incident closed = incident(1);
  closed.closed = Instant{200};
  delta.incidents = {closed, incident(2)};
  model::Notification sent = notification(1, 1, 10);
  sent.status = model::NotificationStatus::delivered;
  delta.notifications = {sent, notification(2, 1, 10)};
  delta.timers_set = {{"a", Instant{1}}, {"b", Instant{2}}};
  this->commit(delta);
  StateDelta later;
  later.judged_at = delta.judged_at;
  later.timers_cleared = {"a", "never set"};
  this->commit(later);
  const Result<StateSnapshot> snapshot = this->store->load();
  EXPECT_THAT(ids(snapshot->findings), ElementsAre(2, 3));
  EXPECT_THAT(ids(snapshot->incidents), ElementsAre(2));
  EXPECT_THAT(ids(snapshot->notifications), ElementsAre(2));
  EXPECT_THAT(snapshot->timers, ElementsAre(model::Timer{"b", Instant{2}}));
}

model::BaselineRecord baseline(std::uint64_t id, const char* host, std::uint32_t version,
                               model::BaselineStatus status) {
  model::BaselineRecord made;
  made.id = BaselineId{id};
  made.scope = {model::ScopeKind::host, host};
  made.version = version;
  made.status = status;
  return made;
}

TYPED_TEST(StateConformance, WhatIsLearnedIsKeptByHost) {
  model::HostLearning learning;
  learning.agent = host("1", "").agent;
  learning.forgotten = 1;
  StateDelta delta;
  delta.learned = {learning};
  this->commit(delta);
  learning.forgotten = 2;
  delta.learned = {learning};
  this->commit(delta);
  EXPECT_THAT(this->store->load().value().learned, ElementsAre(learning));
}

TYPED_TEST(StateConformance, BaselinesThatAreOverStayReadable) {
  using model::BaselineStatus;
  StateDelta delta;
  delta.baselines = {baseline(1, "web1", 1, BaselineStatus::superseded),
                     baseline(2, "web1", 2, BaselineStatus::approved),
                     baseline(3, "web2", 0, BaselineStatus::rejected),
                     baseline(4, "web2", 0, BaselineStatus::proposed)};
  this->commit(delta);
  EXPECT_THAT(ids(this->store->load().value().baselines), ElementsAre(2, 4));
  const auto asked = [&](BaselineQuery query) {
    return ids(this->reader->baselines(query).value());
  };
  EXPECT_THAT(asked({}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(asked({BaselineId{3}, {}, 0, false, 10}), ElementsAre(3));
  const model::BaselineScope web1{model::ScopeKind::host, "web1"};
  EXPECT_THAT(asked({{}, web1, 0, false, 10}), ElementsAre(2, 1));
  EXPECT_THAT(asked({{}, web1, 1, false, 10}), ElementsAre(1));
  EXPECT_THAT(asked({{}, {}, 0, true, 10}), ElementsAre(4, 2));
  EXPECT_THAT(asked({{}, {}, 0, false, 2}), ElementsAre(4, 3));
  EXPECT_THAT(asked({{}, {{model::ScopeKind::group, "web1"}}, 0, false, 10}), IsEmpty());
}

TYPED_TEST(StateConformance, AListOfBaselinesCountsTheirEntries) {
  StateDelta delta;
  delta.baselines = {baseline(1, "web1", 1, model::BaselineStatus::approved)};
  model::BaselineRecord& record = delta.baselines[0];
  record.entries.resize(3);
  record.entries[1].marks = {{"baseline.mark.late", {}}};
  record.left_out.resize(2);
  this->commit(delta);
  const auto rows = this->reader->baseline_list({{}, {}, 0, true, 10});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().entries, 3U);
  EXPECT_EQ(rows->front().marked, 1U);
  EXPECT_EQ(rows->front().left_out, 2U);
  record.entries.clear();
  record.left_out.clear();
  EXPECT_EQ(rows->front().record, record);
  EXPECT_THAT(*this->reader->baseline_list({BaselineId{7}, {}, 0, false, 10}), IsEmpty());
}

TYPED_TEST(StateConformance, AHostIsFoundByItsWholeNameOrItsAgent) {
  StateDelta delta;
  delta.hosts = {host("1", "web1"), host("2", "web"), host("3", "web1")};
  this->commit(delta);
  EXPECT_THAT(*this->reader->hosts_called("web1"),
              ::testing::UnorderedElementsAre(delta.hosts[0], delta.hosts[2]));
  EXPECT_THAT(*this->reader->hosts_called(delta.hosts[1].agent.hex), ElementsAre(delta.hosts[1]));
  EXPECT_THAT(*this->reader->hosts_called("we"), IsEmpty());
  EXPECT_THAT(*this->reader->hosts_called(""), IsEmpty());
}

TYPED_TEST(StateConformance, ATimerClearedAndSetAtOnceIsSet) {
  StateDelta delta;
  delta.timers_cleared = {"a"};
  delta.timers_set = {{"a", Instant{5}}};
  this->commit(delta);
  EXPECT_THAT(this->store->load()->timers, ElementsAre(model::Timer{"a", Instant{5}}));
}

TYPED_TEST(StateConformance, CommitIsAllOrNothing) {
  this->commit(everything());
  StateDelta wrong = everything();  // Its timeline item exists already.
  wrong.cursor = Position{2};
  wrong.hosts = {host("2", "db1")};
  wrong.values = {{"next.incident", "9"}};
  EXPECT_EQ(this->store->commit(wrong).error().code, ErrorCode::already_exists);
  const Result<StateSnapshot> snapshot = this->store->load();
  EXPECT_EQ(snapshot->cursor, Position{1});
  EXPECT_EQ(snapshot->hosts, everything().hosts);
  EXPECT_EQ(snapshot->values, everything().values);
  wrong.timeline.clear();
  EXPECT_TRUE(this->store->commit(wrong));
}

TYPED_TEST(StateConformance, CursorOnlyGrows) {
  StateDelta delta;
  delta.cursor = Position{5};
  ASSERT_TRUE(this->store->commit(delta));
  delta.cursor = Position{4};
  delta.values = {{"a", "b"}};
  EXPECT_EQ(this->store->commit(delta).error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(this->reader->as_of()->cursor, Position{5});
  EXPECT_THAT(this->store->load()->values, IsEmpty());
}

TYPED_TEST(StateConformance, CursorOnlyGrowsAcrossAReopen) {
  StateDelta delta;
  delta.cursor = Position{5};
  ASSERT_TRUE(this->store->commit(delta));
  this->store.reset();
  this->store = this->back.store();
  delta.cursor = Position{4};
  EXPECT_EQ(this->store->commit(delta).error().code, ErrorCode::failed_precondition);
}

TYPED_TEST(StateConformance, SameCommandIsAnsweredOnce) {
  StateDelta delta;
  delta.command_results = {result("c1", 1)};
  this->commit(delta);
  delta.command_results[0].outcome = model::CommandOutcome::refused;
  this->commit(delta);
  EXPECT_EQ(*this->store->command_result("c1"), result("c1", 1));
  EXPECT_EQ(*this->reader->command_result("c1"), result("c1", 1));
  EXPECT_FALSE(*this->store->command_result("c2"));
}

TYPED_TEST(StateConformance, AnswersGoWhenTheyAreOldOrTooMany) {
  const auto decided = [](const char* id, std::int64_t at) {
    model::CommandResult made = result(id, 1);
    made.decided = Instant{at};
    return made;
  };
  const auto left = [this] {
    std::string ids;
    for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
      if (*this->reader->command_result(id)) ids += id;
    }
    return ids;
  };
  StateDelta delta;
  delta.command_results = {decided("e", 100), decided("d", 200), decided("c", 300),
                           decided("b", 300), decided("a", 400)};
  this->commit(delta);
  EXPECT_EQ(left(), "abcde");
  StateDelta later;
  later.keep_answers = StateDelta::KeptAnswers{Instant{200}, 100};
  this->commit(later);
  EXPECT_EQ(left(), "abcd");
  // What is answered in the same commit is not among those that are looked at.
  later.keep_answers->most = 2;
  later.command_results = {decided("f", 50)};
  this->commit(later);
  EXPECT_EQ(left(), "acf");
  // Forgotten, it is a new command with a new answer.
  later = {};
  later.keep_answers = StateDelta::KeptAnswers{Instant{350}, 100};
  later.command_results = {decided("c", 500)};
  this->commit(later);
  EXPECT_EQ(left(), "ac");
  EXPECT_EQ((*this->store->command_result("c"))->decided, Instant{500});
}

TYPED_TEST(StateConformance, TheReaderSaysAsOfWhen) {
  this->commit(everything());
  EXPECT_EQ(this->reader->as_of()->cursor, Position{1});
  EXPECT_EQ(this->reader->as_of()->judged_at, Instant{1000});
}

TYPED_TEST(StateConformance, HostsComeByName) {
  StateDelta delta;
  delta.hosts = {host("1", "web2"), host("2", "db1"), host("3", "web1")};
  this->commit(delta);
  std::vector<std::string> names;
  const Result<std::vector<model::Host>> hosts = this->reader->hosts();
  for (const model::Host& row : *hosts) names.push_back(row.name);
  EXPECT_THAT(names, ElementsAre("db1", "web1", "web2"));
}

TYPED_TEST(StateConformance, IncidentsComeNewestFirstAndInPages) {
  StateDelta delta;
  for (std::uint64_t id = 1; id <= 5; ++id) delta.incidents.push_back(incident(id));
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->incidents({})), ElementsAre(5, 4, 3, 2, 1));
  IncidentQuery page;
  page.limit = 2;
  EXPECT_THAT(ids(*this->reader->incidents(page)), ElementsAre(5, 4));
  page.before = IncidentId{4};
  EXPECT_THAT(ids(*this->reader->incidents(page)), ElementsAre(3, 2));
  page.limit = 0;
  EXPECT_THAT(*this->reader->incidents(page), IsEmpty());
}

TYPED_TEST(StateConformance, IncidentsAreFiltered) {
  model::Incident closed = incident(1, model::Severity::a);
  closed.closed = Instant{300};
  model::Incident acknowledged = incident(2, model::Severity::b);
  acknowledged.acknowledged = Instant{300};
  model::Incident lowered = incident(3, model::Severity::a);  // Peak A, but approved as D.
  lowered.approved = model::Severity::d;
  StateDelta delta;
  delta.incidents = {closed, acknowledged, lowered, incident(4, model::Severity::e)};
  this->commit(delta);
  IncidentQuery query;
  query.open_only = true;
  EXPECT_THAT(ids(*this->reader->incidents(query)), ElementsAre(4, 3, 2));
  query.unacknowledged_only = true;
  EXPECT_THAT(ids(*this->reader->incidents(query)), ElementsAre(4, 3));
  query = {};
  query.at_least = model::Severity::c;
  EXPECT_THAT(ids(*this->reader->incidents(query)), ElementsAre(2, 1));
}

TYPED_TEST(StateConformance, AnIncidentIsFoundByNumberOrId) {
  model::Incident numbered = incident(7);
  numbered.number = "SI-115-0042";
  StateDelta delta;
  delta.incidents = {numbered, incident(42)};
  this->commit(delta);
  EXPECT_EQ((*this->reader->incident("SI-115-0042"))->id, IncidentId{7});
  EXPECT_EQ((*this->reader->incident("42"))->id, IncidentId{42});
  for (const char* other : {"", "43", "SI-115-0043", "42 ", "-1", "99999999999999999999"}) {
    EXPECT_FALSE(*this->reader->incident(other)) << other;
  }
}

TYPED_TEST(StateConformance, WhatBelongsToAnIncidentIsFoundInOrder) {
  StateDelta delta;
  delta.findings = {finding(3, 1), finding(2, 2), finding(1, 1)};
  delta.timeline = {timeline_item(1, 1), timeline_item(1, 0), timeline_item(2, 0)};
  delta.notifications = {notification(2, 1, 10), notification(1, 1, 20), notification(3, 2, 0)};
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->findings(IncidentId{1}, SIZE_MAX)), ElementsAre(1, 3));
  EXPECT_THAT(*this->reader->timeline(IncidentId{1}, SIZE_MAX),
              ElementsAre(timeline_item(1, 0), timeline_item(1, 1)));
  EXPECT_THAT(ids(*this->reader->notifications(IncidentId{1}, SIZE_MAX)), ElementsAre(1, 2));
  EXPECT_THAT(*this->reader->timeline(IncidentId{9}, SIZE_MAX), IsEmpty());
}

TYPED_TEST(StateConformance, OfALongHistoryTheNewestAreGivenAndAllAreCounted) {
  StateDelta delta;
  delta.findings = {finding(3, 1), finding(2, 2), finding(1, 1)};
  for (std::uint32_t i = 0; i < 5; ++i) delta.timeline.push_back(timeline_item(1, i));
  delta.notifications = {notification(2, 1, 10), notification(1, 1, 20), notification(3, 2, 0)};
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->findings(IncidentId{1}, 1)), ElementsAre(3));
  EXPECT_THAT(*this->reader->timeline(IncidentId{1}, 2),
              ElementsAre(timeline_item(1, 3), timeline_item(1, 4)));
  EXPECT_THAT(ids(*this->reader->notifications(IncidentId{1}, 1)), ElementsAre(2));
  EXPECT_THAT(*this->reader->timeline(IncidentId{1}, 0), IsEmpty());
  const auto counts = this->reader->row_counts(IncidentId{1});
  EXPECT_EQ(counts->findings, 2U);
  EXPECT_EQ(counts->timeline, 5U);
  EXPECT_EQ(counts->notifications, 2U);
}

// Procedure H-11 says what is kept; what is past that goes with all that belongs to it.
TYPED_TEST(StateConformance, WhatClosedBeforeTheGivenTimeGoesForGoodAndOnlyThat) {
  StateDelta delta;
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    model::Incident one = incident(id);
    if (id != 3) one.closed = Instant{static_cast<std::int64_t>(id * 100)};
    delta.incidents.push_back(one);
    delta.timeline.push_back(timeline_item(id, 0));
    delta.notifications.push_back(notification(id, id, 10));
  }
  const auto closed = [](model::Finding one, std::int64_t at) {
    one.closed = Instant{at};
    return one;
  };
  delta.findings = {closed(finding(1, 1), 90),  finding(2, 1),
                    closed(finding(3, 2), 90),  closed(finding(4, 0), 90),
                    closed(finding(5, 0), 150), finding(6, 3)};
  this->commit(delta);
  StateDelta later;
  later.cursor = Position{delta.cursor.value + 10};
  later.forget_before = Instant{150};
  this->commit(later);
  EXPECT_FALSE(*this->reader->incident("1"));
  EXPECT_TRUE(*this->reader->incident("2"));
  EXPECT_TRUE(*this->reader->incident("3"));
  const auto gone = this->reader->row_counts(IncidentId{1});
  EXPECT_EQ(gone->timeline, 0U);
  EXPECT_EQ(gone->notifications, 0U);
  // One is still bad: the judge knows it.
  EXPECT_THAT(ids(*this->reader->findings(IncidentId{1}, SIZE_MAX)), ElementsAre(2));
  EXPECT_THAT(ids(*this->reader->findings(IncidentId{2}, SIZE_MAX)), ElementsAre(3));
  EXPECT_THAT(ids(*this->reader->findings(IncidentId{0}, SIZE_MAX)), ElementsAre(5));
  EXPECT_EQ(this->reader->row_counts(IncidentId{3})->timeline, 1U);
}

TYPED_TEST(StateConformance, DueNotificationsComeOldestFirst) {
  StateDelta delta;
  model::Notification failed = notification(4, 1, 0);
  failed.status = model::NotificationStatus::failed;
  delta.notifications = {notification(1, 1, 30), notification(2, 1, 10), notification(3, 1, 10),
                         failed};
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->pending_notifications()), ElementsAre(2, 3, 1));
}

TYPED_TEST(StateConformance, TheLastOutcomeOfEachChannelIsTheOneCommittedLast) {
  const auto tried = [](std::uint64_t id, const char* channel) {
    model::Notification row = notification(id, 1, 10, channel);
    row.attempts = 1;
    row.status = model::NotificationStatus::delivered;
    return row;
  };
  StateDelta delta;
  delta.notifications = {tried(1, "mail"), tried(2, "mail"), tried(3, "hook"),
                         notification(4, 1, 10, "mail")};
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->last_by_channel()), ElementsAre(3, 2));
  delta.notifications = {tried(1, "mail")};
  this->commit(delta);
  EXPECT_THAT(ids(*this->reader->last_by_channel()), ElementsAre(3, 1));
}

}  // namespace
}  // namespace tocsin::collector
