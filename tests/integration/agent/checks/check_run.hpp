// Runs one check of the catalogue on this machine.
#pragma once

#include <string>

#include "agent/checks/check.hpp"

namespace tocsin::agent {

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

  time::SystemTime clock;
  model::CheckDefinition definition;
  CheckContext context{clock, {}, "/", {}, {}, {}, {}};
};

}  // namespace tocsin::agent
