// The parts of the ingest figures; one program, so that both sides of each ratio share their
// client.
//
//   bench_ingest agents PKI FOLDER N JOURNAL  make N agents and admit them in a collector's journal
//   bench_ingest decode PKI [LOG]      serve the agent link, decode every fact, store nothing (or
//                                      append and sync LOG)
//   bench_ingest load PKI …            be N agents and send facts until all are acknowledged
//   bench_ingest sqlite FOLDER         rows/s of SQLite FULL with 4,096-row commits
//
// PKI is a site's folder as `tocsin-collector init` makes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::bench {

struct LoadOptions {
  std::string pki;
  std::string address;    // host:port of the agent link
  std::string operators;  // host:port of the operator service; empty: wait for no judge
  std::string agents;     // folder with N.key and N.pem; made by `prepare_agents`
  std::uint32_t streams = 4;
  std::uint32_t batch = 64;
  std::uint64_t facts = 500'000;     // in all
  std::uint32_t window = 32;         // batches of a stream in flight
  std::uint32_t change_every = 100;  // one fact in this many changes a verdict; 0: none
};

struct LoadResult {
  std::uint64_t facts = 0;
  double seconds = 0;  // until all were acknowledged and, where asked, judged
  double acknowledged_seconds = 0;
  double client_cpu_seconds = 0;
  double round_trip_us_median = 0;  // of a batch, only with window 1
};

// Makes `count` agent keys and certificates signed by the site's CA, and journals their admission.
// The collector must not run.
Status prepare_agents(const std::string& pki, const std::string& folder, std::uint32_t count,
                      const std::string& journal);
Result<LoadResult> run_load(const LoadOptions& options);
// Serves until standard input ends; prints the port on one line. With a `log`, what a message
// brought is written there and synced before it is acknowledged, and nothing else: the least that a
// durable acknowledgement can cost.
Status serve_decode(const std::string& pki, const std::string& log);
// Rows a second over about `rows` rows of `bytes` bytes.
Result<double> sqlite_rows_per_second(const std::string& folder, std::uint64_t rows,
                                      std::uint32_t bytes);
Result<std::string> read_file(const std::string& path);

}  // namespace tocsin::bench
