// Every kind's facts survive the wire; what is out of range or too long is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/fuzz_seed.hpp"

namespace tocsin::wire {
namespace {

using model::CheckKind;

model::Observation seen(CheckKind kind, std::string target, model::Facts facts) {
  model::Observation observation;
  observation.check = {kind, std::move(target)};
  observation.at = Instant{7};
  observation.facts = std::move(facts);
  return observation;
}

model::AuditLogFacts audited() {
  model::AuditLogFacts facts;
  facts.source = "/var/log/audit/audit.log";
  facts.kernel = {model::Tristate::no, true, 1, 812, "auditd", 9, 2, 3, 8192, {}};
  facts.recorded_on = model::Tristate::no;
  facts.heartbeat = model::LogHeartbeat::missing;
  facts.heartbeat_worked = true;
  facts.content_changed = true;
  facts.changed_from = 65536;
  facts.changed_to = 131072;
  facts.covered_bytes = 200'000;
  facts.history = model::HistoryGone::in_memory;
  facts.oldest = Instant{9};
  facts.previous_oldest = Instant{8};
  facts.unread = 70'000'000;
  facts.old_part_only = true;
  facts.packed_sibling = true;
  return facts;
}

model::SocketsFacts with_a_taken_port() {
  model::SocketsFacts facts;
  facts.hidden = {{model::Protocol::tcp, 4444, false, false, true}};
  facts.taken_unlisted = 2;
  facts.ports_tried_from = 1024;
  facts.sources_not_exact = 3;
  return facts;
}

std::vector<model::Observation> samples() {
  using model::Tristate;
  return {
      seen(CheckKind::login, "ssh://192.0.2.7:22",
           model::LoginFacts{model::LoginMethod::ssh, "192.0.2.7:22", "tocsin-probe",
                             model::LoginOutcome::locked, "SSH-2.0-x", "192.0.2.1:4242", 12,
                             "account locked", true, true, true, Tristate::no, Tristate::yes,
                             Instant{1'795'300'000'000'000'000}}),
      seen(CheckKind::warnings, "journal",
           model::WarningsFacts{"journal",
                                10,
                                900,
                                3,
                                1,
                                2,
                                4,
                                5,
                                {{"sshd.failed_password",
                                  model::WarningLevel::error,
                                  3,
                                  Instant{1},
                                  Instant{2},
                                  "x",
                                  {"a guess", "猜測密碼"}}},
                                6,
                                Tristate::no}),
      seen(CheckKind::port_scan, "192.0.2.7",
           model::PortScanFacts{"192.0.2.7", 100, {22, 65535}, 1, 90, 8, true}),
      seen(CheckKind::answer, "tls://h:443",
           model::AnswerFacts{"tls://h:443", model::AnswerOutcome::wrong_answer, 503, "no", 8,
                              Instant{99}}),
      seen(CheckKind::antivirus, "",
           model::AntivirusFacts{"clamd",
                                 "1.0",
                                 "27000",
                                 Instant{5},
                                 Tristate::yes,
                                 10,
                                 1,
                                 2,
                                 3,
                                 true,
                                 {{"/tmp/e", "Eicar", 68}},
                                 4,
                                 5,
                                 {{"/srv", model::FolderUnseen::unmounted}},
                                 6,
                                 true}),
      seen(CheckKind::backup_job, "tsm",
           model::BackupJobFacts{"tsm",
                                 "tsm",
                                 Instant{1},
                                 Instant{2},
                                 Tristate::no,
                                 Instant{3},
                                 Tristate::yes,
                                 Instant{4},
                                 {{"DAILY/NODE", "Missed", Instant{5}, 1}},
                                 {{"ANR2997W", "", Instant{6}, 9}},
                                 {{"DRIVE1", "offline", {}, 1}},
                                 {{"database", 913}},
                                 2,
                                 {{"NODE1 /srv", Instant{8}}},
                                 Tristate::no,
                                 {{"query drive", "ANR2035E", {}, 1}},
                                 true,
                                 true,
                                 Instant{3600},
                                 Tristate::no}),
      seen(CheckKind::metrics, "",
           model::MetricsFacts{100,
                               200,
                               2,
                               300,
                               1500,
                               Tristate::yes,
                               -7,
                               10,
                               1,
                               {{"/", 950, 20, true}},
                               3,
                               4,
                               Tristate::no,
                               5}),
      seen(CheckKind::plugin, "ups",
           model::PluginFacts{"ups", 2, "CRITICAL", true, {{"load", "97.5", "%"}}, 1}),
      seen(CheckKind::audit_log, "/var/log/audit/audit.log", audited()),
      seen(CheckKind::sockets, "", with_a_taken_port()),
  };
}

TEST(Facts, EveryKindIsReadAsItWasWritten) {
  for (const model::Observation& sample : samples()) {
    v1::Observation message;
    to_proto(sample, message);
    const auto read = from_proto(message);
    ASSERT_TRUE(read) << model::to_string(sample.check) << ": " << read.error().message;
    EXPECT_EQ(*read, sample) << model::to_string(sample.check);
    const model::Fact fact{"boot", MonoTime{7}, Instant{8}, model::Priority::normal, sample};
    test::expect_seed("fuzz_wire", fmt::format("fact_{}", model::to_string(sample.check.kind)),
                      encode_fact(fact));
  }
}

// The journal gets a row of metrics only where something tells more than that time went by.
TEST(Facts, WhatAlwaysChangesOfMetricsMakesNoRow) {
  const model::Observation before = samples()[6];
  model::Observation after = before;
  auto& facts = std::get<model::MetricsFacts>(after.facts);
  facts.cpu_busy_permille += 100;
  facts.load_1m_permille += 100;
  facts.clock_offset_us += 100;
  facts.oom_kills += 1;
  EXPECT_EQ(significant_digest(before), significant_digest(after));
  facts.file_systems[0].used_permille -= 10;
  EXPECT_NE(significant_digest(before), significant_digest(after));
}

// A busy kernel's counts move at every look.
TEST(Facts, WhatAlwaysChangesOfTheKernelsAuditingMakesNoRow) {
  model::Observation before = samples()[8];
  auto& kernel = std::get<model::AuditLogFacts>(before.facts).kernel;
  model::Observation after = before;
  auto& later = std::get<model::AuditLogFacts>(after.facts);
  later.kernel.backlog += 7;
  later.kernel.lost += 7;
  later.covered_bytes += 7;
  later.oldest.ns += 7;
  later.previous_oldest.ns += 7;
  later.unread += 7;
  EXPECT_EQ(significant_digest(before), significant_digest(after));
  later.unread = 0;
  EXPECT_NE(significant_digest(before), significant_digest(after));
  later.unread = 1;
  kernel.lost_since = 0;
  EXPECT_NE(significant_digest(before), significant_digest(after));
}

// procedure M-01: a way that got slow loses no packet, and is told by its time alone.
TEST(Facts, AnAnswerThatTakesMuchLongerMakesARow) {
  model::PingFacts facts;
  facts.address = "192.0.2.7";
  facts.sent = facts.received = 5;
  const auto digest = [&](std::uint32_t us) {
    facts.rtt_min_us = facts.rtt_max_us = facts.rtt_avg_us = us;
    return significant_digest(seen(CheckKind::ping, "192.0.2.7", facts));
  };
  EXPECT_EQ(digest(80), digest(9'000)) << "of a LAN, whatever its load";
  EXPECT_EQ(digest(300'000), digest(320'000));
  EXPECT_NE(digest(9'000), digest(300'000));
  EXPECT_NE(digest(300'000), digest(400'000));
  EXPECT_NE(digest(240'000), digest(300'000)) << "over the usual limit";
}

TEST(Facts, AClockThatGoesFarOffMakesARow) {
  model::MetricsFacts facts;
  const auto digest = [&](std::int64_t us) {
    facts.clock_offset_us = us;
    return significant_digest(seen(CheckKind::metrics, "", facts));
  };
  EXPECT_EQ(digest(20), digest(-5'000));
  EXPECT_NE(digest(20), digest(1'500'000));
  EXPECT_NE(digest(20), digest(-1'500'000));
}

// procedure M-10: a scanner whose signatures nobody renews changes in nothing else.
TEST(Facts, VirusSignaturesMakeARowForEachDayOfTheirAge) {
  model::Observation before = samples()[4];
  auto& facts = std::get<model::AntivirusFacts>(before.facts);
  facts.signatures_at = before.at;
  model::Observation after = before;
  auto& later = std::get<model::AntivirusFacts>(after.facts);
  later.scanned += 7;
  later.skipped += 7;
  after.at = before.at + 23h;
  EXPECT_EQ(significant_digest(before), significant_digest(after));
  after.at = before.at + 25h;
  EXPECT_NE(significant_digest(before), significant_digest(after));
  facts.signatures_at = later.signatures_at = {};
  EXPECT_EQ(significant_digest(before), significant_digest(after)) << "of unknown age";
  later.names_over_limit += 7;
  EXPECT_EQ(significant_digest(before), significant_digest(after));
  later.names_over_limit = 0;
  EXPECT_NE(significant_digest(before), significant_digest(after));
  later.names_over_limit = facts.names_over_limit;
  later.unreadable = facts.unreadable + 1;
  EXPECT_EQ(significant_digest(before) == significant_digest(after), facts.unreadable > 0);
  later.unreadable = facts.unreadable;
  later.scanned = 0;
  EXPECT_NE(significant_digest(before), significant_digest(after)) << "nothing is not little";
}

TEST(Facts, FactsOfAnotherKindAreRefused) {
  for (const model::Observation& sample : samples()) {
    v1::Observation message;
    to_proto(sample, message);
    const bool sockets = sample.check.kind == CheckKind::sockets;
    message.mutable_check()->set_kind(sockets ? v1::CHECK_KIND_PROCESSES : v1::CHECK_KIND_SOCKETS);
    EXPECT_FALSE(from_proto(message)) << model::to_string(sample.check);
  }
}

TEST(Facts, WhatIsOutOfRangeIsRefused) {
  v1::Observation login;
  to_proto(samples()[0], login);
  login.mutable_login()->set_outcome(static_cast<v1::LoginOutcome>(11));
  EXPECT_FALSE(from_proto(login));
  v1::Observation scan;
  to_proto(samples()[2], scan);
  scan.mutable_port_scan()->add_open(65536);
  EXPECT_FALSE(from_proto(scan));
  v1::Observation plugin;
  to_proto(samples()[7], plugin);
  plugin.mutable_plugin()->set_status(4);
  EXPECT_FALSE(from_proto(plugin));
  v1::Observation audit;
  to_proto(samples()[8], audit);
  v1::Observation unasked = audit;
  v1::Observation history = audit;
  history.mutable_audit_log()->set_history(static_cast<v1::HistoryGone>(9));
  EXPECT_FALSE(from_proto(history));
  audit.mutable_audit_log()->set_heartbeat(static_cast<v1::LogHeartbeat>(5));
  EXPECT_FALSE(from_proto(audit));
  unasked.mutable_audit_log()->mutable_kernel()->set_unasked(static_cast<v1::KernelUnasked>(4));
  EXPECT_FALSE(from_proto(unasked));
}

// An agent of before says neither whether there is a log nor what a site calls a message.
TEST(Facts, WarningsOfAnOlderAgentSayNothingOfTheLogItself) {
  v1::Observation warnings;
  to_proto(samples()[1], warnings);
  warnings.mutable_warnings()->clear_present();
  warnings.mutable_warnings()->mutable_groups(0)->clear_meaning_en();
  warnings.mutable_warnings()->mutable_groups(0)->clear_meaning_zh_tw();
  const auto read = from_proto(warnings);
  ASSERT_TRUE(read);
  const auto& facts = std::get<model::WarningsFacts>(read->facts);
  EXPECT_EQ(facts.present, model::Tristate::unknown);
  EXPECT_EQ(facts.groups.at(0).meaning, model::Meaning{});
}

TEST(Facts, WhatASiteSaysOfAMessageIsBoundedAndCleaned) {
  v1::Observation warnings;
  to_proto(samples()[1], warnings);
  v1::WarningGroup& group = *warnings.mutable_warnings()->mutable_groups(0);
  group.set_meaning_en("\x1b[2J" + std::string(9'999, 'x'));
  group.set_meaning_zh_tw("\xff");
  const auto read = from_proto(warnings);
  ASSERT_TRUE(read);
  const auto& meaning = std::get<model::WarningsFacts>(read->facts).groups.at(0).meaning;
  EXPECT_EQ(meaning.en.find('\x1b'), std::string::npos);
  EXPECT_LE(meaning.en.size(), limits::kText);
  EXPECT_EQ(meaning.zh_tw, "\xef\xbf\xbd");
}

TEST(Facts, AListOverItsLimitIsRefused) {
  v1::Observation warnings;
  to_proto(samples()[1], warnings);
  const v1::WarningGroup group = warnings.warnings().groups(0);
  for (std::size_t i = 1; i < limits::kWarningGroups; ++i) {
    *warnings.mutable_warnings()->add_groups() = group;
  }
  EXPECT_TRUE(from_proto(warnings));
  *warnings.mutable_warnings()->add_groups() = group;
  EXPECT_FALSE(from_proto(warnings));
}

// A host may say anything of its clock: what comes in can be subtracted.
TEST(Facts, NoStampIsSoFarThatADifferenceDoesNotFit) {
  for (const std::int64_t ns : {INT64_MIN, INT64_MAX}) {
    v1::Observation service;
    to_proto(seen(CheckKind::service, "a.service", model::ServiceFacts{}), service);
    service.set_wall_ns(ns);
    service.mutable_service()->set_state_since_ns(-(ns + (ns < 0 ? 1 : 0)));
    const auto read = from_proto(service);
    ASSERT_TRUE(read);
    const Instant since = std::get<model::ServiceFacts>(read->facts).state_since;
    const Duration difference = read->at - since;
    EXPECT_EQ(difference > Duration{}, ns > 0);
  }
}

TEST(Facts, TextIsCleanedAndCut) {
  v1::Observation plugin;
  to_proto(samples()[7], plugin);
  plugin.mutable_plugin()->set_output("a\x1b[31m\nb" + std::string(limits::kText * 2, 'x'));
  const auto read = from_proto(plugin);
  ASSERT_TRUE(read);
  const auto& output = std::get<model::PluginFacts>(read->facts).output;
  EXPECT_LE(output.size(), limits::kText);
  EXPECT_EQ(output.find('\x1b'), std::string::npos);
  EXPECT_EQ(output.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace tocsin::wire
