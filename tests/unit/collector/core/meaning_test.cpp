#include <gtest/gtest.h>

#include "collector/core/grade.hpp"
#include "common/i18n/i18n.hpp"
#include "common/rules/judge.hpp"

namespace tocsin::collector {
namespace {

model::Message because(const char* why) { return {"port.unexpected", {{"why", why}}}; }

TEST(Meaning, TurnsCodesIntoFacts) {
  EXPECT_EQ(meaning_of("service.inactive")->kind, Kind::availability);
  EXPECT_EQ(meaning_of("service.inactive")->effect, Effect::interrupted);
  EXPECT_EQ(meaning_of("ping.unreachable")->kind, Kind::network);
  EXPECT_EQ(meaning_of("audit.emptied")->kind, Kind::audit_gap);
  EXPECT_EQ(meaning_of("agent.silent")->kind, Kind::agent_silence);
  EXPECT_EQ(meaning_of("port.unexpected")->access, Access::suspected);
}

// The examples of the severity page, section 4: from a finding to the facts that are graded.
TEST(Meaning, SaysOfEachExampleWhatTheTableSays) {
  struct Example {
    const char* code;
    Kind kind;
    Effect effect;
    Access access;
  };
  for (const Example& e : {
           Example{"service.inactive", Kind::availability, Effect::interrupted, Access::none},
           Example{"ping.unreachable", Kind::network, Effect::interrupted, Access::none},
           Example{"port.unexpected", Kind::logical_access, Effect::none, Access::suspected},
           Example{"source.unexpected", Kind::logical_access, Effect::none, Access::suspected},
           Example{"process.unexpected", Kind::logical_access, Effect::none, Access::suspected},
           Example{"audit.emptied", Kind::audit_gap, Effect::none, Access::none},
           Example{"malware.found", Kind::malware, Effect::none, Access::suspected},
           Example{"login.rejected", Kind::logical_access, Effect::degraded, Access::suspected},
           Example{"backup.missed", Kind::backup_job, Effect::none, Access::none},
           Example{"backup.rpo", Kind::backup_job, Effect::none, Access::none},
           Example{"backup.unreachable", Kind::backup_job, Effect::interrupted, Access::none},
           Example{"backup.restore_failed", Kind::backup_job, Effect::interrupted, Access::none},
           Example{"agent.silent", Kind::agent_silence, Effect::none, Access::none},
       }) {
    const auto meaning = meaning_of(e.code);
    ASSERT_TRUE(meaning) << e.code;
    EXPECT_EQ(meaning->kind, e.kind) << e.code;
    EXPECT_EQ(meaning->effect, e.effect) << e.code;
    EXPECT_EQ(meaning->access, e.access) << e.code;
  }
}

TEST(Meaning, IsNoneForWhatDoesNotGrade) {
  EXPECT_EQ(meaning_of("audit.cannot_tell"), std::nullopt);
  EXPECT_EQ(meaning_of("ping.ok"), std::nullopt);
  EXPECT_EQ(meaning_of(""), std::nullopt);
}

TEST(Meaning, RaisesTheImpactOfACorroboratedPort) {
  EXPECT_EQ(meaning_of("port.unexpected", because("@why.not_in_baseline"))->impact,
            Impact::limited);
  EXPECT_EQ(meaning_of("port.unexpected", because("@why.deleted"))->impact, Impact::limited);
  for (const char* why : {"@why.world_writable", "@why.memory_only @why.deleted",
                          "@why.deleted @why.world_writable", "@why.imitates_kernel"}) {
    EXPECT_EQ(meaning_of("port.unexpected", because(why))->impact, Impact::serious) << why;
  }
  EXPECT_EQ(meaning_of("port.unexpected", {"port.unexpected", {}})->impact, Impact::limited);
}

// Packets are lost, and services restarted, for a moment; what else a look saw is not waited for.
TEST(Meaning, SaysWhatNeedsASecondLook) {
  std::vector<std::string_view> passing;
  for (const std::string_view code : graded_codes()) {
    if (meaning_of(code)->of_one_look) passing.push_back(code);
  }
  EXPECT_EQ(passing, (std::vector<std::string_view>{"answer.error_status", "answer.failed",
                                                    "ping.loss.high", "ping.rtt.high"}));
}

// A name or place that is merely unusual is grade E.
TEST(Meaning, DoesNotCallAnUnusualPlaceAnAccess) {
  const auto meaning =
      meaning_of("process.unexpected", {"process.unexpected", {{"why", "@why.outside"}}});
  EXPECT_EQ(meaning->access, Access::none);
  GradeFacts facts;
  facts.kind = meaning->kind;
  facts.effect = meaning->effect;
  facts.access = meaning->access;
  EXPECT_EQ(grade(facts, {}, {}).proposed, model::Severity::e);
}

// `tocsin-agent diagnose` knows no grading table; what it suggests is what the table says.
TEST(Meaning, AgreesWithWhatADiagnosisSuggests) {
  for (const char* code : {"answer.error_status",
                           "answer.failed",
                           "audit.edited",
                           "audit.emptied",
                           "audit.gap",
                           "audit.history_gone",
                           "audit.missing",
                           "audit.rewritten",
                           "audit.shrunk",
                           "audit.stopped",
                           "audit.zeroed",
                           "backup.database_full",
                           "backup.database_old",
                           "backup.drive_offline",
                           "backup.failed",
                           "backup.integrity_failed",
                           "backup.integrity_old",
                           "backup.log_full",
                           "backup.missed",
                           "backup.never",
                           "backup.path_offline",
                           "backup.pool_full",
                           "backup.restore_failed",
                           "backup.restore_old",
                           "backup.rpo",
                           "backup.severe",
                           "backup.unreachable",
                           "backup.volume_readonly",
                           "backup.volume_unavailable",
                           "clock.unsynchronized",
                           "clock.wrong",
                           "disk.inodes_full",
                           "disk.inodes_low",
                           "disk.read_only",
                           "disk.space_full",
                           "disk.space_low",
                           "memory.exhausted",
                           "memory.killed",
                           "login.banner_only",
                           "login.expired",
                           "login.host_key_changed",
                           "login.locked",
                           "login.refused",
                           "login.rejected",
                           "login.session_failed",
                           "login.timed_out",
                           "ping.loss.high",
                           "ping.rtt.high",
                           "ping.unreachable",
                           "port.unexpected",
                           "process.hidden",
                           "process.preload_file",
                           "process.unexpected",
                           "reach.host_down",
                           "service.crash_loop",
                           "service.failed",
                           "service.inactive",
                           "service.not_found",
                           "source.unexpected",
                           "unit.unexpected",
                           "warning.access",
                           "warning.critical"}) {
    for (const char* why :
         {"", "@why.not_in_baseline", "@why.deleted", "@why.world_writable", "@why.memory_only",
          "@why.imitates_kernel", "@why.outside", "@why.preload @why.outside", "@why.no_package",
          "@why.unit_active", "@why.unit_enabled", "@why.unit_no_package", "@why.since_boot"}) {
      const bool is_login = std::string_view(code).starts_with("login.");
      const bool has_why = is_login ? std::string_view(why).ends_with("since_boot")
                                    : std::string_view(code).ends_with(".unexpected") &&
                                          std::string_view(code) != "source.unexpected" &&
                                          !std::string_view(why).ends_with("since_boot");
      const model::Message message{code, {{"why", has_why ? why : ""}}};
      const FindingMeaning meaning = meaning_of(code, message).value();
      GradeFacts facts;
      facts.kind = meaning.kind;
      facts.effect = meaning.effect;
      facts.access = meaning.access;
      facts.impact = meaning.impact;
      EXPECT_EQ(rules::suggested_severity({code, "", message}), grade(facts, {}, {}).proposed)
          << code << ' ' << why;
    }
  }
}

TEST(Meaning, HasANounForEveryKind) {
  for (int i = 0; i <= static_cast<int>(Kind::agent_silence); ++i) {
    const std::string code = "kind." + std::string(to_string(static_cast<Kind>(i)));
    EXPECT_FALSE(i18n::text(i18n::Language::zh_tw, code).empty()) << code;
  }
}

// A mail's subject and `tocsinctl explain` need both, in both languages.
TEST(Meaning, EveryCodeThatCanHeadAnIncidentHasATitleAndAnAdvice) {
  for (const std::string_view code : graded_codes()) {
    for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
      const std::string_view title = i18n::text(language, "title." + std::string(code));
      EXPECT_FALSE(title.empty()) << code;
      EXPECT_LE(title.size(), 48U) << code;
      EXPECT_FALSE(i18n::text(language, "advice." + std::string(code)).empty()) << code;
    }
  }
}

}  // namespace
}  // namespace tocsin::collector
