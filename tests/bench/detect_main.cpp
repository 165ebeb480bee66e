// How long it takes from a fault on a host to the finding that the collector has committed.
//
//   bench_detect listener STATE_DB FAULTS
//   bench_detect truncation STATE_DB FAULTS FOLDER
//
// Opens a listener on a port of its own, or empties the next file of FOLDER (log-0, log-1, …),
// waits until a finding about it is in the collector's state.db (what is there is committed), and
// goes on after a pause that does not beat with anybody's interval. Prints the milliseconds of each
// fault on a line, from just before listen() or truncate(). Ends with 1 where a finding does not
// come within 30 s.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <list>
#include <random>
#include <set>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/instant.hpp"
#include "common/sqlite/sqlite.hpp"

namespace tocsin::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Duration kPatience = 30s;

// Findings that are newer than `after`.
Result<bool> has_finding(sqlite::Statement& query, std::int64_t after, const std::string& needle) {
  query.bind(1, after).bind_blob(2, needle);
  const auto row = query.step();
  if (!row) return fail(row.error());
  const bool found = query.int64(0) > 0;
  query.reset();
  return found;
}

struct Listener {
  int fd = -1;
  std::uint16_t port = 0;
  Listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, raw, size) == 0 && ::getsockname(fd, raw, &size) == 0) {
      port = ntohs(address.sin_port);
    }
  }
  ~Listener() { ::close(fd); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
};

// The milliseconds from `begin` until a finding newer than `after` names `needle`.
Result<double> wait_for(sqlite::Statement& query, std::int64_t after, const std::string& needle,
                        Clock::time_point begin) {
  for (;;) {
    const auto found = has_finding(query, after, needle);
    if (!found) return fail(found.error());
    const Duration took = Clock::now() - begin;
    if (*found) return std::chrono::duration<double, std::milli>(took).count();
    if (took > kPatience) return fail(ErrorCode::deadline_exceeded, "no finding about " + needle);
    ::usleep(1000);
  }
}

// A port on which something listened before is not a new finding at once, so each is taken once;
// those that come again are held until another has come.
Result<double> listen_once(sqlite::Statement& query, std::int64_t last,
                           std::set<std::uint16_t>& taken) {
  std::list<Listener> tried(1);
  while (!taken.insert(tried.back().port).second && tried.size() < 100) tried.emplace_back();
  const Listener& listener = tried.back();
  // As it stands in the finding's subject.
  const std::string needle = fmt::format("tcp loopback {} ", listener.port);
  const auto begin = Clock::now();
  if (listener.port == 0 || ::listen(listener.fd, 1) != 0) {
    return fail(ErrorCode::unavailable, "no port to listen on");
  }
  return wait_for(query, last, needle, begin);
}

Result<double> empty_file(sqlite::Statement& query, std::int64_t last, const std::string& path) {
  const auto begin = Clock::now();
  if (::truncate(path.c_str(), 0) != 0) return fail(system_error("truncate " + path, errno));
  return wait_for(query, last, path, begin);
}

// `folder` empty: listeners.
Status measure(const std::string& path, int faults, const std::string& folder) {
  sqlite::OpenOptions options;
  options.create = false;
  options.read_only = true;
  auto state = sqlite::Database::open(path, options);
  if (!state) return fail(state.error());
  auto query =
      state->prepare("SELECT count(*) FROM finding WHERE id > ? AND instr(document, ?) > 0");
  if (!query) return fail(query.error());
  std::minstd_rand random(1);
  std::uniform_int_distribution<useconds_t> pause(250'000, 450'000);
  std::set<std::uint16_t> taken;
  for (int i = 0; i < faults; ++i) {
    const auto last = state->query_int("SELECT coalesce(max(id), 0) FROM finding");
    if (!last) return fail(last.error());
    const auto ms = folder.empty() ? listen_once(*query, *last, taken)
                                   : empty_file(*query, *last, fmt::format("{}/log-{}", folder, i));
    if (!ms) return fail(ms.error());
    fmt::print("{:.1f}\n", *ms);
    ::usleep(pause(random));
  }
  return {};
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  const std::string fault = argc > 1 ? argv[1] : "";
  if (!(fault == "listener" && argc == 4) && !(fault == "truncation" && argc == 5)) {
    fmt::print(stderr,
               "bench_detect listener STATE_DB FAULTS\n"
               "bench_detect truncation STATE_DB FAULTS FOLDER\n");
    return 2;
  }
  const auto done = tocsin::bench::measure(argv[2], std::atoi(argv[3]), argc == 5 ? argv[4] : "");
  if (!done) fmt::print(stderr, "bench_detect: {}\n", done.error().message);
  return done ? 0 : 1;
}
