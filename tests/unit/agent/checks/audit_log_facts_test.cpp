#include "agent/checks/audit_log_facts.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/agent/checks/audit_records.hpp"

namespace tocsin::agent {
namespace {

using model::Tristate;

AuditLook look(std::uint64_t inode, std::string content) {
  AuditLook seen;
  seen.source = "/var/log/audit/audit.log";
  seen.present = Tristate::yes;
  seen.readable = Tristate::yes;
  seen.stat = {1, inode, content.size(), Instant{1}};
  seen.head = content.substr(0, kHeadBytes);
  seen.tail = content.substr(content.size() - std::min(content.size(), kHeadBytes));
  seen.boot_id = "boot";
  return seen;
}

AuditPosition after(const AuditLook& seen) { return audit_log_facts(seen, std::nullopt).next; }

// As a look reads on: `text` is what came since, from where the look before stood.
void read_on(AuditLook& seen, const AuditPosition& before, std::string_view text) {
  TrailReader reader = trail_reader(seen, before);
  reader.read(text);
  seen.trail = TrailSeen{reader.place(), reader.missing(), reader.unfinished(), 0};
}

// procedure M-05: who wipes a login leaves a record of zeros where it stood.
TEST(AuditLogFacts, SeeALoginThatWasWiped) {
  AuditLook seen = look(1, std::string(1200, 'l'));
  seen.source = "/var/log/wtmp";
  seen.logins = LoginsSeen{{1152, 0, {}}, 0};
  EXPECT_FALSE(audit_log_facts(seen, std::nullopt).facts.zeroed);
  seen.logins->next.zeroed = 384;
  const auto wiped = audit_log_facts(seen, std::nullopt);
  EXPECT_TRUE(wiped.facts.zeroed);
  EXPECT_EQ(parse_audit_position(to_text(wiped.next)), wiped.next);
  EXPECT_EQ(wiped.next.logins, seen.logins->next);
}

// procedure M-05: what no look has gone through is said until one has.
TEST(AuditLogFacts, SayWhatWasNotReadYet) {
  const AuditPosition before = after(look(1, "one\n"));
  AuditLook seen = look(1, "one\n");
  seen.stat.size = 90'000'000;
  read_on(seen, before, "type=A msg=audit(1.0:9): x\nty");
  seen.trail->unread = 20'000'000;
  const auto flooded = audit_log_facts(seen, before);
  EXPECT_EQ(flooded.facts.unread, 20'000'000U);
  const auto kept = parse_audit_position(to_text(flooded.next));
  ASSERT_EQ(kept, flooded.next);
  EXPECT_EQ(trail_starts(seen, *kept), 70'000'000U - 2);
  // Rotated before it was read: nobody will.
  AuditLook fresh = look(2, "new\n");
  fresh.old_content_beside = true;
  EXPECT_EQ(trail_starts(fresh, *kept), 0U);
  read_on(fresh, *kept, "new\n");
  const auto rotated = audit_log_facts(fresh, kept);
  EXPECT_EQ(rotated.facts.unread, 20'000'002U);
  EXPECT_EQ(audit_log_facts(fresh, rotated.next).facts.unread, 0U);

  AuditLook logins = look(3, "");
  logins.stat.size = 9'000'000;
  logins.logins = LoginsSeen{{1'000'320, 0, {}}, 7'000'000};
  const auto partly = audit_log_facts(logins, std::nullopt);
  EXPECT_EQ(partly.facts.unread, 7'000'000U);
  EXPECT_EQ(audit_log_facts(look(4, ""), partly.next).facts.unread,
            unread_logins(9'000'000, logins.logins->next));
}

// The file that a rotation makes is read from its beginning.
TEST(AuditLogFacts, LookThroughTheLogThatARotationMade) {
  const AuditPosition before = after(look(1, "type=A msg=audit(1.0:10): x\n"));
  AuditLook fresh = look(2, "");
  fresh.old_content_beside = true;
  read_on(fresh, before, "type=A msg=audit(1.0:30): x\ntype=A msg=audit(1.0:33): x\n");
  const auto rotated = audit_log_facts(fresh, before);
  EXPECT_EQ(rotated.facts.sequence_gap, 2U) << "of its own, and none to the file before";
  EXPECT_EQ(rotated.next.serial, 33U);
}

// procedure M-05: an empty log means something only where auditing was on before.
TEST(AuditLogFacts, RememberThatAuditingWasOn) {
  const auto empty = audit_log_facts(look(1, ""), std::nullopt);
  EXPECT_FALSE(empty.facts.auditing_was_on);
  EXPECT_FALSE(audit_log_facts(look(1, ""), empty.next).facts.auditing_was_on);
  const AuditPosition full = after(look(1, "type=X\n"));
  const auto emptied = audit_log_facts(look(1, ""), full);
  EXPECT_TRUE(emptied.facts.auditing_was_on);
  EXPECT_TRUE(emptied.facts.shrunk);
  EXPECT_EQ(emptied.facts.previous_size_bytes, 7U);
  // Still so at the look after, and after the log was away.
  EXPECT_TRUE(audit_log_facts(look(1, ""), emptied.next).facts.auditing_was_on);
}

// A rotation renames first: whoever looks in between sees no log, and its content beside it.
TEST(AuditLogFacts, GiveARotationTimeToMakeTheNewFile) {
  const AuditPosition before = after(look(1, "type=X\n"));
  AuditLook away;
  away.source = "/var/log/audit/audit.log";
  away.present = Tristate::no;
  EXPECT_TRUE(has_changed_hands(away, before));
  EXPECT_FALSE(has_changed_hands(away, std::nullopt));
  EXPECT_FALSE(audit_log_facts(away, before).facts.rotated_sibling);
  away.old_content_beside = true;
  EXPECT_TRUE(audit_log_facts(away, before).facts.rotated_sibling);
  away.missing_for = kRotationTakes;
  EXPECT_FALSE(audit_log_facts(away, before).facts.rotated_sibling);
}

// After a rotation a quiet log is empty for hours, and that was not done to it.
TEST(AuditLogFacts, RememberThatARotationLeftItEmpty) {
  const AuditPosition full = after(look(1, "type=X\n"));
  for (const std::uint64_t inode : {2U, 1U}) {  // made anew, or copied and truncated
    AuditLook fresh = look(inode, "");
    fresh.old_content_beside = true;
    const auto rotated = audit_log_facts(fresh, full);
    EXPECT_TRUE(rotated.facts.rotated_sibling);
    const auto kept = parse_audit_position(to_text(rotated.next));
    ASSERT_EQ(kept, rotated.next);
    const auto quiet = audit_log_facts(look(inode, ""), kept);
    EXPECT_TRUE(quiet.facts.rotated_sibling);
    EXPECT_TRUE(audit_log_facts(look(inode, ""), quiet.next).facts.rotated_sibling);
    // Written to and emptied again: that was somebody.
    const auto written = audit_log_facts(look(inode, "type=Y\n"), quiet.next);
    EXPECT_FALSE(audit_log_facts(look(inode, ""), written.next).facts.rotated_sibling);
  }
  EXPECT_FALSE(audit_log_facts(look(1, ""), after(look(1, ""))).facts.rotated_sibling);
}

// ---- Copied, and written to before it was cut (procedure M-05, copytruncate)

constexpr Instant kCopied{1'000'000'000'000'000};

// A log of `lines` lines, each first seen `seen` after the copy was made.
AuditPosition read_lines(int lines, Duration seen) {
  std::string text;
  for (int i = 1; i <= lines; ++i) text += "line " + std::to_string(10 + i) + "\n";
  AuditLook full = look(1, text);
  full.ends = line_ends(0, text, kCopied + seen);
  full.now = kCopied + seen;
  return after(full);
}

// The log, cut to nothing, beside a copy that lacks the last `lacks` of them.
AuditLook cut_beside(const AuditPosition& before, std::size_t lacks, Duration later = 2s) {
  AuditLook cut = look(1, "");
  cut.short_copy = CopyLook{before.ends.ends.size() - lacks, kCopied};
  cut.now = kCopied + later;
  return cut;
}

TEST(AuditLogFacts, SayWhatACopyLacksOfWhatWasSeenAfterIt) {
  const AuditPosition before = read_lines(9, 1s);
  const auto cut = audit_log_facts(cut_beside(before, 2), before);
  EXPECT_TRUE(cut.facts.shrunk);
  EXPECT_TRUE(cut.facts.rotated_sibling);
  EXPECT_FALSE(cut.facts.content_changed);
  EXPECT_EQ(cut.facts.changed_from, 7U * 8);
  EXPECT_EQ(cut.facts.changed_to, 9U * 8);
  ASSERT_TRUE(cut.next.uncopied);
  EXPECT_EQ(cut.next.uncopied->lines, 2U);
  // It is said for a day, also after a restart, and then no more.
  const auto kept = parse_audit_position(to_text(cut.next));
  ASSERT_EQ(kept, cut.next);
  AuditLook later = look(1, "new\n");
  later.now = kCopied + 23h;
  const auto still = audit_log_facts(later, kept);
  EXPECT_FALSE(still.facts.shrunk || still.facts.rotated_sibling);
  EXPECT_EQ(still.facts.changed_to, 9U * 8);
  later.now = kCopied + 25h;
  const auto over = audit_log_facts(later, still.next);
  EXPECT_EQ(over.facts.changed_to, 0U);
  EXPECT_FALSE(over.next.uncopied);
}

// Who copies all but the lines that betray him leaves such a copy too; but those were seen before.
TEST(AuditLogFacts, ACopyThatLacksWhatWasSeenBeforeItExplainsNothing) {
  for (const Duration seen : {Duration(-1h), Duration(-2s)}) {
    const AuditPosition before = read_lines(9, seen);
    const auto cut = audit_log_facts(cut_beside(before, 1), before);
    EXPECT_FALSE(cut.facts.rotated_sibling);
    EXPECT_EQ(cut.facts.changed_to, 0U);
    EXPECT_FALSE(cut.next.uncopied);
  }
  // One of two is enough, whatever came later.
  AuditPosition mixed = read_lines(9, 1s);
  mixed.ends.ends[7].seen = kCopied - 2s;
  EXPECT_FALSE(audit_log_facts(cut_beside(mixed, 2), mixed).facts.rotated_sibling);
  EXPECT_TRUE(audit_log_facts(cut_beside(mixed, 1), mixed).facts.rotated_sibling);
}

TEST(AuditLogFacts, ACutLongAfterTheCopyIsNoRotation) {
  const AuditPosition before = read_lines(9, kCutFollows + 1s);
  EXPECT_FALSE(audit_log_facts(cut_beside(before, 1, 1min), before).facts.rotated_sibling);
}

TEST(AuditLogFacts, ACopyExplainsOnlyTheSameFileAndWhatWasAllRead) {
  const AuditPosition before = read_lines(9, 1s);
  AuditLook other = cut_beside(before, 1);
  other.stat.inode = 2;
  EXPECT_FALSE(audit_log_facts(other, before).facts.rotated_sibling);
  AuditPosition more = before;
  more.size += 1;
  EXPECT_FALSE(audit_log_facts(cut_beside(before, 1), more).facts.rotated_sibling);
  AuditLook nothing = cut_beside(before, 1);
  nothing.short_copy->ends = 0;
  EXPECT_FALSE(audit_log_facts(nothing, before).facts.rotated_sibling);
}

// However often it happens: no more goes than one may lose, until a day has passed.
TEST(AuditLogFacts, AllRotationsOfADayTogetherStayWithinTheBound) {
  std::optional<Uncopied> said;
  const auto rotate = [&](std::size_t lacks, Duration at) {
    AuditPosition before = read_lines(40, at);
    before.uncopied = said;
    AuditLook cut = cut_beside(before, lacks, at + 1s);
    cut.short_copy->changed = kCopied + at;
    const auto result = audit_log_facts(cut, before);
    said = result.next.uncopied;
    return result.facts.rotated_sibling;
  };
  EXPECT_TRUE(rotate(20, 0s));
  EXPECT_TRUE(rotate(12, 8h));
  EXPECT_EQ(said->lines, kEndLines);
  EXPECT_FALSE(rotate(1, 16h));
  EXPECT_TRUE(rotate(1, 25h));
}

// A quiet log stays empty for hours after it was rotated.
TEST(AuditLogFacts, AnEmptyLogAfterSuchARotationIsStillOne) {
  const AuditPosition before = read_lines(3, 1s);
  const auto cut = audit_log_facts(cut_beside(before, 1), before);
  AuditLook quiet = look(1, "");
  quiet.now = kCopied + 1h;
  const auto still = audit_log_facts(quiet, cut.next);
  EXPECT_TRUE(still.facts.rotated_sibling);
  EXPECT_EQ(still.facts.changed_to - still.facts.changed_from, 8U);
}

TEST(AuditLogFacts, AGrowingLogIsNothingSpecial) {
  const AuditPosition before = after(look(1, "one\n"));
  const auto facts = audit_log_facts(look(1, "one\ntwo\n"), before).facts;
  EXPECT_FALSE(facts.replaced || facts.shrunk || facts.head_changed || facts.zeroed ||
               facts.rotated_sibling || facts.new_boot);
}

TEST(AuditLogFacts, TellReplacedShrunkAndOverwritten) {
  const AuditPosition before = after(look(1, "one\ntwo\n"));
  EXPECT_TRUE(audit_log_facts(look(2, "one\ntwo\n"), before).facts.replaced);
  EXPECT_TRUE(audit_log_facts(look(1, "one\n"), before).facts.shrunk);
  EXPECT_TRUE(audit_log_facts(look(1, "ONE\ntwo\nthree\n"), before).facts.head_changed);
  EXPECT_TRUE(audit_log_facts(look(1, std::string(8, '\0')), before).facts.zeroed);
  EXPECT_TRUE(
      audit_log_facts(look(1, "one\ntwo\n" + std::string(5000, '\0')), before).facts.zeroed);
}

// procedure M-05: what the kernel drops gets no serial, so that only the kernel knows.
TEST(AuditLogFacts, CountWhatTheKernelLostSinceTheLookBefore) {
  const auto asked = [](std::uint32_t lost) {
    AuditLook seen = look(1, "one\n");
    seen.kernel = os::AuditStatus{true, false, 1, 812, lost, 2, 64};
    seen.kernel_reader = "auditd";
    return seen;
  };
  const auto first = audit_log_facts(asked(5), std::nullopt);
  EXPECT_EQ(first.facts.kernel,
            (model::KernelAudit{Tristate::yes, false, 1, 812, "auditd", 5, 0, 2, 64, {}}));
  const auto kept = parse_audit_position(to_text(first.next));
  EXPECT_EQ(kept, first.next);
  EXPECT_EQ(audit_log_facts(asked(5), kept).facts.kernel.lost_since, 0U);
  EXPECT_EQ(audit_log_facts(asked(9), kept).facts.kernel.lost_since, 4U);
  // A starting host loses some before its daemon runs.
  AuditLook other_boot = asked(9);
  other_boot.boot_id = "other";
  EXPECT_EQ(audit_log_facts(other_boot, kept).facts.kernel.lost_since, 0U);
}

TEST(AuditLogFacts, SayWhyTheKernelWasNotAsked) {
  const auto why = [](ErrorCode code) {
    AuditLook seen = look(1, "one\n");
    seen.kernel = Result<os::AuditStatus>(fail(code, "no"));
    const auto facts = audit_log_facts(seen, std::nullopt).facts;
    EXPECT_EQ(facts.kernel.enabled, Tristate::unknown);
    return facts.kernel.unasked;
  };
  EXPECT_EQ(why(ErrorCode::permission_denied), model::KernelUnasked::not_permitted);
  EXPECT_EQ(why(ErrorCode::not_found), model::KernelUnasked::not_supported);
  EXPECT_EQ(why(ErrorCode::unavailable), model::KernelUnasked::failed);
  EXPECT_EQ(audit_log_facts(look(1, "one\n"), std::nullopt).facts.kernel, model::KernelAudit{});
}

// A daemon that was restarted is no gap of thousands of records.
TEST(AuditLogFacts, LeaveOutTheDaemonsOwnNumbers) {
  const std::string before = std::string(kStart) + kUser;
  const AuditPosition position = after(look(1, before));
  EXPECT_EQ(position.serial, 203U);
  AuditLook seen = look(1, before + kEnd + kStart + kOff);
  read_on(seen, position, std::string(kEnd) + kStart + kOff);
  const auto result = audit_log_facts(seen, position);
  EXPECT_EQ(result.facts.sequence_gap, 0U);
  EXPECT_EQ(result.next.serial, 204U);
  EXPECT_EQ(result.facts.recorded_on, Tristate::no);
}

TEST(AuditLogFacts, AKeptPlaceWithWhatOlderVersionsDidNotKnowIsRead) {
  AuditPosition place = after(look(1, "one\n"));
  place.heartbeat.mark = "0123456789abcdef";
  place.kernel_lost = 7;
  place.recorded_on = Tristate::no;
  place.prefix.emplace();
  add_block(*place.prefix, block_sum("a"));
  place.ends = line_ends(0, "one\n", Instant{5});
  place.uncopied = Uncopied{4, 9, 5, 1, Instant{5}};
  place.unread = 3;
  place.logins = LoginPlace{768, 384, 384};
  EXPECT_EQ(parse_audit_position(to_text(place)), place);
  // The version before called it unfinished, and read one line again.
  EXPECT_NE(to_text(place).find("\nunfinished;3\n"), std::string::npos);
  // What older ones kept is its first line alone.
  const std::string text = to_text(place);
  const auto old = parse_audit_position(text.substr(0, text.find('\n')));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->size, place.size);
  EXPECT_FALSE(old->prefix);
  EXPECT_FALSE(parse_audit_position(text.substr(0, text.find('\n')) + "\nends;80"));
  EXPECT_FALSE(parse_audit_position(text + "\nother;1"));
  EXPECT_FALSE(parse_audit_position(text + "\n\n"));
}

TEST(AuditLogFacts, ARotationIsExplainedByTheOldContentBesideIt) {
  const AuditPosition before = after(look(1, "one\n"));
  AuditLook rotated = look(2, "");
  EXPECT_FALSE(audit_log_facts(rotated, before).facts.rotated_sibling);
  rotated.old_content_beside = true;
  EXPECT_TRUE(audit_log_facts(rotated, before).facts.rotated_sibling);
}

TEST(AuditLogFacts, ALogThatIsAwayIsComparedWhenItComesBack) {
  const AuditPosition before = after(look(1, "one\n"));
  AuditLook away = look(0, "");
  away.present = Tristate::no;
  away.readable = Tristate::unknown;
  away.stat = {};
  const auto gone = audit_log_facts(away, before);
  EXPECT_TRUE(gone.facts.auditing_was_on);
  EXPECT_EQ(gone.facts.present, Tristate::no);
  EXPECT_TRUE(audit_log_facts(look(2, "new\n"), gone.next).facts.replaced);
}

// procedure M-05: a log on /run that its program makes when it has something to say.
TEST(AuditLogFacts, ALogInMemoryIsNotMissedAfterARestart) {
  const auto missed_in = [](const char* boot, const char* source) {
    AuditLook seen = look(1, "one\n");
    seen.source = source;
    const AuditPosition before = after(seen);
    AuditLook away = seen;
    away.present = Tristate::no;
    away.readable = Tristate::unknown;
    away.stat = {};
    away.boot_id = boot;
    const auto first = audit_log_facts(away, before);
    EXPECT_TRUE(first.facts.auditing_was_on);
    return audit_log_facts(away, first.next).facts.auditing_was_on;
  };
  EXPECT_FALSE(missed_in("another", "/run/app.log"));
  EXPECT_TRUE(missed_in("boot", "/run/app.log"));
  EXPECT_TRUE(missed_in("another", "/var/log/app.log"));
}

// Else a log that cannot be read for one look could be rewritten meanwhile.
TEST(AuditLogFacts, WhatCannotBeReadForAWhileKeepsWhatWasReadOfIt) {
  AuditPosition place = after(look(1, "one\n"));
  place.prefix.emplace();
  add_block(*place.prefix, block_sum("a"));
  AuditLook closed = look(1, "one\n");
  closed.readable = Tristate::no;
  closed.head.clear();
  EXPECT_TRUE(audit_log_facts(closed, place).next.prefix);
  AuditLook other = look(2, "one\n");
  other.readable = Tristate::no;
  EXPECT_FALSE(audit_log_facts(other, place).next.prefix);
}

TEST(AuditLogFacts, NoteTheFirstLookOfABoot) {
  const auto first = audit_log_facts(look(1, "x"), std::nullopt);
  EXPECT_TRUE(first.facts.new_boot);
  EXPECT_FALSE(audit_log_facts(look(1, "x"), first.next).facts.new_boot);
  AuditLook later = look(1, "x");
  later.boot_id = "another";
  EXPECT_TRUE(audit_log_facts(later, first.next).facts.new_boot);
}

TEST(AuditLogFacts, CountSerialsThatAreMissing) {
  AuditLook first = look(1, "type=A msg=audit(1.0:10): x\ntype=A msg=audit(1.0:11): x\n");
  const AuditPosition before = after(first);
  EXPECT_EQ(before.serial, 11U);
  AuditLook next = look(1, first.head + "type=A msg=audit(1.1:12): x\n");
  read_on(next, before, "type=A msg=audit(1.1:12): x\ntype=B msg=audit(1.1:12): y\n");
  EXPECT_EQ(audit_log_facts(next, before).facts.sequence_gap, 0U);
  read_on(next, before, "type=A msg=audit(1.1:15): x\ntype=A msg=audit(1.1:13): x\n");
  const auto gap = audit_log_facts(next, before);
  EXPECT_EQ(gap.facts.sequence_gap, 2U);  // 12 and 14
  EXPECT_EQ(gap.next.serial, 15U);
  // Serials begin again at each boot.
  next.boot_id = "another";
  EXPECT_EQ(audit_log_facts(next, before).facts.sequence_gap, 0U);
}

// Wherever a look comes between two bytes of what is written, no serial is missing.
TEST(AuditLogFacts, TakeALineThatIsStillBeingWrittenAtTheNextLook) {
  const std::string start = "type=A msg=audit(1.0:9): x\n";
  const std::string text = start + "type=A msg=audit(1.0:10): x\ntype=A msg=audit(1.0:1112): x\n" +
                           "type=A msg=audit(1.0:1113): x\n";
  for (std::size_t cut = start.size(); cut <= text.size(); ++cut) {
    std::uint64_t missing = 0;
    AuditPosition position = after(look(1, start));
    for (const std::size_t end : {cut, text.size()}) {
      AuditLook next = look(1, text.substr(0, end));
      read_on(next, position, next.head.substr(trail_starts(next, position)));
      const auto result = audit_log_facts(next, position);
      missing += result.facts.sequence_gap;
      position = result.next;
    }
    EXPECT_EQ(missing, 1112U - 11) << cut;
    EXPECT_EQ(position.serial, 1113U);
    EXPECT_EQ(position.unread, 0U);
  }
}

TEST(AuditLogFacts, KeepNoPlaceInTheMiddleOfWhatIsNoLogOfLines) {
  EXPECT_EQ(after(look(1, "type=A msg=audit(1.0:9): x\nabc")).unread, 3U);
  AuditLook binary = look(1, "x\n");
  const AuditPosition before = after(binary);
  binary.stat.size += 20'000;
  read_on(binary, before, std::string(20'000, 'x'));
  EXPECT_EQ(audit_log_facts(binary, before).next.unread, 0U);
}

TEST(AuditPosition, ReadsBackWhatItWrote) {
  EXPECT_TRUE(rc::check("text goes there and back", [](std::uint64_t number, bool on) {
    AuditPosition position =
        after(look(*rc::gen::arbitrary<std::uint64_t>(),
                   *rc::gen::container<std::string>(rc::gen::arbitrary<char>())));
    position.serial = number;
    position.was_on = on;
    RC_ASSERT(parse_audit_position(to_text(position)) == position);
  }));
}

TEST(AuditPosition, RefusesWhatItDidNotWrite) {
  const std::string text = to_text(after(look(1, "one\n")));
  for (std::size_t n = 0; n < text.size() - 1; ++n) {
    EXPECT_EQ(parse_audit_position(text.substr(0, n)), std::nullopt) << n;
  }
  EXPECT_EQ(parse_audit_position(text + ";1"), std::nullopt);
  EXPECT_EQ(parse_audit_position("2" + text.substr(1)), std::nullopt);
  EXPECT_TRUE(rc::check("any bytes", [](const std::string& noise) {
    parse_audit_position(noise);
    parse_journal_position(noise);
    parse_journal_cursor(noise);
    journal_cursor_time(noise);
  }));
}

constexpr char kCursor[] = "s=0639ce6dbf1e4ac2b5d61fa8f4b1bf43;i=2a;b=95b1;m=1;t=2;x=3";

JournalLook journal(const std::string& newest, std::uint64_t entries) {
  JournalLook seen;
  seen.present = Tristate::yes;
  seen.readable = Tristate::yes;
  seen.newest = newest;
  seen.entries = entries;
  seen.counted = true;
  seen.boot_id = "boot";
  return seen;
}

TEST(JournalFacts, CountNumbersThatAreMissing) {
  const auto place = parse_journal_cursor(kCursor);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->sequence, 42U);
  const auto first = journal_facts(journal(kCursor, 0), std::nullopt);
  EXPECT_TRUE(first.facts.new_boot);
  const std::string later = "s=0639ce6dbf1e4ac2b5d61fa8f4b1bf43;i=2f;b=1";
  EXPECT_EQ(journal_facts(journal(later, 5), first.next).facts.sequence_gap, 0U);
  const auto gap = journal_facts(journal(later, 2), first.next);
  EXPECT_EQ(gap.facts.sequence_gap, 3U);
  EXPECT_TRUE(gap.facts.auditing_was_on);
  EXPECT_EQ(gap.next.cursor, later);
}

TEST(JournalFacts, TellAJournalThatBeganAnewOrWentBack) {
  const auto first = journal_facts(journal(kCursor, 0), std::nullopt);
  EXPECT_TRUE(journal_facts(journal("s=other;i=1", 1), first.next).facts.replaced);
  const auto back =
      journal_facts(journal("s=0639ce6dbf1e4ac2b5d61fa8f4b1bf43;i=1", 0), first.next).facts;
  EXPECT_TRUE(back.shrunk);
  EXPECT_EQ(back.sequence_gap, 0U);
}

// A cursor of the entry numbered `sequence` that was written `seconds` after the first.
std::string cursor_at(std::uint64_t sequence, std::int64_t seconds,
                      const char* id = "0639ce6dbf1e4ac2b5d61fa8f4b1bf43") {
  return fmt::format("s={};i={:x};b=95b1;m=1;t={:x};x=3", id, sequence,
                     1'700'000'000'000'000 + seconds * 1'000'000);
}
// As `journal`, with an oldest entry, in a place that may have a gigabyte.
JournalLook journal_from(const std::string& oldest, const std::string& newest,
                         std::uint64_t entries) {
  JournalLook seen = journal(newest, entries);
  seen.oldest = oldest;
  seen.size = 40 << 20;
  seen.now = Instant{1'700'000'900'000'000'000};
  seen.place = JournalPlaceSeen{
      "4a", true, 5, seen.size, UINT64_MAX, journal_limits({}, true, std::uint64_t{10} << 30)};
  return seen;
}

// procedure M-05: journalctl --rotate; journalctl --vacuum-time=1s
TEST(JournalFacts, SeeThatWhatWasThereIsGone) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  EXPECT_EQ(first.facts.history, model::HistoryGone::none);
  const auto kept = parse_journal_position(to_text(first.next));
  ASSERT_EQ(kept, first.next);
  const auto wiped =
      journal_facts(journal_from(cursor_at(950, 560), cursor_at(990, 570), 41), kept);
  EXPECT_EQ(wiped.facts.history, model::HistoryGone::unexplained);
  EXPECT_EQ(wiped.facts.oldest - wiped.facts.previous_oldest, Duration(560s));
  // Those that were removed are no gap among others, too.
  EXPECT_EQ(wiped.facts.sequence_gap, 0U);
  EXPECT_EQ(wiped.next.oldest, cursor_at(950, 560));
  // What is missing beside is.
  EXPECT_EQ(journal_facts(journal_from(cursor_at(950, 560), cursor_at(990, 570), 38), kept)
                .facts.sequence_gap,
            3U);
}

// procedure M-05: rm -r /var/log/journal/*; systemctl restart systemd-journald
TEST(JournalFacts, SeeThatAJournalWhichBeganAnewHasNothingOfBefore) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  const auto anew = journal_facts(
      journal_from(cursor_at(1, 560, "other"), cursor_at(3, 561, "other"), 3), first.next);
  EXPECT_TRUE(anew.facts.replaced);
  EXPECT_EQ(anew.facts.history, model::HistoryGone::unexplained);
}

TEST(JournalFacts, MissNothingThatIsStillThere) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  // Another is said to be the oldest, as where clocks of several boots were wrong.
  JournalLook seen = journal_from(cursor_at(700, 300), cursor_at(901, 501), 1);
  seen.oldest_kept = true;
  const auto same = journal_facts(seen, first.next);
  EXPECT_EQ(same.facts.history, model::HistoryGone::none);
  EXPECT_EQ(same.next.oldest, first.next.oldest);
  // journald moved it from memory to the disk.
  const auto moved = journal_facts(
      journal_from(cursor_at(1, 0, "other"), cursor_at(900, 500, "other"), 1), first.next);
  EXPECT_EQ(moved.facts.history, model::HistoryGone::none);
  EXPECT_EQ(moved.next.oldest, cursor_at(1, 0, "other"));
}

TEST(JournalFacts, CompareWithWhatWasBeforeItWasAway) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  JournalLook away = journal("", 0);
  away.boot_id = "boot";
  const auto gone = journal_facts(away, first.next);
  EXPECT_TRUE(gone.facts.auditing_was_on);
  EXPECT_EQ(gone.facts.size_bytes, 0U);
  const auto back =
      journal_facts(journal_from(cursor_at(1, 560, "o"), cursor_at(3, 561, "o"), 3), gone.next);
  EXPECT_EQ(back.facts.history, model::HistoryGone::unexplained);
}

// procedure M-05: more than one look may count.
TEST(JournalFacts, GoOnWhereTheLookBeforeStopped) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  JournalLook part = journal_from(cursor_at(10, 0), cursor_at(1000, 510), 98);
  part.end = cursor_at(5000, 530);
  const auto flooded = journal_facts(part, first.next);
  EXPECT_EQ(flooded.facts.sequence_gap, 2U) << "of what was counted";
  EXPECT_EQ(flooded.facts.unread, 4000U);
  EXPECT_EQ(flooded.next.cursor, cursor_at(1000, 510));
  JournalLook rest = journal_from(cursor_at(10, 0), cursor_at(5100, 540), 4097);
  rest.end = rest.newest;
  const auto caught_up = journal_facts(rest, flooded.next);
  EXPECT_EQ(caught_up.facts.sequence_gap, 3U);
  EXPECT_EQ(caught_up.facts.unread, 0U);
  // What cannot be counted is said, too.
  rest.counted = false;
  rest.entries = 7;
  const auto unreadable = journal_facts(rest, flooded.next);
  EXPECT_EQ(unreadable.facts.sequence_gap, 0U);
  EXPECT_EQ(unreadable.facts.unread, 4100U);
  EXPECT_EQ(journal_facts(journal("", 0), first.next).facts.unread, 0U);
}

// journald takes a number and gives it to no entry where a file is full.
TEST(JournalFacts, ANumberThatJournaldGaveUpIsNoGap) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  JournalLook seen = journal_from(cursor_at(10, 0), cursor_at(905, 510), 4);
  seen.given_up = 1;
  EXPECT_EQ(journal_facts(seen, first.next).facts.sequence_gap, 0U);
  seen.entries = 3;
  EXPECT_EQ(journal_facts(seen, first.next).facts.sequence_gap, 1U);
}

// A burst that removes, by size, what came since the look before.
TEST(JournalFacts, AFloodThatOverflowsASmallJournalIsNoGap) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  JournalLook flooded = journal_from(cursor_at(5000, 520), cursor_at(9000, 530), 4001);
  flooded.place->limits.most_bytes = flooded.size;
  JournalPosition before = first.next;
  before.place = kept_of(*flooded.place);
  const auto result = journal_facts(flooded, before);
  EXPECT_EQ(result.facts.sequence_gap, 0U);
  EXPECT_EQ(result.facts.history, model::HistoryGone::by_retention);
}

// procedure M-05: who removes the file that has last night, and leaves the rest
TEST(JournalFacts, CountWhatAFileHadThatWasTakenOut) {
  const std::string id(32, 'a');
  JournalLook seen = journal_from(cursor_at(10, 0), cursor_at(900, 500), 0);
  seen.place->archived = {{id, 10, 1}, {id, 300, 2}, {id, 500, 3}};
  const auto first = journal_facts(seen, {});
  const auto kept = parse_journal_position(to_text(first.next));
  ASSERT_EQ(kept, first.next);
  seen.oldest_kept = true;
  EXPECT_EQ(journal_facts(seen, kept).facts.sequence_gap, 0U);
  seen.place->archived = {{id, 10, 1}, {id, 500, 3}};
  const auto gap = journal_facts(seen, kept);
  EXPECT_EQ(gap.facts.sequence_gap, 200U);
  EXPECT_EQ(journal_facts(seen, gap.next).facts.sequence_gap, 0U);
  seen.place->on_disk = false;
  EXPECT_EQ(journal_facts(seen, kept).facts.sequence_gap, 0U);
}

// Who lists a journal while journald renames and removes its files can miss one.
TEST(JournalFacts, AreOfAnotherLookWhereTheFirstMissedAFile) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  const JournalLook whole = journal_from(cursor_at(10, 0), cursor_at(990, 570), 90);
  JournalLook torn = whole;
  torn.entries = 50;
  JournalLook without_newest = whole;
  without_newest.newest = cursor_at(800, 400);
  JournalLook without_oldest = journal_from(cursor_at(500, 300), cursor_at(990, 570), 90);
  for (const JournalLook& missed : {torn, without_newest, without_oldest}) {
    int looks = 0;
    const auto look = [&](int looks_before) -> Result<JournalLook> {
      EXPECT_EQ(looks_before, looks);
      return looks++ == 0 ? missed : whole;
    };
    const auto settled = settled_journal_facts({look, [] { return true; }}, first.next);
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(looks, 2);
    EXPECT_EQ(settled->facts.sequence_gap, 0U);
    EXPECT_FALSE(settled->facts.shrunk);
    EXPECT_EQ(settled->facts.history, model::HistoryGone::none);
    EXPECT_EQ(settled->next.cursor, whole.newest);
  }
}

TEST(JournalFacts, AreToldWhereNoFileCameOrWent) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  int looks = 0;
  const auto look = [&](int) -> Result<JournalLook> {
    ++looks;
    return journal_from(cursor_at(10, 0), cursor_at(990, 570), 50);
  };
  const auto settled = settled_journal_facts({look, [] { return false; }}, first.next);
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(settled->facts.sequence_gap, 40U);
  const auto failing = [](int) -> Result<JournalLook> { return fail(ErrorCode::internal, "no"); };
  EXPECT_FALSE(settled_journal_facts({failing, [] { return false; }}, first.next).has_value());
}

// Files that never rest hide nothing: it cannot be told now, and is at the next look that can.
TEST(JournalFacts, WaitForALookThatCanTell) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  const JournalLook gap = journal_from(cursor_at(10, 0), cursor_at(990, 570), 50);
  int looks = 0;
  bool changing = true;
  const JournalEyes eyes{[&](int) -> Result<JournalLook> {
                           ++looks;
                           return gap;
                         },
                         [&] { return changing; }};
  const auto unsettled = settled_journal_facts(eyes, first.next);
  ASSERT_TRUE(unsettled.has_value());
  EXPECT_EQ(looks, kJournalLooks);
  EXPECT_EQ(unsettled->facts.sequence_gap, 0U);
  EXPECT_EQ(unsettled->facts.history, model::HistoryGone::files_unread);
  EXPECT_EQ(unsettled->next, first.next);
  changing = false;
  const auto settled = settled_journal_facts(eyes, unsettled->next);
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->facts.sequence_gap, 40U);
}

// A record of our own that a flood removed by size did not fail to arrive.
TEST(JournalFacts, DoNotMissARecordThatIsOlderThanTheOldest) {
  const auto first = journal_facts(journal_from(cursor_at(10, 0), cursor_at(900, 500), 0), {});
  JournalPosition before = first.next;
  before.heartbeat.worked = true;
  before.heartbeat.mark = "0123456789abcdef";
  before.heartbeat.written = Instant{1'700'000'510'000'000'000};
  JournalLook seen = journal_from(cursor_at(10, 0), cursor_at(990, 570), 90);
  seen.heartbeat_found = false;
  const auto missing = journal_facts(seen, before);
  EXPECT_EQ(missing.next.heartbeat.misses, 1U);
  seen.oldest = cursor_at(950, 560);
  const auto removed = journal_facts(seen, before);
  EXPECT_EQ(removed.next.heartbeat.misses, 0U);
  EXPECT_TRUE(removed.next.heartbeat.mark.empty());
  EXPECT_TRUE(removed.next.heartbeat.worked);
}

TEST(JournalFacts, KnowWhenAnEntryWasWritten) {
  EXPECT_EQ(journal_cursor_time(cursor_at(1, 5)), Instant{1'700'000'005'000'000'000});
  EXPECT_EQ(journal_cursor_time(kCursor), Instant{2000});
  for (const char* other : {"", "s=1;i=2", "t=", "t=x", "t=-1", "t=7fffffffffffffff"}) {
    EXPECT_EQ(journal_cursor_time(other), std::nullopt) << other;
  }
}

TEST(JournalPosition, ReadsBackWhatItWrote) {
  const JournalPosition position{kCursor, 99, true, "boot"};
  EXPECT_EQ(parse_journal_position(to_text(position)), position);
  // What the version before kept has no oldest entry: the first look finds nothing gone.
  const JournalLook later = journal_from(cursor_at(950, 560), cursor_at(990, 570), 41);
  EXPECT_EQ(journal_facts(later, position).facts.history, model::HistoryGone::none);
  EXPECT_EQ(parse_journal_position("2|x|1|1|b\noldest;"), std::nullopt);
  EXPECT_EQ(parse_journal_position("2|x|1|1|b\nplace;1"), std::nullopt);
  EXPECT_EQ(parse_journal_position("2|x|1|1|b\nother;1"), std::nullopt);
  EXPECT_EQ(parse_journal_position("2|x|1|1"), std::nullopt);
  EXPECT_EQ(parse_journal_position("2|x|1|1|b|c"), std::nullopt);
}

}  // namespace
}  // namespace tocsin::agent
