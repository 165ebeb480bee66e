// tocsinctl as a whole: arguments, environment and files to a command's answer.
#pragma once

#include <string>

#include "collector/ctl/arguments.hpp"

namespace tocsin::ctl {

// What the process was given beside its arguments; empty where there is nothing.
struct Environment {
  std::string lc_all;
  std::string lc_messages;
  std::string lang;
  std::string home;
  std::string xdg_config_home;
  std::string no_color;
  std::string term;
  std::string zone;  // IANA name of the local time
  int width = 0;     // cells of the terminal; 0: standard output is none
  int height = 0;    // its lines
};
Environment read_environment();
i18n::Language language_of(const Environment& environment);

Printed run_program(const Arguments& arguments, const Environment& environment,
                    const time::TimeSource& time);

}  // namespace tocsin::ctl
