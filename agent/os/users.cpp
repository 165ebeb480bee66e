#include "agent/os/users.hpp"

#include <array>

#include <pwd.h>

#include "agent/os/procfs.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kMaxUsers = 4096;
constexpr std::size_t kPasswdBytes = 1 << 20;
constexpr Duration kKeep = 5min;

std::string ask_name_service(std::uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return {};
  }
  return found->pw_name;
}

}  // namespace

void Users::refresh(MonoTime now) {
  // A thousand names at one moment need one look at the file.
  if (checked_at_ == now && names_.size() < kMaxUsers) return;
  checked_at_ = now;
  const std::string path = under(root_, "/etc/passwd");
  const FileStat current = stat_of(path).value_or(FileStat{});
  const bool fresh = read_ && current == file_ && now - read_at_ < kKeep;
  if (fresh && names_.size() < kMaxUsers) return;
  read_ = true;
  read_at_ = now;
  file_ = current;
  names_.clear();
  const auto text = read_start(path, kPasswdBytes);
  if (!text) return;
  for (auto& [uid, name] : parse_passwd(*text, kMaxUsers / 2)) {
    names_.emplace(uid, std::move(name));  // The first line of a number wins, as for the system.
  }
}

std::string Users::name_of(std::uint32_t uid, MonoTime now) {
  refresh(now);
  const auto known = names_.find(uid);
  if (known != names_.end()) return known->second;
  return names_[uid] = under(root_, "").empty() ? ask_name_service(uid) : std::string();
}

}  // namespace tocsin::agent::os
