// JSON of this program as YAML for people: the same keys and values, one a line. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::ctl {

// One document a line of `json`. What is no JSON stays as it is, on one line.
std::string yaml_of(std::string_view json);

}  // namespace tocsin::ctl
