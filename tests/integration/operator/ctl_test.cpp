// tocsinctl as a whole, from its arguments to its exit code, against a real server over mTLS.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/ctl/program.hpp"
#include "collector/operate/service.hpp"
#include "tests/integration/operator/tls_server.hpp"
#include "tests/support/fake_collector.hpp"

namespace tocsin::ctl {
namespace {

using tests::KeyAndCertificate;

class TocsinCtl : public testing::Test {
 protected:
  TocsinCtl() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    write("ca.pem", site_.authority().certificate_pem);
    login(site_.for_operator("wang", model::Role::admin));
    fake_.state.host_rows = {tests::a_host("tsm-bk02", 'a')};
    fake_.state.incident_rows = {
        tests::an_incident(42, fake_.state.host_rows[0], model::Severity::c)};
    fake_.state.incident_rows[0].number = "SI-115-0042";
    fake_.state.incident_rows[0].revision = 7;
    environment_.zone = "Asia/Taipei";
    environment_.home = folder_.string();
  }
  ~TocsinCtl() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    ::chmod((folder_ / name).c_str(), 0600);
  }
  void login(const KeyAndCertificate& who) const {
    write("me.pem", who.certificate_pem);
    write("me.key", who.key_pem);
  }
  Printed ctl(std::vector<std::string> words, bool with_connection = true) {
    std::vector<std::string> all{"tocsinctl"};
    all.insert(all.end(), words.begin(), words.end());
    if (with_connection) {
      for (const std::string& word :
           {std::string("--collector"), server_.address(), std::string("--ca"),
            (folder_ / "ca.pem").string(), std::string("--cert"), (folder_ / "me.pem").string(),
            std::string("--key"), (folder_ / "me.key").string()}) {
        all.push_back(word);
      }
    }
    std::vector<const char*> argv;
    for (const std::string& word : all) argv.push_back(word.c_str());
    const auto parsed = parse_arguments(static_cast<int>(argv.size()), argv.data());
    if (const auto* instead = std::get_if<Printed>(&parsed)) return *instead;
    return run_program(std::get<Arguments>(parsed), environment_, time_);
  }
  collector::OperatorApi::Parts parts() {
    return {fake_.state,
            fake_.intake,
            fake_.judge,
            [this] { return fake_.intake.head(); },
            [] { return collector::ChainReport{}; },
            [](const collector::TokenRequest& wanted) -> Result<collector::NewToken> {
              return collector::NewToken{"secret", "t-1", tests::kNow + wanted.valid};
            },
            [](const std::string&) { return Status{}; },
            {},
            {},
            "0.1.0",
            "memory",
            "collector1:8445",
            "aa11",
            tests::kNow};
  }

  std::filesystem::path folder_;
  time::SystemTime time_;
  const tests::TestAuthority site_{time_.wall()};
  tests::FakeCollector fake_;
  collector::OperatorApi api_{parts()};
  collector::Callers callers_{"", time_};
  collector::Workers workers_{2, 8};
  std::shared_ptr<grpc::Service> service_ =
      collector::make_operator_service(api_, callers_, workers_);
  tests::TlsServer server_{*service_, site_, tests::ClientCertificate::demanded};
  Environment environment_;
};

TEST_F(TocsinCtl, EveryReadingCommandAnswersInBothForms) {
  const std::vector<std::vector<std::string>> commands{{},
                                                       {"status"},
                                                       {"hosts"},
                                                       {"hosts", "tsm-bk02"},
                                                       {"hosts", "--abnormal"},
                                                       {"incidents"},
                                                       {"incidents", "--open", "--unacked"},
                                                       {"incidents", "--severity", "C+"},
                                                       {"incidents", "show", "0042"},
                                                       {"incidents", "timeline", "SI-115-0042"},
                                                       {"explain", "SI-115-0042"},
                                                       {"explain", "port.unexpected"},
                                                       {"explain", "C"},
                                                       {"enroll", "token", "create", "--ttl", "1h"},
                                                       {"audit", "verify"},
                                                       {"version"}};
  for (const auto& command : commands) {
    const std::string name = command.empty() ? "(none)" : command.front();
    const Printed table = ctl(command);
    EXPECT_EQ(table.exit, ExitCode::done) << name << ": " << table.err;
    EXPECT_NE(table.out, "") << name;
    auto in_json = command;
    in_json.insert(in_json.end(), {"-o", "json"});
    const Printed json = ctl(in_json);
    EXPECT_EQ(json.exit, ExitCode::done) << name << ": " << json.err;
    EXPECT_EQ(json.out.substr(0, 1), "{") << name;
    EXPECT_EQ(json.err, "") << name;
  }
}

TEST_F(TocsinCtl, TakingOverIsJournaledWithTheRevisionThatWasSeen) {
  const Printed printed = ctl({"ack", "0042", "--note", "看過"});
  ASSERT_EQ(printed.exit, ExitCode::done) << printed.err;
  const auto& command = std::get<model::Command>(fake_.intake.entries.at(0));
  EXPECT_EQ(command.principal.name, "wang");
  EXPECT_EQ(command.seen_revision, 7U);
  EXPECT_EQ(command.note, "看過");
  EXPECT_EQ(ctl({"register", "42", "--dry-run"}).exit, ExitCode::done);
  EXPECT_EQ(fake_.intake.entries.size(), 1U);
}

TEST_F(TocsinCtl, AConflictSaysWhoAndExitsFive) {
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::conflict;
    result.conflict_with = {"李四", model::Role::duty, "f9"};
    return result;
  };
  const Printed printed = ctl({"ack", "SI-115-0042", "--lang", "zh-TW"});
  EXPECT_EQ(printed.exit, ExitCode::conflict);
  EXPECT_NE(printed.err.find("李四"), std::string::npos);
}

TEST_F(TocsinCtl, ExitCodesTellScriptsWhatHappened) {
  EXPECT_EQ(ctl({"incidents", "show", "9999"}).exit, ExitCode::not_found);
  EXPECT_EQ(ctl({"hosts", "nobody"}).exit, ExitCode::not_found);
  EXPECT_EQ(ctl({"no-such-command"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"status", "-o", "xml"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"status", "--timeout", "soon"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"incidents", "--severity", "Q"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"incidents", "--fail-on", "C"}).exit, ExitCode::level_met);
  EXPECT_EQ(ctl({"incidents", "--fail-on", "B"}).exit, ExitCode::done);
  EXPECT_EQ(ctl({"--help"}).exit, ExitCode::done);
  fake_.intake.judging = false;
  EXPECT_EQ(ctl({"ack", "42", "--timeout", "1s"}).exit, ExitCode::timed_out);
}

TEST_F(TocsinCtl, AnAgentOrAReaderOfAnotherRoleIsNotPermitted) {
  login(site_.for_agent());
  EXPECT_EQ(ctl({"status"}).exit, ExitCode::not_permitted);
  login(site_.for_operator("audit1", model::Role::auditor));
  EXPECT_EQ(ctl({"status"}).exit, ExitCode::done);
  const Printed token = ctl({"enroll", "token", "create", "-o", "json"});
  EXPECT_EQ(token.exit, ExitCode::not_permitted);
  EXPECT_EQ(token.out.find("{\"code\":\"permission_denied\""), 0U);
}

TEST_F(TocsinCtl, ACollectorOfAnotherAuthorityIsNotReached) {
  const tests::TestAuthority foreign(time_.wall());
  write("ca.pem", foreign.authority().certificate_pem);
  const Printed printed = ctl({"status", "--timeout", "5s"});
  EXPECT_EQ(printed.exit, ExitCode::unreachable) << printed.err;
}

TEST_F(TocsinCtl, AKeyThatOthersMayReadIsRefused) {
  ::chmod((folder_ / "me.key").c_str(), 0644);
  EXPECT_EQ(ctl({"status"}).exit, ExitCode::not_permitted);
  std::filesystem::remove(folder_ / "me.pem");
  EXPECT_EQ(ctl({"status"}).exit, ExitCode::not_permitted);
}

TEST_F(TocsinCtl, TheContextFileSaysWhereAndInWhichLanguage) {
  EXPECT_EQ(ctl({"status"}, false).exit, ExitCode::usage);  // there is none
  std::filesystem::create_directories(folder_ / ".config/tocsin");
  write(".config/tocsin/contexts.toml",
        "current = \"idc\"\n[[contexts]]\nname = \"idc\"\ncollector = \"" + server_.address() +
            "\"\nauthority_file = \"" + (folder_ / "ca.pem").string() +
            "\"\ncertificate_file = \"" + (folder_ / "me.pem").string() + "\"\nkey_file = \"" +
            (folder_ / "me.key").string() + "\"\nlanguage = \"zh-TW\"\n");
  const Printed chinese = ctl({"status"}, false);
  ASSERT_EQ(chinese.exit, ExitCode::done) << chinese.err;
  EXPECT_NE(chinese.out.find("收集器"), std::string::npos);
  EXPECT_NE(ctl({"status", "--lang", "en"}, false).out.find("Collector"), std::string::npos);
  EXPECT_EQ(ctl({"status", "--context", "elsewhere"}, false).exit, ExitCode::not_found);
}

TEST_F(TocsinCtl, TheLanguageOfTheTerminalIsTheLastChoiceAndColourOnlyOnOne) {
  environment_.lang = "zh_TW.UTF-8";
  EXPECT_NE(ctl({"status"}).out.find("收集器"), std::string::npos);
  environment_.lc_all = "en_US.UTF-8";
  EXPECT_NE(ctl({"status"}).out.find("Collector"), std::string::npos);
  EXPECT_EQ(ctl({"incidents"}).out.find('\x1b'), std::string::npos);
  environment_.width = 120;
  EXPECT_NE(ctl({"incidents"}).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(ctl({"incidents", "--no-color"}).out.find('\x1b'), std::string::npos);
  environment_.no_color = "1";
  EXPECT_EQ(ctl({"incidents"}).out.find('\x1b'), std::string::npos);
  environment_.no_color = "";
  environment_.term = "dumb";
  EXPECT_EQ(ctl({"incidents"}).out.find('\x1b'), std::string::npos);
}

// Procedure, P-04, H-08: each is a command of its own with its reason.
TEST_F(TocsinCtl, ADecisionIsJournaledWithItsReason) {
  ASSERT_EQ(ctl({"verdict", "42", "false-alarm", "--reason", "演練"}).exit, ExitCode::done);
  ASSERT_EQ(ctl({"severity", "0042", "d", "--reason", "r"}).exit, ExitCode::done);
  ASSERT_EQ(ctl({"estimate", "42", "6h"}).exit, ExitCode::done);
  ASSERT_EQ(ctl({"close", "42", "--verdict", "fault", "--cause", "disk"}).exit, ExitCode::done);
  ASSERT_EQ(fake_.intake.entries.size(), 4U);
  const auto command = [&](std::size_t i) {
    return std::get<model::Command>(fake_.intake.entries.at(i));
  };
  EXPECT_EQ(std::get<model::JudgeIncident>(command(0).act).verdict,
            model::IncidentVerdict::false_alarm);
  EXPECT_EQ(command(0).note, "演練");
  EXPECT_EQ(command(0).seen_revision, 7U);
  EXPECT_EQ(std::get<model::ApproveGrade>(command(1).act).severity, model::Severity::d);
  EXPECT_EQ(std::get<model::EstimateRepair>(command(2).act).duration, std::chrono::hours(6));
  EXPECT_EQ(std::get<model::CloseIncident>(command(3).act).verdict, model::IncidentVerdict::fault);
  // Without a reason, or with a word that is none, nothing is sent.
  EXPECT_EQ(ctl({"severity", "42", "D"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"severity", "42", "F", "--reason", "r"}).exit, ExitCode::usage);
  EXPECT_EQ(ctl({"close", "42", "--verdict", "confirmed", "--cause", "c"}).exit, ExitCode::usage);
  EXPECT_EQ(fake_.intake.entries.size(), 4U);
}

TEST_F(TocsinCtl, AListIsGivenInTheFormThatWasAskedFor) {
  EXPECT_EQ(ctl({"incidents", "-o", "name"}).out, "SI-115-0042\n");
  EXPECT_EQ(ctl({"incidents", "-o", "columns=id,severity,host"}).out,
            "ID           SEVERITY  HOST\nSI-115-0042  C         tsm-bk02\n");
  EXPECT_EQ(ctl({"incidents", "-o", "columns=nonsense"}).exit, ExitCode::usage);
  const Printed yaml = ctl({"incidents", "-o", "yaml"});
  EXPECT_NE(yaml.out.find("\nincidents:\n  - id: \"42\"\n    number: \"SI-115-0042\"\n"),
            std::string::npos)
      << yaml.out;
}

TEST_F(TocsinCtl, WrongUsageIsSaidToScriptsToo) {
  const Printed json = ctl({"incidents", "show", "-o", "json"}, false);
  EXPECT_EQ(json.exit, ExitCode::usage);
  EXPECT_EQ(json.out.find("{\"code\":\"invalid_argument\""), 0U) << json.out;
  EXPECT_NE(json.err, "");
  EXPECT_EQ(ctl({"nonsense", "--output=yaml"}, false).out.find("code: \"invalid_argument\""), 0U);
  EXPECT_EQ(ctl({"nonsense"}, false).out, "");
}

TEST_F(TocsinCtl, HelpIsInBothLanguages) {
  for (const char* command : {"status", "close", "run-check", "enroll"}) {
    const std::string chinese = ctl({command, "--help", "--lang", "zh-TW"}, false).out;
    EXPECT_NE(chinese.find("用法: tocsinctl"), std::string::npos) << chinese;
    for (const char* english : {"Usage", "Options", "Print this", "REQUIRED", "Positionals"}) {
      EXPECT_EQ(chinese.find(english), std::string::npos) << chinese;
    }
    EXPECT_NE(ctl({command, "--help"}, false).out.find("Usage: tocsinctl"), std::string::npos);
  }
}

// What a real shell offers after these words.
std::string completions(const std::filesystem::path& script, const std::string& words) {
  const std::string program =
      "source '" + script.string() + "'; COMP_WORDS=(tocsinctl " + words +
      "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tocsinctl; echo \"${COMPREPLY[*]}\"";
  int out[2];
  if (::pipe(out) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::execl("/bin/bash", "bash", "--norc", "-c", program.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  std::string said;
  for (char c = 0; ::read(out[0], &c, 1) == 1;) said += c;
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  return said;
}

TEST_F(TocsinCtl, BashCompletesCommandsAndOptionsFromTheSameTable) {
  const Printed script = ctl({"completion", "bash"}, false);
  ASSERT_EQ(script.exit, ExitCode::done) << script.err;
  write("completion.bash", script.out);
  const auto offered = [&](const std::string& words) {
    return completions(folder_ / "completion.bash", words);
  };
  EXPECT_EQ(offered("inc"), "incidents\n");
  EXPECT_EQ(offered("incidents t"), "timeline\n");
  EXPECT_EQ(offered("enroll token c"), "create\n");
  EXPECT_EQ(offered("ack --take"), "--take-over\n");
  EXPECT_EQ(offered("incidents --una"), "--unacked\n");
  EXPECT_EQ(offered("hosts --no-c"), "--no-color\n");
  EXPECT_EQ(offered("nothing-such"), "\n");
  EXPECT_NE(ctl({"completion", "zsh"}, false).out.find("#compdef tocsinctl"), std::string::npos);
  EXPECT_EQ(ctl({"completion", "fish"}, false).exit, ExitCode::usage);
}

// The real program on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> words) {
    winsize size{24, 100, 0, 0};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ == 0) {
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~Terminal() { ::close(terminal_); }
  // Until `text` was written so often, or ten seconds.
  bool shows(const std::string& text, int times) {
    for (;;) {
      int found = 0;
      for (auto at = seen_.find(text); at != seen_.npos; at = seen_.find(text, at + 1)) ++found;
      if (found >= times) return true;
      pollfd waiting{terminal_, POLLIN, 0};
      char bytes[4096];
      if (::poll(&waiting, 1, 10'000) <= 0) return false;
      const ssize_t got = ::read(terminal_, bytes, sizeof bytes);
      if (got <= 0) return false;
      seen_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  void type(char key) { ASSERT_EQ(::write(terminal_, &key, 1), 1); }
  int exit_code() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& seen() const { return seen_; }

 private:
  int terminal_ = -1;
  pid_t child_ = -1;
  std::string seen_;
};

TEST_F(TocsinCtl, WatchingRepaintsInPlaceAndEndsWithCtrlC) {
  Terminal terminal({TOCSIN_CTL, "status", "--watch", "--lang", "en", "--collector",
                     server_.address(), "--ca", (folder_ / "ca.pem").string(), "--cert",
                     (folder_ / "me.pem").string(), "--key", (folder_ / "me.key").string()});
  // Twice the whole screen, each from the top of the terminal.
  ASSERT_TRUE(terminal.shows("\x1b[J", 2)) << terminal.seen();
  EXPECT_EQ(terminal.seen().find("\x1b[2J\x1b[H"), 0U);
  EXPECT_NE(terminal.seen().find("SI-115-0042"), std::string::npos) << terminal.seen();
  terminal.type('\x03');
  EXPECT_EQ(terminal.exit_code(), 130);
}

TEST(CtlArguments, DurationsHaveUnits) {
  using std::chrono::milliseconds;
  EXPECT_EQ(*duration_from("500ms"), milliseconds(500));
  EXPECT_EQ(*duration_from("90"), milliseconds(90'000));
  EXPECT_EQ(*duration_from("7d"), milliseconds(604'800'000));
  for (const char* wrong : {"", "s", "-1s", "0s", "1.5h", "1w", "99999999999999999999s", "9999d"}) {
    EXPECT_FALSE(duration_from(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace tocsin::ctl
