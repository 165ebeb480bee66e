// Whatever happens to a log in the course of its life, the check never takes it for a change of
// what was written; and a change of what was written is found, wherever the log is in that life.
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "agent/checks/audit_log_facts.hpp"
#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/integration/agent/tail/rotation_room.hpp"

namespace tocsin::agent {
namespace {

using Steps = std::vector<std::pair<Step, int>>;

Steps any_steps() {
  return *rc::gen::container<Steps>(
      rc::gen::pair(rc::gen::map(rc::gen::inRange(0, static_cast<int>(Step::restart) + 1),
                                 [](int step) { return static_cast<Step>(step); }),
                    rc::gen::inRange(1, 40)));
}

// One step, and a look of the check after most of them.
void take(Room& room, CheckRun& check, Step step, int amount) {
  room.take(step, amount);
  if (step == Step::restart) check.context.memory.reset();
  if (amount % 4 == 0) return;
  const model::Observation seen = check.run();
  const auto* facts = std::get_if<model::AuditLogFacts>(&seen.facts);
  RC_ASSERT(facts != nullptr);
  RC_ASSERT(!facts->content_changed);
  RC_ASSERT(!facts->old_part_only);
}

RC_GTEST_PROP(AuditLogProperty, NoRotationLooksLikeAChangedRecord, ()) {
  Room room;
  CheckRun check(model::CheckKind::audit_log, room.path());
  for (const auto& [step, amount] : any_steps()) take(room, check, step, amount);
}

// Where nothing is cut without a copy or removed, every step is one that programs rotate logs by.
RC_GTEST_PROP(AuditLogProperty, NoRotationIsAbnormal, ()) {
  Room room;
  CheckRun check(model::CheckKind::audit_log, room.path());
  for (const auto& [step, amount] : any_steps()) {
    if (step == Step::truncate || step == Step::remove_oldest || step == Step::copy_write_truncate)
      continue;
    // One that is renamed again before a look saw it is removed in the end.
    room.take(Step::reopen, 1);
    check.run();
    room.take(step, amount);
    const model::Judgement judgement = rules::judge(check.run(), nullptr, model::RuleLimits{});
    RC_LOG() << judgement.reasons[0].code << "\n";
    RC_ASSERT(judgement.verdict != model::Verdict::abnormal);
  }
}

// Renamed or copied and cut, and packed before the next look: what was packed is compared.
RC_GTEST_PROP(AuditLogProperty, APackedPartExplainsOnlyWhatItHolds, ()) {
  Room room;
  CheckRun check(model::CheckKind::audit_log, room.path());
  for (const auto& [step, amount] : any_steps()) take(room, check, step, amount);
  room.take(Step::reopen, 1);
  room.take(Step::write_lines, *rc::gen::inRange(1, 4000));
  check.run();
  const bool forged = *rc::gen::arbitrary<bool>();
  room.take(*rc::gen::element(Step::copy_truncate, Step::rename), 1);
  if (forged) {
    const std::string part = room.path() + ".1";
    const auto size = std::filesystem::file_size(part);
    const auto at = static_cast<std::streamoff>(*rc::gen::inRange<std::uintmax_t>(0, size));
    std::fstream file(part, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int old = file.get();
    file.seekp(at);
    file.put(static_cast<char>(old ^ 1));
  }
  room.take(Step::reopen, 1);
  room.take(Step::pack, 1);
  RC_ASSERT(std::filesystem::exists(room.path() + ".1.gz"));
  const model::Judgement judgement = rules::judge(check.run(), nullptr, model::RuleLimits{});
  RC_LOG() << judgement.reasons[0].code << "\n";
  RC_ASSERT(judgement.verdict == (forged ? model::Verdict::abnormal : model::Verdict::normal));
}

RC_GTEST_PROP(AuditLogProperty, AChangedRecordIsFoundAfterAnyRotation, ()) {
  Room room;
  CheckRun check(model::CheckKind::audit_log, room.path());
  for (const auto& [step, amount] : any_steps()) take(room, check, step, amount);
  room.take(Step::reopen, 1);
  for (int i = 0; i < 8; ++i) room.take(Step::write_long, 1);
  check.run();
  const auto size = std::filesystem::file_size(room.path());
  const auto at = static_cast<std::streamoff>(*rc::gen::inRange<std::uintmax_t>(0, size));
  {
    std::fstream file(room.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int old = file.get();
    file.seekp(at);
    file.put(static_cast<char>(old ^ 1));
  }
  // All of so short a log is compared at every look.
  const auto facts = check.facts<model::AuditLogFacts>();
  RC_ASSERT(facts.content_changed || facts.head_changed);
}

// Wherever the log is in its life: what a look saw between the copy and the cut is said with its
// length while it is little, and found where it is more; it is never well.
RC_GTEST_PROP(AuditLogProperty, WhatACopyLacksIsSaidOrFound, ()) {
  Room room;
  CheckRun check(model::CheckKind::audit_log, room.path());
  for (const auto& [step, amount] : any_steps()) {
    if (step == Step::copy_write_truncate) continue;  // A day has one bound.
    take(room, check, step, amount);
  }
  room.take(Step::reopen, 1);
  room.take(Step::write_lines, 3);
  check.run();
  const int lines = *rc::gen::inRange(1, 2 * static_cast<int>(kEndLines));
  room.between = [&] { check.run(); };
  room.take(Step::copy_write_truncate, lines);
  if (*rc::gen::arbitrary<bool>()) room.take(Step::pack, 1);
  const model::Judgement judgement = rules::judge(check.run(), nullptr, model::RuleLimits{});
  const bool little = lines <= static_cast<int>(kEndLines);
  RC_ASSERT(judgement.verdict == (little ? model::Verdict::cannot_tell : model::Verdict::abnormal));
  RC_ASSERT(judgement.reasons[0].code == (little ? "audit.uncopied" : "audit.emptied"));
}

}  // namespace
}  // namespace tocsin::agent
