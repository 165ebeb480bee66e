// A diagnosis as people and programs read it. Pure. Whatever came from the host is cleaned: nothing
// can move a terminal's cursor.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/diagnose/diagnosis.hpp"
#include "common/i18n/i18n.hpp"

namespace tocsin::agent {

// `zone`: IANA name for the time in the title. Lines are at most `width` cells (at least 60 are
// used).
std::string render_table(const Diagnosis& diagnosis, i18n::Language language, int width,
                         std::string_view zone);

// One JSON object on one line: codes and parameters, never translated, times in UTC.
std::string render_json(const Diagnosis& diagnosis);

// For Icinga, Nagios and Zabbix: the state and counts on the first line, then what is not normal.
std::string render_nagios(const Diagnosis& diagnosis, i18n::Language language);

// 0 OK, 1 WARNING, 2 CRITICAL (grade C or worse suggested), 3 UNKNOWN (something cannot be told).
int nagios_code(const Diagnosis& diagnosis);

}  // namespace tocsin::agent
