#include "agent/commands/start_pages.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/instant.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kFirst = 30s;
constexpr Duration kAgain = 10min;

// An object whose code the loader corrected has a note of it (DT_TEXTREL); none is built so today.
bool code_was_corrected(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = object.dlpi_phdr[i];
    if (header.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
    }
  }
  return false;
}

int give_back(dl_phdr_info* object, std::size_t, void* page_bytes) {
  if (code_was_corrected(*object)) return 0;
  const std::uintptr_t page = *static_cast<const std::uintptr_t*>(page_bytes);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = object->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
    // Whole pages of this segment only: the next segment may begin in its last one.
    const std::uintptr_t start = (object->dlpi_addr + header.p_vaddr + page - 1) / page * page;
    const std::uintptr_t end = (object->dlpi_addr + header.p_vaddr + header.p_filesz) / page * page;
    if (start >= end) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers.
    ::madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
  }
  return 0;
}

void watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  Duration wait = kFirst;
  while (!stop.stop_requested()) {
    changed.wait_for(lock, stop, wait, [] { return false; });
    if (stop.stop_requested()) return;
    give_back_start_pages();
    wait = kAgain;
  }
}

}  // namespace

void give_back_start_pages() {
  ::malloc_trim(0);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (page <= 0) return;
  auto bytes = static_cast<std::uintptr_t>(page);
  ::dl_iterate_phdr(give_back, &bytes);
}

StartPages::StartPages() : thread_([](const std::stop_token& stop) { watch(stop); }) {}

}  // namespace tocsin::agent
