// Which package a file belongs to, from dpkg's own database: no program is started. About 20 ms for
// a host of 800 packages, and nothing for a path that was asked before and a database that has not
// changed since.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// The lines of a package's list of files, each an absolute path; others are left out.
void each_packaged_path(std::string_view list, const std::function<void(std::string_view)>& use);
// The MD5 sum (32 hex digits) of a path in a package's list of sums. dpkg keeps no better one: it
// shows a file that changed, not one that somebody made collide on purpose.
std::optional<std::string> parse_package_sum(std::string_view sums, std::string_view path);
// dpkg-divert: from where a file is now to where its package put it. At most `limit`.
std::map<std::string, std::string> parse_diversions(std::string_view text, std::size_t limit);
// "/bin/ls" <-> "/usr/bin/ls": the other name of a file where /bin, /sbin and /lib are links into
// /usr, because dpkg knows it by the name that its package used. Empty where there is none.
std::string merged_path(std::string_view path);

// Thread: any; one question is answered at a time, and who waits too long for others' is told so.
// Remembers at most a few thousand paths.
class Packages {
 public:
  // `root`: of the host's files.
  explicit Packages(std::string root) : root_(std::move(root)) {}

  struct Owner {
    std::string package;  // "openssh-server", "libc6:amd64"; empty: of no package
    std::string path;     // as the package calls it
  };
  // In the order of `paths`. Errors: not_found (this host has no dpkg), deadline_exceeded (stopped,
  // or its disk keeps another question waiting).
  Result<std::vector<Owner>> owners(const std::vector<std::string>& paths, std::stop_token stop);
  // What the package says the file's MD5 sum is; nothing where it keeps none.
  std::optional<std::string> sum_of(const Owner& owner) const;

  // How often the database was gone through; for tests and figures.
  std::uint64_t searches();

 private:
  Status refresh();
  Status search(std::map<std::string, std::string>& wanted, std::stop_token stop);
  std::string info_folder() const { return under(root_, "/var/lib/dpkg/info"); }

  std::string root_;
  std::timed_mutex mutex_;
  std::optional<FileStat> status_;  // of the database when it was read
  std::uint64_t searches_ = 0;
  std::map<std::string, Owner> known_;
};

}  // namespace tocsin::agent::os
