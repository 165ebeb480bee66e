// One host of the simulation: the real spool on a disk of its own, and the link's side of the
// protocol in small (agent/link without gRPC).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/spool/spool.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/support/fake_time.hpp"
#include "tests/support/power_cut_vfs.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {

// What became of one fact that the observer offered to the spool, by the name that it carries.
struct Offered {
  bool accepted = false;  // append() returned: it must take effect
  bool may_miss = false;  // nobody can know (the power went), or the spool's file was taken away
  std::uint32_t at_most = 1;  // more only where an older copy of the spool sent it again
};

class SimAgent {
 public:
  SimAgent(std::string name, Chance& chance, std::uint64_t spool_bytes);

  const AgentId& id() const { return id_; }
  const std::string& name() const { return name_; }

  void observe();         // appends one to three facts, and what is wanted again
  void observe_wanted();  // only that
  void cut_power();       // what was not synced is lost; both processes begin again
  void plan_power_cut();  // in the middle of one of the next writes
  void look_at_power();   // begins again when the planned cut has happened
  void restart();         // both processes
  void keep_copy();       // of the spool's file, as a backup does
  void restore_copy();    // puts it back
  void purge();           // some rows go without the collector's word
  // The collector's journal was put back: it had `before` and has only `now`, facts by name. What
  // the spool holds no more may be missing.
  void was_forgotten(const std::map<std::string, std::uint32_t>& before,
                     const std::map<std::string, std::uint32_t>& now);
  void heal();  // no fault is planned any more

  // The link. Messages go into the stream and come from it.
  bool connected() const { return stream_ != nullptr; }
  bool established() const { return stream_ != nullptr && established_; }
  const std::shared_ptr<SimStream>& stream() const { return stream_; }
  bool connect(const std::shared_ptr<SimStream>& stream);  // says Hello
  void disconnect();
  void send_facts();
  void send_heartbeat();
  void handle(const v1::CollectorMessage& message);
  bool drained();  // nothing waits in the spool
  // What the observer saw last of each check, as its heartbeats tell.
  std::vector<agent::CheckRow> results() {
    return spool_->checks().value_or(std::vector<agent::CheckRow>{});
  }

  FakeTime time;
  std::map<std::string, Offered> offered;
  std::uint64_t refused = 0;  // by a full spool
  bool disturbed = false;     // power cuts and restored copies may lose the memory of a loss
  std::uint64_t restores = 0;
  std::uint64_t purges = 0;
  std::uint64_t power_cuts = 0;

 private:
  void open();
  void close();
  std::string path() const { return directory_.file("spool.db"); }
  std::string next_fact(model::Observation seen);
  model::Observation look();
  std::vector<model::Observation> wanted_again();
  void keep(const std::vector<model::Observation>& seen);
  void answer_chain(Seq seq);
  std::vector<std::string> names_in_spool();  // of all rows in order; empty: not one of ours
  bool acknowledge(Epoch epoch, Seq up_to);

  std::string name_;
  AgentId id_;
  Chance& chance_;
  std::uint64_t spool_bytes_;
  TempDir directory_ = TempDir::in_memory();
  PowerCutVfs disk_;
  std::unique_ptr<agent::Spool> spool_;
  std::map<std::string, std::string> copy_;  // file name to content
  // What each check shows; a result that did not change is no fact.
  std::map<model::CheckRef, model::Observation> shown_;
  int lives_ = 0;
  int facts_ = 0;

  std::shared_ptr<SimStream> stream_;
  bool established_ = false;
  Epoch epoch_;
  Seq next_;
  Seq acked_;
  std::uint64_t window_ = 1;
};

}  // namespace tocsin::tests
