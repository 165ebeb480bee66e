// The command line of tocsin-collector: words to what is asked for, with the help of both
// languages. What is asked for is done in main.cpp.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "collector/site/init.hpp"
#include "common/cli/program.hpp"

namespace tocsin::collector {

struct Arguments {
  enum class Act {
    run,
    init,
    create_token,
    add_operator,
    renew_operator,
    renew_server,
    check_config,
    check_policy,
    replay,
    version,
  };
  Act act = Act::run;
  std::string config = "/etc/tocsin/collector.toml";
  std::string language;  // --lang
  InitOptions init;
  std::string ttl = "1h";  // a duration
  std::string host;
  std::string output;
  std::string name;
  std::string role;  // one that there is
  std::string directory;
  std::string file;
  std::string from;
  std::string owner;
  bool new_key = false;
  bool replace = false;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool print_config = false;
};
// Or what to print instead: help, or what is wrong. `language`: unless --lang says another.
std::variant<Arguments, cli::Answer> parse_arguments(int argc, const char* const* argv,
                                                     i18n::Language language);

// The syntax itself; `into` must outlive it.
std::shared_ptr<CLI::App> make_syntax(Arguments& into, i18n::Language language);

}  // namespace tocsin::collector
