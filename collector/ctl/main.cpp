// tocsinctl: the duty desk's command line.
#include <cstdio>
#include <variant>

#include "collector/ctl/program.hpp"

int main(int argc, char** argv) {
  using namespace tocsin;
  const ctl::Environment environment = ctl::read_environment();
  const auto parsed = ctl::parse_arguments(argc, argv, ctl::language_of(environment));
  const time::SystemTime time;
  const ctl::Printed printed =
      std::holds_alternative<ctl::Printed>(parsed)
          ? std::get<ctl::Printed>(parsed)
          : ctl::run_program(std::get<ctl::Arguments>(parsed), environment, time);
  std::fwrite(printed.err.data(), 1, printed.err.size(), stderr);
  const bool written =
      std::fwrite(printed.out.data(), 1, printed.out.size(), stdout) == printed.out.size() &&
      std::fflush(stdout) == 0;
  // Half an answer in a pipe must not look like a whole one.
  if (!written && printed.exit == ctl::ExitCode::done)
    return static_cast<int>(ctl::ExitCode::failed);
  return static_cast<int>(printed.exit);
}
