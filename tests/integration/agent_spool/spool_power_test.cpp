// What the spool has accepted is there after the power was cut at any step, once, and nothing is
// there by half. The scenario is both processes' life of one host in small.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/spool/spool.hpp"
#include "tests/support/every_fault.hpp"

namespace tocsin::agent {
namespace {

using tests::Place;

constexpr Instant kNow{1'000'000'000'000};

// Larger than a page, so that a fact's row is several writes.
std::string fact_bytes(int number) {
  return fmt::format("fact {}", number) + std::string(5000, static_cast<char>('a' + number));
}

Result<std::unique_ptr<Spool>> open(const Place& place) {
  SpoolOptions options;
  options.vfs = place.disk.name();
  return Spool::open(place.directory + "/spool.db", options);
}

Status append(Spool& observer, std::vector<int> facts, const char* cursor) {
  std::vector<NewFact> rows;
  for (const int fact : facts) rows.push_back({fact_bytes(fact), model::Priority::normal});
  const ReaderCursor place{"audit", cursor};
  CheckRow check;
  check.check = {model::CheckKind::sockets, ""};
  check.digest = cursor;
  const Result<Seq> last = observer.append(rows, {&place, 1}, {&check, 1});
  if (!last) return fail(last.error());
  return {};
}

Status put_request(Spool& link, const char* id) {
  model::Request request;
  request.request_id = id;
  request.expires_in = 60s;
  request.act.emplace<model::CheckDefinition>().check = {model::CheckKind::sockets, ""};
  return link.put_request(request, kNow);
}

Status take(Spool& observer, const std::string& id) {
  const Result<Spool::Taken> taken = observer.take_requests(kNow);
  if (!taken) return fail(taken.error());
  EXPECT_TRUE(taken->fresh.size() == 1 && taken->fresh[0].request_id == id);
  return {};
}

// What must be there when a step is done.
struct Content {
  std::string facts;  // "seq:number" of each row; 10: that a new epoch has begun
  std::string cursor;
  std::string assignment;
  std::string fresh;
  std::string interrupted;
  int epoch = 1;
  friend bool operator==(const Content&, const Content&) = default;
  friend void PrintTo(const Content& content, std::ostream* out) {
    *out << fmt::format(
        "facts [{}] cursor [{}] assignment [{}] fresh [{}] interrupted [{}] epoch {}",
        content.facts, content.cursor, content.assignment, content.fresh, content.interrupted,
        content.epoch);
  }
};

struct Step {
  std::function<Status(Spool& observer, Spool& link, Epoch& epoch)> act;
  Content after;
};

const std::vector<Step>& steps() {
  static const std::vector<Step> all{
      {[](Spool& observer, Spool&, Epoch&) {
         return append(observer, {1, 2}, "c1");
       },
       {"1:1 2:2 ", "c1", "", "", ""}},
      {[](Spool&, Spool& link, Epoch&) { return link.put_assignment("checks", "digest"); },
       {"1:1 2:2 ", "c1", "digest", "", ""}},
      {[](Spool&, Spool& link, Epoch&) { return put_request(link, "r1"); },
       {"1:1 2:2 ", "c1", "digest", "r1 ", ""}},
      {[](Spool& observer, Spool&, Epoch&) { return append(observer, {3}, "c2"); },
       {"1:1 2:2 3:3 ", "c2", "digest", "r1 ", ""}},
      {[](Spool&, Spool& link, Epoch& epoch) { return link.acknowledge(epoch, Seq{2}); },
       {"3:3 ", "c2", "digest", "r1 ", ""}},
      {[](Spool& observer, Spool&, Epoch&) { return take(observer, "r1"); },
       {"3:3 ", "c2", "digest", "", "r1 "}},
      {[](Spool& observer, Spool&, Epoch&) -> Status {
         const NewFact answer{fact_bytes(4), model::Priority::critical};
         const Result<Seq> last = observer.finish_request("r1", {&answer, 1});
         if (!last) return fail(last.error());
         return {};
       },
       {"3:3 4:4 ", "c2", "digest", "", ""}},
      {[](Spool&, Spool& link, Epoch&) { return put_request(link, "r2"); },
       {"3:3 4:4 ", "c2", "digest", "r2 ", ""}},
      {[](Spool&, Spool& link, Epoch& epoch) -> Status {
         const Result<Epoch> begun = link.begin_new_epoch();
         if (!begun) return fail(begun.error());
         epoch = *begun;
         return {};
       },
       {"1:10 2:3 3:4 ", "c2", "digest", "r2 ", "", 2}},
      {[](Spool& observer, Spool&, Epoch&) { return append(observer, {5}, "c3"); },
       {"1:10 2:3 3:4 4:5 ", "c3", "digest", "r2 ", "", 2}},
      {[](Spool& observer, Spool&, Epoch&) { return take(observer, "r2"); },
       {"1:10 2:3 3:4 4:5 ", "c3", "digest", "", "r2 ", 2}},
      {[](Spool&, Spool& link, Epoch& epoch) { return link.acknowledge(epoch, Seq{4}); },
       {"", "c3", "digest", "", "r2 ", 2}},
  };
  return all;
}

struct Acknowledged {
  std::size_t steps = 0;
  Epoch first_epoch;  // 0: the spool was never open
};

Acknowledged live(const Place& place) {
  Acknowledged done;
  const auto observer = open(place);
  const auto link = open(place);
  if (!observer || !link) return done;
  const Result<SpoolStatus> status = (*link)->status();
  if (!status) return done;
  Epoch epoch = done.first_epoch = status->epoch;
  for (const Step& step : steps()) {
    if (!step.act(**observer, **link, epoch)) break;
    ++done.steps;
  }
  return done;
}

std::string facts_of(Spool& spool) {
  const Result<std::vector<SpoolRow>> rows = spool.read(Seq{1}, 100, 1 << 20);
  EXPECT_TRUE(rows) << rows.error().message;
  std::string text;
  for (const SpoolRow& row : rows.value_or(std::vector<SpoolRow>{})) {
    int number = 1;
    while (number < 10 && row.bytes != fact_bytes(number)) ++number;
    text += fmt::format("{}:{} ", row.seq.value, number);
  }
  return text;
}

Content content_of(Spool& spool, Epoch first_epoch) {
  Content content;
  content.facts = facts_of(spool);
  content.cursor = spool.cursor("audit")->value_or("");
  content.assignment = *spool.assignment_digest();
  EXPECT_EQ(spool.assigned_checks()->value_or(""), content.assignment.empty() ? "" : "checks");
  const Result<std::vector<CheckRow>> checks = spool.checks();
  EXPECT_EQ(checks->empty() ? "" : checks->front().digest, content.cursor);
  content.epoch = !first_epoch || spool.status()->epoch == first_epoch ? 1 : 2;
  const Result<Spool::Taken> taken = spool.take_requests(kNow);
  EXPECT_TRUE(taken) << taken.error().message;
  for (const model::Request& request : taken->fresh) content.fresh += request.request_id + " ";
  for (const std::string& id : taken->interrupted) content.interrupted += id + " ";
  return content;
}

void check_spool(const Place& place, const Acknowledged& done) {
  const auto spool = open(place);
  ASSERT_TRUE(spool) << spool.error().message;
  for (const auto& file : std::filesystem::directory_iterator(place.directory)) {
    EXPECT_EQ(file.path().string().find("damaged"), std::string::npos) << file.path();
  }
  const Content before = done.steps == 0 ? Content{} : steps()[done.steps - 1].after;
  // The step that was cut off may have been done as a whole.
  const Content after = done.steps == steps().size() ? before : steps()[done.steps].after;
  const SpoolStatus status = (*spool)->status().value();
  EXPECT_THAT(content_of(**spool, done.first_epoch), ::testing::AnyOf(before, after));

  // And it goes on where it was.
  ASSERT_TRUE(append(**spool, {6}, "c6"));
  EXPECT_EQ((*spool)->status()->last.value, status.last.value + 1);
}

TEST(SpoolPower, WhatIsAcceptedSurvivesACutAtEveryStep) {
  tests::cut_the_power_everywhere(live, check_spool);
}

TEST(SpoolPower, TheScenarioRunsToItsEnd) {
  const tests::TempDir directory = tests::TempDir::in_memory();
  tests::PowerCutVfs disk;
  EXPECT_EQ(live({disk, directory.path()}).steps, steps().size());
}

}  // namespace
}  // namespace tocsin::agent
