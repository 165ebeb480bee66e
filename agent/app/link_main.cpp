// tocsin-agent-link: what speaks to the collector, and with it all of gRPC and TLS. A program of
// its own, so that the process that looks at the host carries none of it. `tocsin-agent link` and
// `tocsin-agent enroll` start it; people need not know its name.
#include <string>

#include <fmt/format.h>

#include "agent/app/cli.hpp"
#include "agent/commands/link_process.hpp"
#include "agent/enroll/enroll.hpp"
#include "agent/enroll/token_line.hpp"
#include "common/config/endpoint.hpp"
#include "common/time/civil.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

struct Arguments {
  std::string config = kConfigFile;
  EnrollOptions enroll;
  std::string token_file;
  std::string fingerprint;
};

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
  const auto config = config_if_any(arguments.config);
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

void add_link(CLI::App& app, Arguments& a, Command& chosen) {
  const Command act = [&a] { return run_process(a.config, run_link_process); };
  add_config(add_command(app, "link", "the process that talks to the collector", act, chosen),
             a.config);
}

void add_enroll(CLI::App& app, Arguments& a, Command& chosen) {
  const Command act = [&a] { return report(enroll_host(a)); };
  CLI::App* sub = add_command(app, "enroll", "get this host its certificate", act, chosen);
  add_config(sub, a.config);
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

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  using namespace tocsin::agent;
  CLI::App app("The half of Tocsin's agent that talks to the collector.", "tocsin-agent");
  Arguments arguments;
  Command chosen;
  add_link(app, arguments, chosen);
  add_enroll(app, arguments, chosen);
  return run_program(app, argc, argv, chosen);
}
