#include "collector/app/arguments.hpp"

#include <CLI/CLI.hpp>

#include "common/cli/usage.hpp"
#include "common/config/duration.hpp"

namespace tocsin::collector {
namespace {

// Puts the commands together.
class Commands {
 public:
  using Act = Arguments::Act;
  Commands(CLI::App& app, Arguments& into, const cli::Help& help) : app_(app), a_(into), h_(help) {}

  void add_all();

 private:
  CLI::App& add(CLI::App& to, const char* name, std::string_view text, Act act) {
    CLI::App& command = *h_.add(to, name, text);
    command.callback([&into = a_, act] { into.act = act; });
    return command;
  }
  CLI::App& add_group(const char* name) { return *h_.add(app_, name, name)->require_subcommand(1); }
  void add_config(CLI::App& command) {
    command.add_option("--config", a_.config, h_("config"))->capture_default_str();
  }

  void add_init();
  void add_token();
  void add_people();
  void add_server();
  void add_others();

  CLI::App& app_;
  Arguments& a_;
  const cli::Help& h_;
};

void Commands::add_all() {
  h_.add_language(app_, a_.language);
  add_config(add(app_, "run", "run", Act::run));
  add_init();
  add_token();
  add_people();
  add_server();
  add_others();
}

void Commands::add_init() {
  CLI::App& sub = add(app_, "init", "init", Act::init);
  sub.add_option("--dir", a_.init.directory, h_("init_dir"))->required();
  sub.add_option("--data", a_.init.data, h_("init_data"));
  sub.add_option("--owner", a_.owner, h_("init_owner"));
  sub.add_option("--site", a_.init.site, h_("init_site"))->required();
  sub.add_option("--dns", a_.init.dns_names, h_("init_dns"));
  sub.add_option("--ip", a_.init.ip_addresses, h_("init_ip"));
  sub.add_option("--operator", a_.init.operator_name, h_("init_operator"))->capture_default_str();
  sub.add_option("--listen-agents", a_.init.listen_agents, h_("listen_agents"))
      ->capture_default_str();
  sub.add_option("--listen-enroll", a_.init.listen_enroll, h_("listen_enroll"))
      ->capture_default_str();
  sub.add_option("--listen-operators", a_.init.listen_operators, h_("listen_operators"))
      ->capture_default_str();
}

void Commands::add_token() {
  CLI::App& sub = add(add_group("token"), "create", "token_create", Act::create_token);
  add_config(sub);
  const auto reads = [](const std::string& text) {
    return config::parse_duration(text).has_value();
  };
  sub.add_option("--ttl", a_.ttl, h_("ttl"))
      ->check(cli::a_duration(reads, "cli.usage.no_span", "10min|1h|7d", h_.language()))
      ->capture_default_str();
  sub.add_option("--host", a_.host, h_("token_host"));
  sub.add_flag("--replace", a_.replace, h_("token_replace"));
  sub.add_option("--output", a_.output, h_("token_output"));
}

void Commands::add_people() {
  CLI::App& people = add_group("operator");
  CLI::App& person = add(people, "add", "operator_add", Act::add_operator);
  CLI::App& renewed = add(people, "renew", "operator_renew", Act::renew_operator);
  for (CLI::App* sub : {&person, &renewed}) {
    add_config(*sub);
    sub->add_option("NAME", a_.name, h_("operator_name"))->required();
    sub->add_option("--dir", a_.directory, h_("operator_dir"));
  }
  person.add_option("--role", a_.role, h_("role"))
      ->transform(cli::one_of({"duty", "working_group", "officer", "committee", "auditor", "admin"},
                              h_.language()))
      ->required();
  renewed.add_flag("--new-key", a_.new_key, h_("new_key"));
}

void Commands::add_server() {
  CLI::App& sub = add(add_group("server"), "renew", "server_renew", Act::renew_server);
  add_config(sub);
  sub.add_flag("--new-key", a_.new_key, h_("new_key"));
  sub.add_option("--dns", a_.dns_names, h_("server_dns"));
  sub.add_option("--ip", a_.ip_addresses, h_("server_ip"));
}

void Commands::add_others() {
  CLI::App& check = add(app_, "check-config", "check_config", Act::check_config);
  check.add_option("FILE", a_.file, h_("config_file"))->required();
  check.add_flag("--print-config", a_.print_config, h_("print_config"));
  add(add_group("policy"), "check", "policy_check", Act::check_policy)
      .add_option("FILE", a_.file, h_("policy_file"))
      ->required();
  CLI::App& replay = add(app_, "replay", "replay", Act::replay);
  replay.add_option("--journal", a_.directory, h_("replay_journal"))->required();
  replay.add_option("--policy", a_.file, h_("replay_policy"));
  replay.add_option("--from", a_.from, h_("replay_from"));
  add(app_, "version", "version", Act::version);
}

}  // namespace

std::shared_ptr<CLI::App> make_syntax(Arguments& into, i18n::Language language) {
  const cli::Help help(language, "collector.help.");
  auto app = std::make_shared<CLI::App>("", "tocsin-collector");
  help.begin(*app);
  app->require_subcommand(1);
  Commands(*app, into, help).add_all();
  return app;
}

std::variant<Arguments, cli::Answer> parse_arguments(int argc, const char* const* argv,
                                                     i18n::Language language) {
  const i18n::Language spoken = cli::language_in(argc, argv, language);
  Arguments taken;
  const auto app = make_syntax(taken, spoken);
  if (auto answer = cli::parse(*app, argc, argv, spoken)) return std::move(*answer);
  return taken;
}

}  // namespace tocsin::collector
