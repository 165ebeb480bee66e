#include "agent/evidence/outbox.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/durable.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kNames = 4096;  // in the folder, whatever they are
constexpr std::size_t kFiles = evidence::kItems + 8;
constexpr std::size_t kIdBytes = 128;

// A folder of files, without folders in it; or a file in its place.
Status remove_folder(const std::string& path) {
  const auto names = os::list_folder(path, kFiles);
  if (!names && names.error().code != ErrorCode::not_found) return fail(names.error());
  if (!names && ::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail(system_error("remove " + path, errno));
  }
  if (!names) return {};
  for (const std::string& name : *names) TOCSIN_TRY(os::remove_file(path + "/" + name));
  if (::rmdir(path.c_str()) != 0) return fail(system_error("remove " + path, errno));
  return {};
}

std::uint64_t bytes_of(const std::string& path) {
  std::uint64_t sum = 0;
  for (const std::string& name :
       os::list_folder(path, kFiles).value_or(std::vector<std::string>())) {
    if (const auto stat = os::stat_of(path + "/" + name)) sum += stat->size;
  }
  return sum;
}

Result<std::string> read_small(const std::string& folder, std::string_view name,
                               std::size_t limit) {
  const Opened opened = open_file(folder, name);
  if (opened.reason == "failed") return fail(ErrorCode::unavailable, opened.detail);
  if (!opened.reason.empty()) return fail(ErrorCode::not_found, opened.detail);
  if (opened.size > limit) {
    return fail(ErrorCode::invalid_argument, std::string(name) + " is too large");
  }
  return os::read_at(opened.fd, 0, limit);
}

}  // namespace

bool EvidenceOutbox::is_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytes && id.front() != '.' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// By their time, so that the oldest comes first.
std::vector<std::string> EvidenceOutbox::ids(std::string_view prefix) const {
  std::vector<std::pair<std::int64_t, std::string>> found;
  const auto names = os::list_folder(folder_, kNames);
  if (!names) return {};
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix)) continue;
    std::string id = name.substr(prefix.size());
    const auto stat = os::stat_of(folder_ + "/" + name);
    if (stat && is_id(id)) found.emplace_back(stat->modified.ns, std::move(id));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> ids;
  for (auto& [at, id] : found) ids.push_back(std::move(id));
  return ids;
}

Result<std::vector<std::string>> EvidenceOutbox::prepare() const {
  // The group is the agent's: its two halves are two users.
  if (::mkdir(folder_.c_str(), 0770) != 0 && errno != EEXIST) {
    return fail(system_error("make " + folder_, errno));
  }
  const auto names = os::list_folder(folder_, 1);
  if (!names) return fail(names.error());
  std::vector<std::string> left;
  for (const std::string& id : ids("part.")) {
    if (const Status gone = discard_part(id); !gone) left.push_back(gone.error().message);
  }
  return left;
}

Result<std::uint64_t> EvidenceOutbox::make_room(std::uint64_t needed, std::uint64_t most) const {
  std::uint64_t used = 0;
  for (const std::string_view prefix : {"ready.", "refused.", "part."}) {
    for (const std::string& id : ids(prefix)) used += bytes_of(path(prefix, id));
  }
  for (const std::string& id : ids("refused.")) {
    if (used + needed <= most) break;
    const std::uint64_t bytes = bytes_of(path("refused.", id));
    TOCSIN_TRY(remove_folder(path("refused.", id)));
    used -= std::min(used, bytes);
  }
  return used;
}

Status EvidenceOutbox::discard_part(const std::string& id) const {
  return remove_folder(part_folder(id));
}

Status EvidenceOutbox::finish(const std::string& id) const {
  const std::string ready = path("ready.", id);
  if (std::rename(part_folder(id).c_str(), ready.c_str()) != 0) {
    return fail(system_error("rename to " + ready, errno));
  }
  return config::sync_folder(folder_);
}

std::vector<std::string> EvidenceOutbox::ready() const { return ids("ready."); }
std::vector<std::string> EvidenceOutbox::refused() const { return ids("refused."); }

Result<evidence::Sealed> EvidenceOutbox::sealed(const std::string& id) const {
  const std::string folder = path("ready.", id);
  evidence::Sealed sealed;
  auto manifest = read_small(folder, evidence::kManifestFile, evidence::kManifestBytes);
  if (!manifest) return fail(manifest.error());
  auto signature = read_small(folder, evidence::kSignatureFile, evidence::kSignatureBytes);
  if (!signature) return fail(signature.error());
  sealed.manifest = std::move(*manifest);
  sealed.signature = std::move(*signature);
  return sealed;
}

Opened EvidenceOutbox::item(const std::string& id, const std::string& file) const {
  return open_file(path("ready.", id), file);
}

// First it is no longer ready: half of a collection must never look like a damaged one.
Status EvidenceOutbox::remove(const std::string& id) const {
  const std::string ready = path("ready.", id);
  if (std::rename(ready.c_str(), part_folder(id).c_str()) != 0 && errno != ENOENT) {
    return fail(system_error("rename " + ready, errno));
  }
  return discard_part(id);
}

Status EvidenceOutbox::set_aside(const std::string& id) const {
  const std::string refused = path("refused.", id);
  TOCSIN_TRY(remove_folder(refused));
  if (std::rename(path("ready.", id).c_str(), refused.c_str()) != 0) {
    return fail(system_error("rename to " + refused, errno));
  }
  return {};
}

}  // namespace tocsin::agent
