// A collector's ingest and its agents in one process: the real gRPC server over mutual TLS on the
// loopback, real spools in a temporary folder, the real link, and an intake that tests look into.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tocsin/v1/agent.grpc.pb.h"
#include <grpcpp/server.h>

#include "agent/link/link.hpp"
#include "agent/spool/spool.hpp"
#include "collector/ingest/evidence_stream.hpp"
#include "collector/ingest/hub.hpp"
#include "collector/ingest/service.hpp"
#include "common/rpc/server_tls.hpp"
#include "common/time/time_source.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::tests {

// True as soon as `condition` is; false after `limit`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s);

// Commits on its own thread, as the journal's writer does.
class CommittingIntake final : public collector::Intake {
 public:
  CommittingIntake();
  ~CommittingIntake() override;

  Status submit(std::vector<collector::PendingEntry>&& entries,
                std::optional<collector::SpoolCursor> cursor, Done done) override;
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override;
  Instant journal_now() const override;

  void refuse(bool full);   // submissions: the queue is full
  void hold(bool held);     // commits wait
  void fail_next_commit();  // answered with an error, nothing kept
  // As from a copy that was made when these were the cursors; what came since is forgotten.
  void put_back(const std::vector<collector::SpoolCursor>& cursors);
  // Waits for what was submitted, as a collector that is begun anew finds nothing half done.
  void settle();
  std::vector<collector::SpoolCursor> cursors() const;
  std::vector<std::uint64_t> seqs(const AgentId& agent, Epoch epoch) const;  // in journal order
  std::size_t facts() const;
  std::vector<model::FactRangeLost> lost() const;
  std::vector<model::AgentPresence> presence() const;
  std::vector<std::string> bytes() const;

 private:
  struct Waiting {
    std::vector<collector::PendingEntry> entries;
    std::optional<collector::SpoolCursor> cursor;
    Done done;
  };
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;
  std::vector<model::JournalBody> journal_;
  std::vector<std::string> bytes_;
  std::map<std::pair<std::string, Epoch>, collector::SpoolCursor> cursors_;
  bool full_ = false;
  bool held_ = false;
  bool fail_next_ = false;
  bool committing_ = false;
  bool stopping_ = false;
  time::SystemTime time_;
  std::thread thread_;
};

struct TestAgent {
  std::string folder;
  AgentId id;
  KeyAndCertificate identity;
  std::string spool_path() const { return folder + "/spool.db"; }
};

class Room {
 public:
  Room();
  ~Room();

  // An agent with its files, admitted unless told otherwise.
  TestAgent add_agent(bool admitted = true);
  // The same key and certificate, and a copy of the spool's file as it is now.
  TestAgent clone(const TestAgent& agent);
  agent::LinkConfig config(const TestAgent& agent) const;

  void start_collector();  // on the port of before, if any
  void stop_collector();
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string write(const std::string& folder, const std::string& name,
                    const std::string& content) const;
  std::string folder(const std::string& name) const;
  std::unique_ptr<v1::AgentLink::Stub> stub(const TestAgent& agent) const;

  TestAuthority authority;
  CommittingIntake intake;
  time::SystemTime time;
  collector::IngestOptions options;
  std::shared_ptr<model::SitePolicy> policy;
  std::vector<collector::KnownAgent> known;
  collector::RenewCertificate renew;
  decltype(collector::IngestParts::results) results;  // before the collector starts
  collector::EvidenceDoor* evidence = nullptr;        // before the collector starts
  collector::Hub& hub() { return *hub_; }
  // The certificate of each stream that was let in.
  std::vector<crypto::CertificateInfo> let_in() const;

  void admit(const AgentId& agent, bool revoked = false);
  // Of every host; nullptr: none.
  void approve(std::shared_ptr<const model::ApprovedBaseline> baseline);
  void set_policy(std::shared_ptr<model::SitePolicy> changed);

 private:
  collector::Judge::Admission admission(const AgentId& agent) const;

  std::string root_;
  mutable std::mutex mutex_;
  std::map<AgentId, collector::Judge::Admission> admissions_;
  std::shared_ptr<const model::ApprovedBaseline> baseline_;
  std::uint64_t baselines_revision_ = 1;
  std::vector<crypto::CertificateInfo> let_in_;
  std::unique_ptr<collector::Hub> hub_;
  std::shared_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::ServerTls> tls_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  int agents_ = 0;
};

// run_link on a thread of its own, with its own connection to the spool.
class RunningLink {
 public:
  RunningLink(Room& room, const TestAgent& agent, agent::LinkConfig config,
              const time::TimeSource* time = nullptr);  // nullptr: the system's
  RunningLink(Room& room, const TestAgent& agent) : RunningLink(room, agent, room.config(agent)) {}
  ~RunningLink() { stop(); }
  // Ends it and returns what run_link returned.
  Status stop();
  bool ended() const { return ended_; }

 private:
  std::unique_ptr<agent::Spool> spool_;
  time::SystemTime time_;
  agent::LinkConfig config_;
  std::atomic<bool> ended_{false};
  Status result_;
  std::jthread thread_;
};

std::unique_ptr<agent::Spool> open_spool(const TestAgent& agent);
// `count` facts, each in an append of its own where `one_by_one`. Returns the last number.
Seq append_facts(agent::Spool& spool, int count, bool one_by_one = false);
std::string a_fact(int number);

}  // namespace tocsin::tests
