#include "agent/diagnose/render.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "common/i18n/table.hpp"
#include "tests/unit/agent/diagnose/support.hpp"

namespace tocsin::agent {
namespace {

using i18n::Language;

std::string golden(const std::string& name) {
  std::ifstream in(std::string(TOCSIN_GOLDEN_DIR) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Escapes, a bidirectional override, a code of ours, quotes and 200 wide characters.
std::string hostile_name() {
  std::string name = "/tmp/\x1b[2J\r\n\xE2\x80\xAE@verdict.normal|\"\\";
  for (int i = 0; i < 200; ++i) name += "字";
  return name;
}

void expect_golden(const std::string& name, const std::string& text) {
  if (std::getenv("TOCSIN_WRITE_GOLDEN") != nullptr) {
    std::ofstream(std::string(TOCSIN_GOLDEN_DIR) + "/" + name, std::ios::binary) << text;
  }
  EXPECT_EQ(text, golden(name)) << name;
}

TEST(RenderTable, LooksAsAgreedInBothLanguagesAndWidths) {
  for (const Language language : {Language::zh_tw, Language::en}) {
    for (const int width : {80, 120}) {
      expect_golden(std::string(to_string(language)) + "-" + std::to_string(width) + ".txt",
                    render_table(diagnosis(), language, width, "Asia/Taipei"));
    }
  }
}

// procedure M-28: which version it was compared with, and who answers for it.
TEST(RenderTable, NamesWhoApprovedTheBaselineAndSaysWhenThatIsOver) {
  Diagnosis d = diagnosis();
  d.approval = Approval{"chen", d.host.at - 24h * 3 - 1h, d.host.at + 1h};
  const auto says = [&](std::string_view words) {
    std::string text = render_table(d, Language::en, 200, "UTC");
    return text.find(words) != std::string::npos;
  };
  EXPECT_TRUE(says("Baseline tsm (version 12), approved by chen 3 days ago, until 2026-11-22"));
  EXPECT_NE(render_json(d).find("\"approvedBy\":\"chen\""), std::string::npos);
  d.approval->expires = d.host.at;
  EXPECT_TRUE(says("approved by chen 3 days ago: over since 2026-11-22"));
}

TEST(RenderTable, SurvivesHostileNames) {
  for (const Language language : {Language::zh_tw, Language::en}) {
    for (const int width : {80, 120}) {
      Diagnosis d = diagnosis(hostile_name());
      d.host.name = hostile_name();
      std::istringstream lines(render_table(d, language, width, "no/such zone"));
      for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(i18n::display_width(line), width) << line;
        for (const char c : line) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
        EXPECT_EQ(line.find("\xE2\x80\xAE"), std::string::npos);
      }
    }
  }
}

TEST(RenderTable, DoesNotCallAHostWellThatWasNotLookedAt) {
  const Diagnosis nothing = compose_diagnosis(host(), {}, {}, nullptr, {});
  const std::string text = render_table(nothing, Language::en, 80, "UTC");
  EXPECT_NE(text.find("10 were not run"), std::string::npos) << text;
}

TEST(RenderJson, LooksAsAgreed) { expect_golden("diagnosis.json", render_json(diagnosis())); }

TEST(RenderJson, StaysOneLineWhateverTheNames) {
  const std::string json = render_json(diagnosis(hostile_name()));
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
  // Escaped once for the eye, once for JSON.
  EXPECT_NE(json.find("/tmp/\\\\x1b[2J\\\\x0d\\\\x0a\\\\u202e@verdict.normal|\\\"\\\\字"),
            std::string::npos)
      << json;
}

TEST(RenderNagios, LooksAsAgreed) {
  expect_golden("nagios-en.txt", render_nagios(diagnosis(), Language::en));
}

TEST(RenderNagios, KeepsNamesOutOfTheFigures) {
  const std::string text = render_nagios(diagnosis(hostile_name()), Language::en);
  EXPECT_EQ(text.find('|'), text.rfind('|'));
}

TEST(NagiosCode, FollowsTheWorst) {
  const auto code = [](const std::vector<model::Observation>& seen_by_checks) {
    const model::Baseline approved = baseline();
    return nagios_code(compose_diagnosis(host(), seen_by_checks, {}, &approved, {}));
  };
  EXPECT_EQ(code({ping()}), 0);
  EXPECT_EQ(code({service("a.service", "inactive")}), 2);
  EXPECT_EQ(code({unseen(model::CheckKind::sockets, "", model::Outcome::failed, {})}), 3);
  model::SocketsFacts facts;
  facts.listeners = {listener(8080, "/usr/bin/app")};
  EXPECT_EQ(code({seen(model::CheckKind::sockets, "", facts)}), 1);
}

}  // namespace
}  // namespace tocsin::agent
