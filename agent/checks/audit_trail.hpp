// Follows the records of an audit log (procedure M-05): which of the kernel's serials are missing,
// and whether the newest record turned auditing off. The text comes in pieces, and wherever it is
// cut the result is the same, in the memory of one line and kOpenRanges ranges of numbers. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "common/model/facts.hpp"

namespace tocsin::agent {

// The kernel's records have at most 8,970 bytes; of a longer line the rest is passed over.
inline constexpr std::size_t kLongestLine = 16384;
// Processors write their records a little out of order, so what is missing may still come. As many
// ranges of numbers are waited for; of more the lowest stay missing.
inline constexpr std::size_t kOpenRanges = 1024;
// The kernel counts from 1 again at each boot: as much lower a number is no late one.
inline constexpr std::uint64_t kCountsAnew = 1000;

struct TrailPlace {
  std::uint64_t serial = 0;  // the highest; 0: none
  // Whether the kernel audited when the last record was written.
  model::Tristate recorded_on = model::Tristate::unknown;
  friend bool operator==(const TrailPlace&, const TrailPlace&) = default;
};

class TrailReader {
 public:
  // `before`: as of what was read until then; with serial 0 the first number is where it begins.
  // `may_count_anew`: the host was started since, so that the numbers may begin again.
  explicit TrailReader(const TrailPlace& before, bool may_count_anew = false);

  void read(std::string_view piece);

  // Of whole lines. Serial 0 where it may yet count anew, and did not.
  TrailPlace place() const;
  // Numbers between `before` and the highest that no line has. auditd numbers its own records by
  // itself, so those are left out.
  std::uint64_t missing() const { return missing_until(UINT64_MAX); }
  // Of those, the ones up to `serial`.
  std::uint64_t missing_until(std::uint64_t serial) const;
  // Bytes of a last line that has no end yet; 0 where it is longer than any record.
  std::uint64_t unfinished() const { return line_bytes_ > kLongestLine ? 0 : line_bytes_; }

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };

  void take_line(std::string_view line);
  void note_switch(std::string_view line, std::uint64_t serial);
  void note_serial(std::uint64_t serial);
  void fill(std::uint64_t serial);

  TrailPlace place_;
  bool may_count_anew_;
  bool counted_anew_ = false;
  std::deque<Range> open_;    // rising
  std::uint64_t closed_ = 0;  // numbers of ranges that are not waited for any more
  std::string line_;          // the start of one that goes on in the next piece
  std::uint64_t line_bytes_ = 0;
};

}  // namespace tocsin::agent
