#include "collector/ctl/arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "collector/ctl/completion.hpp"
#include "collector/ctl/json.hpp"
#include "collector/ctl/yaml.hpp"
#include "common/cli/program.hpp"
#include "common/cli/usage.hpp"

namespace tocsin::ctl {
namespace {

using cli::a_number;
using cli::one_of;
using std::chrono::milliseconds;

constexpr std::string_view kColumns = "columns=";

// The form of the output, or the columns of a list.
CLI::Validator an_output(i18n::Language language) {
  const CLI::Validator form = one_of({"table", "wide", "json", "yaml", "name"}, language);
  const auto check = [form](std::string& text) -> std::string {
    if (text.starts_with(kColumns) && text.size() > kColumns.size()) return {};
    return form(text);
  };
  return CLI::Validator(check, "table|wide|json|yaml|name|columns=...");
}

CLI::Validator a_duration(const std::string& examples, i18n::Language language) {
  const auto reads = [](const std::string& text) { return duration_from(text).has_value(); };
  return cli::a_duration(reads, "cli.usage.no_duration", examples, language);
}

// The whole syntax: every command with its help in one language, and what was said.
class Syntax {
 public:
  explicit Syntax(i18n::Language language) : language_(language), help_(language, "ctl.help.") {
    help_.begin(app_);
    app_.set_version_flag("--version", "tocsinctl " TOCSIN_VERSION, h("version_flag"));
    app_.require_subcommand(0, 1);
    add_global();
    add_views();
    add_incidents();
    add_acts();
    add_decisions();
    add_checks();
    add_enrolment();
    add_revoke();
    add_baselines();
    add_evidence();
    add_others();
  }
  CLI::App& app() { return app_; }
  const std::string& shell() const { return shell_; }
  // REQUIRES: parsed.
  Arguments taken() const {
    Arguments arguments = arguments_;
    if (const auto limit = duration_from(timeout_)) arguments.timeout = *limit;
    return arguments;
  }

 private:
  std::string h(std::string_view name) const { return help_(name); }
  CLI::App* add(CLI::App& to, const std::string& name, std::string_view help) {
    return help_.add(to, name, help);
  }
  void may_try(CLI::App* sub) { sub->add_flag("--dry-run", arguments_.dry_run, h("dry_run")); }
  void may_watch(CLI::App* sub) { sub->add_flag("--watch", arguments_.watch, h("watch")); }

  void add_global();
  void add_views();
  void add_incidents();
  void add_acts();
  void add_decisions();
  void add_checks();
  void add_enrolment();
  void add_revoke();
  void add_baselines();
  void add_evidence();
  void add_others();

  i18n::Language language_;
  cli::Help help_;
  Arguments arguments_;
  ShowStatus status_;
  ShowHosts hosts_;
  ShowMetrics metrics_;
  ListIncidents list_;
  ShowIncident show_;
  ActOnIncidents act_;
  DecideOnIncident decide_;
  RunCheck run_;
  Revoke revoke_;
  RestartService restart_;
  Explain explain_;
  CreateToken token_;
  OnBaseline baseline_;
  std::string since_;
  std::string approved_for_ = "365d";
  EvidenceCommand evidence_;
  VerifyDiagnosis diagnosis_;
  std::string within_;
  std::string timeout_ = "10s";
  std::string valid_ = "1h";
  std::string curve_since_ = "24h";
  std::string estimate_;
  std::string shell_;
  CLI::App app_{"", "tocsinctl"};
};

void Syntax::add_global() {
  app_.add_option("-o,--output", arguments_.output, h("output"))->transform(an_output(language_));
  help_.add_language(app_, arguments_.language);
  app_.add_option("--context", arguments_.context, h("context"));
  app_.add_option("--contexts", arguments_.contexts_file, h("contexts"));
  app_.add_option("--collector", arguments_.collector, h("collector"));
  app_.add_option("--ca", arguments_.authority_file, h("ca"));
  app_.add_option("--cert", arguments_.certificate_file, h("cert"));
  app_.add_option("--key", arguments_.key_file, h("key"));
  app_.add_option("--server-name", arguments_.server_name, h("server_name"));
  app_.add_option("--timeout", timeout_, h("timeout"))
      ->check(a_duration("500ms|10s|1m", language_));
  app_.add_option("--fail-on", arguments_.fail_on, h("fail_on"))
      ->transform(one_of({"A", "B", "C", "D", "E"}, language_));
  app_.add_flag("--no-color", arguments_.no_color, h("no_color"));
}

void Syntax::add_views() {
  CLI::App* overview = add(app_, "status", "status");
  overview->add_flag("--counters", status_.counters, h("counters"));
  may_watch(overview);
  overview->callback([this] { arguments_.command = status_; });
  CLI::App* of_hosts = add(app_, "hosts", "hosts");
  of_hosts->add_option("NAME", hosts_.name, h("host_name"));
  of_hosts->add_flag("--abnormal", hosts_.abnormal, h("abnormal"));
  may_watch(of_hosts);
  of_hosts->callback([this] { arguments_.command = hosts_; });
  CLI::App* curves = add(app_, "metrics", "metrics");
  curves->add_option("HOST", metrics_.host, h("host_name"))->required();
  curves->add_option("NAME", metrics_.name, h("curve_name"));
  curves->add_option("--since", curve_since_, h("since"))
      ->check(a_duration("30m|6h|1d", language_));
  curves->callback([this] {
    if (const auto length = duration_from(curve_since_)) {
      metrics_.since = std::chrono::duration_cast<std::chrono::seconds>(*length);
    }
    arguments_.command = metrics_;
  });
}

void Syntax::add_incidents() {
  CLI::App* incidents = add(app_, "incidents", "incidents");
  incidents->add_flag("--open", list_.open, h("open"));
  incidents->add_flag("--unacked", list_.unacknowledged, h("unacked"));
  incidents->add_option("--severity", list_.severity, h("at_least"));
  incidents->add_option("--limit", list_.limit, h("limit"))->check(a_number(1, 1000, language_));
  incidents->add_option("--before", list_.before, h("before"))
      ->check(a_number(0, std::numeric_limits<std::int64_t>::max(), language_));
  may_watch(incidents);
  CLI::App* one = add(*incidents, "show", "show");
  CLI::App* line = add(*incidents, "timeline", "timeline");
  for (CLI::App* sub : {one, line}) {
    sub->add_option("ID", show_.reference, h("incident"))->required();
  }
  incidents->callback([this, one, line] {
    show_.timeline = line->parsed();
    if (one->parsed() || line->parsed()) {
      arguments_.command = show_;
    } else {
      arguments_.command = list_;
    }
  });
}

void Syntax::add_acts() {
  CLI::App* ack = add(app_, "ack", "ack");
  CLI::App* number = add(app_, "register", "register");
  ack->add_option("ID", act_.references, h("incident"))->required();
  number->add_option("ID", act_.references, h("incident"))->required()->expected(1);
  for (CLI::App* sub : {ack, number}) {
    sub->add_option("--note", act_.note, h("note"));
    may_try(sub);
  }
  ack->add_flag("--take-over", act_.take_over, h("take_over"));
  ack->callback([this] { arguments_.command = act_; });
  number->callback([this] {
    act_.act = ActOnIncidents::Act::register_number;
    arguments_.command = act_;
  });
}

// The reason is a duty of the procedure: who reads the record later was not there.
void Syntax::add_decisions() {
  using Act = DecideOnIncident::Act;
  const auto decision = [this](const char* name, Act act, const char* reason) {
    CLI::App* sub = add(app_, name, name);
    sub->add_option("ID", decide_.reference, h("incident"))->required();
    sub->add_option(reason, decide_.reason, h("reason"))->required(act != Act::estimate);
    may_try(sub);
    sub->callback([this, act] {
      decide_.act = act;
      if (const auto duration = duration_from(estimate_)) {
        decide_.estimate = std::chrono::duration_cast<std::chrono::seconds>(*duration);
      }
      arguments_.command = decide_;
    });
    return sub;
  };
  decision("verdict", Act::judge, "--reason")
      ->add_option("VERDICT", decide_.verdict, h("verdict_word"))
      ->transform(
          one_of({"confirmed", "false-alarm", "fault", "incident", "undetermined"}, language_))
      ->required();
  decision("severity", Act::approve, "--reason")
      ->add_option("GRADE", decide_.severity, h("grade"))
      ->transform(one_of({"A", "B", "C", "D", "E"}, language_))
      ->required();
  decision("estimate", Act::estimate, "--reason")
      ->add_option("DURATION", estimate_, h("duration"))
      ->check(a_duration("90m|6h|2d", language_))
      ->required();
  decision("close", Act::close, "--cause")
      ->add_option("--verdict", decide_.verdict, h("close_verdict"))
      ->transform(one_of({"false-alarm", "fault", "incident"}, language_));
}

void Syntax::add_checks() {
  CLI::App* check = add(app_, "run-check", "run_check");
  check->add_option("HOST", run_.host, h("host_name"))->required();
  check->add_option("CHECK", run_.check, h("check"));
  check->add_flag("--wait", run_.wait, h("wait"));
  may_try(check);
  check->callback([this] { arguments_.command = run_; });
  CLI::App* restart = add(app_, "restart-service", "restart_service");
  restart->add_option("HOST", restart_.host, h("host_name"))->required();
  restart->add_option("UNIT", restart_.unit, h("unit"))->required();
  restart->add_flag("--wait", restart_.wait, h("wait"));
  may_try(restart);
  restart->callback([this] { arguments_.command = restart_; });
  CLI::App* why = add(app_, "explain", "explain");
  why->add_option("TOPIC", explain_.topic, h("topic"))->required();
  why->callback([this] { arguments_.command = explain_; });
}

void Syntax::add_enrolment() {
  CLI::App* enroll = add(app_, "enroll", "enroll");
  CLI::App* tokens = add(*enroll, "token", "token");
  CLI::App* create = add(*tokens, "create", "token_create");
  enroll->require_subcommand(1);
  tokens->require_subcommand(1);
  create->add_option("--host", token_.host, h("token_host"));
  create->add_flag("--replace", token_.replace, h("token_replace"));
  create->add_option("--ttl", valid_, h("token_ttl"))->check(a_duration("10m|1h|7d", language_));
  may_try(create);
  create->callback([this] {
    if (const auto life = duration_from(valid_)) {
      token_.valid = std::chrono::duration_cast<std::chrono::seconds>(*life);
    }
    arguments_.command = token_;
  });
}

void Syntax::add_revoke() {
  CLI::App* revoke = add(app_, "revoke", "revoke");
  revoke->require_subcommand(1);
  CLI::App* agent = add(*revoke, "agent", "revoke_agent");
  agent->add_option("HOST", revoke_.name, h("revoke_host"))->required();
  CLI::App* person = add(*revoke, "operator", "revoke_operator");
  person->add_option("NAME", revoke_.name, h("revoke_name"))->required();
  for (CLI::App* sub : {agent, person}) {
    sub->add_option("--reason", revoke_.reason, h("reason"))->required();
    may_try(sub);
  }
  agent->callback([this] { arguments_.command = revoke_; });
  person->callback([this] {
    revoke_.what = Revoke::What::operator_;
    arguments_.command = revoke_;
  });
}

void Syntax::add_baselines() {
  using Act = OnBaseline::Act;
  CLI::App* baseline = add(app_, "baseline", "baseline");
  baseline->require_subcommand(1);
  const auto on = [this, baseline](const char* name, Act act) {
    CLI::App* sub = add(*baseline, name, fmt::format("baseline_{}", name));
    sub->callback([this, act] {
      baseline_.act = act;
      if (const auto since = duration_from(since_)) {
        baseline_.since = std::chrono::duration_cast<std::chrono::seconds>(*since);
      }
      if (const auto valid = duration_from(approved_for_)) {
        baseline_.valid = std::chrono::duration_cast<std::chrono::seconds>(*valid);
      }
      arguments_.command = baseline_;
    });
    return sub;
  };
  const auto of_scope = [this](CLI::App* sub) {
    CLI::Option* host = sub->add_option("HOST,--host", baseline_.host, h("host_name"));
    sub->add_option("--group", baseline_.group, h("baseline_group"))->excludes(host);
  };
  of_scope(on("list", Act::list));
  CLI::App* show = on("show", Act::show);
  of_scope(show);
  show->add_option("--version", baseline_.version, h("baseline_version"));
  on("diff", Act::diff)->add_option("HOST", baseline_.host, h("host_name"))->required();
  CLI::App* propose = on("propose", Act::propose);
  of_scope(propose);
  CLI::Option* since = propose->add_option("--since", since_, h("baseline_since"));
  since->check(a_duration("1h|7d", language_));
  propose->add_option("--from-finding", baseline_.finding, h("baseline_finding"))->excludes(since);
  propose->add_option("--leave-out", baseline_.leave_out, h("baseline_leave_out"))
      ->allow_extra_args(false);
  on("review", Act::review)->add_option("ID", baseline_.id, h("baseline_id"));
  CLI::App* approve = on("approve", Act::approve);
  approve->add_option("--for", approved_for_, h("baseline_for"))
      ->check(a_duration("90d|365d", language_));
  CLI::App* reject = on("reject", Act::reject);
  for (CLI::App* sub : {approve, reject}) {
    sub->add_option("ID", baseline_.id, h("baseline_id"))->required();
  }
  for (CLI::App* sub : {propose, approve, reject}) {
    sub->add_option("--reason", baseline_.reason, h("reason"))->required();
    may_try(sub);
  }
}

void Syntax::add_evidence() {
  using Act = EvidenceCommand::Act;
  CLI::App* all = add(app_, "evidence", "evidence");
  all->require_subcommand(1);
  const auto act = [this, all](const char* name, Act what) {
    std::string help = fmt::format("evidence_{}", name);
    std::replace(help.begin(), help.end(), '-', '_');
    CLI::App* sub = add(*all, name, help);
    sub->callback([this, what] {
      evidence_.act = what;
      const auto seconds = [](const std::string& text) {
        const auto given = duration_from(text);
        return std::chrono::duration_cast<std::chrono::seconds>(given.value_or(milliseconds{}));
      };
      evidence_.since = seconds(since_);
      evidence_.within = seconds(within_);
      arguments_.command = evidence_;
    });
    return sub;
  };
  CLI::App* collect = act("collect", Act::collect);
  collect->add_option("HOST", evidence_.host, h("host_name"))->required();
  collect->add_option("--since", since_, h("evidence_since"))
      ->check(a_duration("24h|7d", language_));
  collect->add_option("--within", within_, h("evidence_within"))
      ->check(a_duration("15m|1h", language_));
  collect->add_flag("--wait", evidence_.wait, h("wait"));
  CLI::App* add_file = act("add", Act::add);
  add_file->add_option("FILE", evidence_.file, h("evidence_file"))->required();
  CLI::App* list = act("list", Act::list);
  for (CLI::App* sub : {collect, add_file, list}) {
    sub->add_option("--incident", evidence_.incident, h("incident"));
  }
  CLI::App* give_up = act("give-up", Act::give_up);
  CLI::App* give_out = act("export", Act::export_);
  for (CLI::App* sub : {act("show", Act::show), act("verify", Act::verify), give_out, give_up}) {
    sub->add_option("ID", evidence_.id, h("evidence_id"))->required();
  }
  give_out->add_option("--to", evidence_.folder, h("evidence_to"))->required();
  give_up->add_option("--witness", evidence_.witness, h("evidence_witness"))->required();
  for (CLI::App* sub : {collect, add_file, give_out, give_up}) {
    sub->add_option("--reason", evidence_.reason, h("reason"))->required(sub == give_up);
    may_try(sub);
  }
}

void Syntax::add_others() {
  CLI::App* audit = add(app_, "audit", "audit");
  audit->require_subcommand(1);
  add(*audit, "verify", "audit_verify")->callback([this] { arguments_.command = VerifyAudit{}; });
  CLI::App* diagnose = add(app_, "diagnose", "diagnose");
  diagnose->require_subcommand(1);
  CLI::App* verify = add(*diagnose, "verify", "diagnose_verify");
  verify->add_option("FILE", diagnosis_.file, h("diagnose_file"))->required();
  verify->callback([this] { arguments_.command = diagnosis_; });
  add(app_, "version", "version")->callback([this] { arguments_.command = ShowVersion{}; });
  add(app_, "completion", "completion")
      ->add_option("SHELL", shell_, h("shell"))
      ->transform(one_of({"bash", "zsh"}, language_))
      ->required();
  CLI::App* help = add(app_, "help", "help_command");
  help->require_subcommand(1);
  add(*help, "exit-codes", "help_exit_codes")->callback([this] {
    arguments_.command = HelpExitCodes{};
  });
}

// What is wrong with the words; for scripts that asked for it as JSON or YAML too.
Printed usage_error(const CLI::App& app, const CLI::ParseError& error, i18n::Language language,
                    const std::string& output) {
  const std::string what = cli::usage_text(app, error, language);
  Printed printed{ExitCode::usage, "", ""};
  printed.err = fmt::format("{}\n{}\n", what, i18n::text(language, "cli.usage.more"));
  const std::string json = to_json(Error{ErrorCode::invalid_argument, what}) + "\n";
  if (output == "json") printed.out = json;
  if (output == "yaml") printed.out = yaml_of(json);
  return printed;
}

}  // namespace

Result<milliseconds> duration_from(const std::string& text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits{
      {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  const auto* known = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const auto& row) { return row.first == unit; });
  constexpr std::int64_t kMost = 366LL * 86'400'000;
  if (error != std::errc{} || known == kUnits.end() || count <= 0 ||
      count > kMost / known->second) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is no duration; write 500ms, 90s, 10m, 1h or 7d", text));
  }
  return milliseconds(count * known->second);
}

std::vector<std::string> columns_in(std::string_view output) {
  std::vector<std::string> columns;
  if (!output.starts_with(kColumns)) return columns;
  std::istringstream words{std::string(output.substr(kColumns.size()))};
  for (std::string word; std::getline(words, word, ',');) columns.push_back(word);
  return columns;
}

std::variant<Arguments, Printed> parse_arguments(int argc, const char* const* argv,
                                                 i18n::Language language) {
  const i18n::Language spoken = cli::language_in(argc, argv, language);
  Syntax syntax(spoken);
  try {
    syntax.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (syntax.app().exit(error, out, err) == 0) return Printed{ExitCode::done, out.str(), ""};
    return usage_error(syntax.app(), error, spoken, cli::value_in(argc, argv, "--output", "-o"));
  }
  if (!syntax.shell().empty()) {
    return Printed{ExitCode::done, completion_script(syntax.app(), syntax.shell()), ""};
  }
  return syntax.taken();
}

}  // namespace tocsin::ctl
