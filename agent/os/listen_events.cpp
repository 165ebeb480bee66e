#include "agent/os/listen_events.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/os/number.hpp"

namespace tocsin::agent::os {
namespace {

// The kernel's number of TCP_LISTEN, which is part of what it promises (include/net/tcp_states.h).
constexpr char kOnlyListen[] = "newstate == 10";
constexpr std::array<std::string_view, 2> kTraceFolders{"/sys/kernel/tracing",
                                                        "/sys/kernel/debug/tracing"};
constexpr int kMostProcessors = 4096;

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
// What the kernel tells, and one page of records: each has eight bytes.
std::size_t mapped_bytes() { return 2 * page_bytes(); }

Result<std::uint64_t> trace_point_number(std::string_view root) {
  Error error{ErrorCode::not_found, "no tracefs"};
  for (const std::string_view folder : kTraceFolders) {
    const auto text =
        read_start(under(root, std::string(folder) + "/events/sock/inet_sock_set_state/id"), 32);
    std::uint64_t number = 0;
    if (text && read_number(std::string_view(*text).substr(0, text->find('\n')), number)) {
      return number;
    }
    if (!text && text.error().code != ErrorCode::not_found) error = text.error();
  }
  return fail(error);
}

}  // namespace

void ListenEvents::Unmap::operator()(void* pages) const { ::munmap(pages, mapped_bytes()); }

Result<ListenEvents::Processor> ListenEvents::open_one(std::uint64_t trace_point, int processor) {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_TRACEPOINT;
  wanted.config = trace_point;
  wanted.sample_period = 1;
  wanted.wakeup_events = 1;
  wanted.disabled = 1;
  Processor one;
  one.fd = Fd(static_cast<int>(
      ::syscall(SYS_perf_event_open, &wanted, -1, processor, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!one.fd.valid()) return fail(system_error("open the trace point", errno));
  if (::ioctl(one.fd.get(), PERF_EVENT_IOC_SET_FILTER, kOnlyListen) != 0) {
    return fail(system_error("filter the trace point", errno));
  }
  void* pages =
      ::mmap(nullptr, mapped_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, one.fd.get(), 0);
  if (pages == MAP_FAILED) return fail(system_error("map the trace point", errno));
  one.pages.reset(pages);
  if (::ioctl(one.fd.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
    return fail(system_error("enable the trace point", errno));
  }
  return one;
}

Result<ListenEvents> ListenEvents::open(std::string_view root) {
  const auto trace_point = trace_point_number(root);
  if (!trace_point) return fail(trace_point.error());
  const long count = ::sysconf(_SC_NPROCESSORS_CONF);
  std::vector<Processor> processors;
  for (int processor = 0; processor < count && processor < kMostProcessors; ++processor) {
    auto one = open_one(*trace_point, processor);
    if (one) {
      processors.push_back(*std::move(one));
    } else if (one.error().code != ErrorCode::not_found) {  // that one is switched off
      return fail(one.error());
    }
  }
  if (processors.empty()) return fail(ErrorCode::unavailable, "no processor has the trace point");
  return ListenEvents(std::move(processors));
}

std::vector<int> ListenEvents::descriptors() const {
  std::vector<int> all;
  for (const Processor& one : processors_) all.push_back(one.fd.get());
  return all;
}

void ListenEvents::take() {
  for (const Processor& one : processors_) {
    auto& page = *static_cast<perf_event_mmap_page*>(one.pages.get());
    const auto head = __atomic_load_n(&page.data_head, __ATOMIC_ACQUIRE);
    __atomic_store_n(&page.data_tail, head, __ATOMIC_RELEASE);
  }
}

}  // namespace tocsin::agent::os
