// Takes everything that procedure M-11 and H-04 ask to be kept, in the order of volatility (RFC
// 3227): sockets and processes first, then who is logged in and what is on the consoles (M-12),
// services, login records, audit logs, the journal, the logs that checks watch, and every other log
// file.
//
// It reads only. Each item is hashed while it is read; what is cut or could not be had is in the
// manifest with its reason (無法取得). It starts no program and follows no link.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/evidence/writer.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

inline constexpr Duration kLongestJournal = 31 * 24h;

// True of a check that watches a log file, which is evidence wherever it lies.
inline bool is_log_file(const model::CheckRef& check) {
  const bool reads =
      check.kind == model::CheckKind::audit_log || check.kind == model::CheckKind::warnings;
  return reads && check.target.starts_with('/');
}

// Who asked and why; for the manifest, but `since`.
struct EvidenceOrder {
  std::string evidence;
  std::string request;
  std::string incident;
  std::string asked_by;
  std::string reason;
  Duration since = 24h;  // of the journal, at most kLongestJournal
};

struct EvidencePlace {
  const time::TimeSource& time;
  std::string folder;  // made; must not exist
  unsigned folder_mode = 0700;
  unsigned file_mode = 0600;
  std::string root = "/";
  std::vector<std::string> log_folders{"/var/log"};
  // Logs that checks of this host watch, wherever they lie: each is taken with its older parts
  // (rotated_name), before the folders, and once.
  std::vector<std::string> watched_logs = {};
  WriterLimits limits = {};
  std::string host_name = {};
  std::string operating_system = {};
  std::string boot_id = {};
  std::string program = {};
  std::string key_file = {};  // the agent's; where there is none the manifest is not signed
  std::stop_token stop = {};
};

struct Collected {
  std::string manifest;  // SHA-256, hex
  std::uint64_t bytes = 0;
  std::uint32_t items = 0;
  std::uint32_t missing = 0;
  std::string agent;  // whose key signed; empty: not signed
  std::string unsigned_because;
};

// Blocks, for as long as reading takes; `stop` cuts it short, and the manifest says so. What is in
// the folder is on the disk when this returns. Errors: already_exists, permission_denied,
// resource_exhausted (the manifest itself did not fit), as the system says.
Result<Collected> collect_evidence(const EvidenceOrder& order, const EvidencePlace& place);

}  // namespace tocsin::agent
