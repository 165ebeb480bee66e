// Tells when the spool has new facts, through inotify on its bell: they leave within milliseconds
// without polling. Where it cannot watch, or the observer was killed between its commit and the
// bell, the sender's own slow poll is what remains.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

namespace tocsin::agent {

class SpoolWatch {
 public:
  // `changed` is called on the context's thread, when the facts can be read.
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
