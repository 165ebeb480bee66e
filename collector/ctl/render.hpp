// What tocsinctl prints for each answer of the collector. Pure: answer and view in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "collector/ctl/view.hpp"

namespace tocsin::ctl {

std::string render_status(const View& view, std::string_view address, const v1::Status& status,
                          bool with_counters);
std::string render_hosts(const View& view, const v1::HostList& list);
// One host with its checks. REQUIRES: the list holds exactly one.
std::string render_host(const View& view, const v1::HostList& list);
// Each curve in a line, drawn over the time that all of them span.
std::string render_metrics(const View& view, const v1::MetricList& list);
std::string render_incidents(const View& view, const v1::IncidentList& list);
std::string render_incident(const View& view, const v1::IncidentDetail& detail);
std::string render_timeline(const View& view, const v1::IncidentDetail& detail);
// Why the incident has its grade and what would change it.
std::string render_explanation(const View& view, const v1::IncidentDetail& detail);
// One grade of the procedure's table 附表一.
std::string explain_severity(const View& view, v1::Severity severity);
// A message code in both languages and what it means for a grade; empty: no such code.
std::string explain_code(const View& view, std::string_view code);
// Is a message of a log with this id in the incident's title?
bool tells_of_message(const v1::IncidentState& incident, std::string_view id);
// What a site's own catalogue says of the message that the incident is about, in both languages.
std::string explain_site_message(const View& view, const v1::IncidentState& incident);
// Codes that begin like `word`, at most `most`.
std::vector<std::string> similar_codes(std::string_view word, std::size_t most);
// The judge's answer to a command, about `what`.
std::string render_result(const View& view, std::string_view what, const v1::ExecuteReply& reply);
std::string render_token(const View& view, const v1::EnrollToken& token, std::int64_t now_ns);
std::string render_baselines(const View& view, const v1::BaselineList& list);
// All of one: what it is, then its entries, those to look at first.
std::string render_baseline(const View& view, const v1::BaselineDetail& detail);
std::string render_baseline_diff(const View& view, const v1::BaselineDiff& diff);
std::string render_audit(const View& view, const v1::AuditReport& report);
std::string render_exit_codes(const View& view);

}  // namespace tocsin::ctl
