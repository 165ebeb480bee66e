// One connection to one collector, from Hello to its end.
//
// Two coroutines: the one that runs the session reads what comes down; the other writes heartbeats,
// receipts, facts and points of curves, in this order, whenever something is due. All on the link's
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tocsin/v1/agent.grpc.pb.h"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/link/link.hpp"
#include "agent/link/sample_reader.hpp"
#include "agent/spool/spool.hpp"
#include "common/async/wake.hpp"
#include "common/base/result.hpp"
#include "common/rpc/client_stream.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// How a session ended, and what that means for the next.
struct SessionEnd {
  bool established = false;    // the collector answered Hello with Resume
  bool at_once = false;        // connect again without waiting: a new epoch began
  bool wait_long = false;      // refused for a reason that only people can change
  std::optional<Error> fatal;  // of the spool
  Error error;                 // else: what the call ended with
};

class LinkSession {
 public:
  LinkSession(boost::asio::io_context& context, rpc::Completions& completions,
              const LinkConfig& config, Spool& spool, SampleReader& samples,
              const time::TimeSource& time, std::string instance);

  // On the link's thread. `channel` must outlive it.
  boost::asio::awaitable<SessionEnd> run(v1::AgentLink::Stub& stub, std::string collector);

  bool established() const { return end_.established && !ending_; }
  void spool_changed();  // look for new rows
  void stop();           // end soon; run() returns
  void renew();          // the same, to come back at once with a new certificate

 private:
  using Stream = rpc::ClientStream<v1::AgentMessage, v1::CollectorMessage>;

  boost::asio::awaitable<void> talk();
  boost::asio::awaitable<void> send();
  boost::asio::awaitable<void> watch_for_answer();
  boost::asio::awaitable<bool> send_heartbeat();
  boost::asio::awaitable<bool> send_chain(Seq seq);
  boost::asio::awaitable<bool> send_receipt();
  boost::asio::awaitable<bool> send_facts(bool& sent);
  boost::asio::awaitable<bool> send_samples();
  Duration pause() const;

  Result<v1::AgentMessage> hello();
  Result<v1::AgentMessage> heartbeat();
  Result<v1::AgentMessage> next_batch();

  Status handle(const v1::CollectorMessage& message);
  Status resume(const v1::Resume& resume);
  Status acknowledge(const v1::Ack& ack);
  Status resend(const v1::Resend& resend);
  Status assign(const v1::Assign& assign);
  Status baseline(const v1::ApprovedBaseline& baseline);
  Status request(const v1::Request& request);
  Status query_chain(const v1::ChainQuery& query);
  Status resend_check(const v1::ResendCheck& resend);
  Status refused(const v1::Refusal& refusal);
  void spool_failed(const Error& error);
  void begin_ending();

  boost::asio::io_context& context_;
  rpc::Completions& completions_;
  const LinkConfig& config_;
  Spool& spool_;
  SampleReader& samples_;
  const time::TimeSource& time_;
  const std::string instance_;
  std::string collector_;

  std::unique_ptr<Stream> stream_;
  async::Wake wake_;      // the writer
  async::Wake answered_;  // the watch for the first answer
  async::Wake child_ended_;
  int children_ = 0;
  bool ending_ = false;
  SessionEnd end_;

  Epoch epoch_;
  std::optional<Seq> chain_asked_;  // before Resume, when nothing else is written
  Seq next_;                        // to send
  Seq acked_;
  std::uint32_t window_ = 1;
  Duration heartbeat_every_ = 10s;
  MonoTime heartbeat_due_;
  MonoTime samples_due_;
  std::deque<std::string> receipts_;  // of requests, bounded by what the spool takes
};

}  // namespace tocsin::agent
