// The official number of an incident (procedure P-06): one series a year, without gaps, never
// reused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"

namespace tocsin::collector {

// The year of the site at `t`; of UTC where the zone is unknown.
int site_year(Instant t, std::string_view zone);

// Fills `format`: {roc_year}, {year}, {number} and {number:4} (at least four digits). Other text
// stays as it is; a format without a number gets "-N" at its end, so that two never look the same.
std::string official_number(std::string_view format, int year, std::uint64_t number);

}  // namespace tocsin::collector
