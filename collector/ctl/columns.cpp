#include "collector/ctl/columns.hpp"

#include <optional>

#include <fmt/format.h>

#include "collector/ctl/json.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/model/incident.hpp"

namespace tocsin::ctl {
namespace {

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

// A field as text: a string without its quotes.
std::optional<std::string> field_text(const google::protobuf::Message& row,
                                      const std::string& name) {
  auto json = field_json(row, name);
  if (!json) return std::nullopt;
  if (json->size() >= 2 && json->front() == '"') return clean(json->substr(1, json->size() - 2));
  return json == "null" ? "-" : clean(*json);
}

std::optional<std::string> cell(const View& view, const v1::IncidentState& row,
                                const std::string& column, std::int64_t now_ns) {
  if (column == "id" || column == "name") return argument_of(row);
  if (column == "severity") return std::string(severity_word(shown_severity(row)));
  if (column == "host") return clean(row.host_name());
  if (column == "kind") return kind_text(view, row.kind());
  if (column == "stage") return stage_text(view, row.stage());
  if (column == "age") return age_text(Duration(now_ns - row.opened_ns()));
  if (column == "title") return words(view, row.title());
  return field_text(row, column);
}

std::optional<std::string> cell(const View&, const v1::HostState& row, const std::string& column,
                                std::int64_t now_ns) {
  if (column == "name" || column == "host") return clean(row.name());
  if (column == "id") return clean(row.agent_id());
  if (column == "state") {
    return std::string(model::to_string(static_cast<model::Presence>(row.presence())));
  }
  if (column == "age") return age_text(Duration(now_ns - last_heard_ns(row, now_ns)));
  return field_text(row, column);
}

template <class Row>
Result<std::string> text_of(const View& view, const google::protobuf::RepeatedPtrField<Row>& rows,
                            const std::vector<std::string>& columns, bool headings,
                            std::int64_t now_ns) {
  for (const std::string& column : columns) {
    if (cell(view, Row::default_instance(), column, now_ns)) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("no column \"{}\"", clean_text(column, limits::kName)));
  }
  std::string plain;
  std::vector<std::string> titles;
  for (std::string title : columns) {
    for (char& c : title) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    titles.push_back(std::move(title));
  }
  i18n::Table table(std::move(titles));
  for (const Row& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) {
      cells.push_back(cell(view, row, column, now_ns).value_or("-"));
    }
    if (!headings) plain += fmt::format("{}\n", cells.front());
    table.add(std::move(cells));
  }
  return headings ? table.render(view.width) : plain;
}

}  // namespace

Result<std::string> columns_text(const View& view,
                                 const google::protobuf::RepeatedPtrField<v1::IncidentState>& rows,
                                 const std::vector<std::string>& columns, bool headings,
                                 std::int64_t now_ns) {
  return text_of(view, rows, columns, headings, now_ns);
}

Result<std::string> columns_text(const View& view,
                                 const google::protobuf::RepeatedPtrField<v1::HostState>& rows,
                                 const std::vector<std::string>& columns, bool headings,
                                 std::int64_t now_ns) {
  return text_of(view, rows, columns, headings, now_ns);
}

}  // namespace tocsin::ctl
