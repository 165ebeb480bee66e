// tocsin-agent: arguments in, exit code out (0 done, 1 failed, 2 usage; diagnose has more). What
// each command does is in agent/commands and agent/diagnose. What speaks to the collector is
// another program, tocsin-agent-link, which this one becomes for `link` and `enroll`.
#include <cerrno>
#include <iostream>
#include <string>
#include <variant>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/app/arguments.hpp"
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
  options.language = cli::language_or_environment(arguments.language);
  options.width = terminal_width();
  if (arguments.format == "json") options.format = DiagnoseOptions::Format::json;
  if (arguments.format == "nagios") options.format = DiagnoseOptions::Format::nagios;
  if (!arguments.fail_on.empty()) options.fail_on = model::severity_from(arguments.fail_on);
  const auto config = config_if_any(arguments.config);
  if (!config) return report(fail(config.error()));
  options.definitions = config->checks;
  options.settings = config->settings;
  options.remembered = [&](const model::CheckRef& check) {
    const auto known = remembered(*config, check);
    if (!known) report(fail(known.error()));  // Said, and as good as none.
    return known.value_or(std::nullopt);
  };
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
  const auto config = load_agent_config(arguments.config);
  if (!config) return fail(config.error());
  const auto language = cli::language_or_environment(arguments.language);
  fmt::print("{}\n", i18n::render(language, {"cli.no_mistakes", {{"path", arguments.config}}}));
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
  const auto text = explain_message(config->settings.warnings, arguments.message,
                                    cli::language_or_environment(arguments.language));
  if (!text) return fail(text.error());
  fmt::print("{}", *text);
  return {};
}

Status version(const Arguments&) {
  fmt::print("tocsin-agent {}\n", TOCSIN_VERSION);
  return {};
}

int act_on(const Arguments& arguments, char** argv) {
  using Act = Arguments::Act;
  switch (arguments.act) {
    case Act::run:
      return run_both(arguments);
    case Act::observer:
      return run_process(arguments.config, run_observer_process);
    case Act::link_program:
      return become_link_program(argv);
    case Act::diagnose:
      return diagnose(arguments);
    case Act::explain:
      return report(explain(arguments));
    case Act::status:
      return report(status(arguments));
    case Act::propose:
      return report(propose(arguments));
    case Act::take_evidence:
      return report(take_evidence(arguments));
    case Act::check_config:
      return report(check_config(arguments));
    case Act::print_config:
      return report(show_config(arguments));
    case Act::version:
      break;
  }
  return report(version(arguments));
}

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  using namespace tocsin;
  const auto parsed = agent::parse_arguments(argc, argv, cli::language_of_environment());
  if (const auto* answer = std::get_if<cli::Answer>(&parsed)) return cli::print(*answer);
  return agent::act_on(std::get<agent::Arguments>(parsed), argv);
}
