// Sends collections of evidence that wait in the outbox, one after the other, on a connection of
// its own: facts and heartbeats share neither its stream nor its congestion. After any break the
// collector says from which byte on it wants what. One that cannot be sent now is tried again
// later, and the others before it; one that the collector refuses for good, or that is damaged, is
// set aside on the host (`tocsin-agent status` counts them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tocsin/v1/agent.grpc.pb.h"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/evidence/outbox.hpp"
#include "agent/link/link.hpp"
#include "agent/link/send_turns.hpp"
#include "common/async/backoff.hpp"
#include "common/async/wake.hpp"
#include "common/base/result.hpp"
#include "common/evidence/manifest.hpp"
#include "common/rpc/client_stream.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

class EvidenceSender {
 public:
  // `collector`: to whom the link speaks now; empty: to nobody, and nothing is sent.
  EvidenceSender(boost::asio::io_context& context, rpc::Completions& completions,
                 const LinkConfig& config, const time::TimeSource& time,
                 std::function<std::string()> collector);

  // On the link's thread; all that follows too. Until stop().
  boost::asio::awaitable<void> run();
  void look();  // something may wait
  void stop();

 private:
  using Stream = rpc::ClientStream<v1::EvidenceUp, v1::EvidenceDown>;
  // How one try ended.
  enum class End { kept, refused_for_good, refused_for_now, broken };

  boost::asio::awaitable<void> send_next();
  boost::asio::awaitable<End> send(const std::string& collector);
  boost::asio::awaitable<void> talk();
  boost::asio::awaitable<bool> send_places();
  boost::asio::awaitable<bool> send_place(std::size_t number);
  boost::asio::awaitable<bool> wait_for_room(std::size_t bytes);
  boost::asio::awaitable<void> listen();
  void take(const v1::EvidenceDown& down);
  void take_progress(const v1::EvidenceProgress& progress);
  void after(End end);
  Status settle(End end);
  Duration pause() const;

  boost::asio::io_context& context_;
  rpc::Completions& completions_;
  const LinkConfig& config_;
  const time::TimeSource& time_;
  const std::function<std::string()> collector_;
  const EvidenceOutbox outbox_;
  async::Wake idle_;
  SendTurns turns_;
  async::Backoff backoff_;  // of the collector, which does not answer
  MonoTime not_before_;
  bool unsent_ = false;  // something waits, and there is nobody to send it to
  bool stopping_ = false;

  // Of the collection that is being sent.
  std::string id_;
  evidence::Manifest manifest_;
  std::unique_ptr<Stream> stream_;
  async::Wake heard_;
  std::optional<v1::EvidenceWanted> wanted_;
  std::optional<End> end_;
  bool listening_ = false;
  std::uint64_t sent_ = 0;    // bytes
  std::uint64_t synced_ = 0;  // of them, at the collector
};

}  // namespace tocsin::agent
