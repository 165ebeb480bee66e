// The fold of the journal: entry by entry, what it changes and what it asks of the world outside.
// Pure: no clock, file or log; the same entries from the same state give the same rows, byte by
// byte, however they are cut into commits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/core/commands.hpp"
#include "collector/core/effects.hpp"
#include "collector/core/world.hpp"
#include "common/base/result.hpp"
#include "common/model/journal.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// Reads a policy document (common/config); pure. `name` is for its error messages.
using ParsePolicy =
    std::function<Result<model::SitePolicy>(std::string_view toml, std::string_view name)>;

// How long a command that is repeated is answered as before and has no effect again; and the most
// answers that are kept, should somebody give more commands than that within the time. After it a
// command with the same id is a new one.
inline constexpr Duration kAnswersKept = 24h * 30;
inline constexpr std::size_t kMostAnswersKept = 100'000;

class Fold {
 public:
  // Goes on from what was committed. Errors: failed_precondition where this version cannot read the
  // policy in force; it must not judge by another.
  static Result<Fold> resume(StateSnapshot snapshot, ParsePolicy parse_policy);

  // What an earlier commit has as the answer to the command of an entry (see command_of).
  using Earlier = std::optional<model::CommandResult>;

  // Judges one entry: first the timers that are due by its time, then the entry. Whether `earlier`
  // still is the answer is decided here, by the entry's own time.
  // REQUIRES: entries come in the order of their positions.
  Effects apply(Position position, Instant at, const model::JournalBody& body,
                const Earlier& earlier = {});
  Effects apply(const model::JournalEntry& entry, const Earlier& earlier = {}) {
    return apply(entry.position, entry.at, entry.body, earlier);
  }

  // A request that agents have not answered, anew from the entry of its command (ask_again).
  std::optional<AgentRequest> ask_again(const OpenRequest& open, const model::JournalBody& entry,
                                        Instant now);

  // Every row that changed since the last call, for one commit.
  StateDelta take_delta();

  Position cursor() const { return cursor_; }
  Instant judged_at() const { return judged_at_; }
  std::optional<Instant> next_due() const { return world_.timers.next_due(); }
  std::shared_ptr<const model::SitePolicy> policy() const { return policy_; }
  const World& world() const { return world_; }

 private:
  Fold(StateSnapshot snapshot, ParsePolicy parse_policy);
  void fire_due(Effects& effects);
  void look_for_old_records();
  void dispatch(Context& context, const model::JournalBody& body, const Earlier& earlier);
  bool is_repeated(const model::Command& command, const Earlier& earlier) const;
  void change_policy(Effects& effects, const model::PolicyChange& change);
  Context context(Effects& effects) { return {world_, *policy_, judged_at_, cursor_, effects}; }

  ParsePolicy parse_policy_;
  Position cursor_;
  Instant judged_at_;
  World world_;
  std::optional<Instant> forget_before_;
  std::optional<StateDelta::KeptAnswers> keep_answers_;
  std::shared_ptr<const model::SitePolicy> policy_;
};

// The id of the entry's command, or empty: whoever folds looks up whether it was answered before.
std::string_view command_of(const model::JournalBody& body);

}  // namespace tocsin::collector
