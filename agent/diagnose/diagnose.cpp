#include "agent/diagnose/diagnose.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <thread>

#include <fmt/format.h>

#include "agent/checks/observation.hpp"
#include "agent/checks/warnings.hpp"
#include "agent/diagnose/diagnosis.hpp"
#include "agent/diagnose/render.hpp"
#include "agent/os/files.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/procfs.hpp"
#include "common/base/limits.hpp"
#include "common/net/route.hpp"

namespace tocsin::agent {
namespace {

using model::CheckDefinition;
using model::CheckKind;
using model::Observation;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kFailOnMet = 10;
constexpr std::size_t kAtOnce = 16;
constexpr Duration kGrace = 500ms;  // for a check that heeds its stop token
constexpr const char* kAuditdLog = "/var/log/audit/audit.log";

CheckDefinition definition_of(CheckKind kind, std::string target = {}) {
  CheckDefinition definition;
  definition.check = {kind, std::move(target)};
  definition.deadline = model::default_deadline(kind);
  return definition;
}

// The default gateway: the one address that every host in a room should reach.
std::vector<CheckDefinition> default_pings(const std::string& root) {
  auto gateway = net::default_gateway(root, false);
  if (!gateway) gateway = net::default_gateway(root, true);
  // A link-local address alone does not say by which interface it is meant.
  const bool link_local = gateway && gateway->address.v6 && gateway->address.bytes[0] == 0xFE;
  if (!gateway || link_local) return {};
  return {definition_of(CheckKind::ping, net::to_string(gateway->address))};
}

std::vector<CheckDefinition> default_audit_logs(const std::string& root) {
  std::vector<CheckDefinition> logs{definition_of(CheckKind::audit_log, "journal")};
  if (os::stat_of(os::under(root, kAuditdLog))) {
    logs.push_back(definition_of(CheckKind::audit_log, kAuditdLog));
  }
  return logs;
}

std::vector<CheckDefinition> default_services(const model::Baseline* baseline) {
  std::vector<CheckDefinition> services;
  if (baseline == nullptr) return services;
  for (const model::ServiceRule& rule : baseline->services) {
    if (rule.must_run) services.push_back(definition_of(CheckKind::service, rule.unit));
  }
  return services;
}

std::vector<CheckDefinition> default_plugins(const HostSettings& settings) {
  std::vector<CheckDefinition> plugins;
  for (const PluginSettings& plugin : settings.plugins) {
    plugins.push_back(definition_of(CheckKind::plugin, plugin.name));
  }
  return plugins;
}

std::vector<CheckDefinition> default_backups(const HostSettings& settings) {
  std::vector<CheckDefinition> backups;
  for (const BackupSettings& backup : settings.backups) {
    backups.push_back(definition_of(CheckKind::backup_job, backup.name));
  }
  return backups;
}

std::vector<CheckDefinition> default_logins(const LoginSettings& settings) {
  std::vector<CheckDefinition> logins;
  if (!settings.account.empty()) logins.push_back(definition_of(CheckKind::login, "local"));
  for (const LoginTarget& target : settings.targets) {
    logins.push_back(definition_of(CheckKind::login, "ssh://" + target.address));
  }
  return logins;
}

std::vector<CheckDefinition> defaults_of(CheckKind kind, const DiagnoseOptions& options) {
  switch (kind) {
    case CheckKind::ping:
      return default_pings(options.root);
    case CheckKind::service:
      return default_services(options.baseline);
    case CheckKind::audit_log:
      return default_audit_logs(options.root);
    case CheckKind::sockets:
    case CheckKind::processes:
    case CheckKind::antivirus:
      return {definition_of(kind)};
    case CheckKind::metrics:
      return {definition_of(kind)};
    case CheckKind::backup_job:
      return default_backups(options.settings);
    case CheckKind::plugin:
      return default_plugins(options.settings);
    case CheckKind::login:
      return default_logins(options.settings.login);
    case CheckKind::warnings:  // What is new since the look before: a single look has nothing to
                               // say.
    case CheckKind::port_scan:
    case CheckKind::answer:
    case CheckKind::collector:
      break;
  }
  return {};
}

std::vector<CheckDefinition> definitions_of(CheckKind kind, const DiagnoseOptions& options) {
  std::vector<CheckDefinition> found;
  std::copy_if(options.definitions.begin(), options.definitions.end(), std::back_inserter(found),
               [&](const CheckDefinition& d) { return d.check.kind == kind; });
  return found.empty() ? defaults_of(kind, options) : found;
}

// What to run, in order, each once; and the kinds that were asked for (empty: all).
struct Plan {
  std::vector<CheckDefinition> checks;
  std::vector<CheckKind> only;
};

void add(Plan& plan, const CheckDefinition& definition) {
  const bool known =
      std::any_of(plan.checks.begin(), plan.checks.end(),
                  [&](const CheckDefinition& d) { return d.check == definition.check; });
  if (!known && plan.checks.size() < limits::kChecks) plan.checks.push_back(definition);
}

// False where the word names no check.
bool add_word(Plan& plan, std::string_view word, const DiagnoseOptions& options) {
  const std::size_t colon = word.find(':');
  const std::optional<CheckKind> kind = model::check_kind_from(word.substr(0, colon));
  if (!kind) return false;
  plan.only.push_back(*kind);
  const std::vector<CheckDefinition> of_kind = definitions_of(*kind, options);
  if (colon == std::string_view::npos) {
    for (const CheckDefinition& definition : of_kind) add(plan, definition);
    return true;
  }
  const std::string target(word.substr(colon + 1));
  const auto named = std::find_if(of_kind.begin(), of_kind.end(), [&](const CheckDefinition& d) {
    return d.check.target == target;
  });
  add(plan, named != of_kind.end() ? *named : definition_of(*kind, target));
  return true;
}

// The word that names no check, if there is one.
std::optional<std::string> plan_checks_of(const DiagnoseOptions& options, Plan& plan) {
  for (const std::string& word : options.checks) {
    if (!add_word(plan, word, options)) return word;
  }
  if (options.checks.empty()) {
    for (const CheckKind kind : model::kCheckKinds) {
      if (kind == CheckKind::metrics) continue;  // Of no clause; whoever wants it asks for it.
      for (const CheckDefinition& definition : definitions_of(kind, options)) {
        add(plan, definition);
      }
    }
  }
  return std::nullopt;
}

// One run, of one check or of several of a kind that are looked at together; shared with its
// thread, so that a stuck one has something to write to when it wakes.
struct OneRun {
  OneRun(std::vector<CheckDefinition> checks, const time::TimeSource& time,
         const DiagnoseOptions& options, const std::shared_ptr<os::Packages>& packages)
      : definitions(std::move(checks)) {
    for (const CheckDefinition& definition : definitions) {
      contexts.emplace_back(new CheckContext{
          time, stop.get_token(), options.root, {}, {}, nullptr, options.settings, {}, packages});
      const bool warnings = definition.check.kind == CheckKind::warnings;
      const bool one_memory = catalog_entry(definition.check.kind).one_memory;
      if ((warnings || one_memory) && options.remembered) {
        contexts.back()->cursor = options.remembered(definition.check);
      }
    }
  }
  Duration deadline() const { return definitions.front().deadline; }

  std::vector<CheckDefinition> definitions;  // not empty, of one deadline
  std::stop_source stop;
  std::vector<std::shared_ptr<CheckContext>> contexts;
  std::mutex mutex;
  std::condition_variable ended;
  std::vector<Observation> observations;  // empty until it ended
};

std::shared_ptr<OneRun> start(std::vector<CheckDefinition> definitions,
                              const DiagnoseOptions& options, const time::TimeSource& time,
                              const CheckCatalog& catalog,
                              const std::shared_ptr<os::Packages>& packages) {
  auto one = std::make_shared<OneRun>(std::move(definitions), time, options, packages);
  const CatalogEntry& entry = catalog(one->definitions.front().check.kind);
  const bool first = is_first_look(one->definitions.front().check, *one->contexts.front());
  const RunCheck single = first ? RunCheck(tell_first_look) : entry.run;
  std::thread([one, run = one->definitions.size() > 1 ? entry.run_together : alone(single)] {
    std::vector<Observation> seen = guarded(run, one->definitions, one->contexts);
    const std::lock_guard lock(one->mutex);
    one->observations = std::move(seen);
    one->ended.notify_all();
  }).detach();
  return one;
}

std::vector<Observation> await(OneRun& one, MonoTime started, const time::TimeSource& time) {
  std::unique_lock lock(one.mutex);
  const auto has_ended = [&] { return !one.observations.empty(); };
  const Duration left = one.deadline() - (time.steady() - started);
  if (!one.ended.wait_for(lock, std::max(left, Duration{}), has_ended)) {
    one.stop.request_stop();
    one.ended.wait_for(lock, std::min(kGrace, one.deadline()), has_ended);
  }
  if (has_ended()) return one.observations;
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(one.deadline());
  std::vector<Observation> late;
  for (std::size_t i = 0; i < one.definitions.size(); ++i) {
    late.push_back(Run(one.definitions[i], *one.contexts[i])
                       .unseen(model::Outcome::timed_out,
                               {"run.past_deadline", {{"ms", std::to_string(limit.count())}}}));
  }
  return late;
}

// Neighbours in the list that can be looked at in one run. Never empty parts.
std::vector<std::vector<CheckDefinition>> in_runs(const std::vector<CheckDefinition>& checks,
                                                  const CheckCatalog& catalog) {
  std::vector<std::vector<CheckDefinition>> runs;
  for (const CheckDefinition& check : checks) {
    const bool together = !runs.empty() && runs.back().front().check.kind == check.check.kind &&
                          runs.back().front().deadline == check.deadline &&
                          catalog(check.check.kind).run_together;
    if (!together) runs.emplace_back();
    runs.back().push_back(check);
  }
  return runs;
}

std::vector<Observation> run_all(const std::vector<CheckDefinition>& checks,
                                 const DiagnoseOptions& options, const time::TimeSource& time,
                                 const CheckCatalog& catalog) {
  std::vector<Observation> observations;
  const auto packages = std::make_shared<os::Packages>(options.root);
  const std::vector<std::vector<CheckDefinition>> runs = in_runs(checks, catalog);
  for (std::size_t first = 0; first < runs.size(); first += kAtOnce) {
    const std::size_t last = std::min(first + kAtOnce, runs.size());
    const MonoTime started = time.steady();
    std::vector<std::shared_ptr<OneRun>> running;
    for (std::size_t i = first; i < last; ++i) {
      running.push_back(start(runs[i], options, time, catalog, packages));
    }
    for (const std::shared_ptr<OneRun>& one : running) {
      for (Observation& seen : await(*one, started, time)) observations.push_back(std::move(seen));
    }
  }
  return observations;
}

std::string render(const Diagnosis& diagnosis, const DiagnoseOptions& options) {
  switch (options.format) {
    case DiagnoseOptions::Format::json:
      return render_json(diagnosis);
    case DiagnoseOptions::Format::nagios:
      return render_nagios(diagnosis, options.language);
    case DiagnoseOptions::Format::table:
      break;
  }
  return render_table(diagnosis, options.language, options.width, options.zone);
}

int exit_code(const Diagnosis& diagnosis, const DiagnoseOptions& options) {
  if (options.format == DiagnoseOptions::Format::nagios) return nagios_code(diagnosis);
  return options.fail_on && diagnosis.suggested >= *options.fail_on ? kFailOnMet : 0;
}

Approval approval_of(const model::ApprovedBaseline& baseline) {
  return {baseline.approved_by, baseline.approved_at, baseline.expires};
}

std::string known_words() {
  std::string words;
  for (const CheckKind kind : model::kCheckKinds) {
    words.append(words.empty() ? "" : " ").append(to_string(kind));
  }
  return words;
}

}  // namespace

int run_diagnose(const DiagnoseOptions& options, const time::TimeSource& time, std::ostream& out,
                 std::ostream& err, const CheckCatalog& catalog) {
  Plan plan;
  if (const auto unknown = plan_checks_of(options, plan)) {
    const model::Message message{"diagnose.unknown_check",
                                 {{"word", *unknown}, {"known", known_words()}}};
    err << i18n::render(options.language, message) << '\n';
    return kUsage;
  }
  HostFacts host{options.host_name, options.operating_system, time.wall(), {}};
  const MonoTime started = time.steady();
  const std::vector<Observation> observations = run_all(plan.checks, options, time, catalog);
  host.took = time.steady() - started;
  Diagnosis diagnosis =
      compose_diagnosis(std::move(host), observations, plan.only, options.baseline, options.limits);
  if (options.approved != nullptr) diagnosis.approval = approval_of(*options.approved);
  out << render(diagnosis, options);
  if (options.keep) {
    if (const Status kept = options.keep(render_json(diagnosis)); !kept) {
      err << kept.error().message << '\n';
      return kFailed;
    }
  }
  return exit_code(diagnosis, options);
}

}  // namespace tocsin::agent
