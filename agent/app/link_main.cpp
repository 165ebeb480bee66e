// tocsin-agent-link: what speaks to the collector, and with it all of gRPC and TLS. A program of
// its own, so that the process that looks at the host carries none of it. `tocsin-agent link` and
// `tocsin-agent enroll` start it; people need not know its name.
#include <string>
#include <variant>

#include <fmt/format.h>

#include "agent/app/arguments.hpp"
#include "agent/app/cli.hpp"
#include "agent/commands/link_process.hpp"
#include "agent/enroll/enroll.hpp"
#include "agent/enroll/token_line.hpp"
#include "common/config/endpoint.hpp"
#include "common/time/civil.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

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
Result<EnrollOptions> enroll_options(const LinkArguments& arguments) {
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

Status enroll_host(const LinkArguments& arguments) {
  const auto options = enroll_options(arguments);
  if (!options) return fail(options.error());
  const auto enrolled = enroll(*options, time::SystemTime());
  if (!enrolled) return fail(enrolled.error());
  const auto language = cli::language_or_environment(arguments.language);
  const model::Message done{"agent.said.enrolled",
                            {{"host", options->host_name},
                             {"agent", enrolled->agent.hex},
                             {"until", time::rfc3339(enrolled->not_after)}}};
  fmt::print("{}\n", i18n::render(language, done));
  return {};
}

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  using namespace tocsin;
  using Act = agent::LinkArguments::Act;
  const auto parsed = agent::parse_link_arguments(argc, argv, cli::language_of_environment());
  if (const auto* answer = std::get_if<cli::Answer>(&parsed)) return cli::print(*answer);
  const auto& arguments = std::get<agent::LinkArguments>(parsed);
  if (arguments.act == Act::enroll) return agent::report(agent::enroll_host(arguments));
  return agent::run_process(arguments.config, agent::run_link_process);
}
