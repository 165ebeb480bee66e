#include "agent/app/arguments.hpp"

#include <limits>

#include <CLI/CLI.hpp>

#include "common/cli/usage.hpp"

namespace tocsin::agent {
namespace {

using cli::Help;

std::shared_ptr<CLI::App> new_program(const Help& help, const char* name) {
  auto app = std::make_shared<CLI::App>("", name);
  help.begin(*app);
  app->require_subcommand(1);
  return app;
}

void add_config(CLI::App& command, std::string& file, const Help& h) {
  command.add_option("--config", file, h("config"))->capture_default_str();
}

// Puts the commands of one program together.
class Commands {
 public:
  using Act = Arguments::Act;
  Commands(CLI::App& app, Arguments& into, const Help& help) : app_(app), a_(into), h_(help) {}

  void add_all();

 private:
  CLI::App& add(CLI::App& to, const char* name, std::string_view text, Act act) {
    CLI::App& command = *h_.add(to, name, text);
    command.callback([&into = a_, act] { into.act = act; });
    return command;
  }
  CLI::App& with_config(CLI::App& command) {
    add_config(command, a_.config, h_);
    return command;
  }

  void add_diagnose();
  void add_explain();
  void add_baseline();
  void add_evidence();

  CLI::App& app_;
  Arguments& a_;
  const Help& h_;
};

void Commands::add_all() {
  h_.add_language(app_, a_.language);
  with_config(add(app_, "run", "run", Act::run));
  with_config(add(app_, "observer", "observer", Act::observer));
  add_diagnose();
  add_explain();
  // Their arguments are the other program's, and so is their help.
  for (const char* name : {"link", "enroll"}) {
    add(app_, name, name, Act::link_program).prefix_command()->fallthrough(false)->set_help_flag();
  }
  with_config(add(app_, "status", "status", Act::status));
  add_baseline();
  add_evidence();
  // FILE is what it took before --config was the same everywhere.
  CLI::App& check = with_config(add(app_, "check-config", "check_config", Act::check_config));
  check.add_option("FILE", a_.config, h_("config_file"))->excludes("--config");
  with_config(add(app_, "print-config", "print_config", Act::print_config));
  add(app_, "version", "version", Act::version);
}

void Commands::add_diagnose() {
  CLI::App& sub = with_config(add(app_, "diagnose", "diagnose", Act::diagnose));
  sub.add_option("CHECK", a_.checks, h_("check"));
  sub.add_option("--policy", a_.policy, h_("policy"));
  sub.add_option("--format", a_.format, h_("format"))
      ->transform(cli::one_of({"table", "json", "nagios"}, h_.language()));
  sub.add_option("--time-zone", a_.zone, h_("time_zone"))->capture_default_str();
  sub.add_option("--fail-on", a_.fail_on, h_("fail_on"))
      ->transform(cli::one_of({"A", "B", "C", "D", "E"}, h_.language()));
  CLI::Option* sign_to = sub.add_option("--sign-to", a_.sign_to, h_("sign_to"));
  CLI::Option* key = sub.add_option("--key", a_.key, h_("key"))->needs(sign_to);
  key->needs(sub.add_option("--certificate", a_.certificate, h_("certificate"))->needs(key));
}

void Commands::add_explain() {
  with_config(add(app_, "explain", "explain", Act::explain))
      .add_option("MESSAGE", a_.message, h_("message"))
      ->required();
}

void Commands::add_baseline() {
  CLI::App* baseline = h_.add(app_, "baseline", "baseline")->require_subcommand(1);
  CLI::App& sub = with_config(add(*baseline, "propose", "propose", Act::propose));
  sub.add_option("--name", a_.name, h_("baseline_name"));
  sub.add_option("--version", a_.version, h_("baseline_version"))
      ->check(cli::a_number(1, std::numeric_limits<std::uint32_t>::max(), h_.language()))
      ->capture_default_str();
}

void Commands::add_evidence() {
  CLI::App* evidence = h_.add(app_, "evidence", "evidence")->require_subcommand(1);
  CLI::App& sub = with_config(add(*evidence, "collect", "collect", Act::take_evidence));
  sub.add_option("--to", a_.evidence.folder, h_("evidence_to"))->required();
  sub.add_option("--since-hours", a_.evidence.since_hours, h_("since_hours"))
      ->check(cli::a_number(1, 744, h_.language()))
      ->capture_default_str();
  sub.add_option("--by", a_.evidence.asked_by, h_("evidence_by"));
  sub.add_option("--reason", a_.evidence.reason, h_("evidence_reason"));
}

void add_enroll(CLI::App& app, LinkArguments& a, const Help& h) {
  CLI::App* sub = h.add(app, "enroll", "enroll");
  sub->callback([&a] { a.act = LinkArguments::Act::enroll; });
  add_config(*sub, a.config, h);
  sub->add_option("--collector", a.enroll.collector, h("collector"));
  sub->add_option("--token-file", a.token_file, h("token_file"))->required();
  sub->add_option("--ca-fingerprint", a.fingerprint, h("ca_fingerprint"));
  sub->add_option("--dir", a.enroll.directory, h("enroll_dir"));
  sub->add_option("--name", a.enroll.host_name, h("enroll_name"));
  CLI::Option* again = sub->add_flag("--again", a.enroll.again, h("again"));
  sub->add_flag("--new-key", a.enroll.new_key, h("new_key"))->needs(again);
  sub->add_option("--server-name", a.enroll.server_name, h("server_name"));
}

template <class Taken>
std::variant<Taken, cli::Answer> parsed(std::shared_ptr<CLI::App> (*make)(Taken&, i18n::Language),
                                        int argc, const char* const* argv,
                                        i18n::Language language) {
  const i18n::Language spoken = cli::language_in(argc, argv, language);
  Taken taken;
  const auto app = make(taken, spoken);
  auto answer = cli::parse(*app, argc, argv, spoken);
  if (answer) return std::move(*answer);
  return taken;
}

}  // namespace

std::shared_ptr<CLI::App> make_syntax(Arguments& into, i18n::Language language) {
  const Help help(language, "agent.help.");
  auto app = new_program(help, "tocsin-agent");
  Commands(*app, into, help).add_all();
  return app;
}

std::shared_ptr<CLI::App> make_link_syntax(LinkArguments& into, i18n::Language language) {
  const Help help(language, "agent.help.");
  auto app = new_program(help, "tocsin-agent");
  app->description(help("link_program"));
  help.add_language(*app, into.language);
  CLI::App* link = help.add(*app, "link", "link");
  link->callback([&into] { into.act = LinkArguments::Act::link; });
  add_config(*link, into.config, help);
  add_enroll(*app, into, help);
  return app;
}

std::variant<Arguments, cli::Answer> parse_arguments(int argc, const char* const* argv,
                                                     i18n::Language language) {
  return parsed<Arguments>(make_syntax, argc, argv, language);
}

std::variant<LinkArguments, cli::Answer> parse_link_arguments(int argc, const char* const* argv,
                                                              i18n::Language language) {
  return parsed<LinkArguments>(make_link_syntax, argc, argv, language);
}

}  // namespace tocsin::agent
