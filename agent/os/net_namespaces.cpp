#include "agent/os/net_namespaces.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kNamesRead = 1024;
constexpr std::size_t kCgroupBytes = 8192;

// The names that `ip netns` gave, by inode.
std::map<std::uint64_t, std::string> given_names(const std::string& root) {
  std::map<std::uint64_t, std::string> names;
  const std::string folder = under(root, "/run/netns");
  const auto entries = list_folder(folder, kNamesRead);
  if (!entries) return names;
  for (const std::string& name : *entries) {
    const auto stat = stat_of(folder + "/" + name);
    if (stat) names.emplace(stat->inode, name);
  }
  return names;
}

std::string unit_of(const ProcReader& proc, std::uint32_t pid) {
  const auto cgroup = proc.read(pid, "cgroup", kCgroupBytes);
  std::string unit = cgroup ? parse_cgroup_unit(*cgroup) : std::string();
  return unit.empty() ? "?" : unit;
}

}  // namespace

Result<NetworkNamespaces> other_network_namespaces(const ProcReader& proc,
                                                   const std::string& root) {
  const auto pids = proc.process_ids();
  if (!pids) return fail(pids.error());
  const auto own = proc.network_namespace("self");
  if (!own) return fail(own.error());
  NetworkNamespaces found;
  std::map<std::uint64_t, std::uint32_t> first_pid;
  for (const std::uint32_t pid : *pids) {
    const auto inode = proc.network_namespace(std::to_string(pid));
    if (inode) {
      first_pid.emplace(*inode, pid);
    } else if (inode.error().code == ErrorCode::permission_denied) {
      ++found.not_permitted;
    }
  }
  const auto names = given_names(root);
  for (const auto& [inode, name] : names) {
    if (inode != *own && !first_pid.contains(inode)) ++found.empty;
  }
  for (const auto& [inode, pid] : first_pid) {
    if (inode == *own) continue;
    const auto given = names.find(inode);
    found.others.push_back({inode, pid, given != names.end() ? given->second : unit_of(proc, pid)});
  }
  std::sort(found.others.begin(), found.others.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.inode) < std::tie(b.name, b.inode);
  });
  return found;
}

}  // namespace tocsin::agent::os
