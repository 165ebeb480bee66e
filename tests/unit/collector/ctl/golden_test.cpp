// Every screen at 80 and 120 columns in both languages, against tests/data/ctl. After a wanted
// change run this test with TOCSIN_WRITE_GOLDEN=1, and read the difference before it is committed.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "collector/ctl/render.hpp"
#include "common/i18n/table.hpp"
#include "tests/unit/collector/ctl/samples.hpp"

namespace tocsin::ctl {
namespace {

struct Screen {
  const char* name;
  std::string (*render)(const View& view);
};

v1::ExecuteReply conflict() {
  v1::ExecuteReply reply;
  reply.mutable_result()->set_outcome(v1::CommandResult::OUTCOME_CONFLICT);
  reply.mutable_result()->set_revision(8);
  reply.mutable_result()->mutable_conflict_with()->set_name("李四");
  reply.mutable_result()->mutable_conflict_with()->set_role(v1::ROLE_DUTY);
  return reply;
}

v1::EnrollToken token() {
  v1::EnrollToken token;
  token.set_token("tocsin-1-abcdef");
  token.set_expires_ns(samples::kNow + 3600 * samples::kSecond);
  token.set_enroll_address("collector1:8445");
  token.set_authority_fingerprint(std::string(64, 'f'));
  return token;
}

v1::AuditReport audit(bool intact) {
  v1::AuditReport report;
  report.set_intact(intact);
  report.set_entries(918273);
  report.set_groups(40112);
  report.set_first_position(1);
  report.set_last_position(918273);
  report.set_head_hash(std::string(64, '9'));
  return report;
}

const Screen kScreens[] = {
    {"status",
     [](const View& v) { return render_status(v, "collector1:8443", samples::status(), true); }},
    {"hosts", [](const View& v) { return render_hosts(v, samples::hosts()); }},
    {"host", [](const View& v) { return render_host(v, samples::one_host()); }},
    {"incidents", [](const View& v) { return render_incidents(v, samples::incidents()); }},
    {"incident", [](const View& v) { return render_incident(v, samples::detail()); }},
    {"incident_asked", [](const View& v) { return render_incident(v, samples::asked()); }},
    {"timeline", [](const View& v) { return render_timeline(v, samples::detail()); }},
    {"explanation", [](const View& v) { return render_explanation(v, samples::detail()); }},
    {"explain_code", [](const View& v) { return explain_code(v, "port.unexpected"); }},
    {"explain_severity", [](const View& v) { return explain_severity(v, v1::SEVERITY_C); }},
    {"conflict", [](const View& v) { return render_result(v, "SI-115-0042", conflict()); }},
    {"token", [](const View& v) { return render_token(v, token(), samples::kNow); }},
    {"baselines", [](const View& v) { return render_baselines(v, samples::baselines()); }},
    {"baseline_review", [](const View& v) { return render_baseline(v, samples::proposal()); }},
    {"baseline", [](const View& v) { return render_baseline(v, samples::approved_baseline()); }},
    {"baseline_diff",
     [](const View& v) { return render_baseline_diff(v, samples::baseline_diff()); }},
    {"audit", [](const View& v) { return render_audit(v, audit(true)); }},
    {"audit_broken", [](const View& v) { return render_audit(v, audit(false)); }},
    {"exit_codes", [](const View& v) { return render_exit_codes(v); }},
};

View view_of(i18n::Language language, int width) { return {language, "Asia/Taipei", width, false}; }

TEST(Golden, EveryScreenIsAsItWas) {
  const std::filesystem::path folder = std::string(TOCSIN_SOURCE_DIR) + "/tests/data/ctl";
  const bool write = std::getenv("TOCSIN_WRITE_GOLDEN") != nullptr;
  for (const Screen& screen : kScreens) {
    for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
      for (const int width : {80, 120}) {
        const auto path =
            folder / (std::string(screen.name) + "." + std::string(i18n::to_string(language)) +
                      "." + std::to_string(width) + ".txt");
        const std::string now = screen.render(view_of(language, width));
        if (write) std::ofstream(path) << now;
        std::ifstream file(path);
        std::stringstream before;
        before << file.rdbuf();
        EXPECT_EQ(now, before.str()) << path;
      }
    }
  }
}

TEST(Golden, NothingThatAHostSaysMovesTheCursor) {
  for (const Screen& screen : kScreens) {
    for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
      const std::string text = screen.render(view_of(language, 100));
      for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        ASSERT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7f)) << screen.name;
      }
      EXPECT_EQ(text.find("\u202e"), std::string::npos) << screen.name;
    }
  }
}

TEST(Golden, TablesFitTheTerminal) {
  for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
    for (const int width : {80, 100, 120}) {
      const View view = view_of(language, width);
      for (const std::string& text :
           {render_incidents(view, samples::incidents()), render_hosts(view, samples::hosts()),
            render_timeline(view, samples::detail()),
            render_baselines(view, samples::baselines())}) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
          // Sums are sentences, not rows.
          if (line.find("as of") != std::string::npos ||
              line.find("資料時間") != std::string::npos) {
            continue;
          }
          EXPECT_LE(i18n::display_width(line), width) << line;
        }
      }
    }
  }
}

TEST(Hosts, SayWhyAnAgentMayNotLook) {
  v1::HostList list = samples::one_host();
  v1::CheckStatus& refused = *list.mutable_hosts(0)->mutable_checks(2);
  samples::set_message(*refused.add_reasons(), "agent.check_not_allowed",
                       {{"check", "audit_log:journal"}});
  const std::string page = render_host(view_of(i18n::Language::en, 250), list);
  EXPECT_NE(page.find("audit_log:journal is not allowed by the host's own file"), page.npos)
      << page;
}

TEST(Golden, AnIncidentsNumberIsNeverCut) {
  for (const auto language : {i18n::Language::zh_tw, i18n::Language::en}) {
    for (const int width : {80, 100, 120}) {
      const View view = view_of(language, width);
      EXPECT_NE(render_incidents(view, samples::incidents()).find("\nSI-115-0042  C^"),
                std::string::npos);
      EXPECT_NE(render_status(view, "c", samples::status(), false).find("  SI-115-0039  "),
                std::string::npos);
    }
  }
}

TEST(Golden, ColourIsAddedToRowsAndChangesNoCell) {
  View view = view_of(i18n::Language::en, 120);
  const std::string plain = render_incidents(view, samples::incidents());
  view.colour = true;
  std::string coloured = render_incidents(view, samples::incidents());
  EXPECT_NE(coloured, plain);
  for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  EXPECT_EQ(coloured, plain);
}

}  // namespace
}  // namespace tocsin::ctl
