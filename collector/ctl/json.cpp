#include "collector/ctl/json.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include "common/base/text.hpp"
#include "common/time/civil.hpp"

namespace tocsin::ctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kTimeSuffix = "_ns";

bool is_time(const FieldDescriptor& field) {
  const bool whole = field.cpp_type() == FieldDescriptor::CPPTYPE_INT64;
  return whole && field.name().ends_with(kTimeSuffix) && field.name() != "difference_ns";
}

std::string key_of(const FieldDescriptor& field) {
  std::string key = field.json_name();
  if (is_time(field)) key.replace(key.size() - 2, 2, "At");
  return json_text(key);
}

std::string time_text(std::int64_t ns) {
  return ns == 0 ? "null" : json_text(time::rfc3339(Instant{ns}));
}

// `index` -1: the field is not repeated.
std::string bytes_of(const Message& message, const Reflection& reflection,
                     const FieldDescriptor& field, int index) {
  const std::string text = index < 0 ? reflection.GetString(message, &field)
                                     : reflection.GetRepeatedString(message, &field, index);
  return json_text(field.type() == FieldDescriptor::TYPE_BYTES ? to_hex(text) : text);
}

std::string one(const Message& message, const FieldDescriptor& field) {
  const Reflection& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return fmt::format("{}", r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return fmt::format("{}", r.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      if (is_time(field)) return time_text(r.GetInt64(message, &field));
      return fmt::format("\"{}\"", r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return fmt::format("\"{}\"", r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return json_text(r.GetEnum(message, &field)->name());
    case FieldDescriptor::CPPTYPE_STRING:
      return bytes_of(message, r, field, -1);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (!r.HasField(message, &field)) return "null";
      return to_json(r.GetMessage(message, &field));
    default:
      return "null";  // The contract has no floating point.
  }
}

std::string element(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return fmt::format("{}", r.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return fmt::format("\"{}\"", r.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return time_text(r.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return bytes_of(message, r, field, index);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(r.GetRepeatedMessage(message, &field, index));
    default:
      return "null";
  }
}

std::string value_of(const Message& message, const FieldDescriptor& field) {
  if (!field.is_repeated()) return one(message, field);
  const int size = message.GetReflection()->FieldSize(message, &field);
  std::string list = "[";
  for (int i = 0; i < size; ++i) list += (i == 0 ? "" : ",") + element(message, field, i);
  return list + "]";
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string to_json(const Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  std::string out = "{";
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    // Of several that exclude one another only the one that is there.
    const bool one_of_many = field.real_containing_oneof() != nullptr;
    if (one_of_many && !message.GetReflection()->HasField(message, &field)) continue;
    if (out.size() > 1) out += ",";
    out += key_of(field) + ":" + value_of(message, field);
  }
  return out + "}";
}

std::optional<std::string> field_json(const Message& message, std::string_view name) {
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const bool named = field.name() == name || key_of(field) == json_text(name);
    if (named && !field.is_repeated()) return one(message, field);
  }
  return std::nullopt;
}

std::string to_json(const Error& error) {
  return fmt::format("{{\"code\":{},\"message\":{},\"details\":[]}}",
                     json_text(to_string(error.code)), json_text(error.message));
}

}  // namespace tocsin::ctl
