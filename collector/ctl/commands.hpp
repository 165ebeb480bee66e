// What each command does: asks the collector, and says what to print and how to exit. The client is
// a seam; nothing here knows gRPC, the command line's syntax or the terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "collector/ctl/client.hpp"
#include "collector/ctl/exit_code.hpp"
#include "collector/ctl/view.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::ctl {

struct ShowStatus {
  bool counters = false;
};
struct ShowHosts {
  std::string name;
  bool abnormal = false;
};
struct ShowMetrics {
  std::string host;
  std::string name;  // how the curves' names begin; empty: all
  std::chrono::seconds since{};
};
struct ListIncidents {
  bool open = false;
  bool unacknowledged = false;
  std::string severity;  // "C+"
  std::uint32_t limit = 100;
  std::uint64_t before = 0;
};
struct ShowIncident {
  std::string reference;
  bool timeline = false;
};
struct ActOnIncidents {
  enum class Act { acknowledge, register_number } act = Act::acknowledge;
  std::vector<std::string> references;
  std::string note;
  bool take_over = false;  // also what somebody else has acknowledged
};
// What a person decides about one incident (procedure, P-04, H-08).
struct DecideOnIncident {
  enum class Act { judge, approve, estimate, close } act = Act::judge;
  std::string reference;
  std::string verdict;   // judge, close: "false-alarm", …
  std::string severity;  // approve
  std::chrono::seconds estimate{};
  std::string reason;
};
struct RunCheck {
  std::string host;
  std::string check = "all";  // every check of the host that has run before
  bool wait = false;
};
struct Revoke {
  enum class What { agent, operator_ } what = What::agent;
  std::string name;  // a host's name or agent id; an operator's name
  std::string reason;
};
struct RestartService {
  std::string host;
  std::string unit;
  bool wait = false;
};
// Evidence of hosts and of people (procedure M-11, M-12, R-13).
struct EvidenceCommand {
  enum class Act { collect, list, show, verify, export_, give_up, add } act = Act::list;
  std::string host;      // collect
  std::string incident;  // collect, list, add; empty: of none
  std::string id;        // show, verify, export, give_up: "E-2"
  std::string folder;    // export: made
  std::string file;      // add
  std::string witness;   // give_up
  std::string reason;
  std::chrono::seconds since{};   // collect: of the journal; 0: as the collector has it
  std::chrono::seconds within{};  // collect
  bool wait = false;
};
struct Explain {
  std::string topic;
};
struct CreateToken {
  std::string host;
  std::chrono::seconds valid{3600};
  bool replace = false;
};
// Baselines: learned, proposed, approved by another person (procedure M-07, M-09, M-28).
struct OnBaseline {
  enum class Act { list, show, diff, propose, review, approve, reject } act = Act::list;
  std::string host;
  std::string group;
  std::uint64_t id = 0;       // review: 0 lists all; approve, reject
  std::uint32_t version = 0;  // show: 0: the one in force
  std::chrono::seconds since{};
  std::uint64_t finding = 0;  // propose: the approved one and what this finding is about
  std::vector<std::string> leave_out;
  std::chrono::seconds valid{};
  std::string reason;
};
struct VerifyAudit {};
// A diagnosis that a host wrote and signed, carried here by hand (procedure M-28).
struct VerifyDiagnosis {
  std::string file;
};
struct HelpExitCodes {};
struct ShowVersion {};

using Command = std::variant<ShowStatus, ShowHosts, ShowMetrics, ListIncidents, ShowIncident,
                             ActOnIncidents, DecideOnIncident, RunCheck, RestartService, Revoke,
                             Explain, CreateToken, OnBaseline, VerifyAudit, VerifyDiagnosis,
                             EvidenceCommand, HelpExitCodes, ShowVersion>;

struct Settings {
  View view;
  bool json = false;
  std::vector<std::string> columns;  // of a list; empty: the usual ones
  bool headings = true;
  bool dry_run = false;
  std::string fail_on;  // a grade; empty: never
  std::chrono::milliseconds timeout{10'000};
  std::string address;         // shown only
  std::string authority_file;  // what is signed must be of it
};

// What goes to standard output and to standard error.
struct Printed {
  ExitCode exit = ExitCode::done;
  std::string out;
  std::string err;
  std::uint64_t position = 0;  // as of this; 0: nothing was read
};

// Makes the client where a command needs one. Errors: what is wrong with the connection's files.
using Connect = std::function<Result<std::unique_ptr<Client>>()>;

Printed run(const Command& command, const Settings& settings, const Connect& connect,
            const time::TimeSource& time);

// How a program that gave the command ends.
ExitCode exit_of(const v1::ExecuteReply& reply);

// The collector's answer to a command about `what`, and one that was not sent (--dry-run).
Printed printed_answer(std::string_view what, const v1::ExecuteReply& reply,
                       const Settings& settings);
Printed printed_not_sent(std::string_view what, const v1::Command& command,
                         const Settings& settings);

Printed run_on_baseline(const OnBaseline& command, const Settings& settings, Client& client);

// An error as it is printed: in words on standard error, and as JSON on standard output with -o
// json.
Printed printed(const Error& error, const Settings& settings);

}  // namespace tocsin::ctl
