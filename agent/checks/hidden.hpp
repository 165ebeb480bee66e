// Listeners that one way of asking the kernel shows and another hides: what a rootkit that filters
// /proc or netlink leaves behind (procedure M-07). Pure.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "agent/os/sock_diag.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// Listeners come and go while they are read, so each pass reads netlink, text, netlink: what
// netlink shows before and after must be in the text between, and what the text shows must be in
// netlink before or after. What disagrees in kPasses passes one after the other is hidden; what
// agrees once is not.
class HiddenListeners {
 public:
  static constexpr int kPasses = 3;
  void pass(std::span<const os::Socket> netlink_before, std::span<const os::Socket> text,
            std::span<const os::Socket> netlink_after);
  // Something disagreed in the last pass: worth another one soon.
  bool suspicious() const { return !seen_.empty(); }
  // Sorted.
  std::vector<model::HiddenListener> found() const;

 private:
  std::map<model::HiddenListener, int> seen_;  // passes in which it disagreed, without a gap
};

}  // namespace tocsin::agent
