// Runs a short scenario again and again, with the disk failing at another step each time.
#pragma once

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/power_cut_vfs.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {

// Where a run of the scenario works.
struct Place {
  PowerCutVfs& disk;
  const std::string& directory;
};

// `run(place)` does the scenario until something fails, closes all it opened, and returns what was
// acknowledged; `check(place, acknowledged)` opens again on a healthy disk. First without a fault,
// to count the operations; then with the power cut at each of them, once dropping everything that
// was not synced and `random_cuts` times letting random sectors of it survive.
template <class Run, class Check>
void cut_the_power_everywhere(const Run& run, const Check& check, std::uint32_t random_cuts = 2) {
  std::uint64_t operations = 0;
  {
    const TempDir directory = TempDir::in_memory();
    PowerCutVfs disk;
    const Place place{disk, directory.path()};
    const auto acknowledged = run(place);
    operations = disk.operations();
    check(place, acknowledged);
  }
  ASSERT_GT(operations, 0U);
  for (std::uint64_t nth = 1; nth <= operations; ++nth) {
    for (std::uint32_t variant = 0; variant <= random_cuts; ++variant) {
      SCOPED_TRACE("power cut at operation " + std::to_string(nth) + " of " +
                   std::to_string(operations) + ", variant " + std::to_string(variant));
      const TempDir directory = TempDir::in_memory();
      PowerCutVfs disk;
      const Place place{disk, directory.path()};
      disk.plan(nth, Fault::power_cut);
      disk.survive(variant == 0 ? 0 : static_cast<std::uint32_t>(nth * 1000 + variant));
      const auto acknowledged = run(place);
      ASSERT_TRUE(disk.happened());
      disk.restart();
      disk.plan_nothing();
      check(place, acknowledged);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

// `run(place)` does the whole scenario, going on after failures, and returns what was acknowledged.
// The disk is full (or the write is short, or fails once) from each write on; it has room again
// before `check`, but nothing was restarted in between: the power stays on.
template <class Run, class Check>
void fail_every_write(Fault fault, const Run& run, const Check& check) {
  std::uint64_t writes = 0;
  {
    const TempDir directory = TempDir::in_memory();
    PowerCutVfs disk;
    const Place place{disk, directory.path()};
    const auto acknowledged = run(place);
    writes = disk.writes();
    check(place, acknowledged);
  }
  ASSERT_GT(writes, 0U);
  for (std::uint64_t nth = 1; nth <= writes; ++nth) {
    SCOPED_TRACE("write " + std::to_string(nth) + " of " + std::to_string(writes));
    const TempDir directory = TempDir::in_memory();
    PowerCutVfs disk;
    const Place place{disk, directory.path()};
    disk.plan_write(nth, fault);
    const auto acknowledged = run(place);
    disk.plan_nothing();
    check(place, acknowledged);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace tocsin::tests
