#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/i18n/i18n.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::AuditLogFacts;
using model::Tristate;
using model::Verdict;

AuditLogFacts healthy() {
  AuditLogFacts facts;
  facts.source = "/var/log/audit/audit.log";
  facts.present = Tristate::yes;
  facts.readable = Tristate::yes;
  facts.size_bytes = 4096;
  facts.previous_size_bytes = 4000;
  facts.auditing_was_on = true;
  facts.auditing_on = Tristate::yes;
  facts.disk_full = Tristate::no;
  return facts;
}

// A healthy log with something done to it.
template <class Change>
AuditLogFacts with(Change change) {
  AuditLogFacts facts = healthy();
  change(facts);
  return facts;
}

AuditLogFacts emptied() {
  return with([](AuditLogFacts& f) { f.size_bytes = 0, f.shrunk = true; });
}

model::Judgement judged(const AuditLogFacts& facts) {
  return judge(seen(model::CheckKind::audit_log, facts), nullptr, {});
}

struct Case {
  const char* code;
  Verdict verdict;
  AuditLogFacts facts;
  const char* why = "";  // the reason that is given with it
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const model::Judgement judgement = judged(c.facts);
    EXPECT_EQ(first_reason(judgement), c.code);
    EXPECT_EQ(judgement.verdict, c.verdict) << c.code;
    EXPECT_EQ(parameter(judgement.reasons.front(), "why"), c.why) << c.code;
  }
}

TEST(AuditLogRules, AcceptAHealthyLog) { expect_all({{"audit.ok", Verdict::normal, healthy()}}); }

TEST(AuditLogRules, SuspectAuditingThatTakesNoRecords) {
  using model::LogHeartbeat;
  expect_all({
      {"audit.disabled", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.kernel.enabled = Tristate::no; })},
      // Where the kernel does not say, the log's own records do.
      {"audit.disabled", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.recorded_on = Tristate::no; })},
      {"audit.ok", Verdict::normal, with([](AuditLogFacts& f) {
         f.recorded_on = Tristate::no;
         f.kernel = {Tristate::yes, false, 1, 812, "auditd", 0, 0, 0, 64, {}};
       })},
      {"audit.diverted", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.kernel.enabled = Tristate::yes; })},
      {"audit.diverted", Verdict::abnormal, with([](AuditLogFacts& f) {
         f.kernel = {Tristate::yes, false, 1, 812, "sink", 0, 0, 0, 64, {}};
       })},
      {"audit.lost_records", Verdict::abnormal, with([](AuditLogFacts& f) {
         f.kernel = {Tristate::yes, false, 1, 812, "auditd", 90, 7, 0, 64, {}};
       })},
      // Where it was never seen on nothing is missed.
      {"audit.off", Verdict::cannot_tell,
       with([](AuditLogFacts& f) { f.kernel.enabled = Tristate::no, f.auditing_was_on = false; })},
      {"audit.heartbeat_missing", Verdict::abnormal, with([](AuditLogFacts& f) {
         f.heartbeat = LogHeartbeat::missing, f.heartbeat_worked = true;
       })},
      // A daemon that stopped is told as such.
      {"audit.stopped", Verdict::abnormal, with([](AuditLogFacts& f) {
         f.heartbeat = LogHeartbeat::missing, f.heartbeat_worked = true;
         f.auditing_on = Tristate::no;
       })},
      {"audit.cannot_tell", Verdict::cannot_tell, with([](AuditLogFacts& f) {
         f.heartbeat = LogHeartbeat::missing, f.heartbeat_worked = true;
         f.disk_full = Tristate::yes;
       }),
       "@why.disk_full"},
      {"audit.heartbeat_refused", Verdict::cannot_tell, with([](AuditLogFacts& f) {
         f.heartbeat = LogHeartbeat::not_written, f.heartbeat_worked = true;
       })},
      // What was done to the log is graver than that no more comes.
      {"audit.emptied", Verdict::abnormal, with([](AuditLogFacts& f) {
         f.size_bytes = 0, f.shrunk = true, f.kernel.enabled = Tristate::no;
       })},
      {"audit.altered", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.content_changed = true, f.changed_to = 65536; })},
  });
}

// Written again without some records, whatever lies beside it; and a packed part that nobody could
// compare.
TEST(AuditLogRules, TellALogThatWasWrittenAgainFromOneThatBeginsAnew) {
  const auto edited = [](AuditLogFacts& f) { f.replaced = f.old_part_only = true; };
  const auto unpacked = [](AuditLogFacts& f) { f.shrunk = f.packed_sibling = true; };
  expect_all({
      {"audit.edited", Verdict::abnormal, with(edited)},
      {"audit.edited", Verdict::abnormal,
       with([&](AuditLogFacts& f) { edited(f), f.rotated_sibling = true; })},
      {"audit.edited", Verdict::abnormal,
       with([&](AuditLogFacts& f) { unpacked(f), f.old_part_only = true; })},
      // Cut in its middle: what is left of it says so.
      {"audit.shrunk", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.shrunk = f.old_part_only = true; })},
      {"audit.cannot_tell", Verdict::cannot_tell, with(unpacked), "@why.packed"},
      {"audit.explained", Verdict::normal,
       with([&](AuditLogFacts& f) { unpacked(f), f.rotated_sibling = true; }), "@why.rotated"},
      {"audit.cannot_tell", Verdict::cannot_tell, with([](AuditLogFacts& f) { f.replaced = true; }),
       "@why.replaced"},
      {"audit.gap", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.replaced = true, f.sequence_gap = 1; })},
      {"audit.cannot_tell", Verdict::cannot_tell,
       with([](AuditLogFacts& f) { f.source = "journal", f.replaced = true, f.sequence_gap = 1; }),
       "@why.replaced"},
  });
}

TEST(AuditLogRules, SayWhatCouldNotBeSeenWithoutAVerdict) {
  const auto reasons = [](const AuditLogFacts& facts) {
    const model::Judgement judgement = judged(facts);
    EXPECT_EQ(judgement.verdict, Verdict::normal);
    return judgement.reasons.size() == 2 ? judgement.reasons[1].code : std::string();
  };
  EXPECT_EQ(reasons(with(
                [](AuditLogFacts& f) { f.kernel.unasked = model::KernelUnasked::not_permitted; })),
            "audit.kernel_unknown");
  for (const auto& [unasked, why] :
       {std::pair{model::KernelUnasked::not_permitted, "@audit.why.not_permitted"},
        std::pair{model::KernelUnasked::not_supported, "@audit.why.not_supported"},
        std::pair{model::KernelUnasked::failed, "@audit.why.no_answer"}}) {
    const auto judgement = judged(with([&](AuditLogFacts& f) { f.kernel.unasked = unasked; }));
    EXPECT_EQ(parameter(judgement.reasons.at(1), "why"), why);
  }
  EXPECT_EQ(reasons(with([](AuditLogFacts& f) { f.heartbeat = model::LogHeartbeat::missing; })),
            "audit.heartbeat_never");
  EXPECT_EQ(reasons(with([](AuditLogFacts& f) { f.heartbeat = model::LogHeartbeat::not_written; })),
            "audit.heartbeat_never");
  EXPECT_EQ(reasons(with([](AuditLogFacts& f) { f.heartbeat = model::LogHeartbeat::waiting; })),
            "");
  EXPECT_EQ(reasons(with([](AuditLogFacts& f) { f.unread = 7; })), "audit.unread");
  EXPECT_EQ(reasons(with([](AuditLogFacts& f) { f.unread = 7, f.source = "journal"; })),
            "audit.uncounted");
}

TEST(AuditLogRules, SuspectWhatHasNoBenignCause) {
  expect_all({
      {"audit.emptied", Verdict::abnormal, emptied()},
      {"audit.missing", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.present = Tristate::no; })},
      {"audit.shrunk", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.size_bytes = 100, f.shrunk = true; })},
      {"audit.rewritten", Verdict::abnormal, with([](AuditLogFacts& f) { f.head_changed = true; })},
      {"audit.zeroed", Verdict::abnormal, with([](AuditLogFacts& f) { f.zeroed = true; })},
      {"audit.gap", Verdict::abnormal, with([](AuditLogFacts& f) { f.sequence_gap = 17; })},
      {"audit.stopped", Verdict::abnormal,
       with([](AuditLogFacts& f) { f.auditing_on = Tristate::no; })},
  });
}

// Between the renaming and the new file nothing is missing yet, and nothing is proven to be well.
TEST(AuditLogRules, CannotTellInTheMiddleOfARotation) {
  const auto judgement = judged(with([](AuditLogFacts& f) {
    f.present = Tristate::no;
    f.rotated_sibling = true;
  }));
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(parameter(judgement.reasons.front(), "why"), "@why.rotated");
}

TEST(AuditLogRules, ExplainWhatHasABenignCause) {
  AuditLogFacts rotated = emptied();
  rotated.rotated_sibling = true;
  AuditLogFacts renamed = healthy();
  renamed.replaced = true;
  renamed.rotated_sibling = true;
  expect_all({{"audit.explained", Verdict::normal, rotated, "@why.rotated"},
              {"audit.explained", Verdict::normal, renamed, "@why.rotated"}});
}

// Rotated by a copy that lacks what a look saw after it: neither well nor a finding, and said for a
// day. Whatever else is wrong goes first, and does not hide it.
TEST(AuditLogRules, SayWhatIsInNoOlderPart) {
  const auto lacks = [](AuditLogFacts f) {
    f.changed_from = 300, f.changed_to = 420;
    return f;
  };
  AuditLogFacts cut = lacks(emptied());
  cut.rotated_sibling = true;
  const AuditLogFacts later = lacks(healthy());
  for (const AuditLogFacts& facts : {cut, later}) {
    const model::Judgement judgement = judged(facts);
    EXPECT_EQ(first_reason(judgement), "audit.uncopied");
    EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
    EXPECT_EQ(parameter(judgement.reasons.front(), "bytes"), "120");
    EXPECT_EQ(judgement.reasons.size(), 1U);
  }
  // A later look sees the log itself well; the look at the cut did not.
  EXPECT_FALSE(model::looked_at(judged(cut), "audit.emptied", cut.source));
  EXPECT_TRUE(model::looked_at(judged(later), "audit.emptied", cut.source));
  expect_all({{"audit.emptied", Verdict::abnormal, lacks(emptied())}});
  AuditLogFacts stopped = later;
  stopped.auditing_on = Tristate::no;
  const model::Judgement judgement = judged(stopped);
  EXPECT_EQ(first_reason(judgement), "audit.stopped");
  ASSERT_EQ(judgement.reasons.size(), 2U);
  EXPECT_EQ(judgement.reasons[1].code, "audit.uncopied");
}

TEST(AuditLogRules, NeverCallALogNormalThatLacksWhatWasSeen) {
  EXPECT_TRUE(rc::check("what is in no older part is said", [] {
    AuditLogFacts facts = healthy();
    facts.size_bytes = *rc::gen::inRange<std::uint64_t>(0, 3);
    facts.shrunk = *rc::gen::arbitrary<bool>();
    facts.head_changed = *rc::gen::arbitrary<bool>();
    facts.rotated_sibling = *rc::gen::arbitrary<bool>();
    facts.replaced = *rc::gen::arbitrary<bool>();
    facts.new_boot = *rc::gen::arbitrary<bool>();
    facts.changed_from = *rc::gen::inRange<std::uint64_t>(0, 9000);
    facts.changed_to = facts.changed_from + *rc::gen::inRange<std::uint64_t>(1, 9000);
    const model::Judgement judgement = judged(facts);
    RC_ASSERT(judgement.verdict != Verdict::normal);
    RC_ASSERT(std::any_of(judgement.reasons.begin(), judgement.reasons.end(),
                          [](const model::Message& m) { return m.code == "audit.uncopied"; }));
  }));
}

TEST(AuditLogRules, AdmitWhatCannotBeTold) {
  AuditLogFacts full = emptied();
  full.disk_full = Tristate::yes;
  AuditLogFacts never = emptied();
  never.auditing_was_on = false;
  AuditLogFacts unreadable = healthy();
  unreadable.readable = Tristate::no;
  AuditLogFacts unknown = healthy();
  unknown.present = Tristate::unknown;
  AuditLogFacts packed = healthy();
  packed.replaced = true;
  AuditLogFacts in_memory = emptied();
  in_memory.source = "journal";
  in_memory.new_boot = true;
  AuditLogFacts serials = healthy();
  serials.sequence_gap = 5;
  serials.new_boot = true;
  AuditLogFacts across = healthy();
  across.sequence_gap = 5;
  across.rotated_sibling = true;
  AuditLogFacts copied = healthy();
  copied.zeroed = true;
  copied.rotated_sibling = true;
  AuditLogFacts off = healthy();
  off.auditing_was_on = false;
  off.auditing_on = Tristate::no;
  AuditLogFacts gap_full = healthy();
  gap_full.sequence_gap = 5;
  gap_full.disk_full = Tristate::yes;
  expect_all({{"audit.cannot_tell", Verdict::cannot_tell, full, "@why.disk_full"},
              {"audit.cannot_tell", Verdict::cannot_tell, gap_full, "@why.disk_full"},
              {"audit.never_on", Verdict::cannot_tell, never},
              {"audit.not_readable", Verdict::cannot_tell, unreadable},
              {"audit.not_readable", Verdict::cannot_tell, unknown},
              {"audit.cannot_tell", Verdict::cannot_tell, packed, "@why.replaced"},
              {"audit.cannot_tell", Verdict::cannot_tell, in_memory, "@why.new_boot"},
              {"audit.cannot_tell", Verdict::cannot_tell, serials, "@why.new_boot"},
              {"audit.cannot_tell", Verdict::cannot_tell, across, "@why.rotated"},
              {"audit.cannot_tell", Verdict::cannot_tell, copied, "@why.rotated"},
              {"audit.off", Verdict::cannot_tell, off}});
}

AuditLogFacts with_history(model::HistoryGone why) {
  return with([&](AuditLogFacts& f) {
    f.source = "journal";
    f.history = why;
    f.previous_oldest = Instant{0};
    f.oldest = Instant{0} + 90min;
  });
}

// procedure M-05: who covers tracks in a journal removes its files, not its content.
TEST(AuditLogRules, SuspectAJournalWhoseRecordsAreGone) {
  using model::HistoryGone;
  const AuditLogFacts wiped = with_history(HistoryGone::unexplained);
  AuditLogFacts anew = wiped;
  anew.replaced = true;
  AuditLogFacts after_restart = anew;
  after_restart.new_boot = true;
  AuditLogFacts stopped = wiped;
  stopped.auditing_on = Tristate::no;
  for (const AuditLogFacts& facts : {wiped, anew, after_restart, stopped}) {
    expect_all({{"audit.history_gone", Verdict::abnormal, facts}});
  }
  EXPECT_EQ(parameter(judged(wiped).reasons.front(), "minutes"), "90");
  EXPECT_EQ(judged(wiped).violations.front().subject, "journal");
}

TEST(AuditLogRules, TellWhyRecordsOfAJournalMayBeGone) {
  using model::HistoryGone;
  expect_all({
      {"audit.explained", Verdict::normal, with_history(HistoryGone::by_retention),
       "@why.retention"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::maybe_by_retention),
       "@why.maybe_retention"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::disk_short),
       "@why.disk_short"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::settings_changed),
       "@why.retention_changed"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::machine_changed),
       "@why.machine_id"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::files_unread),
       "@why.files_unread"},
      {"audit.cannot_tell", Verdict::cannot_tell, with_history(HistoryGone::in_memory),
       "@why.new_boot"},
  });
}

// A cause of what is gone excuses nothing else.
TEST(AuditLogRules, SuspectTheRestOfAJournalWhoseOldRecordsWereRemovedAsToldTo) {
  AuditLogFacts facts = with_history(model::HistoryGone::by_retention);
  facts.sequence_gap = 3;
  EXPECT_EQ(first_reason(judged(facts)), "audit.gap");
  facts = with_history(model::HistoryGone::disk_short);
  facts.auditing_on = Tristate::no;
  EXPECT_EQ(first_reason(judged(facts)), "audit.stopped");
}

// A restart does not empty a log on disk.
TEST(AuditLogRules, DoNotExcuseALogOnDiskByARestart) {
  AuditLogFacts facts = emptied();
  facts.new_boot = true;
  EXPECT_EQ(first_reason(judged(facts)), "audit.emptied");
}

// The procedure says "confirmed intrusion"; the machine only suspects, a person confirms.
TEST(AuditLogRules, NeverClaimAConfirmedIntrusion) {
  const model::Message message = judged(emptied()).reasons.front();
  EXPECT_NE(i18n::render(i18n::Language::zh_tw, message).find("疑似"), std::string::npos);
  EXPECT_NE(i18n::render(i18n::Language::en, message).find("suspected"), std::string::npos);
}

TEST(AuditLogRules, AreNeverNormalWhenTheLogCannotBeRead) {
  EXPECT_TRUE(rc::check("unread is not normal", [] {
    AuditLogFacts facts = healthy();
    facts.present = static_cast<Tristate>(*rc::gen::inRange(0, 2));
    facts.readable = *rc::gen::element(Tristate::unknown, Tristate::no);
    facts.size_bytes = *rc::gen::inRange<std::uint64_t>(0, 3);
    facts.auditing_was_on = *rc::gen::arbitrary<bool>();
    facts.shrunk = *rc::gen::arbitrary<bool>();
    facts.rotated_sibling = *rc::gen::arbitrary<bool>();
    facts.history = static_cast<model::HistoryGone>(*rc::gen::inRange(0, 9));
    RC_ASSERT(judged(facts).verdict == Verdict::cannot_tell);
  }));
}

}  // namespace
}  // namespace tocsin::rules
