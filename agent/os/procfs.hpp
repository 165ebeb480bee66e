// /proc: pure parsers of its files, and a reader of one process at a time.
//
// Everything in /proc/PID is written by that process or named by it: parsers accept any bytes and
// never give more than they were given. Names and paths come out raw; facts clean them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct ProcStat {
  std::uint32_t pid = 0;
  std::string name;  // at most 15 bytes as the kernel keeps it; may hold spaces and parentheses
  char state = '?';
  std::uint32_t parent = 0;
  std::uint32_t flags = 0;
  std::uint64_t start_ticks = 0;  // with the pid, names a process within a boot
  bool kernel_thread() const { return (flags & 0x00200000U) != 0; }  // PF_KTHREAD
};
// /proc/PID/stat
std::optional<ProcStat> parse_stat(std::string_view text);
// The effective user of /proc/PID/status.
std::optional<std::uint32_t> parse_status_uid(std::string_view text);
// The process that a task of /proc/ID/status belongs to: its own number, or the one whose thread it
// is.
std::optional<std::uint32_t> parse_status_group(std::string_view text);
// The systemd system unit of /proc/PID/cgroup, v1 or v2: "ssh.service"; empty where there is none.
std::string parse_cgroup_unit(std::string_view text);
// The processes over whose folder in /proc, or over something in it, anything is mounted, of
// /proc/PID/mountinfo.
std::vector<std::uint32_t> parse_covered(std::string_view mounts);
// True where an environment block sets a variable to something.
bool environment_has(std::string_view environ_block, std::string_view name);
// "socket:[1234]" -> 1234
std::optional<std::uint64_t> parse_socket_link(std::string_view link);
// The range of /proc/sys/net/ipv4/ip_local_port_range.
std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_port_range(std::string_view text);
// /etc/passwd as (uid, name); lines that are not of that form are left out; at most `limit`.
std::vector<std::pair<std::uint32_t, std::string>> parse_passwd(std::string_view text,
                                                                std::size_t limit);

// What tells a process from any other that has its number later, and whose rights it has now: of
// its folder in /proc, which the kernel makes for a process and gives to its effective user. Far
// cheaper than a file in it. The same process may get another identity (never the other way round).
struct ProcessIdentity {
  std::uint64_t folder = 0;
  Instant made;
  std::uint32_t uid = 0;
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// Reads /proc of one host. Thread: one at a time.
class ProcReader {
 public:
  // `root`: of the host's files. Errors: not_found where there is no /proc.
  static Result<ProcReader> open(std::string_view root);

  // Every process id, in rising order.
  Result<std::vector<std::uint32_t>> process_ids() const;
  // A file of a process, at most `limit` bytes. Errors: not_found (the process ended),
  // permission_denied.
  Result<std::string> read(std::uint32_t pid, std::string_view name, std::size_t limit) const;
  // The same with half the calls, for what the kernel gives in one piece: stat, cmdline, cgroup,
  // environ.
  Result<std::string> read_at_once(std::uint32_t pid, std::string_view name,
                                   std::size_t limit) const;
  Result<ProcessIdentity> identity(std::uint32_t pid) const;
  // What a link of a process points to: "exe", "fd/7".
  Result<std::string> link(std::uint32_t pid, std::string_view name) const;

  // The number of the network namespace of a process, or of "self". Errors: not_found,
  // permission_denied.
  Result<std::uint64_t> network_namespace(std::string_view process) const;
  // The numbers of a process's open files, in rising order.
  Result<std::vector<std::uint32_t>> descriptors(std::uint32_t pid) const;
  // The program of a process for reading, also where it is no longer on the disk.
  Result<Fd> executable(std::uint32_t pid) const;

  // Where a socket is open.
  struct Holder {
    std::uint64_t inode = 0;
    std::uint32_t pid = 0;
    std::uint32_t fd = 0;
  };
  struct Scan {
    std::vector<Holder> holders;      // sorted by inode, then pid
    std::uint32_t not_permitted = 0;  // processes whose descriptors could not be seen
  };
  // Looks through the descriptors of every process for these sockets (sorted); one holder for each
  // process and socket. Ends early when `stop` asks. About 2 us a descriptor; on two threads where
  // many sockets are looked for.
  Result<Scan> find_sockets(const std::vector<std::uint64_t>& inodes, std::stop_token stop) const;

  // True where others may write the program file of a process or any folder on its path (a sticky
  // /tmp counts: anybody can put a program there). Nothing where it cannot be seen.
  std::optional<bool> executable_world_writable(std::uint32_t pid, const std::string& path) const;

 private:
  explicit ProcReader(Fd proc) : proc_(std::move(proc)) {}
  Fd proc_;
};

// Which start of this host it is, as the kernel names it; empty where it does not say.
std::string boot_id(std::string_view root);

}  // namespace tocsin::agent::os
