// Tells when the spool's log was written to, through inotify: new facts leave within milliseconds
// without polling. Where it cannot watch, the sender's own slow poll is what remains.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

namespace tocsin::agent {

class SpoolWatch {
 public:
  // `changed` is called on the context's thread. The event may come before the row can be read (the
  // log is written before its commit is visible): look again shortly.
  SpoolWatch(boost::asio::io_context& context, const std::string& spool_file,
             std::function<void()> changed);
  ~SpoolWatch();
  SpoolWatch(const SpoolWatch&) = delete;
  SpoolWatch& operator=(const SpoolWatch&) = delete;

  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::agent
