#include "common/rules/baseline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::AddressClass;
using model::ApprovedBaseline;
using model::Listener;
using model::ProcessGroup;
using model::ProgramFile;
using model::Protocol;
using model::Tristate;
using model::Verdict;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kNow{1'800'000'000'000'000'000};

Listener nginx() {
  Listener l;
  l.address = "0.0.0.0";
  l.port = 443;
  l.executable = "/usr/sbin/nginx";
  l.user = "www-data";
  l.file = {"nginx-core", Tristate::yes, ""};
  return l;
}
ProcessGroup app() {
  ProcessGroup g;
  g.name = "app";
  g.executable = "/opt/app/app";
  g.user = "app";
  g.packaged = Tristate::no;
  g.file = {"", Tristate::unknown, std::string(64, 'a')};
  return g;
}

model::Observation ports(std::vector<Listener> listeners) {
  model::SocketsFacts facts;
  facts.listeners = std::move(listeners);
  return seen(model::CheckKind::sockets, facts);
}
model::Observation programs(std::vector<ProcessGroup> groups,
                            std::vector<model::UnitEntry> units = {}) {
  model::ProcessesFacts facts;
  facts.groups = std::move(groups);
  facts.units = std::move(units);
  facts.units_known = Tristate::yes;
  return seen(model::CheckKind::processes, facts);
}

// Approved as it was seen.
ApprovedBaseline approved_from(const std::vector<model::Observation>& observations) {
  ApprovedBaseline baseline;
  baseline.scope = {model::ScopeKind::host, "web1"};
  baseline.version = 3;
  baseline.has_listeners = baseline.has_programs = baseline.has_units = true;
  baseline.expires = kNow + 1h;
  for (const model::Observation& one : observations) {
    for (model::BaselineEntry& entry : entries_of(one)) {
      baseline.entries.push_back(std::move(entry));
    }
  }
  return baseline;
}

model::Judgement judged(const model::Observation& observation, const ApprovedBaseline& baseline,
                        Instant now = kNow) {
  const auto rules = combined(&baseline, nullptr, now);
  return judge(observation, &*rules, {});
}

std::string why(const model::Judgement& judgement) {
  return judgement.violations.empty() ? "" : parameter(judgement.violations[0].message, "why");
}

TEST(BaselineEntries, SayWhatStaysTheSame) {
  Listener l = nginx();
  l.executable += " (deleted)";
  l.process_ids = {1, 2};
  const model::BaselineEntry entry = entry_of(l);
  EXPECT_EQ(to_string(entry), "tcp any 443 /usr/sbin/nginx www-data");
  EXPECT_EQ(entry.package, "nginx-core");
  l.user.clear();
  l.uid = 1234;
  EXPECT_EQ(entry_of(l).user, "uid:1234");
}

TEST(BaselineEntries, AFileThatItsPackageDoesNotVouchForIsKnownByItsHash) {
  Listener l = nginx();
  l.file = {"nginx-core", Tristate::no, std::string(64, 'b')};
  EXPECT_EQ(entry_of(l).package, "");
  EXPECT_EQ(entry_of(l).sha256, std::string(64, 'b'));
}

TEST(BaselineEntries, WhatAPackageVouchesForNeedsNoApproval) {
  ProcessGroup cron;
  cron.executable = "/usr/sbin/cron";
  cron.packaged = Tristate::yes;
  cron.file = {"cron", Tristate::yes, ""};
  EXPECT_THAT(entries_of(programs({cron})), IsEmpty());
  cron.file.intact = Tristate::no;
  EXPECT_EQ(entries_of(programs({cron})).size(), 1U);
  EXPECT_EQ(entries_of(programs({app()})).size(), 1U);
}

TEST(BaselineRules, WhatWasSeenIsNormal) {
  const auto ports_seen = ports({nginx()});
  const auto programs_seen = programs({app()}, {{"app.service", true, true, Tristate::no}});
  const ApprovedBaseline baseline = approved_from({ports_seen, programs_seen});
  EXPECT_EQ(judged(ports_seen, baseline).verdict, Verdict::normal);
  EXPECT_EQ(judged(programs_seen, baseline).verdict, Verdict::normal);
}

// Procedure M-07: an upgrade is no change, another file at the same path is.
TEST(BaselineRules, TheNextVersionOfAPackageIsNoChangeAndAChangedFileIs) {
  const ApprovedBaseline baseline = approved_from({ports({nginx()})});
  Listener upgraded = nginx();
  upgraded.executable_deleted = Tristate::yes;
  upgraded.file.intact = Tristate::unknown;
  EXPECT_EQ(judged(ports({upgraded}), baseline).verdict, Verdict::normal);
  Listener replaced = nginx();
  replaced.file = {"nginx-core", Tristate::no, std::string(64, 'c')};
  EXPECT_EQ(why(judged(ports({replaced}), baseline)), "@why.changed");
  Listener foreign = nginx();
  foreign.file = {"", Tristate::unknown, std::string(64, 'c')};
  EXPECT_EQ(why(judged(ports({foreign}), baseline)), "@why.changed");
}

TEST(BaselineRules, AProgramOfNoPackageIsTheOneWithItsHash) {
  const ApprovedBaseline baseline = approved_from({programs({app()})});
  ProcessGroup other = app();
  other.file.sha256 = std::string(64, 'f');
  EXPECT_THAT(why(judged(programs({other}), baseline)), ::testing::HasSubstr("@why.changed"));
}

TEST(BaselineRules, AFileThatCannotBeSeenIsNotTakenForTheApprovedOne) {
  const ApprovedBaseline baseline = approved_from({ports({nginx()}), programs({app()})});
  Listener unseen = nginx();
  unseen.file = {};
  const model::Judgement of_ports = judged(ports({unseen}), baseline);
  EXPECT_EQ(of_ports.verdict, Verdict::cannot_tell);
  EXPECT_TRUE(says(of_ports, "port.file_unknown"));
  ProcessGroup hidden = app();
  hidden.file = {};
  EXPECT_TRUE(says(judged(programs({hidden}), baseline), "process.file_unknown"));
}

TEST(BaselineRules, AModifiedFileOfAPackageIsAFindingWhereProgramsAreApproved) {
  ProcessGroup sshd;
  sshd.name = "sshd";
  sshd.executable = "/usr/sbin/sshd";
  sshd.user = "root";
  sshd.packaged = Tristate::yes;
  sshd.file = {"openssh-server", Tristate::no, std::string(64, 'd')};
  EXPECT_EQ(why(judged(programs({sshd}), approved_from({}))), "@why.modified");
}

TEST(BaselineRules, ARangeOfAProgramIsItsAlone) {
  model::BaselineEntry range = entry_of(nginx());
  range.port = kFirstDynamicPort;
  range.port_to = kLastPort;
  ApprovedBaseline baseline = approved_from({});
  baseline.entries = {range};
  Listener high = nginx();
  high.port = 40001;
  EXPECT_EQ(judged(ports({high}), baseline).verdict, Verdict::normal);
  high.executable = "/usr/bin/nc";
  EXPECT_EQ(judged(ports({high}), baseline).verdict, Verdict::abnormal);
  EXPECT_EQ(judged(ports({nginx()}), baseline).verdict, Verdict::abnormal);
}

TEST(BaselineRules, PastItsEndItTellsNothingAndFallsBackToNothing) {
  const ApprovedBaseline baseline = approved_from({ports({nginx()})});
  EXPECT_EQ(judged(ports({nginx()}), baseline, kNow + 1h - 1ns).verdict, Verdict::normal);
  const model::Judgement over = judged(ports({nginx()}), baseline, kNow + 1h);
  EXPECT_EQ(over.verdict, Verdict::cannot_tell);
  EXPECT_TRUE(says(over, "baseline.expired"));
  model::Baseline policy;
  policy.has_listeners = true;
  policy.listeners.resize(1);  // any
  const auto both = combined(&baseline, &policy, kNow + 1h);
  EXPECT_TRUE(says(judge(ports({nginx()}), &*both, {}), "baseline.expired"));
}

TEST(BaselineRules, TheApprovedOneGoesBeforeThePolicysPartByPart) {
  ApprovedBaseline approved = approved_from({ports({nginx()})});
  approved.has_programs = approved.has_units = false;
  model::Baseline policy;
  policy.name = "web";
  policy.version = 9;
  policy.has_listeners = policy.has_processes = true;
  model::ListenerRule ssh;
  ssh.port = 22;
  policy.listeners = {ssh};
  policy.processes = {{"", "/opt/app/app", "app", "", "", ""}};
  policy.services = {{"nginx.service", true}};
  policy.sources = {{Protocol::tcp, 443, {"10.0.0.0/8"}}};
  const auto both = combined(&approved, &policy, kNow);
  EXPECT_EQ(both->name, "host web1");
  EXPECT_EQ(both->version, 3U);
  ASSERT_EQ(both->listeners.size(), 1U);
  EXPECT_EQ(both->listeners[0].port, 443);
  EXPECT_EQ(both->processes, policy.processes);
  EXPECT_EQ(both->services, policy.services);
  EXPECT_EQ(both->sources, policy.sources);
  EXPECT_EQ(combined(nullptr, &policy, kNow), policy);
  EXPECT_EQ(combined(nullptr, nullptr, kNow), std::nullopt);
}

TEST(BaselineRules, AHostsOwnGoesBeforeItsGroups) {
  using Scopes = std::vector<model::BaselineScope>;
  model::SitePolicy policy;
  EXPECT_EQ(scopes_for(policy, "web1"), (Scopes{{model::ScopeKind::host, "web1"}}));
  policy.hosts.resize(2);
  policy.hosts[0].host = "*";
  policy.hosts[0].group = "all";
  policy.hosts[1].host = "web1";
  policy.hosts[1].group = "web";
  EXPECT_EQ(scopes_for(policy, "web1"),
            (Scopes{{model::ScopeKind::host, "web1"}, {model::ScopeKind::group, "web"}}));
  EXPECT_EQ(scopes_for(policy, "db1"),
            (Scopes{{model::ScopeKind::host, "db1"}, {model::ScopeKind::group, "all"}}));
  policy.hosts[1].group.clear();
  EXPECT_EQ(scopes_for(policy, "web1"), (Scopes{{model::ScopeKind::host, "web1"}}));
}

TEST(BaselineEntries, AFindingIsAboutTheEntryThatWouldApproveIt) {
  Listener evil = nginx();
  evil.port = 4444;
  evil.executable = "/tmp/my program";
  evil.network_namespace = "cni-1";
  const model::Judgement judgement = judged(ports({evil}), approved_from({}));
  ASSERT_EQ(judgement.violations.size(), 1U);
  const model::Violation& violation = judgement.violations[0];
  model::BaselineEntry entry = entry_of(evil);
  EXPECT_TRUE(is_about(entry, violation.code, violation.subject));
  entry.port = 4445;
  EXPECT_FALSE(is_about(entry, violation.code, violation.subject));
  entry.port = 4000;
  entry.port_to = 5000;
  EXPECT_TRUE(is_about(entry, violation.code, violation.subject));
  entry.user = "root";
  EXPECT_FALSE(is_about(entry, violation.code, violation.subject));
}

TEST(BaselineDifference, NamesWhatIsTooMuchAndWhatIsMissing) {
  const ApprovedBaseline baseline =
      approved_from({ports({nginx()}), programs({app()}, {{"app.service", true, true, {}}})});
  Listener evil = nginx();
  evil.port = 4444;
  const std::vector<model::Observation> now{ports({evil}), programs({app()})};
  const Difference difference = rules::difference(
      baseline.entries, now, {judged(now[0], baseline), judged(now[1], baseline)});
  EXPECT_THAT(difference.unexpected, ElementsAre(entry_of(evil)));
  ASSERT_EQ(difference.absent.size(), 2U);
  EXPECT_EQ(to_string(difference.absent[0]), "tcp any 443 /usr/sbin/nginx www-data");
  EXPECT_EQ(to_string(difference.absent[1]), "unit app.service");
}

TEST(BaselineDifference, WhatWasNotLookedAtIsNotMissing) {
  const ApprovedBaseline baseline = approved_from({ports({nginx()}), programs({app()})});
  const Difference difference =
      rules::difference(baseline.entries, {ports({nginx()})}, {judged(ports({nginx()}), baseline)});
  EXPECT_THAT(difference.unexpected, IsEmpty());
  EXPECT_THAT(difference.absent, IsEmpty());
}

// An older agent did not tell the file, or any is approved: the rule takes it, so does this.
TEST(BaselineDifference, WhatWasApprovedWithoutItsFileIsNotMissing) {
  ApprovedBaseline baseline = approved_from({ports({nginx()}), programs({app()})});
  for (model::BaselineEntry& entry : baseline.entries) entry.package = entry.sha256 = "";
  const std::vector<model::Observation> now{ports({nginx()}), programs({app()})};
  const Difference difference = rules::difference(
      baseline.entries, now, {judged(now[0], baseline), judged(now[1], baseline)});
  EXPECT_THAT(difference.unexpected, IsEmpty());
  EXPECT_THAT(difference.absent, IsEmpty());
}

// ---- Properties ----

template <class T>
T one_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

ProgramFile any_file() {
  return one_of<ProgramFile>({{},
                              {"pkg", Tristate::yes, ""},
                              {"pkg", Tristate::unknown, ""},
                              {"pkg", Tristate::no, std::string(64, '1')},
                              {"", Tristate::unknown, std::string(64, '2')}});
}

Listener any_listener() {
  Listener l;
  l.protocol = one_of({Protocol::tcp, Protocol::udp});
  l.address_class = one_of({AddressClass::any, AddressClass::loopback});
  l.address = "x";
  l.port = *rc::gen::inRange<std::uint16_t>(1, 65535);
  l.executable =
      one_of<std::string>({"", "/usr/bin/a", "/tmp/b (deleted)", "/memfd:c", "/opt/d e"});
  l.executable_deleted = one_of({Tristate::yes, Tristate::no, Tristate::unknown});
  l.executable_world_writable = one_of({Tristate::yes, Tristate::no});
  l.uid = one_of<std::uint32_t>({0, 77});
  l.user = one_of<std::string>({"", "root", "www"});
  l.network_namespace = one_of<std::string>({"", "ns"});
  l.file = any_file();
  return l;
}

ProcessGroup any_group() {
  ProcessGroup g;
  g.name = one_of<std::string>({"a", "[kworker]", "x y"});
  g.executable = one_of<std::string>({"", "/usr/bin/a", "/tmp/b (deleted)", "/memfd:c", "/opt/d"});
  g.uid = one_of<std::uint32_t>({0, 77});
  g.user = one_of<std::string>({"", "root"});
  g.count = 1;
  g.executable_deleted = one_of({Tristate::yes, Tristate::no});
  g.memory_only = one_of({Tristate::yes, Tristate::no});
  g.executable_world_writable = one_of({Tristate::yes, Tristate::no});
  g.imitates_kernel_thread = *rc::gen::arbitrary<bool>();
  g.preload = one_of({Tristate::yes, Tristate::no});
  g.packaged = one_of({Tristate::yes, Tristate::no, Tristate::unknown});
  g.file = any_file();
  return g;
}

std::vector<Listener> any_listeners() {
  return *rc::gen::container<std::vector<Listener>>(rc::gen::exec(any_listener));
}
std::vector<ProcessGroup> any_groups() {
  return *rc::gen::container<std::vector<ProcessGroup>>(rc::gen::exec(any_group));
}

RC_GTEST_PROP(BaselineProperty, WhatItWasLearnedFromIsAlwaysNormalUnderIt, ()) {
  const auto sockets = ports(any_listeners());
  const auto processes = programs(any_groups(), {{"a.service", true, true, Tristate::no}});
  const ApprovedBaseline baseline = approved_from({sockets, processes});
  RC_ASSERT(judged(sockets, baseline).verdict == Verdict::normal);
  RC_ASSERT(judged(processes, baseline).verdict == Verdict::normal);
}

RC_GTEST_PROP(BaselineProperty, NothingDiffersFromItself, ()) {
  const auto entries = entries_of(ports(any_listeners()));
  const EntryChanges none = changes(entries, entries);
  RC_ASSERT(none.added.empty());
  RC_ASSERT(none.removed.empty());
}

RC_GTEST_PROP(BaselineProperty, WhatIsAddedOneWayIsRemovedTheOther, ()) {
  const auto a = entries_of(ports(any_listeners()));
  const auto b = entries_of(ports(any_listeners()));
  RC_ASSERT(changes(a, b).added == changes(b, a).removed);
}

}  // namespace
}  // namespace tocsin::rules
