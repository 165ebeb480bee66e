// M-09: services and background programs that should not be there. A finding says why; an unusual
// name alone says nothing.
#include <algorithm>
#include <array>
#include <map>

#include "common/rules/baseline.hpp"
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"
#include "common/rules/programs.hpp"

namespace tocsin::rules {
namespace {

using model::Baseline;
using model::ProcessGroup;
using model::ProcessRule;
using model::Tristate;

constexpr std::string_view kPreloadFile = "/etc/ld.so.preload";

bool names(const ProcessRule& rule, const ProcessGroup& group) {
  if (rule.name.empty() && rule.executable.empty()) return false;  // would approve everything
  const auto fits = [](std::string_view wanted, std::string_view seen) {
    return wanted.empty() || wanted == seen;
  };
  return fits(rule.name, group.name) &&
         fits(rule.user,
              rule.user.starts_with("uid:") ? user_text(group.user, group.uid) : group.user) &&
         fits(program_path(rule.executable), program_path(group.executable));
}

// How the best of the rules that name a program likes its file; nullopt: no rule names it.
std::optional<FileMatch> approval(const ProcessGroup& group, const Baseline* baseline) {
  std::optional<FileMatch> best;
  if (baseline == nullptr) return best;
  for (const ProcessRule& rule : baseline->processes) {
    if (!names(rule, group)) continue;
    const FileMatch match = file_match(rule.package, rule.sha256, group.file);
    best = best ? std::max(*best, match) : match;
  }
  return best;
}

bool is_approved(const ProcessGroup& group, const Baseline* baseline) {
  return approval(group, baseline) == FileMatch::same;
}

// A running file that a package update replaced; every host has some after an update. A file of no
// package was not replaced by one.
bool replaced_by_update(const ProcessGroup& g) {
  return g.executable_deleted == Tristate::yes && in_system_folder(g.executable) &&
         g.packaged == Tristate::yes;
}

// True where it would tell whether a package installed the program, and that is not known: this
// host has no database of dpkg, or it did not answer in time. Of the system's folders an owner's
// list leaves to packages what they installed.
bool package_unknown(const ProcessGroup& g, bool listed) {
  return g.packaged == Tristate::unknown && in_system_folder(g.executable) &&
         (listed || g.executable_deleted == Tristate::yes);
}

struct Sign {
  std::string_view why;
  int weight;
  bool (*shows)(const ProcessGroup&, const Baseline*);
};

// All that apply are said, the worst first.
constexpr std::array kSigns{
    Sign{"@why.memory_only", 4,
         [](const ProcessGroup& g, const Baseline*) {
           return g.memory_only == Tristate::yes || is_memory_file(g.executable);
         }},
    Sign{"@why.imitates_kernel", 4,
         [](const ProcessGroup& g, const Baseline*) { return g.imitates_kernel_thread; }},
    Sign{"@why.world_writable", 3,
         [](const ProcessGroup& g, const Baseline*) {
           return g.executable_world_writable == Tristate::yes;
         }},
    Sign{"@why.deleted", 2,
         [](const ProcessGroup& g, const Baseline*) {
           return g.executable_deleted == Tristate::yes && !replaced_by_update(g) &&
                  !package_unknown(g, false);
         }},
    Sign{"@why.preload", 2,
         [](const ProcessGroup& g, const Baseline*) { return g.preload == Tristate::yes; }},
    Sign{"@why.changed", 2,
         [](const ProcessGroup& g, const Baseline* b) {
           // What a package vouches for needs no rule, though another file at its path has one.
           return approval(g, b) == FileMatch::changed && needs_approval(g);
         }},
    Sign{"@why.modified", 2,
         [](const ProcessGroup& g, const Baseline* b) {
           return b != nullptr && b->has_processes && g.file.intact == Tristate::no;
         }},
    // Only where the owner listed what may run outside the system's folders.
    Sign{"@why.outside", 1,
         [](const ProcessGroup& g, const Baseline* b) {
           return b != nullptr && b->has_processes && !g.executable.empty() &&
                  !in_system_folder(g.executable) && !is_memory_file(g.executable);
         }},
    Sign{"@why.no_package", 1,
         [](const ProcessGroup& g, const Baseline* b) {
           return b != nullptr && b->has_processes && g.packaged == Tristate::no &&
                  in_system_folder(g.executable);
         }},
};

// A program under one subject: its groups may differ in name, which the program itself can change.
struct Suspect {
  std::vector<bool> signs = std::vector<bool>(kSigns.size());
  std::string name;  // the first by order
  std::string executable;
  std::string user;
};

std::string subject_of(const ProcessGroup& group) {
  const std::string_view path = program_path(group.executable);
  return subject_part(path.empty() ? std::string_view(group.name) : path) + " " +
         subject_part(user_text(group.user, group.uid));
}

// False: it shows no sign of its own.
bool collect(const ProcessGroup& group, const Baseline* baseline,
             std::map<std::string, Suspect>& suspects) {
  std::vector<bool> signs;
  signs.reserve(kSigns.size());
  for (const Sign& sign : kSigns) signs.push_back(sign.shows(group, baseline));
  if (std::find(signs.begin(), signs.end(), true) == signs.end()) return false;
  const auto [it, first] = suspects.try_emplace(subject_of(group));
  Suspect& suspect = it->second;
  for (std::size_t i = 0; i < signs.size(); ++i) {
    if (signs[i]) suspect.signs[i] = true;
  }
  if (first || group.name < suspect.name) suspect.name = group.name;
  suspect.executable = program_path(group.executable);
  suspect.user = user_text(group.user, group.uid);
  return true;
}

bool is_partly_seen(const ProcessGroup& g) {
  return g.executable_world_writable == Tristate::unknown || g.preload == Tristate::unknown ||
         g.packaged == Tristate::unknown;
}

// What was found of this program before may still hold: its file could not be read, or there is no
// list to compare it with. One that has ended is not in the look, and well.
void not_judged(const ProcessGroup& group, bool listed, Findings& findings) {
  if (group.executable.empty()) {
    findings.unseen(
        ending("process.unexpected", " " + subject_part(user_text(group.user, group.uid))));
  } else if ((!listed && needs_approval(group)) || is_partly_seen(group)) {
    findings.unseen(only("process.unexpected", subject_of(group)));
  }
}

void report(const std::string& subject, const Suspect& suspect, Findings& findings) {
  std::string why;
  int weight = 0;
  for (std::size_t i = 0; i < kSigns.size(); ++i) {
    if (!suspect.signs[i]) continue;
    why.append(why.empty() ? "" : " ").append(kSigns[i].why);
    weight = std::max(weight, kSigns[i].weight);
  }
  findings.add(
      {"process.unexpected",
       subject,
       {"process.unexpected",
        {said("executable", suspect.executable.empty() ? "?" : suspect.executable),
         said("name", suspect.name), said("user", suspect.user), model::Parameter{"why", why}}}},
      weight);
}

void judge_preload_file(const model::ProcessesFacts& facts, const Baseline* baseline,
                        Findings& findings) {
  ProcessGroup file;
  file.executable = kPreloadFile;
  if (!facts.preload_file || is_approved(file, baseline)) return;
  findings.add({"process.preload_file", std::string(kPreloadFile), {"process.preload_file", {}}},
               5);
}

void judge_hidden(const model::ProcessesFacts& facts, Findings& findings) {
  for (const std::uint32_t id : facts.hidden) {
    findings.add({"process.hidden",
                  "process " + std::to_string(id),
                  {"process.hidden", {said("id", std::uint64_t{id})}}},
                 6);
  }
  if (facts.hidden_over_limit > 0) {
    findings.blind({"observation.incomplete", {said("count", facts.hidden_over_limit)}},
                   all_of("process.hidden"));
  }
  // /proc does not show the agent all processes (hidepid): those of its list are not all either.
  if (facts.hidden_searched == Tristate::no) {
    findings.blind({"process.hidden_not_searched", {}}, all_of("process.hidden"));
    findings.unseen(all_of("process.unexpected"));
  } else if (facts.hidden_searched == Tristate::unknown) {
    findings.unseen(all_of("process.hidden"));
  }
}

// What systemd starts at the login of anybody: the user's number is in its name, so that no list
// can know it before. Who logs in is for other checks to judge. Where another file than a package's
// stands behind that name it is none of systemd's.
bool is_of_a_login(const model::UnitEntry& entry) {
  if (entry.packaged != Tristate::yes || !entry.unit.ends_with(".service")) return false;
  for (const std::string_view prefix : {"user@", "user-runtime-dir@"}) {
    if (!entry.unit.starts_with(prefix)) continue;
    std::string_view number = entry.unit;
    number.remove_prefix(prefix.size());
    number.remove_suffix(std::string_view(".service").size());
    return !number.empty() && number.find_first_not_of("0123456789") == number.npos;
  }
  return false;
}

bool names_unit(const Baseline& baseline, const std::string& unit) {
  return std::find(baseline.units.begin(), baseline.units.end(), unit) != baseline.units.end() ||
         std::any_of(baseline.services.begin(), baseline.services.end(),
                     [&](const model::ServiceRule& rule) { return rule.unit == unit; });
}

// A timer approves the service of its name, which runs for moments and is hardly ever there when a
// list is made: systemd.timer(5), "a service by the same name".
bool approves_unit(const Baseline& baseline, const std::string& unit) {
  constexpr std::string_view kService = ".service";
  if (names_unit(baseline, unit)) return true;
  if (!unit.ends_with(kService)) return false;
  return names_unit(baseline, unit.substr(0, unit.size() - kService.size()) + ".timer");
}

// Only where the owner listed what may run: a system has some forty units of its own.
void judge_units(const model::ProcessesFacts& facts, const Baseline* baseline, Findings& findings) {
  if (facts.units_known != Tristate::yes) findings.unseen(all_of("unit."));
  if (baseline == nullptr || !baseline->has_units) {
    // There was a list, and there is none in force: an owner who never made one wants no findings.
    if (baseline != nullptr && !baseline->expired) return;
    for (const model::UnitEntry& entry : facts.units) {
      findings.unseen(only("unit.unexpected", subject_part(entry.unit)));
    }
    if (facts.units_over_limit > 0) findings.unseen(all_of("unit."));
    return;
  }
  for (const model::UnitEntry& entry : facts.units) {
    if (approves_unit(*baseline, entry.unit) || is_of_a_login(entry)) continue;
    const bool foreign = entry.packaged == Tristate::no;
    const char* why = foreign ? "@why.unit_no_package"
                              : (entry.active ? "@why.unit_active" : "@why.unit_enabled");
    findings.add({"unit.unexpected",
                  subject_part(entry.unit),
                  {"unit.unexpected", {said("unit", entry.unit), model::Parameter{"why", why}}}},
                 foreign ? 2 : 1);
  }
  if (facts.units_known == Tristate::no) {
    findings.blind({"unit.not_known", {}}, all_of("unit."));
  }
  if (facts.units_over_limit > 0) {
    findings.blind({"observation.incomplete", {said("count", facts.units_over_limit)}},
                   all_of("unit."));
  }
}

}  // namespace

bool needs_approval(const ProcessGroup& group) {
  static const Baseline kNoneApproved = [] {
    Baseline none;
    none.has_processes = true;
    return none;
  }();
  if (group.kernel_thread) return false;
  // Where no package can vouch for it a list names it, as the file that it is.
  return package_unknown(group, true) ||
         std::any_of(kSigns.begin(), kSigns.end(),
                     [&](const Sign& sign) { return sign.shows(group, &kNoneApproved); });
}

std::vector<std::string> signs_of(const ProcessGroup& group) {
  std::vector<std::string> signs;
  for (const Sign& sign : kSigns) {
    if (sign.shows(group, nullptr)) signs.emplace_back(sign.why);
  }
  return signs;
}

model::Judgement judge_processes(const model::ProcessesFacts& facts, const Baseline* baseline) {
  Findings findings;
  const bool listed = baseline != nullptr && baseline->has_processes;
  std::map<std::string, Suspect> suspects;
  std::uint64_t updated = 0;
  std::uint64_t packages_unknown = 0;
  for (const ProcessGroup& group : facts.groups) {
    if (group.kernel_thread) continue;
    const std::optional<FileMatch> approved = approval(group, baseline);
    if (approved == FileMatch::same) continue;
    if (approved == FileMatch::unknown && needs_approval(group)) {
      findings.blind({"process.file_unknown", {said("executable", group.executable)}},
                     only("process.unexpected", subject_of(group)));
      continue;
    }
    if (replaced_by_update(group)) updated += group.count;
    if (collect(group, baseline, suspects)) continue;
    not_judged(group, listed, findings);
    if (package_unknown(group, listed)) packages_unknown += group.count;
  }
  if (packages_unknown > 0) {
    findings.blind({"process.packages_unknown", {said("count", packages_unknown)}}, nothing_else());
  }
  for (const auto& [subject, suspect] : suspects) report(subject, suspect, findings);
  judge_preload_file(facts, baseline, findings);
  judge_hidden(facts, findings);
  judge_units(facts, baseline, findings);
  if (updated > 0) findings.note({"process.upgraded", {said("count", updated)}});
  if (!listed) {
    findings.blind(no_baseline(baseline, "@baseline.part.processes"), nothing_else());
  }
  if (facts.not_permitted > 0) {
    findings.blind({"process.not_permitted", {said("count", facts.not_permitted)}}, nothing_else());
  }
  if (facts.groups_over_limit > 0) {
    findings.blind({"observation.incomplete", {said("count", facts.groups_over_limit)}},
                   all_of("process.unexpected"));
  }
  return std::move(findings).finish({"process.ok", {said("count", facts.processes)}});
}

}  // namespace tocsin::rules
