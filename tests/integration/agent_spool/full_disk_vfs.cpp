#include "tests/integration/agent_spool/full_disk_vfs.hpp"

#include <atomic>

#include <sqlite3.h>

namespace tocsin::tests {
namespace {

// The callbacks of a VFS are plain functions, so what they share is at namespace scope.
std::atomic<bool> disk_full{false};
sqlite3_vfs* real_vfs = nullptr;

// A database file and its log have different methods: only the first can be locked and mapped.
struct Methods {
  sqlite3_io_methods real;
  sqlite3_io_methods ours;
};
Methods of_database;
Methods of_log;

int write_unless_full(const Methods& methods, sqlite3_file* file, const void* bytes, int count,
                      sqlite3_int64 offset) {
  sqlite3_int64 size = 0;
  if (disk_full && methods.real.xFileSize(file, &size) == SQLITE_OK && offset + count > size) {
    return SQLITE_FULL;
  }
  return methods.real.xWrite(file, bytes, count, offset);
}
int write_database(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  return write_unless_full(of_database, file, bytes, count, offset);
}
int write_log(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  return write_unless_full(of_log, file, bytes, count, offset);
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int result = real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
  const bool database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  if (result != SQLITE_OK || !(database || (flags & SQLITE_OPEN_WAL) != 0)) return result;
  Methods& methods = database ? of_database : of_log;
  methods.real = *file->pMethods;
  methods.ours = methods.real;
  methods.ours.xWrite = database ? write_database : write_log;
  file->pMethods = &methods.ours;
  return result;
}

}  // namespace

const char* full_disk_vfs() {
  static sqlite3_vfs vfs = [] {
    real_vfs = sqlite3_vfs_find(nullptr);
    sqlite3_vfs made = *real_vfs;
    made.zName = "full-disk";
    made.pNext = nullptr;
    made.xOpen = open_file;
    return made;
  }();
  sqlite3_vfs_register(&vfs, 0);
  return vfs.zName;
}

void set_disk_full(bool full) { disk_full = full; }

}  // namespace tocsin::tests
