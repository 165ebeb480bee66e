// User names of numbers, remembered for a while.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/os/files.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent::os {

// Asks /etc/passwd first, which never blocks, then (for the host's own root) the name service.
// Names are kept for five minutes or until the file changes, at most 4096. Thread: one at a time.
class Users {
 public:
  explicit Users(std::string root) : root_(std::move(root)) {}
  // Empty where nobody has this number.
  std::string name_of(std::uint32_t uid, MonoTime now);

 private:
  void refresh(MonoTime now);

  std::string root_;
  std::map<std::uint32_t, std::string> names_;
  FileStat file_;
  std::optional<MonoTime> checked_at_;
  MonoTime read_at_;
  bool read_ = false;
};

}  // namespace tocsin::agent::os
