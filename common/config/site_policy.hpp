// The site's policy from TOML; deploy/examples/site.toml shows every key.
#pragma once

#include <string_view>

#include "common/base/result.hpp"
#include "common/model/policy.hpp"

namespace tocsin::config {

// `name` is what errors call the document. Checks every key, type and bound, and that names lead
// somewhere: a contact's channel, a host's baseline, the time zone. Errors: invalid_argument with
// every mistake, one a line, each with name:line:column.
Result<model::SitePolicy> read_site_policy(std::string_view toml, std::string_view name);

}  // namespace tocsin::config
