// The command lines of tocsin-agent and of tocsin-agent-link: words to what is asked for, with the
// help of both languages. The only file of them that knows the parser; what is asked for is done in
// main.cpp and link_main.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "agent/commands/evidence.hpp"
#include "agent/enroll/enroll.hpp"
#include "common/cli/program.hpp"

namespace tocsin::agent {

inline constexpr const char* kConfigFile = "/etc/tocsin/agent.toml";

struct Arguments {
  enum class Act {
    run,
    observer,
    link_program,  // what is asked for is the other program's
    diagnose,
    explain,
    status,
    propose,
    take_evidence,
    check_config,
    print_config,
    version,
  };
  Act act = Act::run;
  std::string config = kConfigFile;
  std::string language;  // --lang
  std::string name;
  std::uint32_t version = 1;
  std::vector<std::string> checks;
  std::string policy;
  std::string format = "table";  // json, nagios
  std::string zone = "Asia/Taipei";
  std::string fail_on;  // a grade; empty: never
  std::string sign_to;
  std::string key;
  std::string certificate;
  EvidenceRequest evidence;
  std::string message;
};
// Or what to print instead: help, or what is wrong. `language`: unless --lang says another.
std::variant<Arguments, cli::Answer> parse_arguments(int argc, const char* const* argv,
                                                     i18n::Language language);

struct LinkArguments {
  enum class Act { link, enroll };
  Act act = Act::link;
  std::string config = kConfigFile;
  std::string language;
  EnrollOptions enroll;
  std::string token_file;
  std::string fingerprint;
};
std::variant<LinkArguments, cli::Answer> parse_link_arguments(int argc, const char* const* argv,
                                                              i18n::Language language);

// The syntax itself; `into` must outlive it.
std::shared_ptr<CLI::App> make_syntax(Arguments& into, i18n::Language language);
std::shared_ptr<CLI::App> make_link_syntax(LinkArguments& into, i18n::Language language);

}  // namespace tocsin::agent
