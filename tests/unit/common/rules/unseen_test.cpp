// What a look did not see, kind by kind: a finding that is open there must stay so, and one that
// was looked at and is well must not stay for ever.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/rules/findings.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::Baseline;
using model::CheckKind;
using model::Tristate;
using model::Verdict;

constexpr Instant kNow{1'800'000'000'000'000'000};

bool keeps(const model::Judgement& judgement, std::string_view code, std::string_view subject) {
  return !looked_at(judgement, code, subject);
}

Baseline approved() {
  Baseline b;
  b.has_listeners = true;
  b.listeners = {{model::Protocol::tcp, {}, 22, 0, "/usr/sbin/sshd", "root", ""}};
  b.sources = {{model::Protocol::tcp, 22, {"10.1.0.0/16", "10.9.9.9/32"}}};
  b.has_processes = true;
  b.has_units = true;
  b.units = {"ssh.service"};
  return b;
}

// ---- the words of it

TEST(LookedAt, GoesByCodeAndSubject) {
  model::Judgement judgement;
  EXPECT_TRUE(looked_at(judgement, "a.b", "x"));
  judgement.unseen = {only("a.b", "x"),
                      beginning("c", "tcp "),
                      ending("d", " root"),
                      {"e", model::Unseen::Subjects::like, {"* * y*z"}},
                      {"disk.", model::Unseen::Subjects::but_these, {"/", "/var"}}};
  for (const auto& [code, subject, seen] : {std::tuple{"a.b", "x", false},
                                            {"a.b", "x1", true},
                                            {"a", "x", true},
                                            {"a.bc", "x", false},
                                            {"c.any", "tcp 1", false},
                                            {"c.any", "udp 1", true},
                                            {"d.x", "/a b root", false},
                                            {"d.x", "/a root b", true},
                                            {"e.f", "1 2 y--z", false},
                                            {"e.f", "1 2 yz", false},
                                            {"e.f", "1 2 y-", true},
                                            {"e.f", "1 yz", true},
                                            {"disk.full", "/mnt", false},
                                            {"disk.full", "/", true},
                                            {"memory.x", "/mnt", true}}) {
    EXPECT_EQ(looked_at(judgement, code, subject), seen) << code << " of " << subject;
  }
  judgement.unseen = {everything()};
  EXPECT_FALSE(looked_at(judgement, "any.thing", ""));
}

TEST(Findings, KeepWhatDoesNotFitTheirLimit) {
  Findings findings;
  for (int i = 0; i < 100; ++i) {
    findings.add({"x.y", "number " + std::to_string(i), {"x.y", {}}});
  }
  const model::Judgement judgement = std::move(findings).finish({});
  for (int i = 0; i < 100; ++i) {
    const std::string subject = "number " + std::to_string(i);
    const bool listed = std::any_of(judgement.violations.begin(), judgement.violations.end(),
                                    [&](const auto& v) { return v.subject == subject; });
    EXPECT_NE(listed, keeps(judgement, "x.y", subject)) << subject;
  }
}

TEST(Findings, AreTheSameInAnyOrderAlsoInWhatIsUnseen) {
  Findings one, other;
  one.unseen(only("a", "x")), one.unseen(only("a", "y")), one.blind({"b", {}}, all_of("c"));
  other.blind({"b", {}}, all_of("c")), other.unseen(only("a", "y")), other.unseen(only("a", "x"));
  EXPECT_EQ(std::move(one).finish({}), std::move(other).finish({}));
}

// ---- each kind

TEST(Unseen, ALookThatFailedSawNothing) {
  for (const CheckKind kind : model::kCheckKinds) {
    model::Observation observation;
    observation.check.kind = kind;
    observation.outcome = model::Outcome::timed_out;
    EXPECT_TRUE(keeps(judge(observation, nullptr, {}), "any.code", "any")) << to_string(kind);
  }
}

TEST(Unseen, OfABackupServerThatIsDownIsEverythingElse) {
  model::BackupJobFacts down;
  down.job = "tsm1";
  down.tool = "tsm";
  down.reachable = Tristate::no;
  const auto judgement = judge(seen(CheckKind::backup_job, down), nullptr, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  EXPECT_TRUE(keeps(judgement, "backup.rpo", "tsm1 WEB1 /srv"));
  EXPECT_TRUE(keeps(judgement, "backup.drive_offline", "tsm1 drive LIB/D1"));
}

TEST(Unseen, OfABackupServerIsWhatItDidNotAnswer) {
  model::BackupJobFacts facts;
  facts.job = "tsm1";
  facts.tool = "tsm";
  facts.last_database_backup = kNow - 1h;
  facts.spaces = {{"database", 950}};
  facts.blind = {{"query drive", "ANR2034E", {}, 1}};
  auto judgement = judge(seen(CheckKind::backup_job, facts), nullptr, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);  // the database is full
  EXPECT_TRUE(keeps(judgement, "backup.drive_offline", "tsm1 drive LIB/D1"));
  EXPECT_FALSE(keeps(judgement, "backup.path_offline", "tsm1 path A > B"));
  EXPECT_FALSE(keeps(judgement, "backup.missed", "tsm1 NIGHTLY WEB1"));
  facts.blind = {{"query something new", "ANR2034E", {}, 1}};
  judgement = judge(seen(CheckKind::backup_job, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "backup.missed", "tsm1 NIGHTLY WEB1"));
  facts.blind.clear();
  facts.over_limit = 1;
  judgement = judge(seen(CheckKind::backup_job, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "backup.missed", "tsm1 NIGHTLY WEB1"));
  EXPECT_FALSE(keeps(judgement, "backup.database_old", "tsm1"));
}

// Its times are of its own zone: without its clock an hour ago and nine hours ago look the same.
TEST(Unseen, OfABackupServerWithoutItsClockIsEveryAge) {
  model::BackupJobFacts facts;
  facts.job = "tsm1";
  facts.tool = "tsm";
  facts.last_database_backup = kNow - 1000h;
  facts.sources = {{"WEB1 /SRV", kNow - 1000h}, {"NEW1 /SRV", {}}};
  facts.blind = {{"query clock", "unreadable", {}, 1}};
  const auto judgement = judge(seen(CheckKind::backup_job, facts), nullptr, {});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].code, "backup.never");
  EXPECT_TRUE(keeps(judgement, "backup.rpo", "tsm1 WEB1 /SRV"));
  EXPECT_TRUE(keeps(judgement, "backup.database_old", "tsm1"));
  EXPECT_FALSE(keeps(judgement, "backup.drive_offline", "tsm1 drive LIB/D1"));
}

// A TSM server that schedules nothing any more does not say that what it missed was made good.
TEST(Unseen, OfABackupServerWithoutSchedulesIsWhatItMissed) {
  model::BackupJobFacts facts;
  facts.job = "tsm1";
  facts.tool = "tsm";
  facts.last_database_backup = kNow - 1h;
  facts.scheduled = Tristate::no;
  const auto judgement = judge(seen(CheckKind::backup_job, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "backup.missed", "tsm1 NIGHTLY WEB1"));
  EXPECT_TRUE(keeps(judgement, "backup.failed", "tsm1 NIGHTLY WEB1"));
  EXPECT_FALSE(keeps(judgement, "backup.drive_offline", "tsm1 drive LIB/D1"));
}

TEST(Unseen, OfProcessesIsAProgramWhoseFileCouldNotBeRead) {
  model::ProcessesFacts facts;
  facts.hidden_searched = facts.units_known = Tristate::yes;
  model::ProcessGroup dark;
  dark.name = "x";
  dark.user = "www";
  facts.groups = {dark};
  facts.not_permitted = 1;
  facts.preload_file = true;
  const Baseline baseline = approved();
  const auto judgement = judge(seen(CheckKind::processes, facts), &baseline, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  EXPECT_TRUE(keeps(judgement, "process.unexpected", "/tmp/x www"));
  EXPECT_FALSE(keeps(judgement, "process.unexpected", "/tmp/x root"));
  EXPECT_FALSE(keeps(judgement, "process.hidden", "process 7"));
  facts.groups_over_limit = 1;
  EXPECT_TRUE(keeps(judge(seen(CheckKind::processes, facts), &baseline, {}), "process.unexpected",
                    "/tmp/x root"));
}

// A site without a baseline is told of what is bad anywhere, and of its end.
TEST(Unseen, WithoutABaselineIsOnlyWhatIsThereAndWouldNeedOne) {
  model::ProcessesFacts facts;
  facts.hidden_searched = facts.units_known = Tristate::yes;
  model::ProcessGroup own;
  own.name = "app";
  own.executable = "/srv/app";
  own.user = "app";
  own.executable_deleted = own.memory_only = own.executable_world_writable = Tristate::no;
  own.preload = own.packaged = Tristate::no;
  facts.groups = {own};
  const auto judgement = judge(seen(CheckKind::processes, facts), nullptr, {});
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_TRUE(keeps(judgement, "process.unexpected", "/srv/app app"));
  EXPECT_FALSE(keeps(judgement, "process.unexpected", "/memfd:x root"));
  EXPECT_FALSE(keeps(judgement, "process.preload_file", "/etc/ld.so.preload"));
  facts.hidden_searched = Tristate::unknown;
  EXPECT_TRUE(
      keeps(judge(seen(CheckKind::processes, facts), nullptr, {}), "process.hidden", "process 7"));
}

TEST(Unseen, OfUnitsIsAllWhereSystemdDidNotSay) {
  model::ProcessesFacts facts;
  facts.hidden_searched = Tristate::yes;
  facts.units = {{"odd.service", true, true, Tristate::no}};
  Baseline baseline = approved();
  for (const Tristate known : {Tristate::no, Tristate::unknown}) {
    facts.units_known = known;
    EXPECT_TRUE(keeps(judge(seen(CheckKind::processes, facts), &baseline, {}), "unit.unexpected",
                      "other.service"));
  }
  facts.units_known = Tristate::yes;
  EXPECT_FALSE(keeps(judge(seen(CheckKind::processes, facts), &baseline, {}), "unit.unexpected",
                     "other.service"));
  baseline.has_units = baseline.has_processes = false;
  baseline.expired = true;
  const auto judgement = judge(seen(CheckKind::processes, facts), &baseline, {});
  EXPECT_TRUE(keeps(judgement, "unit.unexpected", "odd.service"));
  EXPECT_FALSE(keeps(judgement, "unit.unexpected", "other.service"));
}

TEST(Unseen, OfListenersIsWhatStandsWhereNoOwnerCouldBeSeen) {
  model::SocketsFacts facts;
  model::Listener dark;
  dark.port = 22;
  dark.address = "0.0.0.0";
  facts.listeners = {dark};
  facts.hidden = {{model::Protocol::tcp, 31337, true, false}};
  const Baseline baseline = approved();
  auto judgement = judge(seen(CheckKind::sockets, facts), &baseline, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  EXPECT_TRUE(keeps(judgement, "port.unexpected", "tcp any 22 /tmp/x root"));
  EXPECT_FALSE(keeps(judgement, "port.unexpected", "tcp any 4444 /tmp/x root"));
  facts.namespaces_not_seen = 1;
  judgement = judge(seen(CheckKind::sockets, facts), &baseline, {});
  EXPECT_FALSE(keeps(judgement, "port.unexpected", "tcp any 4444 /tmp/x root"));
  EXPECT_TRUE(keeps(judgement, "port.unexpected", "tcp any 4444 /tmp/x root blue"));
  facts.listeners_over_limit = 1;
  EXPECT_TRUE(keeps(judge(seen(CheckKind::sockets, facts), &baseline, {}), "port.unexpected",
                    "tcp any 4444 /tmp/x root"));
}

TEST(Unseen, OfSourcesIsWhatCouldNotBeToldApart) {
  model::SocketsFacts facts;
  facts.peers = {{model::Protocol::tcp, 22, true, "10.9.9.0/24", 0, 1},
                 {model::Protocol::tcp, 22, true, "203.0.113.0/24", 0, 1}};
  Baseline baseline = approved();
  auto judgement = judge(seen(CheckKind::sockets, facts), &baseline, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  EXPECT_TRUE(keeps(judgement, "source.unexpected", "tcp 22 10.9.9.0/24"));
  EXPECT_FALSE(keeps(judgement, "source.unexpected", "tcp 22 198.51.100.0/24"));
  facts.peers_over_limit = 1;
  judgement = judge(seen(CheckKind::sockets, facts), &baseline, {});
  EXPECT_TRUE(keeps(judgement, "source.unexpected", "tcp 22 198.51.100.0/24"));
  facts.peers_over_limit = 0;
  judgement = judge(seen(CheckKind::sockets, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "source.unexpected", "tcp 22 203.0.113.0/24"));
  EXPECT_FALSE(keeps(judgement, "source.unexpected", "tcp 22 198.51.100.0/24"));
}

TEST(Unseen, OfAScanIsWhatItDidNotTry) {
  model::PortScanFacts facts;
  facts.address = "10.0.0.7";
  facts.open = {4444};
  facts.closed = 9;
  facts.complete = true;
  const Baseline baseline = approved();
  EXPECT_FALSE(keeps(judge(seen(CheckKind::port_scan, facts), &baseline, {}), "port.answers",
                     "10.0.0.7 tcp 23"));
  const auto without = judge(seen(CheckKind::port_scan, facts), nullptr, {});
  EXPECT_TRUE(keeps(without, "port.answers", "10.0.0.7 tcp 4444"));
  EXPECT_FALSE(keeps(without, "port.answers", "10.0.0.7 tcp 23"));
  facts.complete = false;
  EXPECT_TRUE(keeps(judge(seen(CheckKind::port_scan, facts), &baseline, {}), "port.answers",
                    "10.0.0.7 tcp 23"));
}

TEST(Unseen, OfAScannerIsWhatItDidNotFinish) {
  model::AntivirusFacts facts;
  facts.scanner_available = Tristate::yes;
  facts.scanned = 10;
  facts.signatures_at = kNow;
  facts.hits = {{"/tmp/a", "Eicar", 68}};
  EXPECT_FALSE(keeps(judge(seen(CheckKind::antivirus, facts), nullptr, {}), "malware.found", "/b"));
  for (const auto change : {+[](model::AntivirusFacts& f) { f.budget_exhausted = true; },
                            +[](model::AntivirusFacts& f) { f.errors = 1; },
                            +[](model::AntivirusFacts& f) { f.hits_over_limit = 1; },
                            +[](model::AntivirusFacts& f) { f.signatures_at = kNow - 90 * 24h; }}) {
    model::AntivirusFacts partly = facts;
    change(partly);
    EXPECT_TRUE(
        keeps(judge(seen(CheckKind::antivirus, partly), nullptr, {}), "malware.found", "/b"));
  }
}

TEST(Unseen, OfDisksAreThoseThatCouldNotBeLookedAt) {
  model::MetricsFacts facts;
  facts.memory_available_permille = 500;
  facts.clock_synchronized = Tristate::yes;
  facts.file_systems = {{"/", 990, 10, false}, {"/var", 100, 10, false}};
  EXPECT_FALSE(
      keeps(judge(seen(CheckKind::metrics, facts), nullptr, {}), "disk.space_low", "/mnt"));
  facts.file_systems_unseen = 1;
  facts.clock_synchronized = Tristate::unknown;
  const auto judgement = judge(seen(CheckKind::metrics, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "disk.space_low", "/mnt"));
  EXPECT_FALSE(keeps(judgement, "disk.space_low", "/var"));
  EXPECT_TRUE(keeps(judgement, "clock.wrong", "clock"));
  EXPECT_FALSE(keeps(judgement, "memory.exhausted", "memory"));
}

TEST(Unseen, OfALoginIsWhatLiesBehindWhereItEnded) {
  model::LoginFacts facts;
  facts.account = "tocsin-probe";
  facts.worked_before = true;
  facts.outcome = model::LoginOutcome::refused;
  const auto refused = judge(seen(CheckKind::login, facts), nullptr, {});
  EXPECT_TRUE(keeps(refused, "login.rejected", "tocsin-probe"));
  EXPECT_FALSE(keeps(refused, "login.timed_out", "tocsin-probe"));
  facts.outcome = model::LoginOutcome::session_failed;
  const auto inside = judge(seen(CheckKind::login, facts), nullptr, {});
  EXPECT_FALSE(keeps(inside, "login.rejected", "tocsin-probe"));
  EXPECT_FALSE(keeps(inside, "login.refused", "tocsin-probe"));
}

TEST(Unseen, OfAnAnswerThatDidNotComeIsWhatItWouldHaveSaid) {
  model::AnswerFacts facts;
  facts.url = "https://10.0.0.7/health";
  facts.outcome = model::AnswerOutcome::refused;
  EXPECT_TRUE(
      keeps(judge(seen(CheckKind::answer, facts), nullptr, {}), "answer.error_status", facts.url));
  facts.outcome = model::AnswerOutcome::answered;
  facts.status = 503;
  EXPECT_FALSE(
      keeps(judge(seen(CheckKind::answer, facts), nullptr, {}), "answer.failed", facts.url));
}

TEST(Unseen, OfAPingIsTheTimeOfWhatNeverCame) {
  model::PingFacts facts;
  facts.address = "10.0.0.7";
  facts.sent = 5;
  EXPECT_TRUE(keeps(judge(seen(CheckKind::ping, facts), nullptr, {}), "ping.rtt.high", "10.0.0.7"));
  facts.received = 5;
  facts.method = model::PingMethod::neighbour;
  const auto neighbour = judge(seen(CheckKind::ping, facts), nullptr, {});
  EXPECT_TRUE(keeps(neighbour, "ping.loss.high", "10.0.0.7"));
  EXPECT_FALSE(keeps(neighbour, "ping.unreachable", "10.0.0.7"));
}

// procedure M-10: of a folder that is gone nothing is known, of the others it is.
TEST(Unseen, OfAVirusScanIsWhatLiesInAFolderThatWasNotSeen) {
  model::AntivirusFacts facts;
  facts.scanner_available = Tristate::yes;
  facts.signatures_at = kNow - 1h;
  facts.scanned = 10;
  facts.folders_unseen = {{"/srv/mail", model::FolderUnseen::unmounted},
                          {"/opt/", model::FolderUnseen::absent}};
  auto judgement = judge(seen(CheckKind::antivirus, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "malware.found", "/srv/mail/a/b"));
  EXPECT_TRUE(keeps(judgement, "malware.found", "/opt/x"));
  EXPECT_FALSE(keeps(judgement, "malware.found", "/srv/mailbox"));
  EXPECT_FALSE(keeps(judgement, "malware.found", "/tmp/x"));
  facts.folders_unseen = {{"/" + std::string(2000, 'd'), model::FolderUnseen::absent}};
  judgement = judge(seen(CheckKind::antivirus, facts), nullptr, {});
  EXPECT_TRUE(keeps(judgement, "malware.found", "/tmp/x")) << "too long a name to tell";
  for (const auto change : {+[](model::AntivirusFacts& f) { f.names_over_limit = 1; },
                            +[](model::AntivirusFacts& f) { f.programs_unseen = true; },
                            +[](model::AntivirusFacts& f) { f.scanned = 0; },
                            +[](model::AntivirusFacts& f) { f.budget_exhausted = true; },
                            +[](model::AntivirusFacts& f) { f.folders_unseen_over_limit = 1; }}) {
    facts.folders_unseen.clear();
    model::AntivirusFacts dark = facts;
    change(dark);
    EXPECT_TRUE(keeps(judge(seen(CheckKind::antivirus, dark), nullptr, {}), "malware.found", "/x"));
  }
}

// ---- all of them

// Whatever part of a host goes dark, what was found is found still, or is said not to be seen.
template <class Facts>
void expect_kept(CheckKind kind, const Facts& whole, const Facts& dark, const Baseline* baseline) {
  const auto before = judge(seen(kind, whole), baseline, {});
  const auto after = judge(seen(kind, dark), baseline, {});
  for (const model::Violation& violation : before.violations) {
    const bool found = std::any_of(
        after.violations.begin(), after.violations.end(), [&](const model::Violation& v) {
          return v.code == violation.code && v.subject == violation.subject;
        });
    RC_ASSERT(found || keeps(after, violation.code, violation.subject));
  }
}

bool flag() { return *rc::gen::arbitrary<bool>(); }
Tristate tri() { return static_cast<Tristate>(*rc::gen::inRange(0, 3)); }

model::ProcessGroup any_group() {
  model::ProcessGroup g;
  g.executable = *rc::gen::element<std::string>("/tmp/x", "/usr/bin/y", "/srv/z", "/memfd:a");
  g.name = g.executable.substr(1, 3);
  g.user = *rc::gen::element<std::string>("root", "www", "");
  g.count = 1;
  g.executable_deleted = tri(), g.memory_only = tri(), g.executable_world_writable = tri();
  g.preload = tri(), g.packaged = tri(), g.imitates_kernel_thread = flag();
  return g;
}

TEST(UnseenProperty, NoProcessIsForgottenBecauseItWentDark) {
  EXPECT_TRUE(rc::check("a dark part closes nothing", [] {
    model::ProcessesFacts whole;
    whole.hidden_searched = whole.units_known = Tristate::yes;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) whole.groups.push_back(any_group());
    if (flag()) whole.hidden = {7};
    if (flag()) whole.units = {{"odd.service", true, true, tri()}};
    model::ProcessesFacts dark = whole;
    for (model::ProcessGroup& group : dark.groups) {
      if (!flag()) continue;
      // What a process that may not be read shows: its name and its user.
      group.executable.clear();
      group.executable_deleted = group.memory_only = Tristate::unknown;
      group.executable_world_writable = group.preload = group.packaged = Tristate::unknown;
      group.imitates_kernel_thread = false;
      ++dark.not_permitted;
    }
    if (flag()) dark.hidden_searched = Tristate::no, dark.hidden.clear();
    if (flag()) dark.units_known = Tristate::no, dark.units.clear();
    if (flag()) dark.groups.pop_back(), dark.groups_over_limit = 1;
    Baseline baseline = approved();
    baseline.has_processes = flag();
    expect_kept(CheckKind::processes, whole, dark, flag() ? &baseline : nullptr);
    const Baseline expired = [&] {
      Baseline b = baseline;
      b.has_processes = b.has_listeners = b.has_units = false;
      b.expired = true;
      return b;
    }();
    const auto before = judge(seen(CheckKind::processes, whole), &baseline, {});
    const auto after = judge(seen(CheckKind::processes, whole), &expired, {});
    for (const model::Violation& v : before.violations) {
      const bool found = std::any_of(after.violations.begin(), after.violations.end(),
                                     [&](const auto& w) { return w.subject == v.subject; });
      RC_ASSERT(found || keeps(after, v.code, v.subject));
    }
  }));
}

TEST(UnseenProperty, NoListenerIsForgottenBecauseItWentDark) {
  EXPECT_TRUE(rc::check("a dark part closes nothing", [] {
    model::SocketsFacts whole;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      model::Listener l;
      l.port = *rc::gen::element<std::uint16_t>(22, 4444, 50000);
      l.address = "0.0.0.0";
      l.protocol = flag() ? model::Protocol::tcp : model::Protocol::udp;
      l.executable = *rc::gen::element<std::string>("/tmp/a b", "/usr/sbin/sshd");
      l.user = "root";
      l.executable_world_writable = l.executable_deleted = Tristate::no;
      if (flag()) l.network_namespace = "blue";
      whole.listeners.push_back(l);
    }
    model::SocketsFacts dark = whole;
    for (model::Listener& l : dark.listeners) {
      if (flag()) l.executable.clear();
    }
    if (flag()) dark.listeners.pop_back(), dark.listeners_over_limit = 1;
    if (flag()) {
      std::erase_if(dark.listeners, [](const auto& l) { return !l.network_namespace.empty(); });
      dark.namespaces_not_seen = 1;
    }
    const Baseline baseline = approved();
    expect_kept(CheckKind::sockets, whole, dark, &baseline);
  }));
}

// And whatever was looked at in full and is well keeps nothing open.
TEST(UnseenProperty, ANormalLookAtEverythingKeepsNothing) {
  EXPECT_TRUE(rc::check("nothing stays open for ever", [] {
    model::ProcessesFacts facts;
    facts.hidden_searched = facts.units_known = Tristate::yes;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      model::ProcessGroup group = any_group();
      if (group.preload == Tristate::unknown) group.preload = Tristate::no;
      if (group.packaged == Tristate::unknown) group.packaged = Tristate::no;
      if (group.executable_world_writable == Tristate::unknown) {
        group.executable_world_writable = Tristate::no;
      }
      facts.groups.push_back(group);
    }
    const Baseline baseline = approved();
    RC_ASSERT(judge(seen(CheckKind::processes, facts), &baseline, {}).unseen.empty());
  }));
}

}  // namespace
}  // namespace tocsin::rules
