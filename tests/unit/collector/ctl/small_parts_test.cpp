#include <gtest/gtest.h>

#include "collector/ctl/json.hpp"
#include "collector/ctl/resolve.hpp"
#include "collector/ctl/view.hpp"
#include "collector/ctl/yaml.hpp"
#include "tests/unit/collector/ctl/samples.hpp"

namespace tocsin::ctl {
namespace {

using namespace std::chrono_literals;

TEST(View, AgesAreShort) {
  EXPECT_EQ(age_text(0s), "0s");
  EXPECT_EQ(age_text(59s), "59s");
  EXPECT_EQ(age_text(8min + 53s), "8m53s");
  EXPECT_EQ(age_text(3h + 11min), "3h11m");
  EXPECT_EQ(age_text(24h * 41 + 2h), "41d02h");
  EXPECT_EQ(age_text(-1s), "-");
}

TEST(View, ATimeCarriesItsDateWhenItIsNotToday) {
  const View view{i18n::Language::en, "Asia/Taipei", 0, false};
  EXPECT_EQ(clock_text(view, samples::kNow, samples::kNow), "00:21:07");
  EXPECT_EQ(clock_text(view, samples::kNow - 3600 * samples::kSecond, samples::kNow),
            "2026-11-22 23:21:07");
  EXPECT_EQ(clock_text(view, 0, samples::kNow), "-");
}

TEST(View, AGradeIsReadableWithoutColourAndUnknownOnesAreNotOk) {
  EXPECT_EQ(severity_sign(v1::SEVERITY_A), "A!!");
  EXPECT_EQ(severity_sign(v1::SEVERITY_E), "E.");
  EXPECT_EQ(severity_word(static_cast<v1::Severity>(9)), "?");
  EXPECT_EQ(verdict_sign(v1::VERDICT_CANNOT_TELL), "?");
  EXPECT_NE(verdict_sign(static_cast<v1::Verdict>(77)), "o");
}

TEST(Yaml, HasTheKeysAndValuesOfTheJson) {
  EXPECT_EQ(yaml_of(R"({"a":"x: y","b":[],"c":{"d":null,"e":[{"f":1,"g":{"h":true}},"s"]}})"
                    "\n"),
            "a: \"x: y\"\nb: []\nc:\n  d: null\n  e:\n    - f: 1\n      g:\n        h: true\n"
            "    - \"s\"\n");
  EXPECT_EQ(yaml_of("{\"a\":1}\n{\"b\":2}\n"), "a: 1\n---\nb: 2\n");
  EXPECT_EQ(yaml_of("{}"), "{}\n");
  EXPECT_EQ(yaml_of("{\"no\":\"a\\\"}\"}"), "\"no\": \"a\\\"}\"\n");
}

TEST(Yaml, WhatIsNoJsonStaysAsItIs) {
  for (const char* text : {"plain", "{\"a\"", "{\"a\":}", "{\"a\":[1", "{\"a\":\"x"}) {
    EXPECT_EQ(yaml_of(text), std::string(text) + "\n");
  }
}

TEST(Resolve, DigitsWithALeadingZeroAreTheEndOfANumber) {
  EXPECT_EQ(exact_reference("42"), "42");
  EXPECT_EQ(exact_reference("#42"), "42");
  EXPECT_EQ(exact_reference("SI-115-0042"), "SI-115-0042");
  EXPECT_EQ(exact_reference("0042"), "");
  const v1::IncidentList list = samples::incidents();
  EXPECT_EQ(match_incident(list, "0042")->id(), 42U);
  EXPECT_EQ(match_incident(list, "115-0039")->id(), 39U);
  EXPECT_EQ(match_incident(list, "7777").error().code, ErrorCode::not_found);
  EXPECT_EQ(match_incident(list, "").error().code, ErrorCode::not_found);
}

TEST(Resolve, SeveralAreListedAndNoneIsGuessed) {
  v1::IncidentList list = samples::incidents();
  list.mutable_incidents(1)->set_number("SI-114-0042");
  const auto several = match_incident(list, "0042");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(several.error().message.find("SI-115-0042, SI-114-0042"), std::string::npos);
  const auto hosts = only_host(samples::hosts(), "t");
  ASSERT_FALSE(hosts);
  EXPECT_EQ(hosts.error().message.find('\x1b'), std::string::npos);
  EXPECT_EQ(only_host(v1::HostList{}, "t").error().code, ErrorCode::not_found);
}

TEST(Resolve, ChecksAreNamedAsInTheConfiguration) {
  const v1::HostState host = samples::struck_host();
  EXPECT_EQ(check_from("sockets", host)->kind(), v1::CHECK_KIND_SOCKETS);
  EXPECT_EQ(check_from("service:nginx.service", host)->target(), "nginx.service");
  EXPECT_EQ(check_from("service", host)->target(), "ssh.service");  // the only one
  EXPECT_EQ(check_from("ping", host).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(check_from("nonsense", host).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(check_from("", host).error().code, ErrorCode::invalid_argument);
}

TEST(Resolve, GradesMayHaveAPlusAndBeSmall) {
  EXPECT_EQ(*severity_from("C+"), v1::SEVERITY_C);
  EXPECT_EQ(*severity_from("a"), v1::SEVERITY_A);
  EXPECT_FALSE(severity_from("F"));
  EXPECT_FALSE(severity_from(""));
}

TEST(Json, TimesAreUtcTextAndEverythingElseTheContracts) {
  v1::CommandResult result;
  result.set_command_id("id\"\n\x1b");
  result.set_outcome(v1::CommandResult::OUTCOME_CONFLICT);
  result.set_decided_ns(samples::kNow);
  result.set_revision(8);
  EXPECT_EQ(to_json(result),
            R"({"commandId":"id\"\u000a\u001b","position":"0","outcome":"OUTCOME_CONFLICT",)"
            R"("detail":null,"conflictWith":null,"revision":"8",)"
            R"("decidedAt":"2026-11-22T16:21:07.000Z","requestId":"","principal":""})");
  v1::IncidentState incident;
  EXPECT_NE(to_json(incident).find("\"closedAt\":null"), std::string::npos);
  EXPECT_NE(to_json(samples::incidents()).find("\"asOf\":{\"position\":\"918273\""),
            std::string::npos);
  EXPECT_EQ(to_json(Error{ErrorCode::not_found, "no incident"}),
            R"({"code":"not_found","message":"no incident","details":[]})");
}

TEST(Json, OnlyTheActThatIsMeantIsWritten) {
  v1::Command command;
  command.set_id("x");
  command.mutable_acknowledge()->set_incident_id(42);
  EXPECT_EQ(to_json(command), R"({"id":"x","principal":null,"seenRevision":"0","note":"",)"
                              R"("acknowledge":{"incidentId":"42"}})");
}

}  // namespace
}  // namespace tocsin::ctl
