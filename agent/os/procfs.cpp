#include "agent/os/procfs.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <tuple>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kLinkBytes = 4096;
constexpr std::size_t kEntriesBytes = 32768;
constexpr std::size_t kAtOnceBytes = 8192;
constexpr std::size_t kScanThreads = 2;
constexpr std::size_t kWorthAThread = 1024;  // sockets; for a few one thread is there sooner

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes the text before `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const std::size_t end = rest.find_first_of(" \t\n");
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(word.size());
  return word;
}

bool is_unit(std::string_view part) {
  for (const std::string_view suffix : {".service", ".scope", ".socket", ".mount", ".swap"}) {
    if (part.size() > suffix.size() && part.ends_with(suffix)) return true;
  }
  return false;
}

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder open_folder(int at, const std::string& name) {
  const int fd = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return {nullptr, ::closedir};
  DIR* folder = ::fdopendir(fd);
  if (folder == nullptr) ::close(fd);
  return {folder, ::closedir};
}

std::string of_process(std::uint32_t pid, std::string_view name) {
  return std::to_string(pid).append("/").append(name);
}

Result<std::string> read_link(int at, const std::string& name) {
  char target[kLinkBytes];
  const ssize_t n = ::readlinkat(at, name.c_str(), target, sizeof target);
  if (n < 0) return fail(system_error("readlink " + name, errno));
  return std::string(target, static_cast<std::size_t>(n));
}

// The inodes that a scan looks for: open addressing, because a busy host asks for tens of
// thousands and every descriptor of every process is compared.
class InodeSet {
 public:
  explicit InodeSet(const std::vector<std::uint64_t>& inodes) {
    std::size_t size = 64;
    while (size < inodes.size() * 2) size *= 2;
    slots_.resize(size);
    for (const std::uint64_t inode : inodes) {
      if (inode != 0) slots_[slot_of(inode)] = inode;
    }
  }
  bool contains(std::uint64_t inode) const { return inode != 0 && slots_[slot_of(inode)] != 0; }

 private:
  // Where it is, or would go. Some slot is always free.
  std::size_t slot_of(std::uint64_t inode) const {
    std::size_t slot = (inode * 0x9E3779B97F4A7C15ULL >> 20) & (slots_.size() - 1);
    while (slots_[slot] != 0 && slots_[slot] != inode) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }
  std::vector<std::uint64_t> slots_;
};

bool is_forbidden(int error) { return error == EACCES || error == EPERM; }

// Adds the descriptors of one process that are among `wanted`.
void scan_descriptors(const Fd& proc, std::uint32_t pid, const InodeSet& wanted,
                      std::vector<char>& buffer, ProcReader::Scan& scan) {
  const std::string path = of_process(pid, "fd");
  const Fd folder(::openat(proc.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) {
    if (is_forbidden(errno)) ++scan.not_permitted;
    return;
  }
  for (;;) {
    const long n = ::syscall(SYS_getdents64, folder.get(), buffer.data(), buffer.size());
    if (n <= 0) return;
    for (long at = 0; at < n;) {
      // struct linux_dirent64: inode 8, offset 8, length 2, type 1, then the name.
      std::uint16_t length = 0;
      std::memcpy(&length, buffer.data() + at + 16, sizeof length);
      const char* name = buffer.data() + at + 19;
      at += length;
      const auto fd = number<std::uint32_t>(name);
      if (!fd) continue;
      char target[64];  // A longer link is not a socket's.
      const ssize_t size = ::readlinkat(folder.get(), name, target, sizeof target);
      // Who may list any folder (CAP_DAC_READ_SEARCH) still may not follow these links.
      if (size < 0 && is_forbidden(errno)) {
        ++scan.not_permitted;
        return;
      }
      if (size <= 0) continue;
      const auto inode = parse_socket_link({target, static_cast<std::size_t>(size)});
      if (inode && wanted.contains(*inode)) scan.holders.push_back({*inode, pid, *fd});
    }
  }
}

// One holder for each process and socket, in order.
ProcReader::Scan joined(std::span<ProcReader::Scan> parts) {
  ProcReader::Scan all;
  for (ProcReader::Scan& part : parts) {
    all.holders.insert(all.holders.end(), part.holders.begin(), part.holders.end());
    all.not_permitted += part.not_permitted;
  }
  const auto key = [](const ProcReader::Holder& h) { return std::tuple(h.inode, h.pid, h.fd); };
  const auto order = [&](const auto& a, const auto& b) { return key(a) < key(b); };
  const auto same = [](const auto& a, const auto& b) {
    return a.inode == b.inode && a.pid == b.pid;
  };
  std::sort(all.holders.begin(), all.holders.end(), order);
  all.holders.erase(std::unique(all.holders.begin(), all.holders.end(), same), all.holders.end());
  return all;
}

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view text) {
  // The name may hold anything, ") R 1 (" too, so it ends at the last parenthesis.
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) {
    return std::nullopt;
  }
  ProcStat stat;
  const auto pid = number<std::uint32_t>(text.substr(0, open));
  if (!pid) return std::nullopt;
  stat.pid = *pid;
  stat.name = std::string(text.substr(open + 2, close - open - 2));
  std::string_view rest = text.substr(close + 2);
  std::string_view fields[20];  // From "state" (the third) to "starttime" (the 22nd).
  for (std::string_view& field : fields) field = take_word(rest);
  const auto parent = number<std::uint32_t>(fields[1]);
  const auto flags = number<std::uint32_t>(fields[6]);
  const auto start = number<std::uint64_t>(fields[19]);
  if (fields[0].size() != 1 || !parent || !flags || !start) return std::nullopt;
  stat.state = fields[0][0];
  stat.parent = *parent;
  stat.flags = *flags;
  stat.start_ticks = *start;
  return stat;
}

std::optional<std::uint32_t> parse_status_uid(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (!line.starts_with("Uid:")) continue;
    line.remove_prefix(4);
    take_word(line);  // The real one.
    return number<std::uint32_t>(take_word(line));
  }
  return std::nullopt;
}

std::optional<std::uint32_t> parse_status_group(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (!line.starts_with("Tgid:")) continue;
    line.remove_prefix(5);
    return number<std::uint32_t>(take_word(line));
  }
  return std::nullopt;
}

std::string parse_cgroup_unit(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const std::string_view hierarchy = take(line, ':');
    const std::string_view controllers = take(line, ':');
    const bool systemd = controllers == "name=systemd" || (hierarchy == "0" && controllers.empty());
    if (!systemd) continue;
    while (!line.empty()) {
      const std::string_view part = take(line, '/');
      if (is_unit(part)) return std::string(part);
    }
  }
  return {};
}

std::vector<std::uint32_t> parse_covered(std::string_view mounts) {
  // 36 35 98:0 /root /proc/4711 rw - tmpfs none rw
  constexpr std::string_view kFolder = "/proc/";
  constexpr int kFieldsBefore = 4;
  std::vector<std::uint32_t> covered;
  while (!mounts.empty()) {
    std::string_view line = take(mounts, '\n');
    for (int field = 0; field < kFieldsBefore; ++field) take(line, ' ');
    std::string_view point = take(line, ' ');
    if (!point.starts_with(kFolder)) continue;
    point.remove_prefix(kFolder.size());
    const auto pid = number<std::uint32_t>(take(point, '/'));
    if (pid) covered.push_back(*pid);
  }
  return covered;
}

bool environment_has(std::string_view environ_block, std::string_view name) {
  while (!environ_block.empty()) {
    const std::string_view entry = take(environ_block, '\0');
    if (entry.size() > name.size() + 1 && entry.starts_with(name) && entry[name.size()] == '=') {
      return true;
    }
  }
  return false;
}

std::optional<std::uint64_t> parse_socket_link(std::string_view link) {
  constexpr std::string_view kStart = "socket:[";
  if (!link.starts_with(kStart) || !link.ends_with(']')) return std::nullopt;
  return number<std::uint64_t>(link.substr(kStart.size(), link.size() - kStart.size() - 1));
}

std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_port_range(std::string_view text) {
  const auto low = number<std::uint16_t>(take_word(text));
  const auto high = number<std::uint16_t>(take_word(text));
  if (!low || !high || *low > *high) return std::nullopt;
  return std::pair(*low, *high);
}

std::vector<std::pair<std::uint32_t, std::string>> parse_passwd(std::string_view text,
                                                                std::size_t limit) {
  std::vector<std::pair<std::uint32_t, std::string>> users;
  while (!text.empty() && users.size() < limit) {
    std::string_view line = take(text, '\n');
    const std::string_view name = take(line, ':');
    take(line, ':');
    const auto uid = number<std::uint32_t>(take(line, ':'));
    if (!name.empty() && uid) users.emplace_back(*uid, std::string(name));
  }
  return users;
}

Result<ProcReader> ProcReader::open(std::string_view root) {
  const std::string path = under(root, "/proc");
  Fd proc(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc.valid()) return fail(system_error("open " + path, errno));
  return ProcReader(std::move(proc));
}

Result<std::vector<std::uint32_t>> ProcReader::process_ids() const {
  const Folder folder = open_folder(proc_.get(), ".");
  if (!folder) return fail(system_error("list /proc", errno));
  std::vector<std::uint32_t> pids;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (const auto pid = number<std::uint32_t>(entry->d_name)) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

Result<std::string> ProcReader::read(std::uint32_t pid, std::string_view name,
                                     std::size_t limit) const {
  const std::string path = of_process(pid, name);
  const Fd file(::openat(proc_.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return fail(system_error("open /proc/" + path, errno));
  return read_at(file, 0, limit);
}

Result<std::string> ProcReader::read_at_once(std::uint32_t pid, std::string_view name,
                                             std::size_t limit) const {
  const std::string path = of_process(pid, name);
  const Fd file(::openat(proc_.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return fail(system_error("open /proc/" + path, errno));
  char first[kAtOnceBytes];
  const ssize_t n = ::pread(file.get(), first, std::min(limit, sizeof first), 0);
  if (n < 0) return fail(system_error("read /proc/" + path, errno));
  const auto size = static_cast<std::size_t>(n);
  return size < sizeof first ? std::string(first, size) : read_at(file, 0, limit);
}

Result<ProcessIdentity> ProcReader::identity(std::uint32_t pid) const {
  struct stat folder {};
  if (::fstatat(proc_.get(), std::to_string(pid).c_str(), &folder, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(system_error("stat process " + std::to_string(pid), errno));
  }
  return ProcessIdentity{folder.st_ino, instant_of(folder.st_ctim), folder.st_uid};
}

Result<std::string> ProcReader::link(std::uint32_t pid, std::string_view name) const {
  return read_link(proc_.get(), of_process(pid, name));
}

Result<std::uint64_t> ProcReader::network_namespace(std::string_view process) const {
  struct stat file {};
  const std::string path = std::string(process) + "/ns/net";
  if (::fstatat(proc_.get(), path.c_str(), &file, 0) != 0) {
    return fail(system_error("stat /proc/" + path, errno));
  }
  return file.st_ino;
}

Result<std::vector<std::uint32_t>> ProcReader::descriptors(std::uint32_t pid) const {
  const Folder folder = open_folder(proc_.get(), of_process(pid, "fd"));
  if (!folder) return fail(system_error("list the files of " + std::to_string(pid), errno));
  std::vector<std::uint32_t> numbers;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (const auto fd = number<std::uint32_t>(entry->d_name)) numbers.push_back(*fd);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<Fd> ProcReader::executable(std::uint32_t pid) const {
  const std::string name = of_process(pid, "exe");
  Fd file(::openat(proc_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail(system_error("open the program of " + name, errno));
  return file;
}

Result<ProcReader::Scan> ProcReader::find_sockets(const std::vector<std::uint64_t>& inodes,
                                                  std::stop_token stop) const {
  const auto pids = process_ids();
  if (!pids) return fail(pids.error());
  const InodeSet wanted(inodes);
  std::atomic<std::size_t> next = 0;
  std::array<Scan, kScanThreads> parts;
  const auto work = [&](std::size_t part) {
    std::vector<char> buffer(kEntriesBytes);
    for (std::size_t i; (i = next++) < pids->size() && !stop.stop_requested();) {
      scan_descriptors(proc_, (*pids)[i], wanted, buffer, parts[part]);
    }
  };
  std::vector<std::thread> helpers;
  if (inodes.size() >= kWorthAThread) {
    for (std::size_t i = 1; i < kScanThreads; ++i) helpers.emplace_back(work, i);
  }
  work(0);
  for (std::thread& helper : helpers) helper.join();
  if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "scan of /proc/*/fd");
  return joined(parts);
}

std::optional<bool> ProcReader::executable_world_writable(std::uint32_t pid,
                                                          const std::string& path) const {
  struct stat file {};
  if (::fstatat(proc_.get(), of_process(pid, "exe").c_str(), &file, 0) != 0) return std::nullopt;
  if ((file.st_mode & S_IWOTH) != 0) return true;
  if (path.empty() || path[0] != '/') return false;
  // Through the process's own root: its path means another file here when it runs in a container.
  const std::string root = of_process(pid, "root");
  for (std::size_t end = path.rfind('/'); end != std::string::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    struct stat folder {};
    if (::fstatat(proc_.get(), (root + path.substr(0, end)).c_str(), &folder, 0) != 0) {
      if (errno == ENOENT) continue;  // Removed together with the program.
      return std::nullopt;
    }
    if ((folder.st_mode & S_IWOTH) != 0) return true;
  }
  return false;
}

std::string boot_id(std::string_view root) {
  constexpr std::size_t kBytes = 64;
  auto text = read_start(under(root, "/proc/sys/kernel/random/boot_id"), kBytes);
  if (!text) return {};
  text->resize(std::min(text->size(), text->find_first_not_of("0123456789abcdef-")));
  return *text;
}

}  // namespace tocsin::agent::os
