#include "agent/checks/hidden_processes.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using Ids = std::vector<std::uint32_t>;

// A kernel of a test: what it knows, and what it shows, look by look.
struct Kernel {
  std::set<std::uint32_t> processes{1, 100, 200};
  std::set<std::uint32_t> threads;
  std::set<std::uint32_t> concealed;
  std::set<unsigned> denied_by;  // ways of asking that know of nothing
  Ids grouped;
  Ids covered;
  int looks = 0;
  std::function<void(int look)> change = [](int) {};

  ProcessSources sources() {
    return {[this] {
              Ids ids;
              for (const std::uint32_t id : processes) {
                if (!concealed.contains(id)) ids.push_back(id);
              }
              return ids;
            },
            [this] { return grouped; },
            [this] { return covered; },
            [this](std::uint32_t id, unsigned way) {
              if (denied_by.contains(way % kWays)) return false;
              return processes.contains(id) || threads.contains(id);
            },
            [this](std::uint32_t id) { return threads.contains(id); },
            [this](Duration span) {
              waited += span;
              change(++looks);
            }};
  }
  Duration waited{};
};

HiddenProcesses search(Kernel& kernel) {
  return find_hidden(kernel.sources(), {{2, 1000}}, {}, {});
}

// procedure M-09
TEST(HiddenProcesses, AreThoseThatExistAndAreNotListedInThreeLooks) {
  Kernel kernel;
  kernel.concealed = {200};
  const HiddenProcesses found = search(kernel);
  EXPECT_TRUE(found.searched);
  EXPECT_EQ(found.ids, Ids{200});
  EXPECT_EQ(kernel.looks, 2);
  EXPECT_GT(kernel.waited, Duration(1s));
}

TEST(HiddenProcesses, CostNoWaitingWhereNothingIsHidden) {
  Kernel kernel;
  kernel.threads = {101, 102};
  EXPECT_TRUE(search(kernel).ids.empty());
  EXPECT_EQ(kernel.waited, Duration{});
}

TEST(HiddenProcesses, AreNotThoseThatCameOrWentBetweenTwoLooks) {
  Kernel kernel;
  kernel.concealed = {200, 300};
  kernel.processes.insert(300);
  kernel.change = [&](int look) {
    if (look == 1) kernel.processes.erase(200);
    if (look == 2) kernel.concealed.erase(300);
  };
  EXPECT_TRUE(search(kernel).ids.empty());
}

TEST(HiddenProcesses, AreFoundByTheirControlGroupBeyondTheNumbersAsked) {
  Kernel kernel;
  kernel.processes.insert(5000);
  kernel.concealed = {5000};
  EXPECT_TRUE(search(kernel).ids.empty());
  kernel.grouped = {100, 5000};
  EXPECT_EQ(search(kernel).ids, Ids{5000});
}

TEST(HiddenProcesses, AreNotSearchedWhereProcHidesOthers) {
  Kernel kernel;
  kernel.concealed = {1, 100, 200};
  EXPECT_FALSE(search(kernel).searched);
  EXPECT_TRUE(search(kernel).ids.empty());
}

TEST(HiddenProcesses, AreNotConcludedFromASearchThatWasStopped) {
  Kernel kernel;
  kernel.concealed = {200};
  std::stop_source stop;
  stop.request_stop();
  const HiddenProcesses found = find_hidden(kernel.sources(), {{2, 1000}}, {}, stop.get_token());
  EXPECT_FALSE(found.searched);
  EXPECT_TRUE(found.ids.empty());
}

RC_GTEST_PROP(HiddenProcessesProperty, NothingThatIsListedOrAThreadIsEverHidden, ()) {
  Kernel kernel;
  const auto some = [] {
    return *rc::gen::container<std::set<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(2, 60));
  };
  kernel.processes = some();
  kernel.processes.insert(1);
  kernel.threads = some();
  kernel.concealed = some();
  for (const std::uint32_t id : search(kernel).ids) {
    RC_ASSERT(kernel.processes.contains(id) && kernel.concealed.contains(id));
    RC_ASSERT(!kernel.threads.contains(id));
  }
}

// procedure M-09: its number is listed, and whoever reads its folder reads another one.
TEST(HiddenProcesses, AreThoseWhoseFolderIsMountedOver) {
  Kernel kernel;
  kernel.covered = {200, 300};
  EXPECT_EQ(search(kernel).ids, Ids{200}) << "a number that is nobody's hides nothing";
  EXPECT_EQ(kernel.waited, Duration{});
}

// procedure M-09
TEST(HiddenProcesses, AreFoundWhileOneWayOfAskingTellsTheTruth) {
  for (unsigned truthful = 0; truthful < kWays; ++truthful) {
    Kernel kernel;
    kernel.concealed = {200};
    for (unsigned way = 0; way < kWays; ++way) {
      if (way != truthful) kernel.denied_by.insert(way);
    }
    Ids found;
    for (unsigned round = 0; round < kWays; ++round) {
      const auto ids = find_hidden(kernel.sources(), {{2, 1000, round}}, {}, {}).ids;
      found.insert(found.end(), ids.begin(), ids.end());
    }
    EXPECT_EQ(found, Ids{200}) << "by way " << truthful;
  }
}

// procedure M-09: one is not gone because the search has come to other numbers.
TEST(HiddenProcesses, StayFoundWhileOtherNumbersHaveTheirTurn) {
  for (unsigned truthful = 0; truthful < kWays; ++truthful) {
    Kernel kernel;
    kernel.processes.insert(40'000);
    kernel.concealed = {40'000};
    for (unsigned way = 0; way < kWays; ++way) {
      if (way != truthful) kernel.denied_by.insert(way);
    }
    IdSearch state;
    Ids before;
    bool was_found = false;
    int runs = 0;
    for (; runs < 400; ++runs) {
      before = find_hidden(kernel.sources(), id_ranges(30'000, 65'536, state), before, {}).ids;
      ASSERT_TRUE(!was_found || before == Ids{40'000}) << "run " << runs << " by way " << truthful;
      was_found = was_found || !before.empty();
    }
    EXPECT_TRUE(was_found);
    before = parse_hidden(hidden_to_text(before));  // The agent starts anew.
    EXPECT_EQ(find_hidden(kernel.sources(), {{2, 3}}, before, {}).ids, Ids{40'000});
    kernel.processes.erase(40'000);
    EXPECT_TRUE(find_hidden(kernel.sources(), {{2, 3}}, before, {}).ids.empty()) << "it ended";
  }
}

TEST(HiddenProcesses, AreKeptWithinALimitAndReadBackTheSame) {
  Ids ids;
  for (std::uint32_t id = 2; id < 3 + kHiddenKept; ++id) ids.push_back(id);
  const Ids kept = parse_hidden(hidden_to_text(ids));
  EXPECT_EQ(kept, Ids(ids.begin(), ids.begin() + kHiddenKept));
  EXPECT_TRUE(parse_hidden(hidden_to_text({})).empty());
  for (const char* bad : {"", "hidden 2 7", "hidden 1 0", "hidden 1 x", "hidden 1 7x", "hidden 1 ",
                          "hidden 1  7", "hidden 1 4194305", "hidden 1 99999999999", "hidden 17"}) {
    EXPECT_TRUE(parse_hidden(bad).empty()) << bad;
  }
  EXPECT_TRUE(parse_hidden(hidden_to_text(ids) + " 9").empty());
}

RC_GTEST_PROP(IdRangesProperty, EveryNumberIsAskedInEachWayInTheEndAndNoRunAsksTooMany, ()) {
  const std::uint32_t possible = *rc::gen::inRange<std::uint32_t>(32'768, 400'000);
  const std::uint32_t listed = *rc::gen::inRange<std::uint32_t>(1, possible);
  IdSearch search;
  search.in_use.from = *rc::gen::arbitrary<std::uint32_t>();
  search.others.from = *rc::gen::arbitrary<std::uint32_t>();
  std::vector<unsigned> ways(possible);  // bits
  for (unsigned run = 0; run < 64 * kWays; ++run) {
    std::uint32_t count = 0;
    for (const IdRange& range : id_ranges(listed, possible, search)) {
      RC_ASSERT(range.from >= 2U && range.to <= possible);
      for (std::uint32_t id = range.from; id < range.to; ++id) {
        ways[id] |= 1U << (id + range.round) % kWays;
      }
      count += range.to - range.from;
    }
    RC_ASSERT(count <= 16'384U);
  }
  RC_ASSERT(std::all_of(ways.begin() + 2, ways.end(),
                        [](unsigned asked) { return asked == (1U << kWays) - 1; }));
}

TEST(IdRanges, AskAboutEveryNumberInUseWithinFourRuns) {
  IdSearch search;
  std::set<std::uint32_t> asked;
  for (int run = 0; run < 4; ++run) {
    for (const IdRange& range : id_ranges(30'000, 4'194'304, search)) {
      for (std::uint32_t id = range.from; id < range.to; ++id) asked.insert(id);
    }
  }
  for (std::uint32_t id = 2; id < 31'024; ++id) ASSERT_TRUE(asked.contains(id)) << id;
}

TEST(HighestId, IsWithinWhatAKernelAllows) {
  EXPECT_EQ(parse_highest_id("4194304\n"), 4'194'304U);
  EXPECT_EQ(parse_highest_id("99999999"), 4'194'304U);
  EXPECT_EQ(parse_highest_id("7"), 32'768U);
  EXPECT_EQ(parse_highest_id("x"), 32'768U);
}

}  // namespace
}  // namespace tocsin::agent
