// Runs one check of the catalogue on this machine.
#pragma once

#include <optional>
#include <string>

#include "agent/checks/check.hpp"

namespace tocsin::agent {

// This machine's clocks; a test whose samples are of a certain day sets the wall clock to it.
class CheckClock final : public time::TimeSource {
 public:
  Instant wall() const override { return wall_.value_or(system_.wall()); }
  MonoTime steady() const override { return system_.steady(); }
  void set_wall(Instant to) { wall_ = to; }

 private:
  time::SystemTime system_;
  std::optional<Instant> wall_;
};

// A check with its memory and cursor, as the observer keeps them between runs.
class CheckRun {
 public:
  explicit CheckRun(model::CheckKind kind, std::string target = {}, std::string root = "/") {
    definition.check = {kind, std::move(target)};
    context.root = std::move(root);
  }
  model::Observation run() {
    if (context.new_cursor) context.cursor = std::move(context.new_cursor);
    context.new_cursor.reset();
    return catalog_entry(definition.check.kind).run(definition, context);
  }
  template <class Facts>
  Facts facts() {
    return std::get<Facts>(run().facts);
  }

  CheckClock clock;
  model::CheckDefinition definition;
  CheckContext context{clock, {}, "/", {}, {}, {}, {}};
};

}  // namespace tocsin::agent
