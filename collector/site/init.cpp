#include "collector/site/init.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/config/collector_config.hpp"
#include "collector/ctl/context.hpp"
#include "collector/site/authority.hpp"
#include "common/base/text.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/config/text.hpp"

namespace tocsin::collector {
namespace {

struct Paths {
  explicit Paths(const InitOptions& o)
      : authority{o.directory + "/ca.key", o.directory + "/ca.pem"},
        server{o.directory + "/collector.key", o.directory + "/collector.pem"},
        data(o.data.empty() ? o.directory + "/data" : o.data),
        operators(o.directory + "/operators"),
        config(o.directory + "/collector.toml"),
        policy(o.directory + "/site.toml"),
        contexts(o.directory + "/contexts.toml") {}
  KeyPair authority;
  KeyPair server;
  std::string data;
  std::string operators;
  std::string config;
  std::string policy;
  std::string contexts;
};

Error there_already(const std::string& path) {
  return {ErrorCode::already_exists, fmt::format("{} is there already; nothing was changed", path)};
}

// The data's folder may be there: a service manager makes it too.
Status require_absent(const Paths& p) {
  for (const std::string& path :
       {p.authority.key_file, p.authority.certificate_file, p.server.key_file,
        p.server.certificate_file, p.operators, p.config, p.policy, p.contexts}) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0) {
      return fail(there_already(path));
    }
  }
  std::error_code none;
  const bool used =
      std::filesystem::exists(p.data, none) && !std::filesystem::is_empty(p.data, none);
  if (used || none) return fail(there_already(p.data));
  return {};
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail(system_error(path, errno));
  return {};
}

Status give(const Owner& owner, const InitOptions& o, const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    if (::lchown(path.c_str(), owner.user, owner.group) != 0) {
      return fail(system_error(path, errno));
    }
  }
  if (::chmod(o.directory.c_str(), 0711) != 0) return fail(system_error(o.directory, errno));
  return {};
}

// The host that others use to reach the collector: an address if there is one, because on a bad day
// the name service may be what is down.
std::string public_host(const InitOptions& o) {
  return o.ip_addresses.empty() ? o.dns_names.front() : o.ip_addresses.front();
}

Result<std::string> public_address(const InitOptions& o, const std::string& listen) {
  const auto endpoint = config::parse_endpoint(listen);
  if (!endpoint) return fail(endpoint.error());
  return config::to_string({public_host(o), endpoint->port});
}

std::string policy_text(const InitOptions& o) {
  return fmt::format(
      R"(# The policy of this machine room: what is normal, how things are graded, who is told. Every change is
# journaled. deploy/examples/site.toml shows every key. Check a change before it counts:
#   tocsin-collector policy check site.toml

[site]
name = {}
time_zone = "Asia/Taipei"

# What is normal on a host. Make a first one there and put it here:
#   tocsin-agent baseline propose --name HOST

# Every host that has no entry of its own. Without a baseline a verdict that needs one is
# "cannot tell".
[[hosts]]
host = "*"

[[hosts.checks]]
kind = "sockets"
interval = "15s"

[[hosts.checks]]
kind = "processes"
interval = "30s"

# How people are told, and who. Passwords are files of mode 0600.
# [[channels]]
# name = "mail"
# kind = "email"
# url = "smtp://mail.example:587"
# from = "tocsin@example"
#
# [[contacts]]
# name = "duty desk"
# role = "duty"
# channel = "mail"
# address = "duty@example"
)",
      config::toml_text(o.site));
}

Result<std::string> config_text(const InitOptions& o, const Paths& p) {
  const auto enroll = public_address(o, o.listen_enroll);
  if (!enroll) return fail(enroll.error());
  CollectorConfig c;
  c.directory = p.data;
  c.site_policy = p.policy;
  c.listen_agents = o.listen_agents;
  c.listen_enroll = o.listen_enroll;
  c.listen_operators = o.listen_operators;
  c.enroll_address = *enroll;
  c.certificate_file = p.server.certificate_file;
  c.key_file = p.server.key_file;
  c.authority_file = p.authority.certificate_file;
  c.authority_key_file = p.authority.key_file;
  return "# The collector's process configuration; deploy/examples/collector.toml explains every "
         "key.\n" +
         print_config(c);
}

Result<std::string> contexts_text(const InitOptions& o, const Paths& p, const KeyPair& person) {
  const auto address = public_address(o, o.listen_operators);
  if (!address) return fail(address.error());
  ctl::Contexts contexts;
  contexts.current = o.site;
  contexts.contexts[o.site] = {.collector = *address,
                               .server_name = o.dns_names.empty() ? "" : o.dns_names.front(),
                               .authority_file = p.authority.certificate_file,
                               .certificate_file = person.certificate_file,
                               .key_file = person.key_file,
                               .language = {}};
  return "# For tocsinctl; copy it to ~/.config/tocsin/contexts.toml or give it with "
         "--contexts.\n" +
         ctl::print_config(contexts);
}

Result<SignedKey> sign_server(const crypto::Authority& authority, const InitOptions& o,
                              Instant now) {
  crypto::CertificateRequest request;
  request.identity.kind = crypto::Identity::Kind::collector;
  request.identity.name = o.site;
  request.dns_names = o.dns_names;
  request.ip_addresses = o.ip_addresses;
  request.not_before = now - 5min;
  request.life = kServerLife;
  auto key = sign_new_key(authority, request);
  if (key) key->certificate_pem += authority.certificate_pem;
  return key;
}

// Everything that is written, made in memory, so that what can be refused is refused before the
// first file.
struct Plan {
  std::string policy;
  std::string process;
  std::string contexts;
  crypto::Authority authority;
  SignedKey server;
  SignedKey person;
  KeyPair person_files;
  std::string fingerprint;
};

Result<Plan> plan_site(const InitOptions& o, const Paths& paths, Instant now) {
  Plan plan;
  plan.person_files = {fmt::format("{}/{}.key", paths.operators, o.operator_name),
                       fmt::format("{}/{}.pem", paths.operators, o.operator_name)};
  plan.policy = policy_text(o);
  const auto policy = config::read_site_policy(plan.policy, "site.toml");
  if (!policy) return fail(policy.error());
  auto process = config_text(o, paths);
  if (!process) return fail(process.error());
  const auto config = read_collector_config(*process, "collector.toml");
  if (!config) return fail(config.error());
  auto contexts = contexts_text(o, paths, plan.person_files);
  if (!contexts) return fail(contexts.error());
  auto authority = crypto::make_authority(o.site, now - 5min, kAuthorityLife);
  if (!authority) return fail(authority.error());
  auto server = sign_server(*authority, o, now);
  if (!server) return fail(server.error());
  auto person = sign_operator(*authority, o.operator_name, model::Role::admin, now);
  if (!person) return fail(person.error());
  auto fingerprint = crypto::fingerprint_of(authority->certificate_pem);
  if (!fingerprint) return fail(fingerprint.error());
  plan.process = std::move(*process);
  plan.contexts = std::move(*contexts);
  plan.authority = std::move(*authority);
  plan.server = std::move(*server);
  plan.person = std::move(*person);
  plan.fingerprint = std::move(*fingerprint);
  return plan;
}

std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<Owner> parse_owner(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string user(text.substr(0, colon));
  const std::string group(colon == text.npos ? "" : text.substr(colon + 1));
  Owner owner;
  const passwd* account = ::getpwnam(user.c_str());
  if (account != nullptr) {
    owner = {account->pw_uid, account->pw_gid};
  } else if (const auto number = number_in(user)) {
    owner = {*number, *number};
  } else {
    return fail(ErrorCode::not_found, fmt::format("there is no user {}", clean_text(user, 64)));
  }
  if (group.empty()) return owner;
  if (const ::group* found = ::getgrnam(group.c_str())) {
    owner.group = found->gr_gid;
  } else if (const auto number = number_in(group)) {
    owner.group = *number;
  } else {
    return fail(ErrorCode::not_found, fmt::format("there is no group {}", clean_text(group, 64)));
  }
  return owner;
}

Result<InitResult> init_site(const InitOptions& options, Instant now) {
  if (options.dns_names.empty() && options.ip_addresses.empty()) {
    return fail(ErrorCode::invalid_argument, "give the collector's DNS name or address");
  }
  const Paths paths(options);
  TOCSIN_TRY(require_absent(paths));
  const auto plan = plan_site(options, paths, now);
  if (!plan) return fail(plan.error());
  for (const std::string& folder : {options.directory, paths.operators, paths.data}) {
    TOCSIN_TRY(make_folder(folder));
  }
  if (::chmod(paths.data.c_str(), 0700) != 0) return fail(system_error(paths.data, errno));
  TOCSIN_TRY(
      write_key_pair({plan->authority.key_pem, plan->authority.certificate_pem}, paths.authority));
  TOCSIN_TRY(write_key_pair(plan->server, paths.server));
  TOCSIN_TRY(write_key_pair(plan->person, plan->person_files));
  TOCSIN_TRY(config::create_file(paths.policy, plan->policy, 0640));
  TOCSIN_TRY(config::create_file(paths.contexts, plan->contexts, 0644));
  TOCSIN_TRY(config::create_file(paths.config, plan->process, 0640));
  InitResult made{
      {paths.authority.certificate_file, paths.authority.key_file, paths.server.certificate_file,
       paths.server.key_file, plan->person_files.certificate_file, plan->person_files.key_file,
       paths.data, paths.config, paths.policy, paths.contexts},
      plan->fingerprint};
  if (options.owner) {
    std::vector<std::string> all = made.files;
    all.insert(all.end(), {options.directory, paths.operators});
    TOCSIN_TRY(give(*options.owner, options, all));
  }
  return made;
}

}  // namespace tocsin::collector
