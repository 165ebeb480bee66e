#include "tests/support/power_cut_vfs.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin::tests {
namespace {

constexpr std::size_t kSector = 512;

// Something done to a file that is not synced yet.
struct Pending {
  enum class Kind : std::uint8_t { write, resize } kind = Kind::write;
  std::size_t offset = 0;  // resize: the new size
  std::string bytes;
};

struct File {
  std::string path;
  ino_t inode = 0;
  std::string view;  // what connections see
  std::vector<Pending> pending;
  bool counted = true;  // false: a temporary file
  bool made_unsynced = false;
  bool syncs_directory = false;  // with its first sync, as the default VFS does for new journals
  bool deleted = false;          // in the view
  int handles = 0;
};

ino_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

void resize(std::string& content, std::size_t size) { content.resize(size, '\0'); }

void put(std::string& content, std::size_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) resize(content, offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

}  // namespace

struct PowerCutVfs::Disk {
  // sqlite3_vfs is a C structure that SQLite hands back: `pAppData` leads to us.
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::string name;

  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<File>> files;
  bool powered = true;
  std::uint64_t generation = 0;  // of cuts; handles of an older one are dead
  std::uint64_t operations = 0;
  std::uint64_t writes = 0;
  struct Plan {
    std::uint64_t nth = 0;
    Fault fault = Fault::power_cut;
    bool writes_only = false;
  };
  std::optional<Plan> plan;
  bool happened = false;
  bool full = false;
  std::uint32_t seed = 0;

  // The fault that this operation meets, if any. With mutex.
  std::optional<Fault> count(bool is_write) {
    ++operations;
    if (is_write) ++writes;
    if (full && is_write) return Fault::disk_full;
    if (!plan || happened) return std::nullopt;
    if (plan->writes_only && !is_write) return std::nullopt;
    if ((plan->writes_only ? writes : operations) != plan->nth) return std::nullopt;
    happened = true;
    if (plan->fault == Fault::disk_full || plan->fault == Fault::short_write) full = is_write;
    return plan->fault;
  }

  void cut_power() {
    std::mt19937 random(seed);
    for (auto& [path, file] : files) {
      if (seed != 0) survive_in_part(*file, random);
      if (seed == 0 && file->made_unsynced) ::unlink(path.c_str());
    }
    files.clear();
    powered = false;
    ++generation;
  }

  static std::string read_real(const std::string& path) {
    std::string content;
    if (std::FILE* stream = std::fopen(path.c_str(), "rb")) {
      char buffer[65536];
      while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, stream)) {
        content.append(buffer, got);
      }
      std::fclose(stream);
    }
    return content;
  }

  // Overwrites in place: the inode carries the locks.
  static bool write_real(const std::string& path, const std::string& content) {
    std::FILE* stream = std::fopen(path.c_str(), "r+b");
    if (stream == nullptr) return false;
    const bool written = std::fwrite(content.data(), 1, content.size(), stream) == content.size();
    const bool flushed = std::fflush(stream) == 0;
    const bool sized = ::ftruncate(::fileno(stream), static_cast<off_t>(content.size())) == 0;
    std::fclose(stream);
    return written && flushed && sized;
  }

  static void survive_in_part(const File& file, std::mt19937& random) {
    if (file.pending.empty() || inode_of(file.path) != file.inode) return;
    std::string content = read_real(file.path);
    for (const Pending& change : file.pending) {
      if (change.kind == Pending::Kind::resize) {
        if (random() % 2 == 0) resize(content, change.offset);
        continue;
      }
      for (std::size_t at = 0; at < change.bytes.size();) {
        const std::size_t in_sector = kSector - (change.offset + at) % kSector;
        const std::size_t size = std::min(in_sector, change.bytes.size() - at);
        if (random() % 2 == 0) {
          put(content, change.offset + at, std::string_view(change.bytes).substr(at, size));
        }
        at += size;
      }
    }
    static_cast<void>(write_real(file.path, content));
  }

  // All that is pending reaches the file.
  static bool flush(File& file) {
    if (file.pending.empty()) return true;
    std::string content = read_real(file.path);
    for (const Pending& change : file.pending) {
      if (change.kind == Pending::Kind::resize) {
        resize(content, change.offset);
      } else {
        put(content, change.offset, change.bytes);
      }
    }
    file.pending.clear();
    file.made_unsynced = false;
    return write_real(file.path, content);
  }

  // Names that were removed from the directory of `path` stay removed.
  void sync_directory(const std::string& path) {
    const std::string directory = path.substr(0, path.rfind('/') + 1);
    for (auto at = files.begin(); at != files.end();) {
      const File& file = *at->second;
      const bool gone = file.deleted && file.path.rfind('/') + 1 == directory.size() &&
                        file.path.starts_with(directory);
      if (gone) ::unlink(file.path.c_str());
      at = gone ? files.erase(at) : std::next(at);
    }
  }

  void do_write(File& file, std::size_t offset, std::string_view bytes) {
    put(file.view, offset, bytes);
    file.pending.push_back({Pending::Kind::write, offset, std::string(bytes)});
  }

  void do_resize(File& file, std::size_t size) {
    resize(file.view, size);
    file.pending.push_back({Pending::Kind::resize, size, {}});
  }
};

namespace {

using Disk = PowerCutVfs::Disk;

// What SQLite allocates for an open file; the real one's structure follows it in memory.
struct Handle {
  sqlite3_file base;
  Disk* disk;
  std::shared_ptr<File>* file;
  std::uint64_t generation;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  bool dead() const { return !disk->powered || generation != disk->generation; }
};

Handle& handle_of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

int on_close(sqlite3_file* opened) {
  Handle& handle = handle_of(opened);
  const std::lock_guard lock(handle.disk->mutex);
  File& file = **handle.file;
  const auto known = handle.disk->files.find(file.path);
  const bool current = known != handle.disk->files.end() && known->second == *handle.file;
  if (--file.handles == 0 && file.pending.empty() && current) handle.disk->files.erase(known);
  sqlite3_file* real = handle.real();
  const int result = real->pMethods != nullptr ? real->pMethods->xClose(real) : SQLITE_OK;
  delete handle.file;
  return result;
}

int on_read(sqlite3_file* opened, void* to, int amount, sqlite3_int64 offset) {
  Handle& handle = handle_of(opened);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.dead()) return SQLITE_IOERR_READ;
  const std::string& view = (*handle.file)->view;
  const auto from = std::min(static_cast<std::size_t>(offset), view.size());
  const auto size = std::min(static_cast<std::size_t>(amount), view.size() - from);
  std::memcpy(to, view.data() + from, size);
  if (size == static_cast<std::size_t>(amount)) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + size, 0, static_cast<std::size_t>(amount) - size);
  return SQLITE_IOERR_SHORT_READ;
}

int on_write(sqlite3_file* opened, const void* from, int amount, sqlite3_int64 offset) {
  Handle& handle = handle_of(opened);
  Disk& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  if (handle.dead()) return SQLITE_IOERR_WRITE;
  File& file = **handle.file;
  const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(amount));
  const auto at = static_cast<std::size_t>(offset);
  const std::optional<Fault> fault = file.counted ? disk.count(true) : std::nullopt;
  if (!fault) {
    disk.do_write(file, at, bytes);
    return SQLITE_OK;
  }
  switch (*fault) {
    case Fault::power_cut:
      disk.do_write(file, at, bytes);  // A part of it may survive.
      disk.cut_power();
      return SQLITE_IOERR_WRITE;
    case Fault::short_write:
      disk.do_write(file, at, bytes.substr(0, bytes.size() / 2));
      return SQLITE_FULL;
    case Fault::disk_full:
      return SQLITE_FULL;
    case Fault::io_error:
      return SQLITE_IOERR_WRITE;
  }
  return SQLITE_IOERR;
}

int on_truncate(sqlite3_file* opened, sqlite3_int64 size) {
  Handle& handle = handle_of(opened);
  Disk& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  if (handle.dead()) return SQLITE_IOERR_TRUNCATE;
  File& file = **handle.file;
  const std::optional<Fault> fault = file.counted ? disk.count(true) : std::nullopt;
  const bool smaller = static_cast<std::size_t>(size) <= file.view.size();
  const bool no_room = fault == Fault::disk_full || fault == Fault::short_write;
  if (!fault || (no_room && smaller)) {  // Making a file smaller needs no room.
    disk.do_resize(file, static_cast<std::size_t>(size));
    return SQLITE_OK;
  }
  if (*fault == Fault::power_cut) {
    disk.do_resize(file, static_cast<std::size_t>(size));
    disk.cut_power();
  }
  return SQLITE_IOERR_TRUNCATE;
}

int on_sync(sqlite3_file* opened, int /*flags*/) {
  Handle& handle = handle_of(opened);
  Disk& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  if (handle.dead()) return SQLITE_IOERR_FSYNC;
  File& file = **handle.file;
  const std::optional<Fault> fault = file.counted ? disk.count(false) : std::nullopt;
  if (!fault) {
    file.made_unsynced = false;
    if (std::exchange(file.syncs_directory, false)) disk.sync_directory(file.path);
    return Disk::flush(file) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
  }
  if (*fault == Fault::power_cut) {
    disk.cut_power();
  } else {
    file.pending.clear();  // As Linux does: the pages count as clean, and never reach the disk.
  }
  return SQLITE_IOERR_FSYNC;
}

int on_file_size(sqlite3_file* opened, sqlite3_int64* size) {
  Handle& handle = handle_of(opened);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.dead()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>((*handle.file)->view.size());
  return SQLITE_OK;
}

int on_lock(sqlite3_file* opened, int level) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xLock(real, level);
}
int on_unlock(sqlite3_file* opened, int level) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xUnlock(real, level);
}
int on_check_lock(sqlite3_file* opened, int* held) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xCheckReservedLock(real, held);
}
int on_control(sqlite3_file* opened, int operation, void* argument) {
  // Growing the real file ahead would show what was never written.
  if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xFileControl(real, operation, argument);
}
int on_sector_size(sqlite3_file* opened) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xSectorSize(real);
}
int on_characteristics(sqlite3_file* opened) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xDeviceCharacteristics(real);
}
int on_shm_map(sqlite3_file* opened, int page, int size, int extend, void volatile** memory) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xShmMap(real, page, size, extend, memory);
}
int on_shm_lock(sqlite3_file* opened, int offset, int count, int flags) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xShmLock(real, offset, count, flags);
}
void on_shm_barrier(sqlite3_file* opened) {
  sqlite3_file* real = handle_of(opened).real();
  real->pMethods->xShmBarrier(real);
}
int on_shm_unmap(sqlite3_file* opened, int remove) {
  sqlite3_file* real = handle_of(opened).real();
  return real->pMethods->xShmUnmap(real, remove);
}

// Version 2: shared memory, but no memory-mapped reads, which would go past us.
const sqlite3_io_methods kMethods{2,
                                  on_close,
                                  on_read,
                                  on_write,
                                  on_truncate,
                                  on_sync,
                                  on_file_size,
                                  on_lock,
                                  on_unlock,
                                  on_check_lock,
                                  on_control,
                                  on_sector_size,
                                  on_characteristics,
                                  on_shm_map,
                                  on_shm_lock,
                                  on_shm_barrier,
                                  on_shm_unmap,
                                  nullptr,
                                  nullptr};

Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

// The state of a path, as connections share it; read from the disk when nobody has it open, or when
// it was renamed or removed without us.
std::shared_ptr<File> file_of(Disk& disk, const std::string& path, bool existed) {
  const auto found = disk.files.find(path);
  if (found != disk.files.end() && found->second->inode == inode_of(path)) {
    return found->second;
  }
  auto file = std::make_shared<File>();
  file->path = path;
  file->inode = inode_of(path);
  file->view = Disk::read_real(path);
  file->made_unsynced = !existed;
  disk.files[path] = file;
  return file;
}

int on_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* opened, int flags, int* out_flags) {
  Disk& disk = disk_of(vfs);
  auto* handle = reinterpret_cast<Handle*>(opened);
  opened->pMethods = nullptr;
  const std::lock_guard lock(disk.mutex);
  if (!disk.powered) return SQLITE_CANTOPEN;
  const bool existed = name != nullptr && inode_of(name) != 0;
  std::memset(handle->real(), 0, static_cast<std::size_t>(disk.real->szOsFile));
  const int result = disk.real->xOpen(disk.real, name, handle->real(), flags, out_flags);
  if (result != SQLITE_OK) return result;
  std::shared_ptr<File> file;
  if (name != nullptr) {
    file = file_of(disk, name, existed);
    const bool made = !existed || std::exchange(file->deleted, false);
    const int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    if (made && (flags & journals) != 0) file->syncs_directory = true;
  } else {
    file = std::make_shared<File>();
    file->counted = false;
  }
  ++file->handles;
  handle->disk = &disk;
  handle->file = new std::shared_ptr<File>(std::move(file));
  handle->generation = disk.generation;
  opened->pMethods = &kMethods;
  return SQLITE_OK;
}

int on_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard lock(disk.mutex);
  if (!disk.powered) return SQLITE_IOERR_DELETE;
  if (inode_of(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
  const std::shared_ptr<File> file = file_of(disk, name, true);
  if (sync_directory == 0) {
    disk.do_resize(*file, 0);  // The name stays until the cut, and then its content is back.
    file->deleted = true;
    return SQLITE_OK;
  }
  const std::optional<Fault> fault = disk.count(false);
  if (fault == Fault::power_cut) {
    disk.cut_power();
    return SQLITE_IOERR_DELETE;
  }
  if (fault) return SQLITE_IOERR_DELETE;
  disk.files.erase(name);
  disk.sync_directory(name);
  return disk.real->xDelete(disk.real, name, 0);
}

int on_access(sqlite3_vfs* vfs, const char* name, int flags, int* answer) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard lock(disk.mutex);
  if (!disk.powered) return SQLITE_IOERR_ACCESS;
  const auto found = disk.files.find(name);
  if (flags == SQLITE_ACCESS_EXISTS && found != disk.files.end() &&
      found->second->inode == inode_of(name)) {
    *answer = !found->second->deleted && !found->second->view.empty() ? 1 : 0;
    return SQLITE_OK;
  }
  return disk.real->xAccess(disk.real, name, flags, answer);
}

int on_full_path(sqlite3_vfs* vfs, const char* name, int size, char* to) {
  sqlite3_vfs* real = disk_of(vfs).real;
  return real->xFullPathname(real, name, size, to);
}
int on_randomness(sqlite3_vfs* vfs, int size, char* to) {
  sqlite3_vfs* real = disk_of(vfs).real;
  return real->xRandomness(real, size, to);
}
int on_wait(sqlite3_vfs* vfs, int microseconds) {
  sqlite3_vfs* real = disk_of(vfs).real;
  return real->xSleep(real, microseconds);
}
int on_current_time(sqlite3_vfs* vfs, double* to) {
  sqlite3_vfs* real = disk_of(vfs).real;
  return real->xCurrentTime(real, to);
}
int on_last_error(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*to*/) { return 0; }
int on_current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* to) {
  sqlite3_vfs* real = disk_of(vfs).real;
  return real->xCurrentTimeInt64(real, to);
}

std::string fresh_name() {
  static std::atomic<int> made = 0;
  return "power-cut-" + std::to_string(++made);
}

}  // namespace

PowerCutVfs::PowerCutVfs() : disk_(std::make_unique<Disk>()) {
  disk_->real = sqlite3_vfs_find(nullptr);
  disk_->name = fresh_name();
  sqlite3_vfs& vfs = disk_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(Handle)) + disk_->real->szOsFile;
  vfs.mxPathname = disk_->real->mxPathname;
  vfs.zName = disk_->name.c_str();
  vfs.pAppData = disk_.get();
  vfs.xOpen = on_open;
  vfs.xDelete = on_delete;
  vfs.xAccess = on_access;
  vfs.xFullPathname = on_full_path;
  vfs.xRandomness = on_randomness;
  vfs.xSleep = on_wait;
  vfs.xCurrentTime = on_current_time;
  vfs.xGetLastError = on_last_error;
  vfs.xCurrentTimeInt64 = on_current_time_int64;
  sqlite3_vfs_register(&vfs, 0);
}

PowerCutVfs::~PowerCutVfs() { sqlite3_vfs_unregister(&disk_->vfs); }

const std::string& PowerCutVfs::name() const { return disk_->name; }

void PowerCutVfs::plan(std::uint64_t nth, Fault fault) {
  plan_nothing();
  const std::lock_guard lock(disk_->mutex);
  disk_->plan = Disk::Plan{nth, fault, false};
}

void PowerCutVfs::plan_write(std::uint64_t nth, Fault fault) {
  plan_nothing();
  const std::lock_guard lock(disk_->mutex);
  disk_->plan = Disk::Plan{nth, fault, true};
}

void PowerCutVfs::plan_nothing() {
  const std::lock_guard lock(disk_->mutex);
  disk_->plan.reset();
  disk_->happened = false;
  disk_->full = false;
  disk_->operations = 0;
  disk_->writes = 0;
}

std::uint64_t PowerCutVfs::operations() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->operations;
}

std::uint64_t PowerCutVfs::writes() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->writes;
}

bool PowerCutVfs::happened() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->happened;
}

void PowerCutVfs::survive(std::uint32_t seed) {
  const std::lock_guard lock(disk_->mutex);
  disk_->seed = seed;
}

void PowerCutVfs::cut() {
  const std::lock_guard lock(disk_->mutex);
  disk_->cut_power();
}

void PowerCutVfs::restart() {
  const std::lock_guard lock(disk_->mutex);
  disk_->powered = true;
}

void PowerCutVfs::make_room() {
  const std::lock_guard lock(disk_->mutex);
  disk_->full = false;
}

}  // namespace tocsin::tests
