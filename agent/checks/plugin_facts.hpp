// What a Nagios plugin printed, as facts. Pure. The format is that of the Monitoring Plugins
// Development Guidelines: a line of text, after `|` performance data; more lines may follow, with
// more data after the next `|`.
#pragma once

#include <string>
#include <string_view>

#include "common/model/check.hpp"

namespace tocsin::agent {

// `status`: how the plugin ended, 0 to 3. `cut`: there was more output than was read. Accepts any
// bytes; values that are no numbers are counted and left out.
model::PluginFacts plugin_facts(std::string_view name, std::uint32_t status,
                                std::string_view output, bool cut);

}  // namespace tocsin::agent
