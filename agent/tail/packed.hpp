// A log's older part that logrotate packed before it was read to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// At most `limit` bytes from `offset` of what gzip packed into `file`. Unpacks from the start every
// time, so it refuses offsets over 1 GiB. Errors: data_loss (not gzip, or damaged),
// resource_exhausted (too far).
Result<std::string> unpack_gzip(const os::Fd& file, std::uint64_t offset, std::size_t limit);

// Gives out what gzip packed into `file`, in pieces, from its start until `on_piece` says that it
// is enough. Errors: data_loss as above; resource_exhausted where `most` bytes, packed or unpacked,
// were not enough; aborted where `stop` asks for it.
Status unpack_pieces(const os::Fd& file, std::uint64_t most, const std::stop_token& stop,
                     const std::function<bool(std::string_view piece)>& on_piece);

}  // namespace tocsin::agent
