// What the agent keeps for itself beside its checks' positions: the restarts that it tried, and the
// baseline that was approved. A disk may hand back anything, and damage never allows more.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/stubs/logging.h>

#include "agent/actions/restart_limits.hpp"
#include "agent/config/baseline_file.hpp"
#include "common/base/result.hpp"
#include "common/wire/wire.hpp"
#include "tests/fuzz/scratch.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

constexpr Instant kNow{1'800'000'000'000'000'000};

void check_attempts(std::string_view text) {
  ActionSettings settings;
  settings.restart.push_back({"web.service", true});
  const auto attempts = parse_attempts(text, kNow);
  TOCSIN_CHECK(attempts.empty() == text.empty());
  const bool refused = refuse_restart(settings, "web.service", attempts, kNow).has_value();
  // What is kept of them refuses what they refused, and another one right after.
  const std::string kept = print_attempts(attempts, kNow);
  const auto again = parse_attempts(kept, kNow);
  TOCSIN_CHECK(refuse_restart(settings, "web.service", again, kNow).has_value());
  TOCSIN_CHECK(!refused || again.size() > 1);
}

void check_baseline(std::string_view bytes) {
  static const fuzz::Scratch file;
  file.put(bytes);
  const auto kept = read_baseline_file(file.path());
  if (!kept) {
    TOCSIN_CHECK(kept.error().code == ErrorCode::data_loss ||
                 kept.error().code == ErrorCode::invalid_argument);
    return;
  }
  TOCSIN_CHECK(kept->has_value() && wire::digest_of(**kept) == (*kept)->digest);
  file.put(wire::encode_approved(**kept));
  const auto again = read_baseline_file(file.path());
  TOCSIN_CHECK(again && *again == *kept);
}

}  // namespace

// The library would print a line for each text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_attempts(bytes);
  check_baseline(bytes);
  return 0;
}
