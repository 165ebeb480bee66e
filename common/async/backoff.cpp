#include "common/async/backoff.hpp"

#include <algorithm>

namespace tocsin::async {

Duration Backoff::next(std::uint64_t random) {
  const Duration wait = next_;
  next_ = std::min(most_, next_ * 2);
  const auto half = static_cast<std::uint64_t>(wait.count() / 2);
  return Duration(static_cast<std::int64_t>(half + random % (half + 1)));
}

}  // namespace tocsin::async
