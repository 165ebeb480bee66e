// What the kernel says of its auditing, and a record of our own in its trail. Asks and never sets:
// the records stay with whoever takes them (auditd), and nothing is turned on or off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/net/fd.hpp"
#include "common/time/time_source.hpp"

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
// Waits for the answer until `until`; the kernel has it within microseconds. Errors:
// permission_denied (also within a container), not_found (a kernel without auditing), unavailable
// (no answer).
Result<AuditStatus> audit_status(const time::TimeSource& time, MonoTime until);

// A USER record with this text, "type=USER … msg='TEXT'". Takes CAP_AUDIT_WRITE. The kernel takes
// and drops it while auditing is off. Where its queue is full it holds the writer for up to a
// minute, so ask first (has_room). Errors: as above.
Status write_audit_record(std::string_view text, const time::TimeSource& time, MonoTime until);
// No fewer records wait than may.
inline bool has_room(const AuditStatus& status) {
  return status.backlog_limit == 0 || status.backlog < status.backlog_limit;
}

// The next datagram that the kernel sent to this netlink socket; what other processes send is left
// out, however much. Errors: unavailable (nothing until then), as the system says.
Result<std::string> receive_from_kernel(const net::Fd& socket, const time::TimeSource& time,
                                        MonoTime until);

// The kernel's answer in a datagram, of any length. Pure.
// Errors: invalid_argument (not an answer), or what the kernel refused with.
Result<AuditStatus> parse_audit_status(std::string_view datagram);

}  // namespace tocsin::agent::os
