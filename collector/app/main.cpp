// tocsin-collector: arguments in, exit code out (0 done, 1 failed, 2 usage, 3 replay decided
// differently). What each command does is in collector/app, collector/site and collector/replay.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

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
constexpr int kUsage = 2;
constexpr int kDifferent = 3;

struct Arguments {
  std::string config = "/etc/tocsin/collector.toml";
  InitOptions init;
  std::string ttl = "1h";
  std::string host;
  std::string output;
  std::string name;
  std::string role;
  std::string directory;
  std::string file;
  std::string from;
  std::string owner;
  bool new_key = false;
  bool replace = false;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool print_config = false;
};

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
  for (const std::string& path : made->files) fmt::print("made {}\n", path);
  fmt::print("authority fingerprint {}\n", made->authority_fingerprint);
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
  fmt::print(stderr, "token {} for {}, good once until {}; agents enrol at {}\n", made->id,
             arguments.host.empty() ? "any host" : arguments.host, time::rfc3339(made->expires),
             config->enroll_address);
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
  fmt::print("made {}\nmade {}\n", made->certificate_file, made->key_file);
  return {};
}

Status report_renewed(const Result<Renewed>& renewed) {
  if (!renewed) return fail(renewed.error());
  fmt::print("renewed {}; it ends {}\n", renewed->certificate_file,
             time::rfc3339(renewed->not_after));
  return {};
}

Status renew_person(const Arguments& arguments) {
  const auto site = load_site(arguments);
  if (!site) return fail(site.error());
  return report_renewed(renew_operator(site->authority, operators_folder(arguments, site->config),
                                       arguments.name, arguments.new_key,
                                       time::SystemTime().wall()));
}

Status renew_own(const Arguments& arguments) {
  const auto site = load_site(arguments);
  if (!site) return fail(site.error());
  const ServerRenewal renewal{{site->config.key_file, site->config.certificate_file},
                              arguments.new_key,
                              arguments.dns_names,
                              arguments.ip_addresses};
  return report_renewed(renew_server(site->authority, renewal, time::SystemTime().wall()));
}

Status check_config(const Arguments& arguments) {
  const auto config = load_collector_config(arguments.file);
  if (!config) return fail(config.error());
  if (arguments.print_config) {
    fmt::print("{}", print_config(*config));
  } else {
    fmt::print("{}: no mistakes\n", arguments.file);
  }
  return {};
}

Status check_policy(const Arguments& arguments) {
  const auto text = config::read_file(arguments.file, limits::kPolicyBytes);
  if (!text) return fail(text.error());
  const auto policy = config::read_site_policy(*text, arguments.file);
  if (!policy) return fail(policy.error());
  fmt::print("{}: no mistakes; {} baselines, {} hosts, {} channels, {} contacts\n", arguments.file,
             policy->baselines.size(), policy->hosts.size(), policy->channels.size(),
             policy->contacts.size());
  return {};
}

// Where this version decides differently from what was recorded, line by line on standard output.
int replay_journal(const Arguments& arguments) {
  const auto replayed = replay({arguments.directory, arguments.file, arguments.from});
  if (!replayed) return report(fail(replayed.error()));
  const Comparison& comparison = replayed->comparison;
  for (const std::string& line : comparison.lines) fmt::print("{}\n", line);
  if (comparison.lines_left_out > 0) fmt::print("… and {} more\n", comparison.lines_left_out);
  fmt::print(stderr, "{} entries from {} to {}: {} of {} incidents are decided differently\n",
             replayed->entries, replayed->first.value, replayed->last.value, comparison.different,
             comparison.incidents);
  return comparison.different == 0 ? 0 : kDifferent;
}

Status version(const Arguments&) {
  fmt::print("tocsin-collector {}\n", TOCSIN_VERSION);
  return {};
}

using Command = std::function<int(const Arguments&)>;  // gives the exit code

CLI::App* command(CLI::App& parent, const char* name, const char* help, Command act,
                  Command& chosen) {
  CLI::App* sub = parent.add_subcommand(name, help);
  sub->callback([&chosen, act = std::move(act)] { chosen = act; });
  return sub;
}

CLI::App* command(CLI::App& parent, const char* name, const char* help,
                  Status (*act)(const Arguments&), Command& chosen) {
  return command(
      parent, name, help, [act](const Arguments& a) { return report(act(a)); }, chosen);
}

void add_config(CLI::App* sub, Arguments& a) {
  sub->add_option("--config", a.config, "the collector's configuration")->capture_default_str();
}

void add_site_commands(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub =
      command(app, "init", "make a new site in a folder; overwrites nothing", init, chosen);
  sub->add_option("--dir", a.init.directory, "the folder")->required();
  sub->add_option("--data", a.init.data, "the collector's data; left out: data/ in the folder");
  sub->add_option("--owner", a.owner, "USER[:GROUP] that the files belong to; left out: you");
  sub->add_option("--site", a.init.site, "the site's name")->required();
  sub->add_option("--dns", a.init.dns_names, "a DNS name of the collector; may be repeated");
  sub->add_option("--ip", a.init.ip_addresses, "an address of the collector; may be repeated");
  sub->add_option("--operator", a.init.operator_name, "the first operator")->capture_default_str();
  sub->add_option("--listen-agents", a.init.listen_agents)->capture_default_str();
  sub->add_option("--listen-enroll", a.init.listen_enroll)->capture_default_str();
  sub->add_option("--listen-operators", a.init.listen_operators)->capture_default_str();

  CLI::App* token =
      app.add_subcommand("token", "one-time tokens for new agents")->require_subcommand(1);
  sub = command(*token, "create", "make one without the running collector", create_token, chosen);
  add_config(sub, a);
  sub->add_option("--ttl", a.ttl, "how long it is good: 1min to 7d")->capture_default_str();
  sub->add_option("--host", a.host, "the only host that may use it; left out: any");
  sub->add_flag("--replace", a.replace, "the host may take its name from another key");
  sub->add_option("--output", a.output, "a new file (mode 0600) instead of standard output");

  CLI::App* person =
      app.add_subcommand("operator", "people who may use the collector")->require_subcommand(1);
  sub = command(*person, "add", "make a key and a client certificate", add_person, chosen);
  add_config(sub, a);
  sub->add_option("name", a.name, "a-z 0-9 . _ -")->required();
  sub->add_option("--role", a.role, "duty, working_group, officer, committee, auditor, admin")
      ->required();
  sub->add_option("--dir", a.directory, "where; left out: operators/ beside the authority");
  sub = command(*person, "renew", "a new certificate, with the same role", renew_person, chosen);
  add_config(sub, a);
  sub->add_option("name", a.name)->required();
  sub->add_option("--dir", a.directory, "where; left out: operators/ beside the authority");
  sub->add_flag("--new-key", a.new_key, "and a new key");

  CLI::App* server =
      app.add_subcommand("server", "the collector's own certificate")->require_subcommand(1);
  sub = command(*server, "renew", "a new one; a running collector takes it up by itself", renew_own,
                chosen);
  add_config(sub, a);
  sub->add_flag("--new-key", a.new_key, "and a new key");
  sub->add_option("--dns", a.dns_names, "a DNS name; may be repeated; left out: as before");
  sub->add_option("--ip", a.ip_addresses, "an address; may be repeated; left out: as before");
}

void add_commands(CLI::App& app, Arguments& a, Command& chosen) {
  CLI::App* sub = command(app, "run", "run the collector until SIGTERM", run_collector, chosen);
  add_config(sub, a);
  add_site_commands(app, a, chosen);
  sub = command(app, "check-config", "look for mistakes in a configuration", check_config, chosen);
  sub->add_option("file", a.file)->required();
  sub->add_flag("--print-config", a.print_config, "print the values that hold");
  CLI::App* policy = app.add_subcommand("policy", "the site policy")->require_subcommand(1);
  sub = command(*policy, "check", "look for mistakes in a site policy", check_policy, chosen);
  sub->add_option("file", a.file)->required();
  sub = command(app, "replay", "judge a journal again, and show what is decided differently",
                Command(replay_journal), chosen);
  sub->add_option("--journal", a.directory, "the collector's directory: journal/ and state.db")
      ->required();
  sub->add_option("--policy", a.file, "judge by this policy; left out: by those of the journal");
  sub->add_option("--from", a.from, "go on from this earlier state.db; left out: from nothing");
  command(app, "version", "print the version", version, chosen);
}

}  // namespace
}  // namespace tocsin::collector

int main(int argc, char** argv) {
  using namespace tocsin::collector;
  CLI::App app("Tocsin's collector: takes in what agents observe, judges, and tells people.");
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
