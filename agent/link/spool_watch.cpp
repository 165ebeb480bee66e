#include "agent/link/spool_watch.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "agent/spool/bell.hpp"
#include "common/base/result.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

struct SpoolWatch::Impl : std::enable_shared_from_this<SpoolWatch::Impl> {
  Impl(boost::asio::io_context& context, std::function<void()> call)
      : descriptor(context), changed(std::move(call)) {}

  Status start(const std::string& spool_file) {
    auto ears = listen_to_bell(spool_file, Bell::up);
    if (!ears) return fail(ears.error());
    own = *std::move(ears);
    descriptor.assign(own.get());
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

  net::Fd own;  // closed after the descriptor let go of it
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
  if (impl_->descriptor.is_open()) impl_->descriptor.release();
}

}  // namespace tocsin::agent
