// Answers as JSON for scripts: never translated, the same for every --lang. Field names are the
// contract's in lowerCamelCase, 64-bit numbers are strings and enumerations names, as in protobuf's
// own JSON; but times (`…_ns`) are RFC 3339 in UTC under `…At`, and null where there is none.
// Fields with their default value are written too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "common/base/result.hpp"

namespace tocsin::ctl {

std::string json_text(std::string_view text);  // quoted and escaped
std::string to_json(const google::protobuf::Message& message);
// A field by its name in the contract or in JSON, as JSON; nullopt: no such field, or a list.
std::optional<std::string> field_json(const google::protobuf::Message& message,
                                      std::string_view name);
// {"code":"not_found","message":"…","details":[]}
std::string to_json(const Error& error);

}  // namespace tocsin::ctl
