#include "agent/os/packages.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kListBytes = 32 << 20;
constexpr std::size_t kMostPackages = 1 << 16;
constexpr std::size_t kMostKnown = 4096;
constexpr std::size_t kMostDiversions = 4096;
constexpr std::size_t kSumDigits = 32;
constexpr std::chrono::seconds kPatience{2};  // a look takes 20 ms where the disk answers
constexpr std::array<std::string_view, 6> kMerged{"/bin/",   "/sbin/",  "/lib/",
                                                  "/lib64/", "/lib32/", "/libx32/"};

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

bool is_sum(std::string_view text) {
  return text.size() == kSumDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

void each_packaged_path(std::string_view list, const std::function<void(std::string_view)>& use) {
  while (!list.empty()) {
    const std::string_view line = take_line(list);
    if (line.starts_with('/')) use(line);
  }
}

std::optional<std::string> parse_package_sum(std::string_view sums, std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  while (!sums.empty()) {
    const std::string_view line = take_line(sums);
    if (line.size() <= kSumDigits + 2 || line.substr(kSumDigits, 2) != "  ") continue;
    if (line.substr(kSumDigits + 2) != path) continue;
    const std::string_view sum = line.substr(0, kSumDigits);
    if (is_sum(sum)) return std::string(sum);
  }
  return std::nullopt;
}

std::map<std::string, std::string> parse_diversions(std::string_view text, std::size_t limit) {
  std::map<std::string, std::string> diversions;
  while (!text.empty() && diversions.size() < limit) {
    const std::string_view from = take_line(text);
    const std::string_view now = take_line(text);
    take_line(text);  // The package that asked for it.
    if (from.starts_with('/') && now.starts_with('/'))
      diversions.try_emplace(std::string(now), from);
  }
  return diversions;
}

std::string merged_path(std::string_view path) {
  const auto begins = [&](std::string_view folder) { return path.starts_with(folder); };
  if (path.starts_with("/usr")) {
    path.remove_prefix(4);
    return std::any_of(kMerged.begin(), kMerged.end(), begins) ? std::string(path) : std::string();
  }
  return std::any_of(kMerged.begin(), kMerged.end(), begins) ? "/usr" + std::string(path)
                                                             : std::string();
}

// What was found is forgotten when dpkg changed something since.
Status Packages::refresh() {
  const auto status = stat_of(under(root_, "/var/lib/dpkg/status"));
  if (!status) return fail(status.error());
  if (status_ != *status || known_.size() > kMostKnown) known_.clear();
  status_ = *status;
  return {};
}

// `wanted`: from the path as a package may call it to the path that was asked for.
Status Packages::search(std::map<std::string, std::string>& wanted, std::stop_token stop) {
  ++searches_;
  const auto names = list_folder(info_folder(), 8 * kMostPackages);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (wanted.empty()) break;
    if (!name.ends_with(".list")) continue;
    if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "lists of packages");
    const auto list = read_start(info_folder() + "/" + name, kListBytes);
    if (!list) continue;  // Removed meanwhile.
    const std::string package = name.substr(0, name.size() - 5);
    std::string line;
    each_packaged_path(*list, [&](std::string_view path) {
      line.assign(path);
      const auto found = wanted.find(line);
      if (found != wanted.end()) known_[found->second] = {package, line};
    });
  }
  return {};
}

Result<std::vector<Packages::Owner>> Packages::owners(const std::vector<std::string>& paths,
                                                      std::stop_token stop) {
  const std::unique_lock lock(mutex_, kPatience);
  if (!lock) return fail(ErrorCode::deadline_exceeded, "another look at the packages hangs");
  TOCSIN_TRY(refresh());
  std::map<std::string, std::string> wanted;
  for (const std::string& path : paths) {
    if (path.empty() || known_.contains(path)) continue;
    wanted.emplace(path, path);
    if (std::string other = merged_path(path); !other.empty())
      wanted.emplace(std::move(other), path);
  }
  if (!wanted.empty()) {
    const auto diverted = parse_diversions(
        read_start(under(root_, "/var/lib/dpkg/diversions"), kListBytes).value_or(""),
        kMostDiversions);
    for (const auto& [now, from] : diverted) {
      const auto asked = wanted.find(now);
      if (asked != wanted.end()) wanted.emplace(from, asked->second);
    }
    TOCSIN_TRY(search(wanted, stop));
    for (const auto& [name, path] : wanted) known_.try_emplace(path);
  }
  std::vector<Owner> owners;
  owners.reserve(paths.size());
  for (const std::string& path : paths) {
    const auto found = known_.find(path);
    owners.push_back(found == known_.end() ? Owner{} : found->second);
  }
  return owners;
}

std::uint64_t Packages::searches() {
  const std::lock_guard lock(mutex_);
  return searches_;
}

std::optional<std::string> Packages::sum_of(const Owner& owner) const {
  if (owner.package.empty()) return std::nullopt;
  const auto sums = read_start(info_folder() + "/" + owner.package + ".md5sums", kListBytes);
  return sums ? parse_package_sum(*sums, owner.path) : std::nullopt;
}

}  // namespace tocsin::agent::os
