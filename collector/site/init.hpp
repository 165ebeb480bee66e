// `tocsin-collector init`: everything a new site needs, in one folder. Blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {

struct Owner {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};
// "USER" (and its group) or "USER:GROUP", as names or numbers. Errors: not_found.
Result<Owner> parse_owner(std::string_view text);

struct InitOptions {
  std::string directory;       // absolute; made if needed
  std::string data;            // the collector's own; empty: data/ in the folder
  std::optional<Owner> owner;  // of everything that is made; left out: whoever runs this
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
// operators/NAME.{key,pem} (role admin) and the folder of the data, which may be there where it is
// empty. For an owner of its own the folder can be passed through by everybody: /etc/tocsin also
// holds the file of the agent on this host. Errors: already_exists when any of them is there
// (nothing is changed then), invalid_argument (names), permission_denied (only root gives away).
Result<InitResult> init_site(const InitOptions& options, Instant now);

}  // namespace tocsin::collector
