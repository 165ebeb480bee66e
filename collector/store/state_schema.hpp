// Tables of the state file and how it is opened. Internal to collector/store.
#pragma once

#include "collector/store/sqlite_state.hpp"
#include "common/sqlite/sqlite.hpp"

namespace tocsin::collector {

// Opens the file for the store and makes the tables where it is new. Errors: as open_state_store().
Result<sqlite::Database> open_state_for_writing(const SqliteStateOptions& options);
// Opens an existing file for queries only.
Result<sqlite::Database> open_state_for_reading(const SqliteStateOptions& options);

// Steps through `query` and decodes its first column, a document.
template <class T>
Result<std::vector<T>> read_documents(sqlite::Statement& query,
                                      Result<T> (*decode)(std::string_view)) {
  std::vector<T> documents;
  for (;;) {
    const Result<bool> row = query.step();
    if (!row) return fail(row.error());
    if (!*row) return documents;
    Result<T> document = decode(query.blob(0));
    if (!document) {
      query.reset();
      return fail(ErrorCode::data_loss, "read state: " + document.error().message);
    }
    documents.push_back(std::move(*document));
  }
}

// The same for at most one.
template <class T>
Result<std::optional<T>> read_document(sqlite::Statement& query,
                                       Result<T> (*decode)(std::string_view)) {
  Result<std::vector<T>> documents = read_documents(query, decode);
  if (!documents) return fail(documents.error());
  if (documents->empty()) return std::nullopt;
  return std::move(documents->front());
}

// Hosts with their checks: what a query that begins with kSelectHosts and ends with an order by
// host gives.
Result<std::vector<model::Host>> read_hosts(sqlite::Statement& query);
inline constexpr std::string_view kSelectHosts =
    "SELECT host.agent, host.document, host_check.document"
    " FROM host LEFT JOIN host_check ON host_check.agent = host.agent";

// What has an instant or not, as a column: NULL or nanoseconds.
inline void bind_optional(sqlite::Statement& statement, int parameter,
                          const std::optional<Instant>& at) {
  if (at) {
    statement.bind(parameter, at->ns);
  } else {
    statement.bind_null(parameter);
  }
}

}  // namespace tocsin::collector
