// Everything that happens to a log, in any order, on real files: no record is left out and none
// comes twice, unless its bytes went before anybody could read them.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/integration/agent/tail/rotation_room.hpp"

namespace tocsin::agent {
namespace {

RC_GTEST_PROP(TailProperty, EveryRecordComesOnceThroughAnyRotation, ()) {
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(
      rc::gen::inRange(0, static_cast<int>(Step::restart) + 1), rc::gen::inRange(1, 40)));
  Room room;
  for (const auto& [step, amount] : steps) room.take(static_cast<Step>(step), amount);
  room.finish();
}

// The same without what destroys records: then all of them must come.
RC_GTEST_PROP(TailProperty, NothingIsForgivenWhereNothingIsDestroyed, ()) {
  const auto steps = *rc::gen::container<std::vector<std::pair<Step, int>>>(rc::gen::pair(
      rc::gen::element(Step::write_lines, Step::write_part, Step::write_long, Step::rename,
                       Step::reopen, Step::copy_truncate, Step::copy_write_truncate, Step::pack,
                       Step::look, Step::short_look, Step::look, Step::crash, Step::restart,
                       Step::look),
      rc::gen::inRange(1, 40)));
  Room room;
  int rotations = 0;
  for (const auto& [step, amount] : steps) {
    // A look at least before the oldest part is removed.
    rotations +=
        step == Step::rename || step == Step::copy_truncate || step == Step::copy_write_truncate;
    if (step == Step::look) rotations = 0;
    if (rotations == 4) room.take(Step::look, 1), rotations = 1;
    room.take(step, amount);
  }
  room.finish();
}

}  // namespace
}  // namespace tocsin::agent
