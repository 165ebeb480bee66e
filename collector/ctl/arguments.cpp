#include "collector/ctl/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace tocsin::ctl {
namespace {

using std::chrono::milliseconds;

std::string as_duration(std::string& text) {
  const auto value = duration_from(text);
  return value ? std::string() : value.error().message;
}

void add_global(CLI::App& app, Arguments& arguments, std::string& timeout) {
  app.add_option("-o,--output", arguments.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  app.add_option("--lang", arguments.language, "zh-TW or en")
      ->check(CLI::IsMember({"zh-TW", "en"}));
  app.add_option("--context", arguments.context, "a context of the context file");
  app.add_option("--contexts", arguments.contexts_file,
                 "the context file (default: ~/.config/tocsin/contexts.toml)");
  app.add_option("--collector", arguments.collector, "host:port, instead of a context");
  app.add_option("--ca", arguments.authority_file, "the site's authority, PEM");
  app.add_option("--cert", arguments.certificate_file, "your certificate, PEM");
  app.add_option("--key", arguments.key_file, "your key, PEM, mode 0600");
  app.add_option("--server-name", arguments.server_name,
                 "the name in the collector's certificate, where it is not the address");
  app.add_option("--timeout", timeout, "how long to wait: 500ms, 10s, 1m")
      ->check(CLI::Validator(as_duration, "DURATION"));
  app.add_option("--fail-on", arguments.fail_on,
                 "exit 10 where an open incident is this grade or worse");
  app.add_flag("--no-color", arguments.no_color, "no colours (also: NO_COLOR, TERM=dumb)");
}

void add_incidents(CLI::App& app, Arguments& arguments, ListIncidents& list, ShowIncident& show) {
  CLI::App* incidents = app.add_subcommand("incidents", "list incidents, or show one");
  incidents->add_flag("--open", list.open, "not closed");
  incidents->add_flag("--unacked", list.unacknowledged, "nobody took over yet");
  incidents->add_option("--severity", list.severity, "this grade or worse: C+");
  incidents->add_option("--limit", list.limit, "at most this many")->check(CLI::Range(1, 1000));
  incidents->add_option("--before", list.before, "older than this id: the next page");
  CLI::App* one = incidents->add_subcommand("show", "one incident");
  CLI::App* line = incidents->add_subcommand("timeline", "what happened, in order");
  for (CLI::App* sub : {one, line}) {
    sub->add_option("ID", show.reference, "number, its end, or id")->required();
  }
  incidents->callback([&arguments, &list, &show, one, line] {
    show.timeline = line->parsed();
    if (one->parsed() || line->parsed()) {
      arguments.command = show;
    } else {
      arguments.command = list;
    }
  });
}

void add_acts(CLI::App& app, Arguments& arguments, ActOnIncidents& act, RunCheck& run) {
  const auto may_try = [&arguments](CLI::App* sub) {
    sub->add_flag("--dry-run", arguments.dry_run, "say what would be sent, send nothing");
  };
  CLI::App* ack = app.add_subcommand("ack", "take over incidents");
  CLI::App* number = app.add_subcommand("register", "register an incident: it gets its number");
  ack->add_option("ID", act.references, "numbers, their ends, or ids")->required();
  number->add_option("ID", act.references, "its id")->required()->expected(1);
  for (CLI::App* sub : {ack, number}) {
    sub->add_option("--note", act.note, "kept in the timeline");
    may_try(sub);
  }
  ack->add_flag("--take-over", act.take_over, "also what somebody else has acknowledged");
  ack->callback([&] { arguments.command = act; });
  number->callback([&] {
    act.act = ActOnIncidents::Act::register_number;
    arguments.command = act;
  });
  CLI::App* check = app.add_subcommand("run-check", "have a host run a check now");
  check->add_option("HOST", run.host, "name, its beginning, or agent id")->required();
  check->add_option("CHECK", run.check, "sockets, service:ssh.service, ...")->required();
  check->add_flag("--wait", run.wait, "until the host answered");
  may_try(check);
  check->callback([&] { arguments.command = run; });
}

void add_others(CLI::App& app, Arguments& arguments, Explain& explain, CreateToken& token,
                std::string& valid) {
  CLI::App* why = app.add_subcommand("explain", "a code, a grade, or an incident's grade");
  why->add_option("TOPIC", explain.topic, "port.unexpected, C, SI-115-0042")->required();
  why->callback([&] { arguments.command = explain; });

  CLI::App* enroll = app.add_subcommand("enroll", "let hosts in");
  CLI::App* tokens = enroll->add_subcommand("token", "one-time tokens");
  CLI::App* create = tokens->add_subcommand("create", "make one");
  enroll->require_subcommand(1);
  tokens->require_subcommand(1);
  create->add_option("--host", token.host, "good for this host name only");
  create->add_option("--ttl", valid, "how long it is good: 1h")
      ->check(CLI::Validator(as_duration, "DURATION"));
  create->add_flag("--dry-run", arguments.dry_run, "say what would be sent, send nothing");
  create->callback([&] {
    if (const auto life = duration_from(valid)) {
      token.valid = std::chrono::duration_cast<std::chrono::seconds>(*life);
    }
    arguments.command = token;
  });

  CLI::App* audit = app.add_subcommand("audit", "the journal as evidence");
  audit->require_subcommand(1);
  audit->add_subcommand("verify", "walk the whole hash chain")->callback([&] {
    arguments.command = VerifyAudit{};
  });
  app.add_subcommand("version", "this program's version")->callback([&] {
    arguments.command = ShowVersion{};
  });
  CLI::App* help = app.add_subcommand("help", "help exit-codes");
  help->require_subcommand(1);
  help->add_subcommand("exit-codes", "what the exit code says")->callback([&] {
    arguments.command = HelpExitCodes{};
  });
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

std::variant<Arguments, Printed> parse_arguments(int argc, const char* const* argv) {
  Arguments arguments;
  ShowStatus status;
  ShowHosts hosts;
  ListIncidents list;
  ShowIncident show;
  ActOnIncidents act;
  RunCheck run;
  Explain explain;
  CreateToken token;
  std::string timeout = "10s";
  std::string valid = "1h";
  CLI::App app{"The duty desk's command line of Tocsin. Without a command: status.", "tocsinctl"};
  app.set_version_flag("--version", "tocsinctl " TOCSIN_VERSION);
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_global(app, arguments, timeout);
  CLI::App* overview = app.add_subcommand("status", "one screen: what is mine, what is next");
  overview->add_flag("--counters", status.counters, "all counters too");
  overview->callback([&] { arguments.command = status; });
  CLI::App* of_hosts = app.add_subcommand("hosts", "list hosts, or one with its checks");
  of_hosts->add_option("NAME", hosts.name, "name, its beginning, or agent id");
  of_hosts->add_flag("--abnormal", hosts.abnormal, "only those that need attention");
  of_hosts->callback([&] { arguments.command = hosts; });
  add_incidents(app, arguments, list, show);
  add_acts(app, arguments, act, run);
  add_others(app, arguments, explain, token, valid);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool is_help = app.exit(error, out, err) == 0;
    return Printed{is_help ? ExitCode::done : ExitCode::usage, out.str(), err.str()};
  }
  if (const auto limit = duration_from(timeout)) arguments.timeout = *limit;
  return arguments;
}

}  // namespace tocsin::ctl
