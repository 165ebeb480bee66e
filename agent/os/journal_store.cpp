#include "agent/os/journal_store.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kMostFiles = 10'000;
constexpr std::size_t kMostSettings = 256;
constexpr std::size_t kSettingBytes = 64 << 10;

// What comes first hides a file of the same name in what comes later.
constexpr std::array<std::string_view, 4> kSettingFolders{
    "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"};

struct Folder {
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
  std::uint64_t largest = 0;
};

bool is_journal(std::string_view name) {
  constexpr std::string_view kUnclean = ".journal~";
  constexpr std::string_view kClean = ".journal";
  const auto ends = [&](std::string_view end) {
    return name.size() > end.size() && name.substr(name.size() - end.size()) == end;
  };
  return ends(kClean) || ends(kUnclean);
}

std::optional<Folder> measure(const std::string& path) {
  const auto names = list_folder(path, kMostFiles);
  if (!names) return std::nullopt;
  Folder folder;
  for (const std::string& name : *names) {
    struct stat raw {};
    if (!is_journal(name) || ::lstat((path + "/" + name).c_str(), &raw) != 0) continue;
    if (!S_ISREG(raw.st_mode)) continue;
    folder.files.push_back(name);
    const std::uint64_t bytes = static_cast<std::uint64_t>(raw.st_blocks) * 512;
    folder.bytes += bytes;
    folder.largest = std::max(folder.largest, bytes);
  }
  return folder;
}

bool in_memory(const std::string& path) {
  struct statfs raw {};
  if (::statfs(path.c_str(), &raw) != 0) return false;
  const auto type = static_cast<std::uint64_t>(raw.f_type);
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

void read_setting(const std::string& path, JournalStore& store) {
  auto text = read_start(path, kSettingBytes);
  if (text && text->size() < kSettingBytes) {
    store.settings.push_back(std::move(*text));
  } else {
    store.all_settings = false;
  }
}

void read_settings(std::string_view root, JournalStore& store) {
  for (const std::string_view folder : kSettingFolders) {
    const std::string path = under(root, std::string(folder) + "/journald.conf");
    struct stat raw {};
    if (::stat(path.c_str(), &raw) != 0) continue;
    read_setting(path, store);
    break;
  }
  std::map<std::string, std::string> added;  // by name
  for (const std::string_view folder : kSettingFolders) {
    const std::string path = under(root, std::string(folder) + "/journald.conf.d");
    const auto names = list_folder(path, kMostSettings);
    if (!names) {
      if (names.error().code != ErrorCode::not_found) store.all_settings = false;
      continue;
    }
    for (const std::string& name : *names) {
      if (name.ends_with(".conf")) added.try_emplace(name, path + "/" + name);
    }
  }
  for (const auto& [name, path] : added) read_setting(path, store);
}

}  // namespace

Result<JournalStore> look_at_journal_store(std::string_view root) {
  auto id = read_start(under(root, "/etc/machine-id"), 64);
  if (!id) return fail(id.error());
  JournalStore store;
  store.machine_id = id->substr(0, id->find('\n'));
  const bool hex = store.machine_id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (store.machine_id.size() != 32 || !hex) {
    return fail(ErrorCode::not_found, "this host has no machine id yet");
  }
  const std::string disk = under(root, "/var/log/journal/" + store.machine_id);
  const std::string memory = under(root, "/run/log/journal/" + store.machine_id);
  const auto on_disk = measure(disk);
  const auto before = measure(memory);
  if (!on_disk && !before) return fail(ErrorCode::not_found, "this host keeps no journal");
  const bool written = on_disk && !on_disk->files.empty();
  const std::string& path = written || !before ? disk : memory;
  store.on_disk = written && !in_memory(disk);
  store.files = (written || !before ? on_disk : before)->files;
  store.bytes = (on_disk ? on_disk->bytes : 0) + (before ? before->bytes : 0);
  store.largest = std::max(on_disk ? on_disk->largest : 0, before ? before->largest : 0);
  struct statvfs raw {};
  if (::statvfs(path.c_str(), &raw) != 0) return fail(system_error("statvfs " + path, errno));
  store.space = raw.f_blocks * raw.f_frsize;
  store.free = raw.f_bavail * raw.f_frsize;
  read_settings(root, store);
  return store;
}

}  // namespace tocsin::agent::os
