// `tocsin-collector init`: everything a new site needs, in one folder. Blocks.
#pragma once

#include <string>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {

struct InitOptions {
  std::string directory;  // absolute; made if needed
  std::string site;
  std::vector<std::string> dns_names;  // of the collector; one of these two must name it
  std::vector<std::string> ip_addresses;
  std::string operator_name = "admin";
  std::string listen_agents = "0.0.0.0:8444";
  std::string listen_enroll = "0.0.0.0:8445";
  std::string listen_operators = "0.0.0.0:8443";
};

struct InitResult {
  std::vector<std::string> files;  // made, in this order
  std::string authority_fingerprint;
};

// Makes ca.key, ca.pem, collector.key, collector.pem, collector.toml, site.toml, contexts.toml,
// data/ and operators/NAME.{key,pem} (role admin). Errors: already_exists when any of them is there
// (nothing is changed then), invalid_argument (names).
Result<InitResult> init_site(const InitOptions& options, Instant now);

}  // namespace tocsin::collector
