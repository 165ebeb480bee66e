#include "agent/diagnose/diagnose.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "agent/checks/observation.hpp"
#include "tests/unit/agent/diagnose/support.hpp"

namespace tocsin::agent {
namespace {

using model::CheckKind;

// A clock that stands still: the checks of these tests need no time.
class StillTime final : public time::TimeSource {
 public:
  Instant wall() const override { return kAt; }
  MonoTime steady() const override { return {1}; }
};

// Lives as long as the process, as run_diagnose asks.
const time::TimeSource& still_time() {
  static const StillTime time;
  return time;
}

// Checks that give the facts of the test host, and remember what they were asked.
class FakeChecks {
 public:
  FakeChecks() {
    for (const CheckKind kind : model::kCheckKinds) {
      entries_.push_back({kind, [this](const model::CheckDefinition& d, CheckContext&) {
                            const std::lock_guard lock(mutex_);
                            asked_.insert(to_string(d.check));
                            return answer(d);
                          }});
    }
  }

  CheckCatalog catalog() {
    return [this](CheckKind kind) -> const CatalogEntry& {
      for (const CatalogEntry& entry : entries_) {
        if (entry.kind == kind) return entry;
      }
      throw std::out_of_range("kind");
    };
  }
  void set(CheckKind kind, RunCheck run) {
    for (CatalogEntry& entry : entries_) {
      if (entry.kind == kind) entry.run = std::move(run);
    }
  }
  void set_together(CheckKind kind, RunTogether run) {
    for (CatalogEntry& entry : entries_) {
      if (entry.kind == kind) entry.run_together = std::move(run);
    }
  }
  const std::set<std::string>& asked() const { return asked_; }

 private:
  static model::Observation answer(const model::CheckDefinition& d) {
    if (d.check.kind == CheckKind::service) return service(d.check.target, "active");
    if (d.check.kind == CheckKind::audit_log) return audit_log(d.check.target);
    for (model::Observation& o : observations("/tmp/.x/sshd2")) {
      if (o.check.kind == d.check.kind) return o;
    }
    return {};
  }

  std::mutex mutex_;
  std::set<std::string> asked_;
  std::vector<CatalogEntry> entries_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome diagnose(const DiagnoseOptions& options, FakeChecks& checks) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_diagnose(options, still_time(), out, err, checks.catalog());
  return {code, out.str(), err.str()};
}

DiagnoseOptions options_for(std::vector<std::string> words) {
  DiagnoseOptions options;
  options.checks = std::move(words);
  options.root = "/no/such/folder";
  options.host_name = "tsm-bk02";
  return options;
}

TEST(Diagnose, RunsTheWholeAnnex) {
  FakeChecks checks;
  const model::Baseline approved = [] {
    model::Baseline b = baseline();
    b.services = {{"cron.service", true}, {"old.service", false}};
    return b;
  }();
  DiagnoseOptions options = options_for({});
  options.baseline = &approved;
  const Outcome outcome = diagnose(options, checks);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(checks.asked(), (std::set<std::string>{"service:cron.service", "audit_log:journal",
                                                   "sockets", "processes", "antivirus"}));
  EXPECT_NE(outcome.out.find("4544"), std::string::npos);
  EXPECT_NE(outcome.out.find("no default gateway"), std::string::npos);
}

TEST(Diagnose, PrefersWhatTheHostsFileNames) {
  FakeChecks checks;
  DiagnoseOptions options = options_for({"ping", "service:b.service"});
  model::CheckDefinition named;
  named.check = {CheckKind::ping, "10.9.9.9"};
  options.definitions = {named};
  diagnose(options, checks);
  EXPECT_EQ(checks.asked(), (std::set<std::string>{"ping:10.9.9.9", "service:b.service"}));
}

// procedure M-01: many addresses take the time of one.
TEST(Diagnose, LooksAtManyOfAKindInOneRun) {
  FakeChecks checks;
  std::atomic<int> runs = 0;
  checks.set_together(CheckKind::ping, [&](const auto& definitions, const auto& contexts) {
    ++runs;
    std::vector<model::Observation> seen;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      const std::string& target = definitions[i].check.target;
      if (target == "10.9.9.1") throw std::runtime_error("no network");
      seen.push_back(
          agent::Run(definitions[i], *contexts[i]).seen(model::PingFacts{.address = target}));
    }
    return seen;
  });
  DiagnoseOptions options = options_for({"ping"});
  for (int i = 10; i < 50; ++i) {
    model::CheckDefinition named;
    named.check = {CheckKind::ping, "10.9.9." + std::to_string(i)};
    options.definitions.push_back(named);
  }
  options.format = DiagnoseOptions::Format::json;
  const Outcome outcome = diagnose(options, checks);
  EXPECT_EQ(runs, 1);
  for (const auto& named : options.definitions) {
    EXPECT_NE(outcome.out.find('"' + named.check.target + '"'), std::string::npos);
  }
  options.definitions.front().check.target = "10.9.9.1";
  EXPECT_NE(diagnose(options, checks).out.find("no network"), std::string::npos);
}

// procedure M-04: "no new record" is no answer of a look that has nothing to compare with.
TEST(Diagnose, CannotTellWhatIsNewInALogWithoutWhatTheObserverRemembers) {
  FakeChecks checks;
  DiagnoseOptions options = options_for({"warnings:journal"});
  options.remembered = [](const model::CheckRef&) { return std::optional<std::string>(); };
  options.format = DiagnoseOptions::Format::json;
  const Outcome first = diagnose(options, checks);
  EXPECT_NE(first.out.find("warning.first_look"), std::string::npos) << first.out;
  EXPECT_TRUE(checks.asked().empty());
  options.remembered = [](const model::CheckRef&) { return std::optional<std::string>("place"); };
  const Outcome next = diagnose(options, checks);
  EXPECT_EQ(next.out.find("warning.first_look"), std::string::npos) << next.out;
  EXPECT_EQ(checks.asked(), std::set<std::string>{"warnings:journal"});
}

TEST(Diagnose, RunsNothingTwice) {
  std::atomic<int> runs = 0;
  FakeChecks checks;
  checks.set(CheckKind::sockets, [&](const model::CheckDefinition& d, CheckContext& context) {
    ++runs;
    return agent::Run(d, context).seen(model::SocketsFacts{});
  });
  diagnose(options_for({"sockets", "sockets"}), checks);
  EXPECT_EQ(runs, 1);
}

TEST(Diagnose, RefusesAnUnknownCheck) {
  FakeChecks checks;
  const Outcome outcome = diagnose(options_for({"sokets\x1b"}), checks);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err,
            "Unknown check: sokets\\x1b. Known are: ping service audit_log sockets processes "
            "antivirus plugin warnings port_scan answer login backup_job metrics\n");
  EXPECT_TRUE(outcome.out.empty());
  EXPECT_TRUE(checks.asked().empty());
}

TEST(Diagnose, ExitsAsAsked) {
  FakeChecks checks;
  const model::Baseline approved = baseline();
  DiagnoseOptions options = options_for({"sockets"});
  options.baseline = &approved;
  EXPECT_EQ(diagnose(options, checks).code, 0);
  options.fail_on = model::Severity::c;
  EXPECT_EQ(diagnose(options, checks).code, 10);
  options.fail_on = model::Severity::b;
  EXPECT_EQ(diagnose(options, checks).code, 0);
  options.format = DiagnoseOptions::Format::nagios;
  EXPECT_EQ(diagnose(options, checks).code, 2);
}

// procedure M-28: what is carried away by hand is the JSON, whatever is on the screen.
TEST(Diagnose, GivesItsJsonToBeKeptAndSaysWhereThatFailed) {
  FakeChecks checks;
  DiagnoseOptions options = options_for({"sockets"});
  model::ApprovedBaseline approved;
  approved.approved_by = "chen";
  approved.expires = kAt + 1h;
  const model::Baseline rules = baseline();
  options.approved = &approved;
  options.baseline = &rules;
  std::string kept;
  options.keep = [&](const std::string& json) -> Status {
    kept = json;
    return {};
  };
  const Outcome outcome = diagnose(options, checks);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(kept.front(), '{');
  EXPECT_NE(kept.find("\"approvedBy\":\"chen\""), std::string::npos);
  EXPECT_EQ(outcome.out.find("approvedBy"), std::string::npos);
  options.keep = [](const std::string&) -> Status {
    return fail(ErrorCode::permission_denied, "no such key");
  };
  EXPECT_EQ(diagnose(options, checks).code, 1);
  EXPECT_EQ(diagnose(options, checks).err, "no such key\n");
}

TEST(Diagnose, ReportsACheckThatThrows) {
  FakeChecks checks;
  checks.set(CheckKind::sockets,
             [](const model::CheckDefinition&, CheckContext&) -> model::Observation {
               throw std::runtime_error("no memory");
             });
  const Outcome outcome = diagnose(options_for({"sockets"}), checks);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("no memory"), std::string::npos);
}

// One stuck check delays no other and is told apart from one that saw nothing.
TEST(Diagnose, LeavesAStuckCheckBehind) {
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    bool left = false;
  };
  const auto gate = std::make_shared<Gate>();
  FakeChecks checks;
  checks.set(CheckKind::processes, [gate](const model::CheckDefinition&, CheckContext&) {
    std::unique_lock lock(gate->mutex);
    gate->opened.wait(lock, [&] { return gate->open; });
    gate->left = true;
    gate->opened.notify_all();
    return model::Observation{};
  });
  DiagnoseOptions options = options_for({"processes", "sockets"});
  model::CheckDefinition impatient;
  impatient.check.kind = CheckKind::processes;
  impatient.deadline = 1ms;
  options.definitions = {impatient};
  options.format = DiagnoseOptions::Format::json;
  const Outcome outcome = diagnose(options, checks);
  EXPECT_NE(outcome.out.find("\"outcome\":\"timed_out\",\"verdict\":\"cannot_tell\""),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("\"name\":\"listeners\""), std::string::npos);
  std::unique_lock lock(gate->mutex);  // the thread ends before the test does
  gate->open = true;
  gate->opened.notify_all();
  gate->opened.wait(lock, [&] { return gate->left; });
}

}  // namespace
}  // namespace tocsin::agent
