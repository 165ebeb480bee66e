// Lists as the columns that a person or a script asks for: -o columns=id,severity,host,age. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "collector/ctl/view.hpp"
#include "common/base/result.hpp"

namespace tocsin::ctl {

// A column is a word of the tables (id, name, host, severity, kind, stage, age, title, state), or a
// field of the row by its name in JSON. Errors: invalid_argument, no such column.
Result<std::string> columns_text(const View& view,
                                 const google::protobuf::RepeatedPtrField<v1::IncidentState>& rows,
                                 const std::vector<std::string>& columns, bool headings,
                                 std::int64_t now_ns);
Result<std::string> columns_text(const View& view,
                                 const google::protobuf::RepeatedPtrField<v1::HostState>& rows,
                                 const std::vector<std::string>& columns, bool headings,
                                 std::int64_t now_ns);

}  // namespace tocsin::ctl
