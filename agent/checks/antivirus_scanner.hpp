// The virus scanners that a host may have, asked for one open file at a time (procedure M-10):
// clamd over its socket, or a program of the host's own file.
#pragma once

#include <memory>
#include <string>

#include "agent/checks/antivirus_facts.hpp"
#include "agent/checks/check.hpp"
#include "agent/os/files.hpp"

namespace tocsin::agent {

class Scanner {
 public:
  virtual ~Scanner() = default;
  // Fills in who it is and how old its signatures are, as far as it says so. Errors: not_found or
  // unavailable where there is no scanner; others where that cannot be seen.
  virtual Status ask_version(model::AntivirusFacts& facts) = 0;
  // `path`: where the file lies, for a scanner that opens it by itself. Blocks `limit` at most.
  virtual ScanAnswer scan(const std::string& path, const os::Fd& file, Duration limit) = 0;
};

// The scanner of the host's own file. `context` must outlive it.
std::unique_ptr<Scanner> make_scanner(const CheckContext& context);

// How old the signatures are, by the files that the host's own file names: the newest of those that
// are there. Leaves what the scanner said itself.
void ask_signature_files(const CheckContext& context, model::AntivirusFacts& facts);

}  // namespace tocsin::agent
