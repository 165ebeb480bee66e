// Bytes of a log to records, one a line. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace tocsin::agent {

using OnRecord = std::function<void(std::string_view)>;

struct LinesResult {
  std::size_t taken = 0;  // bytes that need not be read again
  std::uint64_t records = 0;
  std::uint32_t long_records = 0;  // cut at the limit; their rest is skipped
};

// Gives out every record that ends in `bytes`, without its line end ("\n" or "\r\n"). What follows
// the last line end is not taken, so that it is read again with its rest; unless it is longer than
// `limit` already, or `final` says that nothing will follow: then it is given out. Empty lines and
// the NUL bytes that copytruncate leaves before a record are taken and not given out.
// `skipping`: in the middle of a record that was cut; kept from call to call.
// REQUIRES: limit > 0.
LinesResult split_lines(std::string_view bytes, std::size_t limit, bool final, bool& skipping,
                        const OnRecord& on_record);

}  // namespace tocsin::agent
