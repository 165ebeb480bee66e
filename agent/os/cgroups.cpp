#include "agent/os/cgroups.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>

#include <dirent.h>
#include <sys/stat.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kFileBytes = 1 << 20;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  const Folder folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name(entry->d_name);
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace

std::vector<std::uint32_t> parse_cgroup_processes(std::string_view text) {
  std::vector<std::uint32_t> ids;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::uint32_t id = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), id);
    if (error == std::errc{} && stop == line.data() + line.size() && id != 0) ids.push_back(id);
  }
  return ids;
}

Result<std::vector<std::uint32_t>> cgroup_processes(std::string_view root, std::size_t most) {
  std::string top;
  for (const char* folder :
       {"/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"}) {
    struct stat raw {};
    top = under(root, folder);
    if (::stat((top + "/cgroup.procs").c_str(), &raw) == 0) break;
    top.clear();
  }
  if (top.empty()) return fail(ErrorCode::not_found, "this host shows no control groups");
  std::vector<std::uint32_t> ids;
  std::vector<std::string> waiting{top};
  for (std::size_t read = 0; !waiting.empty() && read < most; ++read) {
    const std::string path = std::move(waiting.back());
    waiting.pop_back();
    const auto found =
        parse_cgroup_processes(read_start(path + "/cgroup.procs", kFileBytes).value_or(""));
    ids.insert(ids.end(), found.begin(), found.end());
    for (const std::string& name : folders_in(path)) waiting.push_back(path + "/" + name);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace tocsin::agent::os
