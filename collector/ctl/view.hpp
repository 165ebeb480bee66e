// How a terminal is written to: language, zone, width, colour; and the small pieces that all
// screens share. Pure: everything a function needs is in its arguments.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "common/base/instant.hpp"
#include "common/i18n/i18n.hpp"
#include "common/model/message.hpp"

namespace tocsin::ctl {

struct View {
  i18n::Language language = i18n::Language::en;
  std::string zone = "UTC";  // IANA name
  int width = 0;             // cells; 0: no limit (not a terminal)
  bool colour = false;
};

using Values = std::initializer_list<std::pair<std::string_view, std::string>>;

// The text of a code with its parameters.
std::string say(const View& view, std::string_view code, Values values = {});
// The same as a column's title: capitals, where the language has them.
std::string title(const View& view, std::string_view code);
// For a column that must leave room to others: cut to `cells` on a terminal, whole in a pipe.
std::string narrow(const View& view, std::string_view text, int cells);
// True where there is no room for columns that can be looked up elsewhere.
bool is_narrow(const View& view);
// A message of the collector in words; what came from a host cannot move the cursor.
std::string words(const View& view, const v1::Message& message);

std::string number(std::uint64_t value);
// "3s", "8m53s", "3h11m", "41d02h"; "-" where it is negative.
std::string age_text(Duration age);
// When the agent was heard last; 0: never. One that is heard sends heartbeats, so that this is
// `now`, however old its last fact is. Of a host without an agent: when another looked at it last.
std::int64_t last_heard_ns(const v1::HostState& host, std::int64_t now_ns);
// "00:21:07", with its date where that is not the day of `now`; "-" for 0.
std::string clock_text(const View& view, std::int64_t at_ns, std::int64_t now_ns);
// "A!!", "B!", "C^", "D-", "E.", "-": readable without colour.
std::string_view severity_sign(v1::Severity severity);
std::string_view severity_word(v1::Severity severity);  // "A" … "E", "-"
// The approved grade unless facts exceed it, else what the facts say now, else the highest reached.
v1::Severity shown_severity(const v1::IncidentState& incident);
// "SI-115-0042", or "#42" while it is provisional.
std::string reference_of(const v1::IncidentState& incident);
// What the command line takes for it: the number, or the id.
std::string argument_of(const v1::IncidentState& incident);
std::string stage_text(const View& view, v1::Stage stage);
std::string kind_text(const View& view, std::string_view kind);
std::string role_text(const View& view, v1::Role role);
std::string verdict_text(const View& view, v1::Verdict verdict);
std::string_view verdict_sign(v1::Verdict verdict);  // "o", "X", "?", "-", " "
// "sockets", "service:ssh.service": as run-check takes it.
std::string check_text(const v1::CheckRef& check);
// "as of 00:21:07 (live)", or how many entries it lags behind.
std::string as_of_text(const View& view, const v1::AsOf& as_of);

// Labels in one column, their text beside it, folded at the view's width.
class Labelled {
 public:
  explicit Labelled(const View& view) : view_(view) {}
  void add(std::string label, std::string text);
  std::string render() const;

 private:
  const View& view_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

// A sentence folded at the view's width, ended with a new line.
std::string folded(const View& view, std::string_view text);

// The lines after the first, each in the colour of its grade. REQUIRES: a title line and one line a
// grade.
std::string coloured(const View& view, std::string_view table,
                     const std::vector<v1::Severity>& grades);

}  // namespace tocsin::ctl
