// Talks to clamd over its local socket. Files are handed over as descriptors, so that the scanner
// needs no right to open them and scans what we opened.
#pragma once

#include <string>
#include <string_view>

#include "agent/os/files.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// One connection for each call, as clamd's own clients do. Every call blocks `limit` at most.
class Clamd {
 public:
  explicit Clamd(std::string socket_path) : path_(std::move(socket_path)) {}

  // The raw answer, at most 4 KiB. Errors: not_found (no socket), permission_denied, unavailable
  // (nobody answers), deadline_exceeded.
  Result<std::string> version(Duration limit) const;
  Result<std::string> scan(const Fd& file, Duration limit) const;

 private:
  std::string path_;
};

}  // namespace tocsin::agent::os
