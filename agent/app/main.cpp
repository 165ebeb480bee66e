// tocsin-agent: arguments in, exit code out (0 done, 1 failed, 2 usage; diagnose has more). What
// each command does is in agent/commands and agent/diagnose. What speaks to the collector is
// another program, tocsin-agent-link, which this one becomes for `link` and `enroll`.
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/app/cli.hpp"
#include "agent/commands/evidence.hpp"
#include "agent/commands/explain.hpp"
#include "agent/commands/host_identity.hpp"
#include "agent/commands/inspect.hpp"
#include "agent/commands/observer_process.hpp"
#include "agent/commands/supervise.hpp"
#include "agent/config/agent_config.hpp"
#include "agent/config/baseline_file.hpp"
#include "agent/diagnose/diagnose.hpp"
#include "common/base/limits.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/crypto/signed_document.hpp"
#include "common/log/log.hpp"
#include "common/rules/baseline.hpp"
#include "common/systemd/notify.hpp"
#include "common/systemd/stop_signal.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

constexpr const char* kLinkProgram = "tocsin-agent-link";

struct Arguments {
  std::string config = kConfigFile;
  std::string name;
  std::uint32_t version = 1;
  std::vector<std::string> checks;
  std::string policy;
  std::string format = "table";
  std::string language;
  std::string zone = "Asia/Taipei";
  std::string fail_on;
  std::string sign_to;
  std::string key;
  std::string certificate;
  EvidenceRequest evidence;
  std::string file;
  std::string message;
};

// Both processes as children of this one.
int run_both(const Arguments& arguments) {
  const auto config = load_agent_config(arguments.config);
  if (!config) return report(fail(config.error()));
  log::start("tocsin-agent", config->log_level);
  systemd::StopSignal stop;
  const auto self = program_beside("tocsin-agent");
  if (!self) return report(fail(self.error()));
  const auto link = program_beside(kLinkProgram);
  if (!link) return report(fail(link.error()));
  std::vector<Child> children{{"observer", {*self, "observer", "--config", arguments.config}}};
  if (!config->collectors.empty()) {
    children.push_back({"link", {*link, "link", "--config", arguments.config}});
  }
  systemd::notify_ready();
  const time::SystemTime time;
  return report(supervise(children, {}, time, stop));
}

// With the arguments as they were given; does not come back but for an error.
int become_link_program(char** argv) {
  const auto program = program_beside(kLinkProgram);
  if (!program) return report(fail(program.error()));
  ::execv(program->c_str(), argv);
  return report(fail(system_error(*program, errno)));
}

i18n::Language language_of(const Arguments& arguments) {
  if (const auto chosen = i18n::language_from(arguments.language)) return *chosen;
  const auto variable = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  return i18n::language_from_environment(variable("LC_ALL"), variable("LC_MESSAGES"),
                                         variable("LANG"));
}

int terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// With the key that is given, else the agent's own.
Status sign(const Arguments& arguments, const AgentConfig& config, const std::string& json) {
  const bool own = arguments.key.empty();
  const auto key = config::read_secret_file(own ? config.key_file() : arguments.key);
  if (!key) return fail(key.error());
  const auto certificate = config::read_file(
      own ? config.certificate_file() : arguments.certificate, config::kSecretBytes);
  if (!certificate) return fail(certificate.error());
  const auto document = crypto::sign_document(json, *certificate, *key);
  if (!document) return fail(document.error());
  return config::write_file(arguments.sign_to, *document, 0644);
}

int diagnose(const Arguments& arguments) {
  // Beyond the end of this function: a stuck check may still ask for the time.
  static const time::SystemTime kTime;
  DiagnoseOptions options;
  options.checks = arguments.checks;
  options.zone = arguments.zone;
  options.language = language_of(arguments);
  options.width = terminal_width();
  if (arguments.format == "json") options.format = DiagnoseOptions::Format::json;
  if (arguments.format == "nagios") options.format = DiagnoseOptions::Format::nagios;
  if (!arguments.fail_on.empty()) options.fail_on = model::severity_from(arguments.fail_on);
  const auto config = config_if_any(arguments.config);
  if (!config) return report(fail(config.error()));
  options.definitions = config->checks;
  options.settings = config->settings;
  options.remembered = [&](const model::CheckRef& check) { return remembered(*config, check); };
  options.host_name = host_name_of(*config);
  options.operating_system = read_host_identity().operating_system;
  Result<model::SitePolicy> policy;
  const model::Baseline* of_policy = nullptr;
  if (!arguments.policy.empty()) {
    const auto text = config::read_file(arguments.policy, limits::kPolicyBytes);
    if (!text) return report(fail(text.error()));
    policy = config::read_site_policy(*text, arguments.policy);
    if (!policy) return report(fail(policy.error()));
    of_policy = model::baseline_of(*policy, options.host_name);
    options.limits = policy->limits;
  }
  const auto approved = read_baseline_file(config->baseline_file());
  if (!approved) report(fail(approved.error()));  // Said, and as good as none: "cannot tell".
  options.approved = approved && *approved ? &**approved : nullptr;
  const auto baseline = rules::combined(options.approved, of_policy, kTime.wall());
  options.baseline = baseline ? &*baseline : nullptr;
  if (!arguments.sign_to.empty()) {
    options.keep = [&](const std::string& json) { return sign(arguments, *config, json); };
  }
  return run_diagnose(options, kTime, std::cout, std::cerr);
}

Status propose(const Arguments& arguments) {
  const auto config = config_if_any(arguments.config);
  if (!config) return fail(config.error());
  const std::string name = arguments.name.empty() ? host_name_of(*config) : arguments.name;
  const auto baseline = propose_baseline(name, arguments.version, time::SystemTime());
  if (!baseline) return fail(baseline.error());
  fmt::print("{}", *baseline);
  return {};
}

Status status(const Arguments& arguments) {
  const auto config = load_agent_config(arguments.config);
  if (!config) return fail(config.error());
  fmt::print("{}", status_text(*config, time::SystemTime().wall()));
  return {};
}

Status take_evidence(const Arguments& arguments) {
  const auto config = config_if_any(arguments.config);
  if (!config) return fail(config.error());
  systemd::StopSignal stop;
  static const time::SystemTime kTime;
  const auto taken = take_evidence_here(*config, arguments.evidence, kTime, stop.token());
  if (!taken) return fail(taken.error());
  fmt::print("{}", *taken);
  return {};
}

Status check_config(const Arguments& arguments) {
  const auto config = load_agent_config(arguments.file);
  if (!config) return fail(config.error());
  fmt::print("{}: no mistakes\n", arguments.file);
  return {};
}

Status show_config(const Arguments& arguments) {
  const auto config = load_agent_config(arguments.config);
  if (!config) return fail(config.error());
  fmt::print("{}", print_config(*config));
  return {};
}

Status explain(const Arguments& arguments) {
  const auto config = config_if_any(arguments.config);
  if (!config) return fail(config.error());
  const auto text =
      explain_message(config->settings.warnings, arguments.message, language_of(arguments));
  if (!text) return fail(text.error());
  fmt::print("{}", *text);
  return {};
}

Status version(const Arguments&) {
  fmt::print("tocsin-agent {}\n", TOCSIN_VERSION);
  return {};
}

Command reporting(Status (*act)(const Arguments&), const Arguments& arguments) {
  return [act, &arguments] { return report(act(arguments)); };
}

void add_daemons(CLI::App& app, Arguments& a, Command& chosen) {
  add_config(add_command(
                 app, "run", "watch this host: observer and link as two processes",
                 [&a] { return run_both(a); }, chosen),
             a.config);
  add_config(add_command(
                 app, "observer", "the process that looks at the host",
                 [&a] { return run_process(a.config, run_observer_process); }, chosen),
             a.config);
}

// Their arguments are the other program's, and so is their help.
void add_link_program(CLI::App& app, char** argv, Command& chosen) {
  const Command act = [argv] { return become_link_program(argv); };
  for (const auto& [name, help] : {std::pair{"link", "the process that talks to the collector"},
                                   std::pair{"enroll", "get this host its certificate"}}) {
    add_command(app, name, help, act, chosen)->prefix_command()->set_help_flag();
  }
}

void add_diagnose(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub = add_command(
      app, "diagnose", "look at this host once; changes nothing", [&a] { return diagnose(a); },
      chosen);
  add_config(sub, a.config);
  sub->add_option("check", a.checks, "sockets, service:UNIT, …; left out: the whole annex");
  sub->add_option("--policy", a.policy, "a site policy with this host's baseline");
  sub->add_option("--format", a.format)->check(CLI::IsMember({"table", "json", "nagios"}));
  sub->add_option("--lang", a.language)->check(CLI::IsMember({"zh-TW", "en"}));
  sub->add_option("--time-zone", a.zone)->capture_default_str();
  sub->add_option("--fail-on", a.fail_on, "exit with 10 at this grade or a worse one")
      ->check(CLI::IsMember({"A", "B", "C", "D", "E"}));
  CLI::Option* sign_to = sub->add_option(
      "--sign-to", a.sign_to, "write it as JSON, signed, for a host that stays off the network");
  CLI::Option* key =
      sub->add_option("--key", a.key, "to sign with; left out: the agent's own")->needs(sign_to);
  key->needs(sub->add_option("--certificate", a.certificate, "of the key")->needs(key));
}

void add_explain(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub = add_command(app, "explain",
                              "what a message of a log means, of this host's own catalogues too",
                              reporting(explain, a), chosen);
  add_config(sub, a.config);
  sub->add_option("message", a.message, "sshd.failed_password, ANR2578W, payroll.export_failed")
      ->required();
  sub->add_option("--lang", a.language)->check(CLI::IsMember({"zh-TW", "en"}));
}

void add_evidence(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* evidence =
      app.add_subcommand("evidence", "what this host can show of itself")->require_subcommand(1);
  CLI::App* sub = add_command(*evidence, "collect",
                              "keep logs and state in a folder, hashed and signed; changes nothing",
                              reporting(take_evidence, a), chosen);
  add_config(sub, a.config);
  sub->add_option("--to", a.evidence.folder, "a folder to be made")->required();
  sub->add_option("--since-hours", a.evidence.since_hours, "of the journal")
      ->check(CLI::Range(1, 744))
      ->capture_default_str();
  sub->add_option("--by", a.evidence.asked_by, "who takes it; left out: this login's name");
  sub->add_option("--reason", a.evidence.reason, "for the manifest");
}

void add_commands(CLI::App& app, Arguments& a, char** argv, Command& chosen) {
  add_daemons(app, a, chosen);
  add_diagnose(app, a, chosen);
  add_explain(app, a, chosen);
  add_link_program(app, argv, chosen);
  add_config(
      add_command(app, "status", "identity, certificate and spool", reporting(status, a), chosen),
      a.config);
  CLI::App* baseline = app.add_subcommand("baseline", "what is normal here")->require_subcommand(1);
  CLI::App* sub = add_command(*baseline, "propose", "a first baseline from what listens now",
                              reporting(propose, a), chosen);
  add_config(sub, a.config);
  sub->add_option("--name", a.name, "of the baseline; left out: the host's");
  sub->add_option("--version", a.version)->capture_default_str();
  add_evidence(app, a, chosen);
  sub = add_command(app, "check-config", "look for mistakes in a configuration",
                    reporting(check_config, a), chosen);
  sub->add_option("file", a.file)->required();
  add_config(add_command(app, "print-config", "print the values that hold",
                         reporting(show_config, a), chosen),
             a.config);
  add_command(app, "version", "print the version", reporting(version, a), chosen);
}

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  using namespace tocsin::agent;
  CLI::App app("Tocsin's agent: observes its host and tells the collector.");
  Arguments arguments;
  Command chosen;
  add_commands(app, arguments, argv, chosen);
  return run_program(app, argc, argv, chosen);
}
