#include "common/config/site_policy.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/config/checks.hpp"
#include "common/config/document.hpp"
#include "common/time/civil.hpp"

namespace tocsin::config {
namespace {

constexpr std::size_t kBaselines = 1024;
constexpr std::size_t kRules = 1024;  // of one kind in one baseline
constexpr std::size_t kHosts = 10'000;
constexpr std::size_t kChannels = 64;
constexpr std::size_t kContacts = 1024;
constexpr DurationRange kLong{1s, 24h * 30};

constexpr std::string_view kRoleWords = "duty, working_group, officer, committee, auditor, admin";

std::optional<model::Criticality> criticality_from(std::string_view word) {
  if (word == "support") return model::Criticality::support;
  if (word == "standard") return model::Criticality::standard;
  if (word == "core") return model::Criticality::core;
  return std::nullopt;
}

std::optional<model::Severity> grade_from(std::string_view word) {
  const auto severity = model::severity_from(word);
  return severity == model::Severity::none ? std::nullopt : severity;
}

// "10.0.0.0/8", "2001:db8::/32", or one address.
bool is_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  unsigned char bytes[sizeof(in6_addr)];
  const bool v4 = inet_pton(AF_INET, address.c_str(), bytes) == 1;
  if (!v4 && inet_pton(AF_INET6, address.c_str(), bytes) != 1) return false;
  if (slash == std::string::npos) return true;
  const std::string_view length = std::string_view(text).substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(length.begin(), length.end(), bits);
  return error == std::errc() && end == length.end() && length.front() != '-' && bits >= 0 &&
         bits <= (v4 ? 32 : 128);
}

// Text with exactly one {number} or {number:1} … {number:9}, and {year} or {roc_year}: the numbers
// begin again every year.
bool is_number_format(std::string_view format) {
  int numbers = 0;
  bool has_year = false;
  while (true) {
    const std::size_t open = format.find_first_of("{}");
    if (open == std::string_view::npos) return numbers == 1 && has_year;
    const std::size_t close = format.find('}', open);
    if (format[open] == '}' || close == std::string_view::npos) return false;
    const std::string_view field = format.substr(open + 1, close - open - 1);
    const bool padded =
        field.size() == 8 && field.starts_with("number:") && field[7] >= '1' && field[7] <= '9';
    if (field == "number" || padded) {
      ++numbers;
    } else if (field == "year" || field == "roc_year") {
      has_year = true;
    } else {
      return false;
    }
    format.remove_prefix(close + 1);
  }
}

void read_site(Table& root, model::SitePolicy& policy) {
  root.require({"site"});
  auto site = root.table("site");
  if (!site) return;
  site->require({"name"});
  site->text("name", policy.site, 64);
  if (site->has("name") && policy.site.empty()) site->error("name", "\"name\" is empty");
  site->text("time_zone", policy.time_zone);
  if (!time::zone_exists(policy.time_zone)) {
    site->error("time_zone", fmt::format("there is no time zone \"{}\"", policy.time_zone));
  }
  site->text("number_format", policy.number_format, 64);
  site->duration("keep_closed", policy.keep_closed, {24h, 3660 * 24h});
  if (!is_number_format(policy.number_format)) {
    site->error(
        "number_format",
        "\"number_format\" needs {year} or {roc_year}, because numbers begin again every January, "
        "and exactly one {number} or {number:4}");
  }
}

void read_grading(Table& root, model::SitePolicy& policy) {
  auto grading = root.table("grading");
  if (!grading) return;
  grading->duration("short", policy.grade_short, kLong);
  grading->duration("day", policy.grade_day, kLong);
  grading->duration("stable", policy.stable, kLong);
  grading->number("recurrences", policy.recurrences, 2U, 1000U);
  grading->duration("service_minimum", policy.service_minimum, {0s, 24h});
  grading->duration("auto_register", policy.auto_register, kLong);
  grading->duration("agent_silent_after", policy.agent_silent_after, {5s, 24h});
  if (policy.grade_short >= policy.grade_day) {
    grading->error("short", "\"short\" must be shorter than \"day\"");
  }
}

void read_ping_limits(Table& limits_table, model::RuleLimits& limits) {
  auto ping = limits_table.table("ping");
  if (!ping) return;
  ping->number("loss_warning_permille", limits.ping_loss_warning_permille, 1, 1000);
  ping->number("loss_critical_permille", limits.ping_loss_critical_permille, 1, 1000);
  ping->duration("rtt_warning", limits.ping_rtt_warning, {1ms, 10s});
  if (limits.ping_loss_warning_permille > limits.ping_loss_critical_permille) {
    ping->error("loss_warning_permille",
                "\"loss_warning_permille\" is above \"loss_critical_permille\"");
  }
}

constexpr DurationRange kBackupAges{1min, 400 * 24h};

void read_backup_limits(Table& limits_table, model::BackupLimits& limits) {
  auto backup = limits_table.table("backup");
  if (!backup) return;
  backup->duration("rpo", limits.rpo, kBackupAges);
  backup->duration("integrity", limits.integrity, kBackupAges);
  backup->duration("restore_test", limits.restore_test, kBackupAges);
  backup->duration("database_backup", limits.database_backup, kBackupAges);
  backup->number("database_permille", limits.database_permille, 1, 1000);
  backup->number("log_permille", limits.log_permille, 1, 1000);
  backup->number("pool_permille", limits.pool_permille, 1, 1000);
}

void read_metric_limits(Table& limits_table, model::MetricLimits& limits) {
  auto metrics = limits_table.table("metrics");
  if (!metrics) return;
  metrics->number("disk_low_permille", limits.disk_low_permille, 1, 1000);
  metrics->number("disk_full_permille", limits.disk_full_permille, 1, 1000);
  metrics->number("memory_available_permille", limits.memory_available_permille, 0, 1000);
  metrics->number("memory_stalled_permille", limits.memory_stalled_permille, 0, 1000);
  metrics->duration("clock_offset", limits.clock_offset, {1ms, 24h});
  if (limits.disk_low_permille > limits.disk_full_permille) {
    metrics->error("disk_low_permille", "\"disk_low_permille\" is above \"disk_full_permille\"");
  }
}

void read_limits(Table& root, model::RuleLimits& limits) {
  auto table = root.table("limits");
  if (!table) return;
  read_ping_limits(*table, limits);
  read_backup_limits(*table, limits.backup);
  read_metric_limits(*table, limits.metrics);
}

void read_protocol(Table& table, model::Protocol& protocol) {
  table.word("protocol", protocol, model::protocol_from, "tcp, udp");
}

// "600-1023" or "443": what a person writes for the ports that a program takes as they are free.
void read_ports(Table& table, model::ListenerRule& rule) {
  if (!table.has("ports")) return;
  std::string text;
  table.text("ports", text, 11);
  if (table.has("port") || table.has("port_to")) {
    return table.error("ports", "\"ports\" and \"port\" say the same: keep one of them");
  }
  const char* end = text.data() + text.size();
  const auto [dash, first_error] = std::from_chars(text.data(), end, rule.port);
  bool good = first_error == std::errc{} && rule.port != 0;
  if (good && dash != end) {
    const auto [rest, error] = std::from_chars(dash + 1, end, rule.port_to);
    good = *dash == '-' && error == std::errc{} && rest == end && rule.port_to >= rule.port;
  }
  if (!good) table.error("ports", "\"ports\" is not a range such as \"600-1023\"");
}

// Which file the executable is: of a package, as that put it there, or with a hash.
void read_file(Table& table, std::string& package, std::string& sha256) {
  table.text("package", package);
  table.text("sha256", sha256, 64);
  std::string bytes;
  if (!sha256.empty() && (sha256.size() != 64 || !from_hex(sha256, bytes))) {
    table.error("sha256", "\"sha256\" is not 64 hex digits");
  }
  if (!package.empty() && !sha256.empty()) {
    table.error("sha256", "\"package\" and \"sha256\" exclude each other");
  }
}

model::ListenerRule read_listener(Table& table) {
  model::ListenerRule rule;
  table.require({"protocol"});
  read_protocol(table, rule.protocol);
  table.words("addresses", rule.address_classes, model::address_class_from,
              "any, loopback, private, public");
  table.number("port", rule.port, std::uint16_t{0});
  table.number("port_to", rule.port_to, std::uint16_t{0});
  if (rule.port_to != 0 && (rule.port == 0 || rule.port_to < rule.port)) {
    table.error("port_to", "\"port_to\" is below \"port\"");
  }
  read_ports(table, rule);
  table.text("executable", rule.executable, limits::kPath);
  table.text("user", rule.user);
  table.text("reason", rule.reason, limits::kText);
  read_file(table, rule.package, rule.sha256);
  table.flag("redirect", rule.redirect);
  const bool of_a_program = !rule.executable.empty() || !rule.user.empty() ||
                            !rule.package.empty() || !rule.sha256.empty();
  if (rule.redirect && (of_a_program || rule.protocol != model::Protocol::tcp || rule.port == 0)) {
    table.error("redirect", "\"redirect\" is of a TCP port by its number, and of no program");
  }
  return rule;
}

model::SourceRule read_source(Table& table) {
  model::SourceRule rule;
  table.require({"protocol", "port", "networks"});
  read_protocol(table, rule.protocol);
  table.number("port", rule.port, std::uint16_t{1});
  table.texts("networks", rule.networks, 256);
  for (const std::string& network : rule.networks) {
    if (!is_network(network)) {
      table.error("networks", fmt::format("\"{}\" is not a network such as \"10.0.0.0/8\"",
                                          clean_text(network, 64)));
    }
  }
  return rule;
}

model::ServiceRule read_service(Table& table) {
  model::ServiceRule rule;
  table.require({"unit"});
  table.text("unit", rule.unit);
  table.flag("must_run", rule.must_run);
  return rule;
}

model::ProcessRule read_process(Table& table) {
  model::ProcessRule rule;
  table.text("name", rule.name);
  table.text("executable", rule.executable, limits::kPath);
  table.text("user", rule.user);
  table.text("reason", rule.reason, limits::kText);
  read_file(table, rule.package, rule.sha256);
  if (rule.name.empty() && rule.executable.empty()) {
    table.error("name", "a process needs a \"name\" or an \"executable\"");
  }
  return rule;
}

model::Baseline read_baseline(Table& table) {
  model::Baseline baseline;
  table.require({"name", "version"});
  table.text("name", baseline.name);
  table.number("version", baseline.version, 1U, 1'000'000U);
  baseline.has_listeners = table.has("listeners");
  for (Table& t : table.tables("listeners", kRules)) baseline.listeners.push_back(read_listener(t));
  for (Table& t : table.tables("sources", kRules)) baseline.sources.push_back(read_source(t));
  for (Table& t : table.tables("services", kRules)) baseline.services.push_back(read_service(t));
  baseline.has_units = table.has("units");
  table.texts("units", baseline.units, kRules);
  baseline.has_processes = table.has("processes");
  for (Table& t : table.tables("processes", kRules)) baseline.processes.push_back(read_process(t));
  return baseline;
}

model::HostPolicy read_host(Table& table) {
  model::HostPolicy host;
  table.require({"host"});
  table.text("host", host.host);
  table.text("baseline", host.baseline);
  table.text("group", host.group);
  table.word("criticality", host.criticality, criticality_from, "support, standard, core");
  table.flag("centre_critical", host.centre_critical);
  table.text("address", host.address, 64);
  if (!host.address.empty() &&
      (host.address.find('/') != std::string::npos || !is_network(host.address))) {
    table.error("address", "\"address\" is not an IP address");
  }
  table.text("rack", host.rack, 64);
  table.number("tcp_port", host.tcp_port, 0, 65535);
  table.duration("backup_rpo", host.backup_rpo, kBackupAges);
  host.checks = read_checks(table);
  return host;
}

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

model::ChannelPolicy read_channel(Table& table) {
  model::ChannelPolicy channel;
  table.require({"name", "kind", "url"});
  table.text("name", channel.name);
  table.text("kind", channel.kind);
  table.text("url", channel.url, limits::kText);
  table.path("ca_file", channel.ca_file);
  if (channel.kind == "email") {
    table.require({"from"});
    table.text("from", channel.from);
    table.text("user", channel.user);
    table.path("password_file", channel.password_file);
    table.flag("require_tls", channel.require_tls);
    if (!starts_with_one_of(channel.url, {"smtp://", "smtps://"})) {
      table.error("url", "an e-mail channel's \"url\" is smtp://host:port or smtps://host:port");
    }
    if (channel.user.empty() != channel.password_file.empty()) {
      table.error("user", "\"user\" and \"password_file\" go together");
    }
  } else if (channel.kind == "webhook") {
    table.path("hmac_key_file", channel.hmac_key_file);
    if (!starts_with_one_of(channel.url, {"https://", "http://"})) {
      table.error("url", "a webhook's \"url\" is https://… (http:// for loopback)");
    }
  } else if (table.has("kind")) {
    table.error("kind", "\"kind\" is not one of email, webhook");
  }
  return channel;
}

model::ContactPolicy read_contact(Table& table) {
  model::ContactPolicy contact;
  table.require({"name", "role", "channel"});
  table.text("name", contact.name);
  table.word("role", contact.role, model::role_from, kRoleWords);
  table.text("channel", contact.channel);
  table.text("address", contact.address);
  table.text("language", contact.language);
  if (contact.language != "zh-TW" && contact.language != "en") {
    table.error("language", "\"language\" is not one of zh-TW, en");
  }
  table.word("at_least", contact.at_least, grade_from, "A, B, C, D, E");
  table.text("group", contact.group);
  if (!contact.group.empty() && contact.group != "network") {
    table.error("group", "\"group\" is not one of network");
  }
  return contact;
}

// Reads [[key]] with `read`; each entry's `name_key` must be there once only.
template <class T, class Read, class Name>
std::set<std::string> read_named(Table& root, std::string_view key, std::size_t max_count,
                                 std::string_view name_key, std::vector<T>& values, Read read,
                                 Name name_of) {
  std::set<std::string> names;
  for (Table& table : root.tables(key, max_count)) {
    values.push_back(read(table));
    const std::string& name = name_of(values.back());
    if (table.has(name_key) && name.empty()) {
      table.error(name_key, fmt::format("\"{}\" is empty", name_key));
    } else if (!name.empty() && !names.insert(name).second) {
      table.error(name_key, fmt::format("\"{}\" is there twice", name));
    }
  }
  return names;
}

void require_known(Table& root, std::string_view list, std::size_t max_count, std::string_view key,
                   const std::set<std::string>& known, std::string_view what) {
  for (Table& table : root.tables(list, max_count)) {
    std::string name;
    if (!table.has(key)) continue;
    table.text(key, name);
    if (!name.empty() && !known.contains(name)) {
      table.error(key, fmt::format("there is no {} \"{}\"", what, name));
    }
  }
}

}  // namespace

Result<model::SitePolicy> read_site_policy(std::string_view toml, std::string_view name) {
  auto document = Document::parse(toml, name);
  if (!document) return fail(document.error());
  Table root = document->root();
  model::SitePolicy policy;
  read_site(root, policy);
  read_grading(root, policy);
  read_limits(root, policy.limits);
  const auto baselines =
      read_named(root, "baselines", kBaselines, "name", policy.baselines, read_baseline,
                 [](const auto& b) -> const std::string& { return b.name; });
  read_named(root, "hosts", kHosts, "host", policy.hosts, read_host,
             [](const auto& h) -> const std::string& { return h.host; });
  const auto channels =
      read_named(root, "channels", kChannels, "name", policy.channels, read_channel,
                 [](const auto& c) -> const std::string& { return c.name; });
  read_named(root, "contacts", kContacts, "name", policy.contacts, read_contact,
             [](const auto& c) -> const std::string& { return c.name; });
  require_known(root, "hosts", kHosts, "baseline", baselines, "baseline");
  require_known(root, "contacts", kContacts, "channel", channels, "channel");
  TOCSIN_TRY(document->finish());
  return policy;
}

}  // namespace tocsin::config
