// What the site decided: baselines, who is told, how numbers look, limits of the rules. Journaled
// content, addressed by its hash; process configuration (paths, ports, TLS) is not policy.
// common/config reads it from TOML (deploy/examples/site.toml shows every key).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/model/rule_limits.hpp"
#include "common/model/severity.hpp"

namespace tocsin::model {

// An approved listener. Empty text and port 0 match anything; `port_to` 0 means `port` alone.
struct ListenerRule {
  Protocol protocol = Protocol::tcp;
  std::vector<AddressClass> address_classes;  // empty: any class
  std::uint16_t port = 0;
  std::uint16_t port_to = 0;
  std::string executable;
  std::string user;
  std::string reason;     // why it is approved
  std::string package{};  // that the executable must come from, unchanged
  std::string sha256{};   // that the executable must have
  bool redirect = false;  // no program of the host itself has the port: it is passed on (DNAT)
  friend bool operator==(const ListenerRule&, const ListenerRule&) = default;
};

struct ServiceRule {
  std::string unit;
  bool must_run = true;
  friend bool operator==(const ServiceRule&, const ServiceRule&) = default;
};

// An approved program that does not belong to a package or lives in an unusual place.
struct ProcessRule {
  std::string name;
  std::string executable;
  std::string user;
  std::string reason;
  std::string package{};  // as of a listener
  std::string sha256{};
  friend bool operator==(const ProcessRule&, const ProcessRule&) = default;
};

struct SourceRule {
  Protocol protocol = Protocol::tcp;
  std::uint16_t port = 0;             // the local service
  std::vector<std::string> networks;  // CIDR; no rule for a port: any source
  friend bool operator==(const SourceRule&, const SourceRule&) = default;
};

// What is normal on a host (M-07, M-09, M-28). An absent part is `cannot tell`, never `normal`.
struct Baseline {
  std::string name;
  std::uint32_t version = 0;
  bool has_listeners = false;
  std::vector<ListenerRule> listeners;
  std::vector<SourceRule> sources;
  std::vector<ServiceRule> services;
  bool has_processes = false;
  std::vector<ProcessRule> processes;
  bool has_units = false;
  std::vector<std::string> units;  // services and timers that may run or be enabled
  // Approved for a time that is over: what needs it is `cannot tell`. Never of a policy's own.
  bool expired = false;
  friend bool operator==(const Baseline&, const Baseline&) = default;
};

struct RuleLimits {
  int ping_loss_warning_permille = 200;
  int ping_loss_critical_permille = 600;
  Duration ping_rtt_warning = 250ms;
  BackupLimits backup;
  MetricLimits metrics;
  friend bool operator==(const RuleLimits&, const RuleLimits&) = default;
};

enum class Criticality : std::uint8_t { unknown = 0, support, standard, core };

struct HostPolicy {
  std::string host;      // host name; "*" is the default for hosts that have none
  std::string baseline;  // name of a baseline
  std::string group{};   // whose hosts may have one learned baseline together
  Criticality criticality = Criticality::unknown;
  bool centre_critical = false;
  std::string address;    // where others ping it when it is silent; empty: nobody does
  std::string rack;       // others of the same rack are the last to be asked
  int tcp_port = 0;       // a port of it that always answers, where it filters ICMP; 0: none known
  Duration backup_rpo{};  // of this host; 0: what holds for the site
  std::vector<CheckDefinition> checks;  // empty: the host's own file decides
  friend bool operator==(const HostPolicy&, const HostPolicy&) = default;
};

// Where notifications go. Secrets are references to files, read when used.
struct ChannelPolicy {
  std::string name;
  std::string kind;  // "email" or "webhook"
  std::string url;   // smtp://host:port, smtps://…, https://…
  std::string from;  // email
  std::string user;  // email; empty: no authentication
  std::string password_file;
  std::string hmac_key_file;  // webhook
  std::string ca_file;        // empty: the system's
  bool require_tls = true;
  friend bool operator==(const ChannelPolicy&, const ChannelPolicy&) = default;
};

struct ContactPolicy {
  std::string name;
  Role role = Role::duty;
  std::string channel;
  std::string address;
  std::string language = "zh-TW";
  Severity at_least = Severity::e;
  std::string group;  // "network": told of confirmed breaks of the network only; empty: of all
  friend bool operator==(const ContactPolicy&, const ContactPolicy&) = default;
};

struct SitePolicy {
  std::string site;
  std::string time_zone = "Asia/Taipei";
  std::string number_format = "SI-{roc_year}-{number:4}";
  Duration agent_silent_after = 90s;
  Duration grade_short = 30min;      // SHORT of the grading table
  Duration grade_day = 24h;          // DAY
  Duration stable = 15min;           // STABLE
  std::uint32_t recurrences = 3;     // RECUR in 24 h
  Duration service_minimum = 60s;    // no record for a service that restarts by itself sooner
  Duration auto_register = 10min;    // grade C or worse is registered by itself after this
  Duration keep_closed = 400 * 24h;  // closed incidents with all that belongs to them (H-11)
  RuleLimits limits;
  std::vector<Baseline> baselines;
  std::vector<HostPolicy> hosts;
  std::vector<ChannelPolicy> channels;
  std::vector<ContactPolicy> contacts;
  friend bool operator==(const SitePolicy&, const SitePolicy&) = default;
};

// The policy of a host: its own, else that of "*", else nullptr.
const HostPolicy* host_policy(const SitePolicy& site, std::string_view host);
// The baseline of a host, or nullptr.
const Baseline* baseline_of(const SitePolicy& site, std::string_view host);
// The limits that hold for a host: the site's, with what is its own.
RuleLimits rule_limits(const SitePolicy& site, std::string_view host);

}  // namespace tocsin::model
