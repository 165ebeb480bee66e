// ping_4096_vs_fping, ping_half_dead_of_nmap: how long the agent's sweep (fping) or its whole look
// with one packet an address (nmap) takes in its process, against the command that one runs for the
// same addresses. In each round one runs after the other, and each must find exactly LIVE of the
// addresses. Prints a line "peer_ms=… ours_ms=…" for each round.
//
// bench_ping fping|nmap FILE LIVE ROUNDS: FILE has an address a line
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/ping.hpp"
#include "common/net/sweep.hpp"
#include "common/time/time_source.hpp"

namespace {

using namespace tocsin;

// Runs a command, its output to `output`; false where it failed.
bool run(std::vector<std::string> words, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int status = -1;
  if (::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0) {
    ::waitpid(pid, &status, 0);
  }
  posix_spawn_file_actions_destroy(&actions);
  return WIFEXITED(status) && WEXITSTATUS(status) <= 1;  // 1: not all of them answered
}

std::size_t lines_with(const std::string& path, std::string_view what) {
  std::ifstream file(path);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) count += line.find(what) != line.npos ? 1 : 0;
  return count;
}

template <class Work>
double milliseconds(const time::TimeSource& clock, Work work) {
  const MonoTime start = clock.steady();
  work();
  return static_cast<double>((clock.steady() - start).count()) / 1e6;
}

std::vector<net::PingPlan> plans_of(const std::string& path) {
  std::vector<net::PingPlan> plans;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    net::PingPlan& plan = plans.emplace_back();
    plan.address = net::parse_ip(line).value();
    plan.packets = 1;
  }
  return plans;
}

// Both as fast as this machine can.
std::size_t answers_to_sweep(const std::vector<net::PingPlan>& plans,
                             const time::TimeSource& clock) {
  net::SweepPace pace;
  pace.shortest_wait = 150ms;
  pace.per_second = 0;
  pace.in_flight = 1024;
  std::vector<net::PingPlan> twice = plans;
  for (net::PingPlan& plan : twice) plan.again = 1;
  const auto results = net::sweep(twice, pace, clock.steady() + 30s, clock, {});
  TOCSIN_CHECK(results.has_value());
  std::size_t answered = 0;
  for (const net::PingResult& result : *results) answered += result.received > 0 ? 1 : 0;
  return answered;
}

// As the agent's check of many addresses, with nothing left out.
std::size_t answers_to_look(const std::vector<net::PingPlan>& plans,
                            const time::TimeSource& clock) {
  std::vector<model::CheckDefinition> checks;
  for (const net::PingPlan& plan : plans) {
    model::CheckDefinition& check = checks.emplace_back();
    check.check = {model::CheckKind::ping, net::to_string(plan.address)};
    check.deadline = model::default_deadline(model::CheckKind::ping);
    check.ping_packets = plan.packets;
  }
  std::size_t answered = 0;
  for (const auto& seen : net::look_by_ping(checks, "/", clock, {})) {
    TOCSIN_CHECK(seen.has_value());
    answered += seen->received > 0 ? 1 : 0;
  }
  return answered;
}

}  // namespace

int main(int argc, char** argv) {
  TOCSIN_CHECK(argc == 5);
  const std::string peer = argv[1];
  const std::string path = argv[2];
  const auto live = static_cast<std::size_t>(std::atoi(argv[3]));
  const int rounds = std::atoi(argv[4]);
  const bool fping = peer == "fping";
  const std::string output = path + ".output";
  const std::vector<std::string> command =
      fping ? std::vector<std::string>{"fping", "-i", "0", "-a", "-f", path}
            : std::vector<std::string>{"nmap", "-sn", "-n", "-PE", "-iL", path};
  const std::string_view found = fping ? "10." : "Host is up";
  const time::SystemTime clock;
  const std::vector<net::PingPlan> plans = plans_of(path);
  for (int round = 0; round < rounds; ++round) {
    const double peer_ms = milliseconds(clock, [&] { TOCSIN_CHECK(run(command, output)); });
    TOCSIN_CHECK(lines_with(output, found) == live);
    std::size_t answered = 0;
    const double ours_ms = milliseconds(clock, [&] {
      answered = fping ? answers_to_sweep(plans, clock) : answers_to_look(plans, clock);
    });
    TOCSIN_CHECK(answered == live);
    fmt::print("peer_ms={:.2f} ours_ms={:.2f}\n", peer_ms, ours_ms);
  }
  return 0;
}
