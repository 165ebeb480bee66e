// The TOML documents of an installation: a mistake comes back with the document's name and in
// printable text, and what is taken prints to a document that reads the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/config/agent_config.hpp"
#include "collector/config/collector_config.hpp"
#include "collector/ctl/context.hpp"
#include "common/base/result.hpp"
#include "common/config/site_policy.hpp"

namespace {

using namespace tocsin;

constexpr std::string_view kName = "fuzz.toml";

void check_error(const Error& error) {
  TOCSIN_CHECK(error.code == ErrorCode::invalid_argument);
  TOCSIN_CHECK(error.message.starts_with(kName));
  TOCSIN_CHECK(std::all_of(error.message.begin(), error.message.end(),
                           [](unsigned char c) { return c == '\n' || (c >= 0x20 && c != 0x7F); }));
}

template <class Config, class Print>
void check_round_trip(Result<Config> (*read)(std::string_view, std::string_view), Print print,
                      std::string_view toml) {
  const Result<Config> config = read(toml, kName);
  if (!config) return check_error(config.error());
  const Result<Config> again = read(print(*config), kName);
  TOCSIN_CHECK(again.has_value() && *again == *config);
}

template <class Row>
bool names(const std::vector<Row>& rows, std::string_view name) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
}

void check_site(std::string_view toml) {
  const auto site = config::read_site_policy(toml, kName);
  if (!site) return check_error(site.error());
  TOCSIN_CHECK(config::read_site_policy(toml, kName) == site);
  for (const model::HostPolicy& host : site->hosts) {
    TOCSIN_CHECK(host.baseline.empty() || names(site->baselines, host.baseline));
  }
  for (const model::ContactPolicy& contact : site->contacts) {
    TOCSIN_CHECK(names(site->channels, contact.channel));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view toml(reinterpret_cast<const char*>(data), size);
  check_site(toml);
  const auto print_agent = [](const auto& config) { return agent::print_config(config); };
  check_round_trip(agent::read_agent_config, print_agent, toml);
  const auto print_collector = [](const auto& config) { return collector::print_config(config); };
  check_round_trip(collector::read_collector_config, print_collector, toml);
  const auto print_contexts = [](const auto& contexts) { return ctl::print_config(contexts); };
  check_round_trip(ctl::read_contexts, print_contexts, toml);
  return 0;
}
