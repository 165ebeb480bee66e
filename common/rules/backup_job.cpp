// G-06: how a backup system says its backups stand. What is not backed up in time, or could not be
// restored from, is a finding; what was not answered is said, and without a finding cannot tell.
#include <algorithm>
#include <array>
#include <string>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::BackupEvent;
using model::BackupJobFacts;
using model::Parameter;
using model::Tristate;

// What is worse comes first where not all can be told.
enum Weight : int { sign = 0, late = 1, hindrance = 2, no_restore = 3 };

// What the answer to a question is needed for.
struct Answer {
  std::string_view question;
  std::string_view code;  // of findings, or how they begin
};
constexpr std::array kAnswers{
    Answer{"query clock", "backup.rpo"},
    Answer{"query clock", "backup.database_old"},
    Answer{"query database", "backup.database_"},
    Answer{"query log", "backup.log_"},
    Answer{"query stgpool", "backup.pool_"},
    Answer{"query event", "backup.missed"},
    Answer{"query event", "backup.failed"},
    Answer{"query event type=administrative", "backup.missed"},
    Answer{"query event type=administrative", "backup.failed"},
    Answer{"query actlog", "backup.severe"},
    Answer{"query drive", "backup.drive_"},
    Answer{"query path", "backup.path_"},
    Answer{"query volume", "backup.volume_"},
    Answer{"query filespace", "backup.never"},
    Answer{"query filespace", "backup.rpo"},
    Answer{"query association", "backup.missed"},
    Answer{"query association", "backup.failed"},
    Answer{"check", "backup.integrity_"},
    Answer{"restore", "backup.restore_"},
};
// Codes whose subjects come in lists that have a limit.
constexpr std::array<std::string_view, 9> kListed{
    "backup.drive_", "backup.failed", "backup.missed", "backup.never",  "backup.path_",
    "backup.pool_",  "backup.rpo",    "backup.severe", "backup.volume_"};

class Job {
 public:
  Job(const BackupJobFacts& facts, const model::BackupLimits& limits, Instant at)
      : facts_(facts), limits_(limits), at_(at) {}

  model::Judgement judge() && {
    if (facts_.reachable == Tristate::no) {
      add("backup.unreachable", "", {said("why", why_unreachable())}, no_restore);
      findings_.unseen(everything());
    } else {
      sources();
      schedules();
      server();
      tests();
      blind();
    }
    if (facts_.over_limit > 0) {
      findings_.note({"backup.more", {said("count", facts_.over_limit)}});
      for (const std::string_view code : kListed) findings_.unseen(all_of(code));
    }
    return std::move(findings_).finish({"backup.ok", {said("job", facts_.job)}});
  }

 private:
  void add(std::string_view code, std::string_view subject, std::vector<Parameter> more,
           Weight weight) {
    std::vector<Parameter> parameters{said("job", facts_.job)};
    parameters.insert(parameters.end(), more.begin(), more.end());
    std::string name = subject_part(facts_.job);
    if (!subject.empty()) name += " " + subject_part(subject);
    findings_.add({std::string(code), std::move(name), {std::string(code), std::move(parameters)}},
                  weight);
  }

  std::string why_unreachable() const {
    return facts_.blind.empty() ? std::string() : facts_.blind.front().status;
  }

  static Parameter hours(std::string_view name, Duration d) {
    return said(name, static_cast<std::uint64_t>(std::max<std::int64_t>(d / 1h, 0)));
  }
  bool is_blind(std::string_view question) const {
    return std::any_of(facts_.blind.begin(), facts_.blind.end(),
                       [&](const BackupEvent& blind) { return blind.name == question; });
  }
  bool older(Instant then, Duration limit) const { return at_ - then > limit; }

  void source(std::string_view name, Instant last) {
    if (last.ns == 0) {
      add("backup.never", name, {said("source", name)}, late);
    } else if (is_blind("query clock")) {
      return;  // Its time is of a zone that is not known.
    } else if (older(last, limits_.rpo)) {
      add("backup.rpo", name,
          {said("source", name), hours("hours", at_ - last), hours("limit", limits_.rpo)}, late);
    }
  }

  void sources() {
    for (const model::BackupSource& one : facts_.sources) source(one.name, one.last_success);
    if (!facts_.sources.empty()) return;
    if (facts_.tool != "tsm") return source(facts_.job, facts_.last_success);
    // Without a list a tsm server says it through its schedules: where it has none, that nothing
    // was missed says nothing, and of what was missed earlier it does not tell any more.
    if (facts_.scheduled != Tristate::no) return;
    findings_.blind({"backup.nothing_scheduled", {said("job", facts_.job)}},
                    all_of("backup.missed"));
    findings_.unseen(all_of("backup.failed"));
  }

  void schedules() {
    for (const BackupEvent& event : facts_.schedules) {
      const bool missed = event.status == "Missed";
      add(missed ? "backup.missed" : "backup.failed", event.name,
          {said("schedule", event.name), said("status", event.status)}, late);
    }
  }

  void server() {
    for (const BackupEvent& event : facts_.errors) activity(event);
    for (const BackupEvent& event : facts_.devices) device(event);
    for (const model::BackupSpace& one : facts_.spaces) space(one);
    if (facts_.tool != "tsm") return;
    const Instant saved = facts_.last_database_backup;
    const bool asked = !is_blind("query database") && !(saved.ns != 0 && is_blind("query clock"));
    if (asked && (saved.ns == 0 || older(saved, limits_.database_backup))) {
      add("backup.database_old", "",
          {hours("hours", saved.ns == 0 ? Duration{} : at_ - saved),
           hours("limit", limits_.database_backup)},
          hindrance);
    }
  }

  // Severe messages are findings; of errors there are some every day, and they are told.
  void activity(const BackupEvent& event) {
    const bool severe = event.name.ends_with('S');
    const std::vector<Parameter> parameters{said("id", event.name), said("count", event.count),
                                            said("message", event.status)};
    if (severe) {
      add("backup.severe", event.name, parameters, hindrance);
    } else {
      findings_.note({"backup.errors", parameters});
    }
  }

  void device(const BackupEvent& event) {
    const std::vector<Parameter> parameters{said("device", event.name),
                                            said("status", event.status)};
    if (event.name.starts_with("drive ")) {
      add("backup.drive_offline", event.name, parameters, hindrance);
    } else if (event.name.starts_with("path ")) {
      add("backup.path_offline", event.name, parameters, hindrance);
    } else if (event.status == "READONLY") {
      add("backup.volume_readonly", event.name, parameters, sign);
    } else {
      add("backup.volume_unavailable", event.name, parameters, hindrance);
    }
  }

  void space(const model::BackupSpace& one) {
    const bool database = one.name == "database";
    const bool log = one.name == "recovery_log";
    const int limit = database ? limits_.database_permille
                      : log    ? limits_.log_permille
                               : limits_.pool_permille;
    if (static_cast<std::int64_t>(one.used_permille) < limit) return;
    add(database ? "backup.database_full"
        : log    ? "backup.log_full"
                 : "backup.pool_full",
        one.name, {said("name", one.name), said("percent", one.used_permille / 10)}, hindrance);
  }

  void tests() {
    if (facts_.integrity_wanted) {
      if (facts_.check_ok == Tristate::no) {
        add("backup.integrity_failed", "", {}, no_restore);
      } else if (facts_.last_check.ns == 0) {
        findings_.blind({"backup.integrity_unknown", {said("job", facts_.job)}},
                        all_of("backup.integrity_"));
      } else if (older(facts_.last_check, limits_.integrity)) {
        add("backup.integrity_old", "", {hours("hours", at_ - facts_.last_check)}, sign);
      }
    }
    if (!facts_.restore_wanted) return;
    if (facts_.restore_ok == Tristate::no) {
      add("backup.restore_failed", "", {}, no_restore);
    } else if (facts_.last_restore_test.ns == 0) {
      findings_.blind({"backup.restore_unknown", {said("job", facts_.job)}},
                      all_of("backup.restore_"));
    } else if (older(facts_.last_restore_test, limits_.restore_test)) {
      add("backup.restore_old", "", {hours("hours", at_ - facts_.last_restore_test)}, sign);
    }
  }

  void blind() {
    for (const BackupEvent& event : facts_.blind) {
      findings_.blind({"backup.blind", {said("question", event.name), said("why", event.status)}},
                      nothing_else());
      not_answered(event.name);
    }
  }

  // An answer that did not come says nothing about what earlier ones told.
  void not_answered(std::string_view question) {
    bool known = false;
    for (const Answer& answer : kAnswers) {
      if (answer.question != question) continue;
      findings_.unseen(all_of(answer.code));
      known = true;
    }
    if (!known) findings_.unseen(everything());
  }

  const BackupJobFacts& facts_;
  const model::BackupLimits& limits_;
  Instant at_;
  Findings findings_;
};

}  // namespace

model::Judgement judge_backup_job(const BackupJobFacts& facts, const model::BackupLimits& limits,
                                  Instant at) {
  return Job(facts, limits, at).judge();
}

}  // namespace tocsin::rules
