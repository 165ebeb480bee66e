// What the kernel says of its auditing, and a record of our own in its trail. Asks and never sets:
// the records stay with whoever takes them (auditd), and nothing is turned on or off.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct AuditStatus {
  bool enabled = false;
  bool locked = false;           // nobody can change it until the next start
  std::uint32_t failure = 0;     // what a lost record does: 0 nothing, 1 a message, 2 a panic
  std::uint32_t reader_pid = 0;  // who takes the records; 0: nobody
  std::uint32_t lost = 0;        // records, since the start
  std::uint32_t backlog = 0;     // records that wait
  std::uint32_t backlog_limit = 0;
  friend bool operator==(const AuditStatus&, const AuditStatus&) = default;
};

// Takes CAP_AUDIT_CONTROL in the first user and process namespaces; nothing less is allowed to ask.
// Blocks a second at most. Errors: permission_denied (also within a container), not_found (a kernel
// without auditing), unavailable (no answer).
Result<AuditStatus> audit_status();

// A USER record with this text, "type=USER … msg='TEXT'". Takes CAP_AUDIT_WRITE. The kernel takes
// and drops it while auditing is off. Errors: as above.
Status write_audit_record(std::string_view text);

// The kernel's answer in a datagram, of any length. Pure.
// Errors: invalid_argument (not an answer), or what the kernel refused with.
Result<AuditStatus> parse_audit_status(std::string_view datagram);

}  // namespace tocsin::agent::os
