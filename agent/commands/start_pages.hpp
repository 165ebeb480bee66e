// Takes what only the start needed out of the process's memory.
//
// A process that starts runs through much code once: configuration, tables of libraries, the TLS
// handshake. The kernel maps 64 KiB around each place, and they stay mapped for as long as memory
// is not scarce, 5 MB of each of the agent's processes. Told that they are not needed, it takes
// them out of the process, which then has as much as it uses; whatever is needed again is mapped
// again from the page cache, at a microsecond for each 64 KiB, or read from the disk if even the
// cache gave it up. So it is with every page of a program when memory is scarce: nothing can happen
// that could not happen without this.
//
// Only segments that the program and its libraries never write to are named: their pages are those
// of the file, byte by byte. What the loader corrected at the start is in other segments. (A
// debugger's breakpoints are such writes; they go too.)
#pragma once

#include <thread>

namespace tocsin::agent {

// Also gives back what the heap has free at its end. From any thread. What the system refuses stays
// as it is.
void give_back_start_pages();

// While it lives: does so half a minute after the start, and every ten minutes, because connecting
// again to a collector or a rare check uses such code once more.
class StartPages {
 public:
  StartPages();

 private:
  std::jthread thread_;
};

}  // namespace tocsin::agent
