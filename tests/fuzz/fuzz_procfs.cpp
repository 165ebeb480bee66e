// The files of /proc, which any process of the host can fill: what is read of them was in them, and
// writing it down in their form reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "agent/checks/hidden_processes.hpp"
#include "agent/checks/sockets_facts.hpp"
#include "agent/os/cgroups.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/sock_diag.hpp"
#include "agent/os/socket_counts.hpp"
#include "common/base/result.hpp"
#include "common/net/route.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

void check_stat(std::string_view text) {
  const auto stat = os::parse_stat(text);
  if (!stat) return;
  TOCSIN_CHECK(text.find(stat->name) != std::string_view::npos);
  std::string line = fmt::format("{} ({}) {}\t{}\t0\t0\t0\t0\t{}", stat->pid, stat->name,
                                 stat->state, stat->parent, stat->flags);
  for (int i = 0; i < 12; ++i) line += "\t0";
  line += fmt::format("\t{}\n", stat->start_ticks);
  const auto again = os::parse_stat(line);
  TOCSIN_CHECK(again.has_value());
  TOCSIN_CHECK(again->pid == stat->pid && again->name == stat->name);
  TOCSIN_CHECK(again->state == stat->state && again->parent == stat->parent);
  TOCSIN_CHECK(again->flags == stat->flags && again->start_ticks == stat->start_ticks);
}

void check_status(std::string_view text) {
  // Lines before that are not about the user change nothing.
  const std::string more = "Name:\tUid\nState:\tS\n" + std::string(text);
  const auto uid = os::parse_status_uid(text);
  TOCSIN_CHECK(os::parse_status_uid(more) == uid);
  if (uid) {
    TOCSIN_CHECK(os::parse_status_uid(fmt::format("Uid:\t0\t{}\t0\t0\n", *uid)) == uid);
  }
}

void check_cgroup(std::string_view text) {
  const std::string unit = os::parse_cgroup_unit(text);
  if (unit.empty()) return;
  TOCSIN_CHECK(text.find(unit) != std::string_view::npos);
  TOCSIN_CHECK(unit.find_first_of("/\n") == std::string::npos);
  TOCSIN_CHECK(unit.rfind('.') != std::string::npos);
  TOCSIN_CHECK(os::parse_cgroup_unit("0::/system.slice/" + unit) == unit);
}

void check_gateway(std::string_view text) {
  // A route behind all others is the answer only where there is none among them.
  const net::Gateway kLast{*net::parse_ip("192.168.0.1"), "eth9"};
  const std::string more = std::string(text) + "\neth9\t00000000\t0100A8C0\t0003\t0\n";
  TOCSIN_CHECK(net::parse_default_gateway(more) ==
               net::parse_default_gateway(text).value_or(kLast));
  const net::Gateway kLastV6{*net::parse_ip("fe80::1"), "eth9"};
  const std::string zeros(32, '0');
  const std::string line = zeros + " 00 " + zeros + " 00 fe80" + std::string(27, '0') +
                           "1 00000400 00000001 00000000 00000003 eth9\n";
  TOCSIN_CHECK(net::parse_default_gateway_v6(std::string(text) + "\n" + line) ==
               net::parse_default_gateway_v6(text).value_or(kLastV6));
}

void check_passwd(std::string_view text) {
  constexpr std::size_t kLimit = 8;
  const auto users = os::parse_passwd(text, kLimit);
  TOCSIN_CHECK(users.size() <= kLimit);
  std::string lines;
  for (const auto& [uid, name] : users) {
    TOCSIN_CHECK(!name.empty() && name.find_first_of(":\n") == std::string::npos);
    lines += fmt::format("{}:x:{}:100::/:/bin/sh\n", name, uid);
  }
  TOCSIN_CHECK(os::parse_passwd(lines, kLimit) == users);
}

void check_groups(std::string_view text) {
  if (const auto group = os::parse_status_group(text)) {
    TOCSIN_CHECK(os::parse_status_group(fmt::format("Tgid:\t{}\n", *group)) == group);
  }
  const auto ids = os::parse_cgroup_processes(text);
  std::string lines;
  for (const std::uint32_t id : ids) {
    TOCSIN_CHECK(id != 0);
    lines += fmt::format("{}\n", id);
  }
  TOCSIN_CHECK(os::parse_cgroup_processes(lines) == ids);
}

void check_mounts(std::string_view text) {
  const auto covered = os::parse_covered(text);
  std::string lines;
  for (const std::uint32_t id : covered) lines += fmt::format("1 2 0:3 / /proc/{} rw\n", id);
  TOCSIN_CHECK(os::parse_covered(lines) == covered);
}

// dpkg's files are the administrator's, and a damaged one must not harm the agent.
void check_packages(std::string_view text) {
  os::each_packaged_path(text, [&](std::string_view path) {
    TOCSIN_CHECK(path.starts_with('/') && path.find('\n') == std::string_view::npos);
    const std::string other = os::merged_path(path);
    TOCSIN_CHECK(other.empty() || os::merged_path(other) == path);
    const auto sum = os::parse_package_sum(text, path);
    TOCSIN_CHECK(!sum || sum->size() == 32);
  });
  for (const auto& [now, from] : os::parse_diversions(text, 8)) {
    TOCSIN_CHECK(now.starts_with('/') && from.starts_with('/'));
  }
}

std::string endpoint(const net::IpAddress& address, std::uint16_t port) {
  std::string text;
  for (std::size_t i = 0; i < (address.v6 ? 16U : 4U); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, address.bytes.data() + i, sizeof word);
    text += fmt::format("{:08X}", word);
  }
  return fmt::format("{}:{:04X}", text, port);
}

void check_net(std::string_view text) {
  const auto sockets = os::parse_proc_net(text, model::Protocol::udp);
  std::string lines;
  for (const os::Socket& socket : sockets) {
    TOCSIN_CHECK(socket.protocol == model::Protocol::udp);
    lines += fmt::format("0: {} {} {:02X} 0:0 0:0 0 {} 0 {}\n",
                         endpoint(socket.local, socket.local_port),
                         endpoint(socket.remote, socket.remote_port),
                         static_cast<unsigned>(socket.state), socket.uid, socket.inode);
  }
  TOCSIN_CHECK(os::parse_proc_net(lines, model::Protocol::udp) == sockets);
}

void check_sockstat(std::string_view text) {
  const auto counts = os::parse_socket_counts(text, text);
  if (!counts) return;
  const std::string v4 = fmt::format("TCP: inuse {} tw {}\n", counts->tcp, counts->time_wait);
  TOCSIN_CHECK(os::parse_socket_counts(v4, fmt::format("TCP6: inuse {}\n", counts->tcp6)) ==
               counts);
}

void check_numbers(std::string_view text) {
  const std::uint32_t highest = parse_highest_id(text);
  TOCSIN_CHECK(highest >= 32'768 && highest <= 4'194'304);
  TOCSIN_CHECK(parse_highest_id(fmt::format("{}\n", highest)) == highest);
  IdSearch search;
  for (const IdRange& range : id_ranges(highest, highest, search)) {
    TOCSIN_CHECK(range.from <= range.to && range.to <= highest);
  }
}

void check_hidden(std::string_view text) {
  const auto ids = parse_hidden(text);
  TOCSIN_CHECK(ids.size() <= kHiddenKept && parse_hidden(hidden_to_text(ids)) == ids);
}

// Who starts a program chooses its path, the kernel's mark among the letters.
void check_link(std::string_view text) {
  const std::string link(text);
  const ExecutableLink read = parse_executable_link(link);
  TOCSIN_CHECK(read.path + (read.deleted ? " (deleted)" : "") == link);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_stat(text);
  check_status(text);
  check_cgroup(text);
  check_gateway(text);
  check_passwd(text);
  check_net(text);
  check_sockstat(text);
  check_groups(text);
  check_mounts(text);
  check_packages(text);
  check_numbers(text);
  check_hidden(text);
  check_link(text);
  if (const auto range = os::parse_port_range(text)) TOCSIN_CHECK(range->first <= range->second);
  if (const auto inode = os::parse_socket_link(text)) {
    TOCSIN_CHECK(os::parse_socket_link(fmt::format("socket:[{}]", *inode)) == inode);
  }
  if (os::environment_has(text, "LD_PRELOAD")) {
    TOCSIN_CHECK(text.find("LD_PRELOAD=") != std::string_view::npos);
  }
  return 0;
}
