#include "collector/ctl/program.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/ctl/context.hpp"
#include "collector/ctl/watch.hpp"
#include "collector/ctl/yaml.hpp"
#include "common/config/secret_file.hpp"
#include "common/time/civil.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kPemBytes = 256 << 10;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// TZ where it names a zone, else where /etc/localtime points to.
std::string local_zone() {
  std::string zone = variable("TZ");
  if (zone.starts_with(':')) zone.erase(0, 1);
  if (!zone.empty() && time::zone_exists(zone)) return zone;
  std::error_code error;
  const std::string target = std::filesystem::read_symlink("/etc/localtime", error).string();
  constexpr std::string_view kFolder = "zoneinfo/";
  const auto at = target.find(kFolder);
  if (error || at == std::string::npos) return "UTC";
  zone = target.substr(at + kFolder.size());
  return time::zone_exists(zone) ? zone : "UTC";
}

std::string contexts_path(const Arguments& arguments, const Environment& environment) {
  if (!arguments.contexts_file.empty()) return arguments.contexts_file;
  const std::string base = environment.xdg_config_home.empty() ? environment.home + "/.config"
                                                               : environment.xdg_config_home;
  return base + "/tocsin/contexts.toml";
}

i18n::Language language_of(const Arguments& arguments, const Context* context,
                           const Environment& environment) {
  if (const auto flag = i18n::language_from(arguments.language)) return *flag;
  if (context != nullptr) {
    if (const auto chosen = i18n::language_from(context->language)) return *chosen;
  }
  return i18n::language_from_environment(environment.lc_all, environment.lc_messages,
                                         environment.lang);
}

// Flags win over the context; with --collector no context is needed.
Result<Context> context_of(const Arguments& arguments, const Environment& environment) {
  Context context;
  const std::string path = contexts_path(arguments, environment);
  const bool named = !arguments.context.empty() || !arguments.contexts_file.empty();
  std::error_code ignored;
  if (named || (arguments.collector.empty() && std::filesystem::exists(path, ignored))) {
    const auto contexts = load_contexts(path);
    if (!contexts) return fail(contexts.error());
    auto chosen =
        choose_context(*contexts, arguments.context, language_of(arguments, nullptr, environment));
    if (!chosen) return chosen;
    context = std::move(*chosen);
  }
  const auto override_with = [](std::string& field, const std::string& flag) {
    if (!flag.empty()) field = flag;
  };
  override_with(context.collector, arguments.collector);
  override_with(context.server_name, arguments.server_name);
  override_with(context.authority_file, arguments.authority_file);
  override_with(context.certificate_file, arguments.certificate_file);
  override_with(context.key_file, arguments.key_file);
  return context;
}

// A certificate that is not there is no missing incident: exit code 4, not 3.
tl::unexpected<Error> not_logged_in(const Error& error) {
  return fail(ErrorCode::unauthenticated, error.message);
}

Result<std::unique_ptr<Client>> connect_to(const Context& context,
                                           std::chrono::milliseconds timeout,
                                           i18n::Language language) {
  if (context.collector.empty() || context.authority_file.empty() ||
      context.certificate_file.empty() || context.key_file.empty()) {
    return fail(ErrorCode::invalid_argument, i18n::render(language, {"ctl.context.none", {}}));
  }
  Connection connection{context.collector, context.server_name, "", "", "", timeout};
  for (auto [path, pem] : {std::pair{&context.authority_file, &connection.authority_pem},
                           std::pair{&context.certificate_file, &connection.certificate_pem}}) {
    auto content = config::read_file(*path, kPemBytes);
    if (!content) return not_logged_in(content.error());
    *pem = std::move(*content);
  }
  auto key = config::read_secret_file(context.key_file);
  if (!key) return not_logged_in(key.error());
  connection.key_pem = std::move(*key);
  return connect(connection);
}

}  // namespace

Environment read_environment() {
  Environment environment;
  environment.lc_all = variable("LC_ALL");
  environment.lc_messages = variable("LC_MESSAGES");
  environment.lang = variable("LANG");
  environment.home = variable("HOME");
  environment.xdg_config_home = variable("XDG_CONFIG_HOME");
  environment.no_color = variable("NO_COLOR");
  environment.term = variable("TERM");
  environment.zone = local_zone();
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1) {
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    environment.width = known ? size.ws_col : 80;
    environment.height = known && size.ws_row > 0 ? size.ws_row : 24;
  }
  return environment;
}

i18n::Language language_of(const Environment& environment) {
  return i18n::language_from_environment(environment.lc_all, environment.lc_messages,
                                         environment.lang);
}

Printed run_program(const Arguments& arguments, const Environment& environment,
                    const time::TimeSource& time) {
  const auto context = context_of(arguments, environment);
  Settings settings;
  settings.view.language = language_of(arguments, context ? &*context : nullptr, environment);
  settings.view.zone = environment.zone;
  settings.view.width = environment.width;
  settings.view.colour = environment.width > 0 && environment.no_color.empty() &&
                         !arguments.no_color && environment.term != "dumb";
  settings.json = arguments.output == "json" || arguments.output == "yaml";
  settings.columns = columns_in(arguments.output);
  if (arguments.output == "name") {
    settings.columns = {"name"};
    settings.headings = false;
  }
  if (arguments.output == "wide") settings.view.width = 0;
  settings.dry_run = arguments.dry_run;
  settings.fail_on = arguments.fail_on;
  settings.timeout = arguments.timeout;
  if (context) {
    settings.address = context->collector;
    settings.authority_file = context->authority_file;
  }
  const Connect connect = [&]() -> Result<std::unique_ptr<Client>> {
    if (!context) return fail(context.error());
    return connect_to(*context, arguments.timeout, settings.view.language);
  };
  if (arguments.watch) {
    const Watch how{environment.width > 0 && !settings.json, settings.json, environment.height};
    Printed ended;
    ended.exit = watch(how, [&] { return run(arguments.command, settings, connect, time); });
    return ended;
  }
  Printed printed = run(arguments.command, settings, connect, time);
  if (arguments.output == "yaml") printed.out = yaml_of(printed.out);
  return printed;
}

}  // namespace tocsin::ctl
