// A disk that a test can cut the power of, fill up or break, under SQLite.
//
// It stands over SQLite's default VFS. What is written is seen at once by every connection, but it
// reaches the real file only when it is synced; a cut drops the rest, or lets a random part of the
// 512-byte sectors survive, as a disk's own cache may. A file that was made and never synced is
// gone after a cut, and one that was deleted without syncing the directory is back.
//
// Locks and shared memory are the default VFS's, on the real file. Syncing does not sync the
// machine's own disk: only processes die in these tests, never the machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tocsin::tests {

enum class Fault : std::uint8_t {
  power_cut,    // now and until restart() nothing works
  io_error,     // this once: EIO; a sync that fails so has lost what it should have written
  disk_full,    // ENOSPC for this and every later write until make_room()
  short_write,  // as disk_full, but half of the first write is done
};

// Counted operations are writes, truncations, syncs and deletions that sync the directory, of all
// files but temporary ones. Thread-safe. All connections must be closed before it is destroyed.
class PowerCutVfs {
 public:
  PowerCutVfs();
  ~PowerCutVfs();
  PowerCutVfs(const PowerCutVfs&) = delete;
  PowerCutVfs& operator=(const PowerCutVfs&) = delete;

  // For SpoolOptions::vfs and its like; different for each object.
  const std::string& name() const;

  // The `nth` counted operation from now on meets `fault`, from 1. Counts from 0 again.
  void plan(std::uint64_t nth, Fault fault);
  // Counts only writes and truncations; for disk_full and short_write.
  void plan_write(std::uint64_t nth, Fault fault);
  // No fault; counts from 0 again.
  void plan_nothing();
  std::uint64_t operations() const;
  std::uint64_t writes() const;
  bool happened() const;  // the planned fault

  // Which sectors that were not synced survive a cut: 0 none, else a random half by this seed.
  void survive(std::uint32_t seed);
  void cut();
  // The power is back: what is opened now sees what is on the disk. Connections from before stay
  // dead.
  void restart();
  void make_room();

  struct Disk;

 private:
  std::unique_ptr<Disk> disk_;
};

}  // namespace tocsin::tests
