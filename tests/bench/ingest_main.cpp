#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "tests/bench/bench_ingest.hpp"

namespace {

using tocsin::bench::LoadOptions;

int answer(const tocsin::Status& status) {
  if (status) return 0;
  fmt::print(stderr, "bench_ingest: {}\n", status.error().message);
  return 1;
}

int answer_number(const tocsin::Result<double>& number) {
  if (!number) return answer(tocsin::fail(number.error()));
  fmt::print("{:.1f}\n", *number);
  return 0;
}

int load(char** arguments) {
  LoadOptions options;
  options.pki = arguments[0];
  options.agents = arguments[1];
  options.address = arguments[2];
  options.streams = static_cast<std::uint32_t>(std::atoi(arguments[3]));
  options.batch = static_cast<std::uint32_t>(std::atoi(arguments[4]));
  options.window = static_cast<std::uint32_t>(std::atoi(arguments[5]));
  options.facts = static_cast<std::uint64_t>(std::atoll(arguments[6]));
  if (std::string(arguments[7]) != "-") options.operators = arguments[7];
  const auto result = tocsin::bench::run_load(options);
  if (!result) return answer(tocsin::fail(result.error()));
  fmt::print("facts={} seconds={:.4f} acknowledged={:.4f} client_cpu={:.3f} round_trip_us={:.1f}\n",
             result->facts, result->seconds, result->acknowledged_seconds,
             result->client_cpu_seconds, result->round_trip_us_median);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string mode = count > 1 ? arguments[1] : "";
  if (mode == "decode" && (count == 3 || count == 4)) {
    return answer(tocsin::bench::serve_decode(arguments[2], count == 4 ? arguments[3] : ""));
  }
  if (mode == "agents" && count == 6) {
    return answer(tocsin::bench::prepare_agents(arguments[2], arguments[3],
                                                static_cast<std::uint32_t>(std::atoi(arguments[4])),
                                                arguments[5]));
  }
  if (mode == "load" && count == 10) return load(arguments + 2);
  if (mode == "sqlite" && count == 3) {
    return answer_number(tocsin::bench::sqlite_rows_per_second(arguments[2], 1'000'000, 250));
  }
  fmt::print(
      stderr,
      "usage: bench_ingest decode PKI [LOG]\n"
      "       bench_ingest agents PKI FOLDER COUNT JOURNAL\n"
      "       bench_ingest load PKI AGENTS HOST:PORT STREAMS BATCH WINDOW FACTS OPERATORS|-\n"
      "       bench_ingest sqlite FOLDER\n");
  return 2;
}
