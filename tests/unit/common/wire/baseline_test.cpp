#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin {
namespace {

const model::Principal kLee{"lee", model::Role::duty, "ab"};
const model::Principal kChen{"chen", model::Role::officer, "cd"};

model::BaselineEntry a_listener() {
  model::BaselineEntry entry;
  entry.protocol = model::Protocol::udp;
  entry.address_class = model::AddressClass::public_network;
  entry.port = 32768;
  entry.port_to = 65535;
  entry.executable = "/usr/sbin/named";
  entry.package = "bind9";
  entry.user = "uid:53";
  return entry;
}
model::BaselineEntry a_program() {
  model::BaselineEntry entry;
  entry.kind = model::EntryKind::program;
  entry.executable = "/opt/bk/bkd";
  entry.sha256 = std::string(64, 'a');
  entry.user = "root";
  return entry;
}
model::BaselineEntry a_unit() {
  model::BaselineEntry entry;
  entry.kind = model::EntryKind::unit;
  entry.name = "備份.timer";
  return entry;
}

model::BaselineRecord a_record() {
  model::BaselineRecord record;
  record.id = BaselineId{7};
  record.revision = 3;
  record.scope = {model::ScopeKind::group, "web"};
  record.version = 2;
  record.status = model::BaselineStatus::approved;
  record.has_listeners = record.has_programs = record.has_units = true;
  record.entries = {
      {a_listener(), {Instant{1}, Instant{2}, 3ms, 4}, 5, {{"baseline.mark.late", {}}}},
      {a_unit(), {}, 1, {}}};
  record.left_out = {{a_program(), {}, 1, {{"baseline.mark.condemned", {}}}}};
  record.window_from = Instant{8};
  record.window_to = Instant{9};
  record.hosts = {"web1", "web2"};
  record.host_count = 2;
  record.notes = {{"baseline.note.window_short", {{"days", "3"}}}};
  record.proposed = {kLee, Instant{10}, "新主機"};
  record.decided = {kChen, Instant{11}, "看過"};
  record.expires = Instant{12};
  return record;
}

TEST(WireBaseline, ARecordComesBackAsItWas) {
  const auto back = wire::decode_baseline(wire::encode_baseline(a_record()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, a_record());
}

TEST(WireBaseline, AProposalThatNobodyDecidedComesBackAsItWas) {
  model::BaselineRecord record = a_record();
  record.status = model::BaselineStatus::proposed;
  record.decided = {};
  EXPECT_EQ(wire::decode_baseline(wire::encode_baseline(record)), record);
}

TEST(WireBaseline, WhatIsLearnedComesBackAsItWas) {
  model::HostLearning learning;
  learning.agent = AgentId{std::string(64, 'a')};
  learning.listeners_since = Instant{1};
  learning.programs_since = Instant{2};
  learning.units_since = Instant{3};
  learning.entries = {{a_listener(),
                       {Instant{1}, Instant{2}, 3ms, 4},
                       Instant{5},
                       {40000, 50000},
                       true,
                       {"@why.deleted"},
                       true}};
  learning.not_kept = 6;
  learning.forgotten = 7;
  learning.last_not_kept = Instant{8};
  const auto back = wire::decode_learning(wire::encode_learning(learning));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, learning);
}

TEST(WireBaseline, AnApprovedOneComesBackAsItWasAndItsDigestSaysWhatItSays) {
  model::ApprovedBaseline baseline = model::approved(a_record());
  EXPECT_EQ(baseline.proposed_by, "lee");
  EXPECT_EQ(baseline.approved_by, "chen");
  baseline.digest = wire::digest_of(baseline);
  const auto back = wire::decode_approved(wire::encode_approved(baseline));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, baseline);
  EXPECT_EQ(wire::digest_of(*back), baseline.digest);
  model::ApprovedBaseline other = baseline;
  other.entries[0].port = 32769;
  EXPECT_NE(wire::digest_of(other), baseline.digest);
}

// It could be decoded, and what it was encoded to could not.
TEST(WireBaseline, AnApprovedOneForNobodyIsRefused) {
  model::ApprovedBaseline baseline;
  baseline.digest = std::string(64, 'a');
  v1::ApprovedBaseline message;
  wire::to_proto(baseline, message);
  message.mutable_scope()->set_kind(v1::BaselineScope::KIND_HOST);
  const auto read = wire::decode_approved(message.SerializeAsString());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
  message.mutable_scope()->set_name("web1");
  EXPECT_TRUE(wire::decode_approved(message.SerializeAsString()));
}

TEST(WireBaseline, NoneIsApprovedIsSaidByAnEmptyOne) {
  const model::ApprovedBaseline none;
  EXPECT_EQ(wire::decode_approved(wire::encode_approved(none)), none);
}

TEST(WireBaseline, CommandsComeBackAsTheyWere) {
  model::Command command{"c1", kLee, 4, "原因", {}};
  for (const decltype(model::Command::act)& act :
       {decltype(model::Command::act)(
            model::ProposeBaseline{{model::ScopeKind::host, "web1"}, 168h, {"unit x"}, {}}),
        decltype(model::Command::act)(
            model::ProposeBaseline{{model::ScopeKind::group, "web"}, {}, {}, FindingId{3}}),
        decltype(model::Command::act)(model::ApproveBaseline{BaselineId{7}, 24h}),
        decltype(model::Command::act)(model::RejectBaseline{BaselineId{7}})}) {
    command.act = act;
    const auto back = wire::decode_journal(wire::encode_journal(command));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(std::get<model::Command>(*back), command);
  }
}

TEST(WireBaseline, WhatIsOutOfBoundsIsRefused) {
  model::BaselineRecord record = a_record();
  record.entries.resize(limits::kBaselineEntries + 1, record.entries.front());
  EXPECT_FALSE(wire::decode_baseline(wire::encode_baseline(record)));
  record = a_record();
  record.status = static_cast<model::BaselineStatus>(9);
  EXPECT_FALSE(wire::decode_baseline(wire::encode_baseline(record)));
  record = a_record();
  record.entries[0].entry.kind = static_cast<model::EntryKind>(4);
  EXPECT_FALSE(wire::decode_baseline(wire::encode_baseline(record)));
  record = a_record();
  record.scope.kind = static_cast<model::ScopeKind>(0);
  EXPECT_FALSE(wire::decode_baseline(wire::encode_baseline(record)));
}

TEST(WireBaseline, WhereAProgramComesFromIsPartOfTheFacts) {
  model::Listener listener;
  listener.file = {"nginx-core", model::Tristate::yes, ""};
  model::ProcessGroup group;
  group.file = {"", model::Tristate::unknown, std::string(64, 'b')};
  model::Observation sockets;
  sockets.check = {model::CheckKind::sockets, ""};
  sockets.facts = model::SocketsFacts{{listener}, {}, 0, 0, 0};
  model::Observation processes;
  processes.check = {model::CheckKind::processes, ""};
  model::ProcessesFacts programs;
  programs.groups = {group};
  processes.facts = programs;
  for (const model::Observation& observation : {sockets, processes}) {
    const model::Fact fact{"b", MonoTime{1}, Instant{2}, model::Priority::normal, observation};
    EXPECT_EQ(wire::decode_fact(wire::encode_fact(fact)), fact);
  }
  model::Observation changed = sockets;
  std::get<model::SocketsFacts>(changed.facts).listeners[0].file.intact = model::Tristate::no;
  EXPECT_NE(wire::significant_digest(changed), wire::significant_digest(sockets));
}

TEST(WireBaseline, AnEntryIsNamedInOneLine) {
  EXPECT_EQ(to_string(a_listener()), "udp public 32768-65535 /usr/sbin/named uid:53");
  EXPECT_EQ(to_string(a_program()), "program /opt/bk/bkd root");
  EXPECT_EQ(to_string(a_unit()), "unit 備份.timer");
  EXPECT_EQ(to_string(a_record().scope), "group web");
}

}  // namespace
}  // namespace tocsin
