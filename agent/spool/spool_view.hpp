// A look at a spool from outside, beside the processes that own it: makes no file, changes none and
// sets none aside, whatever is found. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/spool/spool.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

class SpoolView {
 public:
  // Errors: not_found (there is no spool), data_loss (damaged, and how), failed_precondition (of
  // another version), permission_denied and others of the system.
  static Result<SpoolView> open(const std::string& path);
  SpoolView(SpoolView&&) noexcept;
  SpoolView& operator=(SpoolView&&) noexcept;
  ~SpoolView();

  Result<SpoolStatus> status();
  Result<std::optional<std::string>> cursor(std::string_view key);

 private:
  explicit SpoolView(std::unique_ptr<Spool> spool);
  std::unique_ptr<Spool> spool_;  // whose database takes no change
};

}  // namespace tocsin::agent
