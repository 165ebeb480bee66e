// Lists of addresses as people write them: "10.20.0.7,10.20.0.10-10.20.0.60,10.20.1.0/28". Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::model {

// Each address in the order of the list, which may name one twice. Of a network with more than two
// addresses the first and the last, which are no host's, are left out. Ranges and networks are
// IPv4; single addresses may be IPv6. nullopt: not such a list, or more than `most`.
std::optional<std::vector<std::string>> parse_targets(std::string_view text, std::size_t most);

}  // namespace tocsin::model
