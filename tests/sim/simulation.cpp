#include "tests/sim/simulation.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "collector/ingest/incoming.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

constexpr std::size_t kSettleRounds = 4000;
constexpr std::size_t kViolations = 10;  // kept

// As bad as clocks are without anybody who keeps them right, in millionths.
std::int64_t any_drift(Chance& chance) {
  return static_cast<std::int64_t>(chance.below(1001)) - 500;
}

}  // namespace

Happened& Happened::operator+=(const Happened& other) {
  for (auto member : {&Happened::facts,
                      &Happened::dropped,
                      &Happened::repeated,
                      &Happened::duplicates,
                      &Happened::gaps,
                      &Happened::replaced,
                      &Happened::collector_kills,
                      &Happened::collector_power_cuts,
                      &Happened::agent_power_cuts,
                      &Happened::restores,
                      &Happened::new_epochs,
                      &Happened::ranges_lost,
                      &Happened::facts_refused,
                      &Happened::clock_steps,
                      &Happened::incidents,
                      &Happened::b_or_worse,
                      &Happened::notifications_given_up,
                      &Happened::results_missing,
                      &Happened::journals_put_back,
                      &Happened::states_put_back,
                      &Happened::states_refused}) {
    this->*member += other.*member;
  }
  return *this;
}

Simulation::Simulation(std::uint64_t seed, const SimulationOptions& options)
    : chance_(seed), options_(options) {
  collector_ = std::make_unique<SimCollector>(chance_, options_.sabotage,
                                              [this](const std::string& what) { complain(what); });
  collector_->time.set_drift(any_drift(chance_));
  for (std::size_t i = 0; i < options_.agents; ++i) {
    // The first host's spool is so small that it fills when the network is away.
    agents_.push_back(
        std::make_unique<SimAgent>(fmt::format("h{}", i + 1), chance_, i == 0 ? 4'000 : 1'000'000));
    agents_.back()->time.set_drift(any_drift(chance_));
  }
}

void Simulation::complain(const std::string& what) {
  if (violations_.size() < kViolations) {
    violations_.push_back(fmt::format("step {}: {}", steps_done_, what));
  }
}

void Simulation::run() {
  set_up();
  for (; steps_done_ < options_.steps && violations_.empty(); ++steps_done_) {
    step();
    look_at_power();
  }
  if (violations_.empty()) settle();
  if (violations_.empty()) balance();
}

void Simulation::set_up() {
  collector_->submit(model::PolicyChange{"site", "digest", "0", {}});
  for (const auto& agent : agents_) {
    collector_->submit(model::Command{"admit-" + agent->name(),
                                      {"admin", model::Role::admin, ""},
                                      0,
                                      "",
                                      model::AdmitAgent{agent->id(), agent->name(), "token"}});
  }
  collector_->step_writer();
  while (collector_->step_judge()) {
  }
}

// ---- One step ----

void Simulation::step() {
  pass_time(chance_.below(2000) * 1ms);
  if (chance_.one_in(25)) return disaster();
  switch (chance_.below(12)) {
    case 0:
    case 1:
      return agent_step(*agents_[chance_.below(agents_.size())]);
    case 2:
    case 3:
    case 4:
      if (!streams_.empty()) deliver(streams_[chance_.below(streams_.size())]);
      return;
    case 5:
      return operate();
    default:
      return collector_step();
  }
}

void Simulation::pass_time(Duration by) {
  collector_->time.advance(by);
  for (const auto& agent : agents_) agent->time.advance(by);
}

void Simulation::agent_step(SimAgent& agent) {
  if (chance_.one_in(2)) agent.observe();
  if (!agent.connected()) {
    const auto self = std::find_if(agents_.begin(), agents_.end(),
                                   [&](const auto& other) { return other.get() == &agent; });
    return connect(static_cast<std::size_t>(self - agents_.begin()));
  }
  agent.send_facts();
  if (chance_.one_in(4)) agent.send_heartbeat();
}

void Simulation::collector_step() {
  if (!collector_->running()) {
    collector_->start();
    return;
  }
  switch (chance_.below(3)) {
    case 0:
      return collector_->step_hub();
    case 1:
      return collector_->step_writer();
    default:
      collector_->step_judge();
  }
}

void Simulation::disaster() {
  switch (chance_.below(10)) {
    case 0:
      collector_->kill();
      return collector_died();
    case 1:
      collector_->cut_power();
      return collector_died();
    case 2:
      return collector_->plan_power_cut();
    case 3:
      return collector_->time.step_wall(chance_.one_in(2) ? 24h : -24h);
    case 4:
      return pass_time(chance_.one_in(4) ? 40min : 2min);
    case 5:
      return put_collector_back();
    default:
      return agent_disaster();
  }
}

void Simulation::put_collector_back() {
  if (chance_.one_in(2)) {
    collector_->keep_copy();
    return collector_died();
  }
  const std::map<std::string, std::uint32_t> before = collector_->journal().facts();
  collector_->put_back(static_cast<PutBack>(chance_.below(3)));
  collector_died();
  for (const auto& agent : agents_) agent->was_forgotten(before, collector_->journal().facts());
}

void Simulation::agent_disaster() {
  SimAgent& agent = *agents_[chance_.below(agents_.size())];
  switch (chance_.below(12)) {
    case 0:
      return agent.restart();
    case 1:
      return agent.cut_power();
    case 2:
      return agent.plan_power_cut();
    case 3:
      return agent.time.step_wall(chance_.one_in(2) ? 24h : -24h);
    case 4:
    case 5:
      return agent.keep_copy();
    case 6:
    case 7:
    case 8:
      return options_.spools_go_back ? agent.restore_copy() : cut_connection(agent);
    case 9:
      return options_.spools_go_back ? agent.purge() : cut_connection(agent);
    default:
      return cut_connection(agent);
  }
}

// Power that goes in the middle of a write goes for the whole machine.
void Simulation::look_at_power() {
  for (const auto& agent : agents_) agent->look_at_power();
  if (!collector_->power_went()) return;
  collector_->cut_power();
  collector_died();
}

// ---- Operators and the outbox ----

void Simulation::operate() {
  if (!collector_->running()) return;
  const auto& world = collector_->world();
  if (!world.notifications.rows().empty() && chance_.one_in(2)) return deliver_notification();
  const auto& incidents = world.incidents.rows();
  if (incidents.empty()) return;
  command_about(
      std::next(incidents.begin(), static_cast<std::ptrdiff_t>(chance_.below(incidents.size())))
          ->second);
}

// The mail server takes it, is busy, or wants none of it; and now and then an attempt is told
// twice.
void Simulation::deliver_notification() {
  const auto& waiting = collector_->world().notifications.rows();
  const auto& [id, row] =
      *std::next(waiting.begin(), static_cast<std::ptrdiff_t>(chance_.below(waiting.size())));
  model::DeliveryOutcome outcome;
  outcome.notification = id;
  outcome.attempt = row.attempts + (chance_.one_in(8) ? 0 : 1);
  outcome.detail = {"smtp.said", {}};
  switch (chance_.below(8)) {
    case 0:
      outcome.result = model::DeliveryResult::refused;
      break;
    case 1:
    case 2:
      outcome.result = model::DeliveryResult::retry;
      break;
    default:
      outcome.result = model::DeliveryResult::delivered;
      break;
  }
  collector_->submit(outcome);
}

void Simulation::command_about(const model::Incident& incident) {
  // One in four is sent again under the id it had, as after a lost answer.
  if (commands_ == 0 || !chance_.one_in(4)) ++commands_;
  model::Command command;
  command.id = fmt::format("command {}", commands_);
  command.principal = {"officer", model::Role::officer, ""};
  command.seen_revision = incident.revision;
  switch (chance_.below(3)) {
    case 0:
      command.act = model::Acknowledge{incident.id};
      break;
    case 1:
      command.act = model::RegisterIncident{incident.id};
      break;
    default:
      command.act = model::EstimateRepair{incident.id, 24h};
      break;
  }
  collector_->submit(command);
}

// ---- Network ----

void Simulation::connect(std::size_t index) {
  if (!collector_->running()) return;
  SimAgent& agent = *agents_[index];
  const auto stream = std::make_shared<SimStream>(
      index, agent.id(), [this, id = agent.id()](const v1::CollectorMessage& message) {
        check_acknowledged(id, message);
      });
  if (!agent.connect(stream)) return;
  streams_.push_back(stream);
  collector_->hub().opened(stream);
}

void Simulation::check_acknowledged(const AgentId& agent, const v1::CollectorMessage& message) {
  Epoch epoch;
  Seq up_to;
  if (message.has_ack()) {
    epoch = Epoch{message.ack().epoch()};
    up_to = Seq{message.ack().up_to_seq()};
  } else if (message.has_resume()) {
    epoch = Epoch{message.resume().epoch()};
    up_to = Seq{message.resume().acked_seq()};
  } else {
    return;
  }
  const Seq committed = collector_->journal().committed(agent, epoch);
  if (up_to > committed) {
    complain(fmt::format("acknowledged {}, committed {}", up_to.value, committed.value));
  }
}

void Simulation::deliver(const std::shared_ptr<SimStream>& stream) {
  if (chance_.one_in(2)) {
    deliver_up(stream);
  } else {
    deliver_down(stream);
  }
}

void Simulation::deliver_up(const std::shared_ptr<SimStream>& stream) {
  if (stream->up.empty() && stream->agent_gone) {
    collector_->hub().gone(stream);
    return forget(stream);
  }
  if (stream->up.empty() || !stream->wants_message || stream->finished) return;
  v1::AgentMessage message;
  TOCSIN_CHECK(message.ParseFromString(stream->up.front()));
  if (message.has_hello() && options_.sabotage == Sabotage::forget_chain) {
    message.mutable_hello()->clear_first_chain();
    message.mutable_hello()->clear_last_chain();
  }
  if (!calm_ && message.has_facts() && chance_.one_in(12)) {
    ++dropped_;
    stream->up.pop_front();
    return;
  }
  if (!calm_ && message.has_facts() && chance_.one_in(8)) {
    ++repeated_;  // It stays in the queue: it comes once more.
  } else {
    stream->up.pop_front();
  }
  stream->wants_message = false;
  std::vector<collector::Incoming> messages;
  messages.push_back(collector::read_message(stream->agent(), message));
  collector_->hub().received(stream, std::move(messages));
}

void Simulation::deliver_down(const std::shared_ptr<SimStream>& stream) {
  SimAgent& agent = *agents_[stream->index()];
  const bool listens = agent.stream() == stream;
  if (listens && !stream->down.empty()) {
    v1::CollectorMessage message;
    TOCSIN_CHECK(message.ParseFromString(stream->down.front()));
    stream->down.pop_front();
    return agent.handle(message);
  }
  if (!stream->finished) return;
  if (listens) agent.disconnect();
  collector_->hub().gone(stream);
  forget(stream);
}

// The agent sees it at once; what was under way arrives in part, and the collector learns later.
void Simulation::cut_connection(SimAgent& agent) {
  const std::shared_ptr<SimStream> stream = agent.stream();
  if (!stream) return;
  stream->up.resize(chance_.below(stream->up.size() + 1));
  agent.disconnect();
}

void Simulation::forget(const std::shared_ptr<SimStream>& stream) { std::erase(streams_, stream); }

void Simulation::collector_died() {
  for (const auto& stream : streams_) {
    stream->collector_dead = true;
    SimAgent& agent = *agents_[stream->index()];
    if (agent.stream() == stream) agent.disconnect();
  }
  streams_.clear();
}

// ---- The end ----

bool Simulation::settled() {
  return collector_->running() && collector_->idle() && knows_all_results() &&
         std::all_of(agents_.begin(), agents_.end(),
                     [](const auto& agent) { return agent->established() && agent->drained(); });
}

// The state has the result that each check of each host shows.
bool Simulation::knows_all_results() {
  for (const auto& agent : agents_) {
    const model::Host* host = collector_->world().hosts.find(agent->id());
    for (const agent::CheckRow& row : agent->results()) {
      const auto known = collector::result_digests(*host, {row.check});
      if (!known.contains(row.check) || known.at(row.check) != row.digest) return false;
    }
  }
  return true;
}

// No more faults: everything that was accepted must arrive.
void Simulation::settle() {
  calm_ = true;
  look_at_power();
  collector_->heal();
  for (const auto& agent : agents_) {
    agent->heal();
    // Rows that are lost now take results with them that nothing later need tell again.
    if (options_.spools_go_back && chance_.one_in(2)) {
      agent->observe();
      agent->purge();
    }
    agent->disconnect();  // What was dropped is sent again only after a new Hello.
  }
  for (std::size_t round = 0; round < kSettleRounds; ++round) {
    pass_time(500ms);
    if (!collector_->running() && !collector_->start()) return complain("no start on a good disk");
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      SimAgent& agent = *agents_[i];
      if (!agent.connected()) connect(i);
      agent.send_facts();
      if (round % 8 == 0) agent.send_heartbeat();
      // A fact that fits lets the spool tell what it had refused before.
      if (round == 100) agent.observe();
      if (round > 100 && round % 20 == 0) agent.observe_wanted();
    }
    const auto streams = streams_;
    for (const auto& stream : streams) deliver_up(stream);
    const auto left = streams_;
    for (const auto& stream : left) deliver_down(stream);
    collector_->step_hub();
    collector_->step_writer();
    collector_->step_hub();
    while (collector_->step_judge()) {
      if (!violations_.empty()) return;
    }
    if (round > 150 && settled()) return;
  }
  complain("not everything arrived in the calm after the storm");
}

void Simulation::balance() {
  const auto& journaled = collector_->journal().facts();
  for (const auto& agent : agents_) {
    for (const auto& [name, fact] : agent->offered) {
      const auto found = journaled.find(name);
      const std::uint32_t times = found == journaled.end() ? 0 : found->second;
      if (times == 0 && fact.accepted && !fact.may_miss) {
        complain(fmt::format("{} was accepted and never took effect", name));
      }
      if (times > 0 && !fact.accepted && !fact.may_miss) {
        complain(fmt::format("{} was refused and took effect", name));
      }
      if (times > fact.at_most) complain(fmt::format("{} took effect {} times", name, times));
    }
    const std::uint64_t told = collector_->journal().lost_in_spool(agent->id());
    if (!agent->disturbed && told != agent->refused) {
      complain(
          fmt::format("{} refused {} facts and told of {}", agent->name(), agent->refused, told));
    }
  }
  collector_->check_at_the_end();
}

Happened Simulation::happened() const {
  Happened sum;
  const collector::IngestCounters now =
      collector_->running() ? collector_->hub().counters() : collector::IngestCounters{};
  sum.facts = collector_->counted.facts + now.facts;
  sum.dropped = dropped_;
  sum.repeated = repeated_;
  sum.duplicates = collector_->counted.duplicates + now.duplicates;
  sum.gaps = collector_->counted.gaps + now.gaps;
  sum.replaced = collector_->counted.replaced + now.replaced;
  sum.new_epochs = collector_->counted.new_epochs + now.new_epochs;
  sum.ranges_lost = collector_->counted.ranges_lost + now.ranges_lost;
  sum.journals_put_back = collector_->journals_put_back;
  sum.states_put_back = collector_->states_put_back;
  sum.states_refused = collector_->states_refused;
  sum.collector_kills = collector_->kills;
  sum.collector_power_cuts = collector_->power_cuts;
  sum.clock_steps = collector_->clock_steps;
  sum.results_missing = collector_->counted.results_missing + now.results_missing;
  sum.b_or_worse = collector_->b_or_worse;
  sum.notifications_given_up = collector_->given_up;
  if (collector_->running()) sum.incidents = collector_->world().number("last/incident");
  for (const auto& agent : agents_) {
    sum.agent_power_cuts += agent->power_cuts;
    sum.restores += agent->restores;
    sum.facts_refused += agent->refused;
  }
  return sum;
}

}  // namespace tocsin::tests
