#include "agent/link/spool_watch.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/inotify.h>

#include "agent/spool/spool.hpp"
#include "common/base/result.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

struct SpoolWatch::Impl : std::enable_shared_from_this<SpoolWatch::Impl> {
  Impl(boost::asio::io_context& context, std::function<void()> call)
      : descriptor(context), changed(std::move(call)) {}

  Status start(const std::string& spool_file) {
    const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch < 0) return fail(system_error("inotify", errno));
    descriptor.assign(watch);
    const std::string bell = spool_bell(spool_file);
    if (::inotify_add_watch(watch, bell.c_str(), IN_MODIFY) < 0) {
      return fail(system_error("watch " + bell, errno));
    }
    return {};
  }

  // What the events say does not matter, only that there was one.
  void next() {
    descriptor.async_read_some(
        boost::asio::buffer(events),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          self->changed();
          self->next();
        });
  }

  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> changed;
  std::array<char, 4096> events{};
};

SpoolWatch::SpoolWatch(boost::asio::io_context& context, const std::string& spool_file,
                       std::function<void()> changed)
    : impl_(std::make_shared<Impl>(context, std::move(changed))) {
  const Status started = impl_->start(spool_file);
  if (started) {
    impl_->next();
  } else {
    log::warning("link.spool_not_watched", {{"error", started.error().message}});
  }
}

SpoolWatch::~SpoolWatch() { stop(); }

void SpoolWatch::stop() {
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace tocsin::agent
