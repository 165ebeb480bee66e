// The collector of the simulation: the real hub, writer, fold and SQLite stores on one disk, moved
// step by step on one thread. It can die between any two steps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/core/fold.hpp"
#include "collector/ingest/hub.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "collector/store/sqlite_state.hpp"
#include "collector/writer/writer.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/support/fake_time.hpp"
#include "tests/support/power_cut_vfs.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {

// A rule of the collector that is broken on purpose, to show that the invariants notice.
enum class Sabotage : std::uint8_t {
  none,
  acknowledge_early,  // before the commit
  forget_cursor,      // facts commit without how far the spool is taken in
  swallow_fact,       // the first of several facts
  skip_entry,         // the judge passes over the first entry after a restart
  forget_chain,       // nobody compares what a restored spool went through
  forget_results,     // nobody compares what heartbeats tell
  drop_notification,  // of what is graded B or worse, at its commit
  tell_late,          // of the same, a minute after it was graded
};

// What the journal must hold, noted at each append: checked against the files after each restart.
class JournalModel {
 public:
  using Complain = std::function<void(const std::string&)>;
  explicit JournalModel(Complain complain) : complain_(std::move(complain)) {}

  void add(Position position, const std::string& body);
  // Everything that append() promised is there; what it could not answer for may be.
  void compare(collector::JournalReader& reader);
  Seq committed(const AgentId& agent, Epoch epoch) const;
  const std::map<std::string, std::uint32_t>& facts() const { return facts_; }  // by name
  std::uint64_t lost_in_spool(const AgentId& agent) const;

 private:
  void take_seq(const AgentId& agent, Epoch epoch, Seq from, Seq to, const char* what);
  Complain complain_;
  std::vector<std::string> bodies_;
  std::map<std::pair<AgentId, Epoch>, Seq> last_;
  std::map<std::string, std::uint32_t> facts_;
  std::map<AgentId, std::uint64_t> lost_in_spool_;
};

// What an operator put back from the copy. The journal alone is older than the state, which must be
// noticed; the state is then made again.
enum class PutBack : std::uint8_t { both, journal, state };

class SimCollector {
 public:
  SimCollector(Chance& chance, Sabotage sabotage, JournalModel::Complain complain);
  ~SimCollector();

  bool running() const { return hub_ != nullptr; }
  bool start();  // false: the power went away again while it did
  void kill();   // the process; the disk keeps what was written
  void cut_power();
  void plan_power_cut();
  void keep_copy();  // of journal and state, as a backup does; the process ends for it
  void put_back(PutBack what);
  bool power_went() const { return disk_.happened(); }
  void heal() { disk_.plan_nothing(); }

  void step_hub() { hub_->step(); }
  void step_writer() { writer_->step(); }
  // Judges and commits some entries, or asks for a tick. False: nothing was to be done, or the
  // store failed and the process must die.
  bool step_judge();
  bool idle() const;  // everything committed is judged and nothing is due
  void submit(const model::JournalBody& body);

  collector::Hub& hub() { return *hub_; }
  const collector::World& world() const { return fold_->world(); }
  const JournalModel& journal() const { return model_; }

  void check_incidents();  // in memory, cheap
  void
  check_at_the_end();  // chain, numbers, who was told, and the fold of the whole journal from empty

  FakeTime time;
  std::uint64_t kills = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t journals_put_back = 0;
  std::uint64_t states_put_back = 0;
  std::uint64_t states_refused = 0;   // they did not belong to the journal
  collector::IngestCounters counted;  // of all lives that ended
  std::uint64_t clock_steps = 0;
  std::uint64_t b_or_worse = 0;  // incidents, at the end
  std::uint64_t given_up = 0;    // notifications, at the end

 private:
  class RecordingJournal;
  class SabotagedIntake;
  bool open_stores();
  collector::Judge::Admission admission(const AgentId& agent) const;
  std::vector<collector::KnownAgent> known_agents() const;
  collector::SqliteJournalOptions journal_options() const;
  void halt();
  void check_told(collector::StateReader& reader, const model::Incident& incident);
  void check_told_at_once(const model::Incident& incident, const model::ContactPolicy& contact,
                          const std::vector<model::Notification>& rows,
                          const std::vector<model::TimelineItem>& timeline);
  bool state_fits();
  std::vector<std::string> files(bool of_journal) const;
  void replace(bool of_journal);

  Chance& chance_;
  const Sabotage sabotage_;
  JournalModel::Complain complain_;
  JournalModel model_;
  std::map<std::string, std::string> copy_;  // path to content
  std::optional<JournalModel> copied_model_;
  TempDir directory_ = TempDir::in_memory();
  PowerCutVfs disk_;

  std::unique_ptr<collector::JournalWriter> journal_;
  std::unique_ptr<collector::JournalReader> reader_;
  std::unique_ptr<collector::StateStore> state_;
  std::unique_ptr<collector::Fold> fold_;
  std::unique_ptr<collector::Writer> writer_;
  std::unique_ptr<SabotagedIntake> intake_;
  std::map<AgentId, model::Host> hosts_;  // as committed
  std::unique_ptr<collector::Hub> hub_;
  bool tick_asked_ = false;
  bool skip_next_ = false;
};

}  // namespace tocsin::tests
