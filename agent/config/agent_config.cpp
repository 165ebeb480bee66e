#include "agent/config/agent_config.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/config/backup_config.hpp"
#include "agent/config/probe_account.hpp"
#include "common/config/checks.hpp"
#include "common/config/document.hpp"
#include "common/config/duration.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/text.hpp"
#include "common/net/answer_url.hpp"
#include "common/rules/network.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;
constexpr std::size_t kCollectors = 8;
constexpr std::size_t kFolders = 64;
constexpr std::size_t kRestarts = 64;
constexpr std::size_t kSignatureFiles = 16;
constexpr std::size_t kUnitBytes = 255;
constexpr std::size_t kWords = 64;
constexpr std::size_t kProbes = 16;
constexpr std::size_t kLoginTargets = 64;
constexpr std::size_t kHostKeyBytes = 2048;
constexpr const char* kProbeAccount =
    "an account for login tests is called tocsin-…, so that it is nobody's own";
constexpr std::uint64_t kMiB = 1 << 20;

void read_agent(config::Table& root, AgentConfig& config) {
  auto table = root.table("agent");
  if (!table) return;
  table->path("directory", config.directory);
  table->text("host_name", config.host_name, 253);
  table->word("log_level", config.log_level, log::level_from, "debug, info, warning, error");
  std::uint64_t mebibytes = config.spool_max_bytes / kMiB;
  table->number("spool_max_mib", mebibytes, std::uint64_t{8}, std::uint64_t{65536});
  config.spool_max_bytes = mebibytes * kMiB;
}

void read_collector(config::Table& root, AgentConfig& config) {
  auto table = root.table("collector");
  if (!table) return;
  table->require({"addresses"});
  table->endpoints("addresses", config.collectors, kCollectors);
  table->text("server_name", config.server_name, 253);
}

void read_allow(config::Table& root, AgentConfig& config) {
  auto table = root.table("allow");
  if (!table) return;
  if (table->has("kinds")) config.allowed_kinds.clear();
  table->words("kinds", config.allowed_kinds, model::check_kind_from, config::kind_words());
  table->duration("shortest_interval", config.shortest_interval, {1s, 24h});
  table->texts("log_folders", config.log_folders, kFolders, limits::kPath);
  for (const std::string& folder : config.log_folders) {
    if (!folder.starts_with('/')) table->error("log_folders", "a folder is an absolute path");
  }
  std::vector<std::string>& targets = config.settings.probe_targets;
  table->texts("probe_targets", targets, kFolders);
  for (const std::string& target : targets) {
    if (!rules::parse_network(target)) {
      table->error("probe_targets", "a target is an address or a network such as \"10.0.0.0/24\"");
    }
  }
}

void read_actions(config::Table& root, ActionSettings& actions) {
  auto table = root.table("actions");
  if (!table) return;
  table->flag("maintenance", actions.maintenance);
  for (config::Table& entry : table->tables("restart", kRestarts)) {
    entry.require({"unit"});
    RestartSettings& restart = actions.restart.emplace_back();
    entry.text("unit", restart.unit, kUnitBytes);
    entry.flag("automatic", restart.automatic);
    entry.text("probe", restart.probe, limits::kName);
    entry.duration("probe_within", restart.probe_within, {1s, 45s});
    if (!restart.probe.empty() && !net::parse_answer_url(restart.probe)) {
      entry.error("probe", "a probe is a URL with an address, such as \"http://127.0.0.1:8080/\"");
    }
    const auto same = [&](const RestartSettings& other) { return other.unit == restart.unit; };
    if (!restart.unit.ends_with(".service")) entry.error("unit", "a unit is called NAME.service");
    if (std::count_if(actions.restart.begin(), actions.restart.end(), same) > 1) {
      entry.error("unit", fmt::format("unit {} is there twice", restart.unit));
    }
  }
}

// What starts as the agent must be named by its absolute path: no search path decides what runs.
void read_command(config::Table& table, std::vector<std::string>& command) {
  table.texts("command", command, kWords, limits::kPath);
  if (table.has("command") && (command.empty() || !command.front().starts_with('/'))) {
    table.error("command", "\"command\" is a list; its first text is a program's absolute path");
  }
}

void read_plugins(config::Table& root, HostSettings& settings) {
  for (config::Table& table : root.tables("plugins", limits::kChecks)) {
    PluginSettings& plugin = settings.plugins.emplace_back();
    table.require({"name", "command"});
    table.text("name", plugin.name, limits::kName);
    read_command(table, plugin.command);
    const auto same = [&](const PluginSettings& other) { return other.name == plugin.name; };
    if (std::count_if(settings.plugins.begin(), settings.plugins.end(), same) > 1) {
      table.error("name", fmt::format("plugin \"{}\" is there twice", plugin.name));
    }
  }
}

void read_audit(config::Table& root, AuditSettings& settings) {
  auto table = root.table("audit");
  if (!table) return;
  table->duration("heartbeat", settings.heartbeat, {0s, 24h});
  table->flag("trail", settings.trail);
  if (settings.heartbeat > 0s && settings.heartbeat < 10s) {
    table->error("heartbeat", "\"heartbeat\" is \"0s\" (never) or at least \"10s\"");
  }
}

std::string print_audit(const AuditSettings& settings) {
  return fmt::format("\n[audit]\nheartbeat = {}\ntrail = {}\n",
                     config::toml_text(config::duration_text(settings.heartbeat)), settings.trail);
}

void read_evidence(config::Table& root, EvidenceSettings& settings) {
  auto table = root.table("evidence");
  if (!table) return;
  table->flag("allow", settings.allow);
  table->texts("folders", settings.folders, kFolders, limits::kPath);
  for (const std::string& folder : settings.folders) {
    if (!folder.starts_with('/')) table->error("folders", "a folder is an absolute path");
  }
  for (const auto& [key, bytes] :
       {std::pair{"item_mib", &settings.item_bytes}, std::pair{"total_mib", &settings.total_bytes},
        std::pair{"waiting_mib", &settings.waiting_bytes}}) {
    std::uint64_t mebibytes = *bytes / kMiB;
    table->number(key, mebibytes, std::uint64_t{1}, std::uint64_t{65536});
    *bytes = mebibytes * kMiB;
  }
}

std::string print_evidence(const EvidenceSettings& settings) {
  return fmt::format(
      "\n[evidence]\nallow = {}\nfolders = {}\nitem_mib = {}\ntotal_mib = {}\nwaiting_mib = {}\n",
      settings.allow, config::toml_list(settings.folders), settings.item_bytes / kMiB,
      settings.total_bytes / kMiB, settings.waiting_bytes / kMiB);
}

std::string print_actions(const ActionSettings& actions) {
  std::string text = fmt::format("\n[actions]\nmaintenance = {}\n", actions.maintenance);
  for (const RestartSettings& restart : actions.restart) {
    text += fmt::format("\n[[actions.restart]]\nunit = {}\nautomatic = {}\nprobe_within = {}\n",
                        config::toml_text(restart.unit), restart.automatic,
                        config::toml_text(config::duration_text(restart.probe_within)));
    if (!restart.probe.empty())
      text += fmt::format("probe = {}\n", config::toml_text(restart.probe));
  }
  return text;
}

void read_antivirus(config::Table& root, AntivirusSettings& settings) {
  auto table = root.table("antivirus");
  if (!table) return;
  table->path("socket", settings.socket);
  read_command(*table, settings.command);
  table->number("infected_status", settings.infected_status, 1, 255);
  table->texts("signatures", settings.signatures, kSignatureFiles, limits::kPath);
  for (const std::string& file : settings.signatures) {
    if (!file.starts_with('/')) table->error("signatures", "a file is an absolute path");
  }
  table->texts("folders", settings.folders, kFolders, limits::kPath);
  for (const std::string& folder : settings.folders) {
    if (!folder.starts_with('/')) table->error("folders", "a folder is an absolute path");
  }
  table->number("most_files", settings.most_files, 1U, 1'000'000U);
  std::uint64_t total = settings.most_bytes / kMiB;
  table->number("most_mib", total, std::uint64_t{1}, std::uint64_t{1 << 20});
  settings.most_bytes = total * kMiB;
  std::uint64_t each = settings.file_bytes / kMiB;
  table->number("file_mib", each, std::uint64_t{1}, std::uint64_t{4096});
  settings.file_bytes = each * kMiB;
}

void read_login_target(config::Table& table, std::vector<LoginTarget>& targets) {
  LoginTarget& target = targets.emplace_back();
  table.require({"address", "account", "key_file", "host_key"});
  table.endpoint("address", target.address);
  table.text("account", target.account);
  table.path("key_file", target.key_file);
  table.text("host_key", target.host_key, kHostKeyBytes);
  if (table.has("account") && !is_probe_account(target.account)) {
    table.error("account", kProbeAccount);
  }
  const bool one_line = target.host_key.find('\n') == std::string::npos;
  if (table.has("host_key") && (!one_line || target.host_key.find(' ') == std::string::npos)) {
    table.error("host_key", "a host key is a type and a key, as in \"ssh-ed25519 AAAA…\"");
  }
  const auto same = [&](const LoginTarget& other) { return other.address == target.address; };
  if (std::count_if(targets.begin(), targets.end(), same) > 1) {
    table.error("address", fmt::format("\"{}\" is there twice", target.address));
  }
}

void read_login(config::Table& root, LoginSettings& login) {
  auto table = root.table("login");
  if (!table) return;
  table->text("account", login.account);
  table->path("password_file", login.password_file);
  table->path("program", login.program);
  table->path("socket", login.socket);
  table->duration("least_interval", login.least_interval, {1s, 24h});
  table->duration("hold", login.hold, {10s, 24h});
  if (!login.account.empty() && !is_probe_account(login.account)) {
    table->error("account", kProbeAccount);
  }
  if (login.account.empty() != login.password_file.empty()) {
    table->error("account", "\"account\" and \"password_file\" go together");
  }
  for (config::Table& entry : table->tables("targets", kLoginTargets)) {
    read_login_target(entry, login.targets);
  }
}

std::string print_login(const LoginSettings& login) {
  std::string text = "\n[login]\n";
  if (!login.account.empty()) {
    text += fmt::format("account = {}\npassword_file = {}\n", config::toml_text(login.account),
                        config::toml_text(login.password_file));
  }
  text += fmt::format("program = {}\nsocket = {}\nleast_interval = {}\nhold = {}\n",
                      config::toml_text(login.program), config::toml_text(login.socket),
                      config::toml_text(config::duration_text(login.least_interval)),
                      config::toml_text(config::duration_text(login.hold)));
  for (const LoginTarget& target : login.targets) {
    text += fmt::format(
        "\n[[login.targets]]\naddress = {}\naccount = {}\nkey_file = {}\nhost_key = {}\n",
        config::toml_text(target.address), config::toml_text(target.account),
        config::toml_text(target.key_file), config::toml_text(target.host_key));
  }
  return text;
}

std::string print_settings(const HostSettings& settings) {
  const AntivirusSettings& antivirus = settings.antivirus;
  std::string text =
      fmt::format("\n[antivirus]\nsocket = {}\n", config::toml_text(antivirus.socket));
  if (!antivirus.command.empty()) {
    text += fmt::format("command = {}\n", config::toml_list(antivirus.command));
  }
  text += fmt::format(
      "infected_status = {}\nsignatures = {}\nfolders = {}\nmost_files = {}\nmost_mib = {}\n"
      "file_mib = {}\n",
      antivirus.infected_status, config::toml_list(antivirus.signatures),
      config::toml_list(antivirus.folders), antivirus.most_files, antivirus.most_bytes / kMiB,
      antivirus.file_bytes / kMiB);
  for (const PluginSettings& plugin : settings.plugins) {
    text += fmt::format("\n[[plugins]]\nname = {}\ncommand = {}\n", config::toml_text(plugin.name),
                        config::toml_list(plugin.command));
  }
  return text;
}

void read_warnings(config::Table& root, WarningsSettings& warnings) {
  auto table = root.table("warnings");
  if (!table) return;
  table->texts("catalogues", warnings.catalogues, kFolders, limits::kPath);
  for (const std::string& file : warnings.catalogues) {
    if (!file.starts_with('/')) table->error("catalogues", "a file is an absolute path");
  }
  table->texts("probe_accounts", warnings.probe_accounts, kProbes);
  table->texts("probe_addresses", warnings.probe_addresses, kProbes);
  if (warnings.probe_accounts.empty() != warnings.probe_addresses.empty()) {
    table->error("probe_accounts", "\"probe_accounts\" and \"probe_addresses\" go together");
  }
}

std::string print_warnings(const WarningsSettings& warnings) {
  return fmt::format("\n[warnings]\ncatalogues = {}\nprobe_accounts = {}\nprobe_addresses = {}\n",
                     config::toml_list(warnings.catalogues),
                     config::toml_list(warnings.probe_accounts),
                     config::toml_list(warnings.probe_addresses));
}

std::string print_allow(const AgentConfig& config) {
  std::vector<std::string> kinds;
  for (const model::CheckKind kind : config.allowed_kinds) kinds.emplace_back(to_string(kind));
  return fmt::format(
      "\n[allow]\nkinds = {}\nshortest_interval = {}\nlog_folders = {}\n"
      "probe_targets = {}\n",
      config::toml_list(kinds), config::toml_text(config::duration_text(config.shortest_interval)),
      config::toml_list(config.log_folders), config::toml_list(config.settings.probe_targets));
}

}  // namespace

Result<AgentConfig> read_agent_config(std::string_view toml, std::string_view name) {
  auto document = config::Document::parse(toml, name, kConfigBytes);
  if (!document) return fail(document.error());
  config::Table root = document->root();
  AgentConfig config;
  read_agent(root, config);
  read_collector(root, config);
  read_allow(root, config);
  read_actions(root, config.settings.actions);
  read_audit(root, config.settings.audit);
  read_evidence(root, config.settings.evidence);
  read_antivirus(root, config.settings.antivirus);
  read_login(root, config.settings.login);
  read_plugins(root, config.settings);
  read_warnings(root, config.settings.warnings);
  config.settings.backups = read_backups(root);
  config.settings.warnings.local_probe = config.settings.login.account;
  config.checks = config::read_checks(root);
  TOCSIN_TRY(document->finish());
  return config;
}

Result<AgentConfig> load_agent_config(const std::string& path) {
  const auto text = config::read_file(path, kConfigBytes);
  if (!text) return fail(text.error());
  return read_agent_config(*text, path);
}

std::string print_config(const AgentConfig& config) {
  std::string text = fmt::format(
      "[agent]\ndirectory = {}\nhost_name = {}\nlog_level = {}\nspool_max_mib = {}\n",
      config::toml_text(config.directory), config::toml_text(config.host_name),
      config::toml_text(log::to_string(config.log_level)), config.spool_max_bytes / kMiB);
  text += fmt::format("\n[collector]\naddresses = {}\nserver_name = {}\n",
                      config::toml_list(config.collectors), config::toml_text(config.server_name));
  return text + print_allow(config) + print_actions(config.settings.actions) +
         print_audit(config.settings.audit) + print_evidence(config.settings.evidence) +
         print_settings(config.settings) + print_login(config.settings.login) +
         print_warnings(config.settings.warnings) + print_backups(config.settings.backups) +
         config::print_checks(config.checks, "checks");
}

}  // namespace tocsin::agent
