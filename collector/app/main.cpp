// tocsin-collector: arguments in, exit code out (0 done, 1 failed, 2 usage, 3 replay decided
// differently). What each command does is in collector/app, collector/site and collector/replay.
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "collector/app/arguments.hpp"
#include "collector/app/run.hpp"
#include "collector/config/collector_config.hpp"
#include "collector/replay/replay.hpp"
#include "collector/site/authority.hpp"
#include "collector/site/init.hpp"
#include "collector/site/token_line.hpp"
#include "common/base/limits.hpp"
#include "common/config/duration.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/log/log.hpp"
#include "common/systemd/stop_signal.hpp"
#include "common/time/civil.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {
namespace {

constexpr int kFailed = 1;
constexpr int kDifferent = 3;

// One line of ours, in the reader's language.
std::string line_of(const Arguments& arguments, const char* code,
                    std::vector<model::Parameter> parameters) {
  const auto language = cli::language_or_environment(arguments.language);
  return i18n::render(language, {code, std::move(parameters)}) + "\n";
}

int report(const Status& status) {
  if (status) return 0;
  fmt::print(stderr, "tocsin-collector: {}\n", status.error().message);
  return kFailed;
}

Status run_collector(const Arguments& arguments) {
  const auto config = load_collector_config(arguments.config);
  if (!config) return fail(config.error());
  log::start("tocsin-collector", config->log_level);
  systemd::StopSignal stop;
  return run(*config, stop);
}

Status init(const Arguments& arguments) {
  InitOptions options = arguments.init;
  options.directory = std::filesystem::absolute(options.directory).lexically_normal();
  if (options.directory.ends_with('/')) options.directory.pop_back();
  if (!options.data.empty()) {
    options.data = std::filesystem::absolute(options.data).lexically_normal();
    if (options.data.ends_with('/')) options.data.pop_back();
  }
  if (!arguments.owner.empty()) {
    const auto owner = parse_owner(arguments.owner);
    if (!owner) return fail(owner.error());
    options.owner = *owner;
  }
  const auto made = init_site(options, time::SystemTime().wall());
  if (!made) return fail(made.error());
  for (const std::string& path : made->files) {
    fmt::print("{}", line_of(arguments, "collector.said.made", {{"path", path}}));
  }
  fmt::print("{}", line_of(arguments, "collector.said.fingerprint",
                           {{"fingerprint", made->authority_fingerprint}}));
  return {};
}

Status create_token(const Arguments& arguments) {
  const auto config = load_collector_config(arguments.config);
  if (!config) return fail(config.error());
  const auto valid = config::parse_duration(arguments.ttl);
  if (!valid) return fail(valid.error());
  const auto made = make_token_line(*config, {arguments.host, *valid, arguments.replace},
                                    time::SystemTime().wall());
  if (!made) return fail(made.error());
  if (arguments.output.empty()) {
    fmt::print("{}", made->line);
  } else {
    TOCSIN_TRY(config::create_file(arguments.output, made->line, 0600));
  }
  const std::string host = arguments.host.empty() ? "@collector.said.any_host" : arguments.host;
  fmt::print(stderr, "{}",
             line_of(arguments, "collector.said.token",
                     {{"id", made->id},
                      {"host", host},
                      {"until", time::rfc3339(made->expires)},
                      {"address", config->enroll_address}}));
  return {};
}

// What a command that signs works with.
struct Site {
  CollectorConfig config;
  crypto::Authority authority;
};
Result<Site> load_site(const Arguments& arguments) {
  auto config = load_collector_config(arguments.config);
  if (!config) return fail(config.error());
  auto authority = load_authority(config->authority_file, config->authority_key_file);
  if (!authority) return fail(authority.error());
  return Site{std::move(*config), std::move(authority->signing)};
}

std::string operators_folder(const Arguments& arguments, const CollectorConfig& config) {
  return arguments.directory.empty() ? config.operators_folder() : arguments.directory;
}

Status add_person(const Arguments& arguments) {
  const auto role = model::role_from(arguments.role);
  if (!role) return fail(ErrorCode::invalid_argument, "there is no such role");
  const auto site = load_site(arguments);
  if (!site) return fail(site.error());
  const auto made = add_operator(site->authority, operators_folder(arguments, site->config),
                                 arguments.name, *role, time::SystemTime().wall());
  if (!made) return fail(made.error());
  for (const std::string& path : {made->certificate_file, made->key_file}) {
    fmt::print("{}", line_of(arguments, "collector.said.made", {{"path", path}}));
  }
  return {};
}

Status report_renewed(const Arguments& arguments, const Result<Renewed>& renewed) {
  if (!renewed) return fail(renewed.error());
  fmt::print("{}", line_of(arguments, "collector.said.renewed",
                           {{"path", renewed->certificate_file},
                            {"until", time::rfc3339(renewed->not_after)}}));
  return {};
}

Status renew_person(const Arguments& arguments) {
  const auto site = load_site(arguments);
  if (!site) return fail(site.error());
  return report_renewed(
      arguments, renew_operator(site->authority, operators_folder(arguments, site->config),
                                arguments.name, arguments.new_key, time::SystemTime().wall()));
}

Status renew_own(const Arguments& arguments) {
  const auto site = load_site(arguments);
  if (!site) return fail(site.error());
  const ServerRenewal renewal{{site->config.key_file, site->config.certificate_file},
                              arguments.new_key,
                              arguments.dns_names,
                              arguments.ip_addresses};
  return report_renewed(arguments,
                        renew_server(site->authority, renewal, time::SystemTime().wall()));
}

Status check_config(const Arguments& arguments) {
  const auto config = load_collector_config(arguments.file);
  if (!config) return fail(config.error());
  if (arguments.print_config) {
    fmt::print("{}", print_config(*config));
  } else {
    fmt::print("{}", line_of(arguments, "cli.no_mistakes", {{"path", arguments.file}}));
  }
  return {};
}

Status check_policy(const Arguments& arguments) {
  const auto text = config::read_file(arguments.file, limits::kPolicyBytes);
  if (!text) return fail(text.error());
  const auto policy = config::read_site_policy(*text, arguments.file);
  if (!policy) return fail(policy.error());
  fmt::print("{}", line_of(arguments, "collector.said.policy",
                           {{"path", arguments.file},
                            {"baselines", std::to_string(policy->baselines.size())},
                            {"hosts", std::to_string(policy->hosts.size())},
                            {"channels", std::to_string(policy->channels.size())},
                            {"contacts", std::to_string(policy->contacts.size())}}));
  return {};
}

// Where this version decides differently from what was recorded, line by line on standard output.
int replay_journal(const Arguments& arguments) {
  const auto replayed = replay({arguments.directory, arguments.file, arguments.from});
  if (!replayed) return report(fail(replayed.error()));
  const Comparison& comparison = replayed->comparison;
  for (const std::string& line : comparison.lines) fmt::print("{}\n", line);
  if (comparison.lines_left_out > 0) {
    fmt::print("{}", line_of(arguments, "collector.said.more",
                             {{"count", std::to_string(comparison.lines_left_out)}}));
  }
  fmt::print(stderr, "{}",
             line_of(arguments, "collector.said.replayed",
                     {{"entries", std::to_string(replayed->entries)},
                      {"first", std::to_string(replayed->first.value)},
                      {"last", std::to_string(replayed->last.value)},
                      {"different", std::to_string(comparison.different)},
                      {"incidents", std::to_string(comparison.incidents)}}));
  return comparison.different == 0 ? 0 : kDifferent;
}

Status version(const Arguments&) {
  fmt::print("tocsin-collector {}\n", TOCSIN_VERSION);
  return {};
}

int act_on(const Arguments& arguments) {
  using Act = Arguments::Act;
  switch (arguments.act) {
    case Act::run:
      return report(run_collector(arguments));
    case Act::init:
      return report(init(arguments));
    case Act::create_token:
      return report(create_token(arguments));
    case Act::add_operator:
      return report(add_person(arguments));
    case Act::renew_operator:
      return report(renew_person(arguments));
    case Act::renew_server:
      return report(renew_own(arguments));
    case Act::check_config:
      return report(check_config(arguments));
    case Act::check_policy:
      return report(check_policy(arguments));
    case Act::replay:
      return replay_journal(arguments);
    case Act::version:
      break;
  }
  return report(version(arguments));
}

}  // namespace
}  // namespace tocsin::collector

int main(int argc, char** argv) {
  using namespace tocsin;
  const auto parsed = collector::parse_arguments(argc, argv, cli::language_of_environment());
  if (const auto* answer = std::get_if<cli::Answer>(&parsed)) return cli::print(*answer);
  return collector::act_on(std::get<collector::Arguments>(parsed));
}
