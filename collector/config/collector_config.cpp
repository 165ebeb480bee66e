#include "collector/config/collector_config.hpp"

#include <fmt/format.h>

#include "common/config/document.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/text.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;
constexpr std::uint32_t kLongestKeepDays = 36'500;

void read_main(config::Table& root, CollectorConfig& config) {
  auto table = root.table("collector");
  if (!table) return;
  table->path("directory", config.directory);
  table->path("site_policy", config.site_policy);
  table->number("keep_days", config.keep_days, 0U, kLongestKeepDays);
  table->word("log_level", config.log_level, log::level_from, "debug, info, warning, error");
}

void read_evidence(config::Table& root, CollectorConfig& config) {
  auto table = root.table("evidence");
  if (!table) return;
  constexpr std::uint64_t kMost = 1ULL << 30;  // a pebibyte
  table->number("total_mib", config.evidence_mib, std::uint64_t{1}, kMost);
  table->number("agent_mib", config.evidence_agent_mib, std::uint64_t{1}, kMost);
  table->number("collection_mib", config.evidence_collection_mib, std::uint64_t{1}, kMost);
  table->number("free_mib", config.evidence_free_mib, std::uint64_t{0}, kMost);
}

void read_listen(config::Table& root, CollectorConfig& config) {
  root.require({"listen"});
  auto table = root.table("listen");
  if (!table) return;
  table->require({"enroll_address"});
  table->endpoint("agents", config.listen_agents);
  table->endpoint("enroll", config.listen_enroll);
  table->endpoint("operators", config.listen_operators);
  table->endpoint("enroll_address", config.enroll_address);
}

void read_tls(config::Table& root, CollectorConfig& config) {
  root.require({"tls"});
  auto table = root.table("tls");
  if (!table) return;
  table->require({"certificate_file", "key_file", "authority_file", "authority_key_file"});
  table->path("certificate_file", config.certificate_file);
  table->path("key_file", config.key_file);
  table->path("authority_file", config.authority_file);
  table->path("authority_key_file", config.authority_key_file);
  table->path("revocation_file", config.revocation_file);
}

}  // namespace

std::string CollectorConfig::operators_folder() const {
  const std::size_t slash = authority_file.rfind('/');
  return slash == std::string::npos ? "operators" : authority_file.substr(0, slash) + "/operators";
}

Result<CollectorConfig> read_collector_config(std::string_view toml, std::string_view name) {
  auto document = config::Document::parse(toml, name, kConfigBytes);
  if (!document) return fail(document.error());
  config::Table root = document->root();
  CollectorConfig config;
  read_main(root, config);
  read_evidence(root, config);
  read_listen(root, config);
  read_tls(root, config);
  TOCSIN_TRY(document->finish());
  return config;
}

Result<CollectorConfig> load_collector_config(const std::string& path) {
  const auto text = config::read_file(path, kConfigBytes);
  if (!text) return fail(text.error());
  return read_collector_config(*text, path);
}

std::string print_config(const CollectorConfig& c) {
  using config::toml_text;
  return fmt::format(
             "[collector]\ndirectory = {}\nsite_policy = {}\nlog_level = {}\n"
             "keep_days = {}\n",
             toml_text(c.directory), toml_text(c.site_policy),
             toml_text(log::to_string(c.log_level)), c.keep_days) +
         fmt::format(
             "\n[evidence]\ntotal_mib = {}\nagent_mib = {}\ncollection_mib = {}\nfree_mib = {}\n",
             c.evidence_mib, c.evidence_agent_mib, c.evidence_collection_mib, c.evidence_free_mib) +
         fmt::format("\n[listen]\nagents = {}\nenroll = {}\noperators = {}\nenroll_address = {}\n",
                     toml_text(c.listen_agents), toml_text(c.listen_enroll),
                     toml_text(c.listen_operators), toml_text(c.enroll_address)) +
         fmt::format(
             "\n[tls]\ncertificate_file = {}\nkey_file = {}\nauthority_file = {}\n"
             "authority_key_file = {}\nrevocation_file = {}\n",
             toml_text(c.certificate_file), toml_text(c.key_file), toml_text(c.authority_file),
             toml_text(c.authority_key_file), toml_text(c.revocation_file));
}

}  // namespace tocsin::collector
