#include "agent/checks/backup_job.hpp"

#include <algorithm>
#include <string_view>

#include "agent/backup/tsm.hpp"
#include "agent/checks/backup_restic.hpp"
#include "agent/checks/observation.hpp"
#include "agent/os/program.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kOutputBytes = 1 << 20;
// The last question is given up this long before the run's deadline, so that it can still say so.
constexpr Duration kMargin = 300ms;
constexpr Duration kHour = 1h;

const BackupSettings* backup_named(const std::string& name, const HostSettings& settings) {
  const auto found = std::find_if(settings.backups.begin(), settings.backups.end(),
                                  [&](const BackupSettings& b) { return b.name == name; });
  return found == settings.backups.end() ? nullptr : &*found;
}

Result<TsmAnswer> ask(const Run& run, const BackupSettings& backup, TsmQuestion question,
                      const CheckContext& context) {
  os::ProgramCall call;
  call.words = tsm_call(backup, question);
  call.limit = std::max(run.deadline() - context.time.steady() - kMargin, Duration(1ms));
  call.output_limit = kOutputBytes;
  const auto end = os::run_program(call, context.time, context.stop);
  if (!end) return fail(end.error());
  if (end->timed_out) {
    return fail(ErrorCode::deadline_exceeded, "dsmadmc did not answer in time");
  }
  TsmAnswer answer = read_tsm_answer(end->status, end->output, end->errors);
  if (end->cut) ++answer.over_limit;
  return answer;
}

model::Observation observe_tsm(const Run& run, const BackupSettings& backup,
                               const CheckContext& context) {
  TsmFacts facts(backup, context.time.wall());
  for (const TsmQuestion question : tsm_questions(backup)) {
    const auto answer = ask(run, backup, question, context);
    if (!answer && answer.error().code == ErrorCode::not_found) {
      return run.unseen(model::Outcome::failed,
                        {"backup.tool_missing", {{"program", backup.program}}});
    }
    if (!answer) return run.unseen(answer.error());
    if (answer->end == TsmEnd::login_refused) {
      return run.unseen(model::Outcome::not_permitted,
                        {"backup.login_refused", {{"what", answer->id + " " + answer->text}}});
    }
    // The first question is one that every account may ask.
    if (question == TsmQuestion::clock && answer->end == TsmEnd::refused) {
      return run.unseen(model::Outcome::failed,
                        {"backup.not_answered", {{"what", answer->id + " " + answer->text}}});
    }
    facts.add(question, *answer);
    if (answer->end == TsmEnd::unreachable) break;
  }
  return run.seen(std::move(facts).take());
}

}  // namespace

model::Observation observe_backup_job(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const BackupSettings* backup = backup_named(check.check.target, context.settings);
  if (backup == nullptr) {
    return run.unseen(model::Outcome::not_applicable, {"backup.unnamed", {}});
  }
  model::Observation seen = backup->tool == BackupTool::tsm ? observe_tsm(run, *backup, context)
                                                            : observe_restic(run, *backup, context);
  if (auto* facts = std::get_if<model::BackupJobFacts>(&seen.facts)) {
    facts->hour = Instant{seen.at.ns - seen.at.ns % kHour.count()};
  }
  return seen;
}

}  // namespace tocsin::agent
