// tocsin-agent: arguments in, exit code out (0 done, 1 failed, 2 usage; diagnose has more). What
// each command does is in agent/commands, agent/diagnose and agent/enroll.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/commands/daemons.hpp"
#include "agent/commands/host_identity.hpp"
#include "agent/commands/inspect.hpp"
#include "agent/commands/supervise.hpp"
#include "agent/config/agent_config.hpp"
#include "agent/diagnose/diagnose.hpp"
#include "agent/enroll/enroll.hpp"
#include "agent/enroll/token_line.hpp"
#include "common/base/limits.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/log/log.hpp"
#include "common/systemd/notify.hpp"
#include "common/systemd/stop_signal.hpp"
#include "common/time/civil.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Arguments {
  std::string config = "/etc/tocsin/agent.toml";
  EnrollOptions enroll;
  std::string token_file;
  std::string fingerprint;
  std::string name;
  std::uint32_t version = 1;
  std::vector<std::string> checks;
  std::string policy;
  std::string format = "table";
  std::string language;
  std::string zone = "Asia/Taipei";
  std::string fail_on;
  std::string file;
};

int report(const Status& status) {
  if (status) return 0;
  fmt::print(stderr, "tocsin-agent: {}\n", status.error().message);
  return kFailed;
}

using Process = Status (*)(const AgentConfig&, systemd::StopSignal&);

int run_process(const Arguments& arguments, Process process) {
  const auto config = load_agent_config(arguments.config);
  if (!config) return report(fail(config.error()));
  log::start("tocsin-agent", config->log_level);
  systemd::StopSignal stop;
  return report(process(*config, stop));
}

int observer(const Arguments& arguments) { return run_process(arguments, run_observer_process); }
int link(const Arguments& arguments) { return run_process(arguments, run_link_process); }

// Both processes as children of this one.
int run_both(const Arguments& arguments) {
  const auto config = load_agent_config(arguments.config);
  if (!config) return report(fail(config.error()));
  log::start("tocsin-agent", config->log_level);
  systemd::StopSignal stop;
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return report(fail(system_error("/proc/self/exe", error.value())));
  std::vector<Child> children{{"observer", {self, "observer", "--config", arguments.config}}};
  if (!config->collectors.empty()) {
    children.push_back({"link", {self, "link", "--config", arguments.config}});
  }
  systemd::notify_ready();
  const time::SystemTime time;
  return report(supervise(children, {}, time, stop));
}

// The host's own file, where there is one: for commands that also work before it is written.
Result<AgentConfig> config_if_any(const Arguments& arguments) {
  if (!config::file_exists(arguments.config)) return AgentConfig{};
  return load_agent_config(arguments.config);
}

std::string host_name_of(const AgentConfig& config) {
  return config.host_name.empty() ? read_host_identity().host_name : config.host_name;
}

// The address in the token's line, but with the host that this host's own file names the collector
// by.
Result<std::string> enrolment_door(const TokenLine& line, const AgentConfig& config) {
  if (line.collector.empty()) {
    return fail(ErrorCode::invalid_argument, "the collector's address is needed: --collector");
  }
  if (config.collectors.empty()) return line.collector;
  const auto door = config::parse_endpoint(line.collector);
  if (!door) return fail(door.error());
  const auto known = config::parse_endpoint(config.collectors.front());
  if (!known) return fail(known.error());
  return config::to_string({known->host, door->port});
}

// What the command line says counts first, then the token's line and the host's own file.
Result<EnrollOptions> enroll_options(const Arguments& arguments) {
  const auto config = config_if_any(arguments);
  if (!config) return fail(config.error());
  auto line = read_token_line(arguments.token_file);
  if (!line) return fail(line.error());
  EnrollOptions options = arguments.enroll;
  options.token = std::move(line->token);
  auto fingerprint =
      parse_fingerprint(arguments.fingerprint.empty() ? line->fingerprint : arguments.fingerprint);
  if (!fingerprint) return fail(fingerprint.error());
  options.fingerprint = std::move(*fingerprint);
  if (options.collector.empty()) {
    auto door = enrolment_door(*line, *config);
    if (!door) return fail(door.error());
    options.collector = std::move(*door);
    if (options.server_name.empty()) options.server_name = config->server_name;
  }
  if (options.directory.empty()) options.directory = config->directory;
  if (options.host_name.empty()) options.host_name = host_name_of(*config);
  return options;
}

Status enroll_host(const Arguments& arguments) {
  const auto options = enroll_options(arguments);
  if (!options) return fail(options.error());
  const auto enrolled = enroll(*options, time::SystemTime());
  if (!enrolled) return fail(enrolled.error());
  fmt::print("enrolled {} as agent {}; certificate until {}\n", options->host_name,
             enrolled->agent.hex, time::rfc3339(enrolled->not_after));
  return {};
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
  const auto config = config_if_any(arguments);
  if (!config) return report(fail(config.error()));
  options.definitions = config->checks;
  options.settings = config->settings;
  options.host_name = host_name_of(*config);
  options.operating_system = read_host_identity().operating_system;
  Result<model::SitePolicy> policy;
  if (!arguments.policy.empty()) {
    const auto text = config::read_file(arguments.policy, limits::kPolicyBytes);
    if (!text) return report(fail(text.error()));
    policy = config::read_site_policy(*text, arguments.policy);
    if (!policy) return report(fail(policy.error()));
    options.baseline = model::baseline_of(*policy, options.host_name);
    options.limits = policy->limits;
  }
  return run_diagnose(options, kTime, std::cout, std::cerr);
}

Status propose(const Arguments& arguments) {
  const auto config = config_if_any(arguments);
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

Status version(const Arguments&) {
  fmt::print("tocsin-agent {}\n", TOCSIN_VERSION);
  return {};
}

using Command = std::function<int(const Arguments&)>;

CLI::App* command(CLI::App& parent, const char* name, const char* help, Command act,
                  Command& chosen) {
  CLI::App* sub = parent.add_subcommand(name, help);
  sub->callback([&chosen, act = std::move(act)] { chosen = act; });
  return sub;
}

Command reporting(Status (*act)(const Arguments&)) {
  return [act](const Arguments& arguments) { return report(act(arguments)); };
}

void add_config(CLI::App* sub, Arguments& a) {
  sub->add_option("--config", a.config, "the agent's configuration")->capture_default_str();
}

void add_daemons(CLI::App& app, Arguments& a, Command& chosen) {
  add_config(
      command(app, "run", "watch this host: observer and link as two processes", run_both, chosen),
      a);
  add_config(command(app, "observer", "the process that looks at the host", observer, chosen), a);
  add_config(command(app, "link", "the process that talks to the collector", link, chosen), a);
}

void add_enroll(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub =
      command(app, "enroll", "get this host its certificate", reporting(enroll_host), chosen);
  add_config(sub, a);
  sub->add_option("--collector", a.enroll.collector,
                  "HOST:PORT of its enrolment door; left out: as the token file says");
  sub->add_option("--token-file", a.token_file, "file of mode 0600, or - for standard input")
      ->required();
  sub->add_option("--ca-fingerprint", a.fingerprint,
                  "of the collector's authority, where the token file does not say it");
  sub->add_option("--dir", a.enroll.directory, "left out: the configuration's");
  sub->add_option("--name", a.enroll.host_name, "left out: the system's host name");
  sub->add_flag("--again", a.enroll.again, "anew, where there is an identity: with the same key");
  sub->add_flag("--new-key", a.enroll.new_key, "with --again: with a new key, as another agent")
      ->needs("--again");
  sub->add_option("--server-name", a.enroll.server_name,
                  "in the collector's certificate, where it is not the host");
}

void add_diagnose(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub =
      command(app, "diagnose", "look at this host once; changes nothing", diagnose, chosen);
  add_config(sub, a);
  sub->add_option("check", a.checks, "sockets, service:UNIT, …; left out: the whole annex");
  sub->add_option("--policy", a.policy, "a site policy with this host's baseline");
  sub->add_option("--format", a.format)->check(CLI::IsMember({"table", "json", "nagios"}));
  sub->add_option("--lang", a.language)->check(CLI::IsMember({"zh-TW", "en"}));
  sub->add_option("--time-zone", a.zone)->capture_default_str();
  sub->add_option("--fail-on", a.fail_on, "exit with 10 at this grade or a worse one")
      ->check(CLI::IsMember({"A", "B", "C", "D", "E"}));
}

void add_commands(CLI::App& app, Arguments& a, Command& chosen) {
  add_daemons(app, a, chosen);
  add_diagnose(app, a, chosen);
  add_enroll(app, a, chosen);
  add_config(command(app, "status", "identity, certificate and spool", reporting(status), chosen),
             a);
  CLI::App* baseline = app.add_subcommand("baseline", "what is normal here")->require_subcommand(1);
  CLI::App* sub = command(*baseline, "propose", "a first baseline from what listens now",
                          reporting(propose), chosen);
  add_config(sub, a);
  sub->add_option("--name", a.name, "of the baseline; left out: the host's");
  sub->add_option("--version", a.version)->capture_default_str();
  sub = command(app, "check-config", "look for mistakes in a configuration",
                reporting(check_config), chosen);
  sub->add_option("file", a.file)->required();
  add_config(
      command(app, "print-config", "print the values that hold", reporting(show_config), chosen),
      a);
  command(app, "version", "print the version", reporting(version), chosen);
}

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  using namespace tocsin::agent;
  CLI::App app("Tocsin's agent: observes its host and tells the collector.");
  app.require_subcommand(1);
  Arguments arguments;
  Command chosen;
  add_commands(app, arguments, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return chosen(arguments);
}
