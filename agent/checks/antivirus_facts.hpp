// What virus scanners answer, as facts (procedure M-10). Pure, but for this process's time zone.
// Accepts any bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// clamd's answer to VERSION: "ClamAV 1.4.3/27840/Tue Nov 17 09:12:33 2026", without the two last
// parts where it has no database of ClamAV's own. The time is clamd's local one (ctime), which is
// read as this process's: both run on one host. A clamd that was given another zone is wrong by the
// difference, at most 26 hours; the rule takes no time that lies ahead by less than a day amiss.
struct ScannerVersion {
  std::string engine;      // "1.4.3"
  std::string signatures;  // "27840"
  Instant signatures_at;   // 0: unknown
};
ScannerVersion parse_clamd_version(std::string_view reply);

// The first bytes of a file with signatures of ClamAV's (.cvd, .cld), which say what version it is
// and when it was made, as "ClamAV-VDB:17 Nov 2026 09-12 +0000:27840:…:1794906753"; nothing where
// it is no such file or does not say when.
std::optional<ScannerVersion> parse_signature_file(std::string_view head);

// clamd's answer to one scan: "fd[8]: OK", "fd[8]: NAME FOUND", "… ERROR".
struct ScanAnswer {
  enum class Kind { clean, infected, error };
  Kind kind = Kind::error;
  std::string text;  // the signature's name, or the error; cleaned
};
ScanAnswer parse_clamd_scan(std::string_view reply);

// Adds a folder that could not be looked into, once.
void add_unseen(model::AntivirusFacts& facts, std::string_view path, model::FolderUnseen why);
// Adds a file where something was found.
void add_hit(model::AntivirusFacts& facts, std::string_view path, std::string_view signature,
             std::uint64_t size_bytes);

}  // namespace tocsin::agent
