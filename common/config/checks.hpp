// [[checks]] tables: the same keys in the host's own file and in the site policy.
#pragma once

#include <string>
#include <vector>

#include "common/config/document.hpp"
#include "common/model/check.hpp"

namespace tocsin::config {

// "ping, service, …": the kinds that a file may name.
std::string kind_words();
// The [[checks]] of `table`, in order; mistakes are noted in its document.
std::vector<model::CheckDefinition> read_checks(Table& table);
// The same as TOML, each under a [[`heading`]] line.
std::string print_checks(const std::vector<model::CheckDefinition>& checks,
                         const std::string& heading);

}  // namespace tocsin::config
