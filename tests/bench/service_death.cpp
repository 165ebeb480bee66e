// detect_service_death_ms: a service's main process is killed on a host with real systemd; the
// clock runs from the signal until the collector's state holds the finding. Prints a line for each
// fault: milliseconds. Runs outside the host, which it enters only to start the service again.
//
// bench_service_death STATE_DB HOST_PID UNIT FAULTS
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sqlite/sqlite.hpp"
#include "common/time/time_source.hpp"

namespace {

using namespace tocsin;

const time::SystemTime kClock;

// Outside the product: a bench may look again and again.
void doze() { ::usleep(300); }

std::int64_t open_findings(sqlite::Database& state) {
  const auto count = state.query_int("SELECT count(*) FROM finding WHERE closed IS NULL");
  TOCSIN_CHECK(count.has_value());
  return *count;
}

template <class Holds>
bool within(Duration limit, Holds holds) {
  const MonoTime end = kClock.steady() + limit;
  while (!holds()) {
    if (kClock.steady() > end) return false;
    doze();
  }
  return true;
}

// The process of a unit, as this side of the host's namespace numbers it.
pid_t process_of(const std::string& unit) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    std::ifstream groups(entry.path() / "cgroup");
    for (std::string line; std::getline(groups, line);) {
      if (line.ends_with("/" + unit)) return pid;
    }
  }
  return 0;
}

void start(const std::string& host, const std::string& unit) {
  std::string words[] = {"nsenter", "-t", host, "-a", "systemctl", "start", unit};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int status = -1;
  TOCSIN_CHECK(::posix_spawnp(&pid, "nsenter", nullptr, nullptr, arguments.data(), environ) == 0);
  ::waitpid(pid, &status, 0);
  TOCSIN_CHECK(status == 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  sqlite::OpenOptions options;
  options.create = false;
  options.read_only = true;
  options.wal = false;
  auto state = sqlite::Database::open(argv[1], options);
  TOCSIN_CHECK(state.has_value());
  const std::string host = argv[2];
  const std::string unit = argv[3];
  const int faults = std::atoi(argv[4]);
  for (int fault = 0; fault < faults; ++fault) {
    start(host, unit);
    TOCSIN_CHECK(within(10s, [&] { return open_findings(*state) == 0; }));
    const pid_t pid = process_of(unit);
    TOCSIN_CHECK(pid > 1);
    // Nothing of the start is still on its way; and a unit that changes more than ten times in a
    // second is looked at once a second, which is not what is measured.
    ::usleep(400'000 + (fault % 10) * 7'000);
    const MonoTime killed = kClock.steady();
    ::kill(pid, SIGKILL);
    TOCSIN_CHECK(within(10s, [&] { return open_findings(*state) > 0; }));
    fmt::print("{:.2f}\n", static_cast<double>((kClock.steady() - killed).count()) / 1e6);
    std::fflush(stdout);
  }
  return 0;
}
