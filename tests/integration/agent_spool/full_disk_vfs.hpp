// An SQLite VFS that is the system's, until the disk is said to be full.
#pragma once

namespace tocsin::tests {

// Registers it once; the name is for SpoolOptions::vfs.
const char* full_disk_vfs();
// While set, every write that would make a file longer fails as on a full disk.
void set_disk_full(bool full);

}  // namespace tocsin::tests
