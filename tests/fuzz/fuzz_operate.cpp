// What an operator's client may ask of the collector: a command is refused in words, or can be
// journaled and is who sent it, whatever it says of itself.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include <google/protobuf/stubs/logging.h>

#include "collector/operate/command_request.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"
#include "common/wire/wire.hpp"

using namespace tocsin;

// The library would print a line for each text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const model::Principal caller{"wang", model::Role::duty, std::string(64, 'a')};
  v1::Command request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto command = collector::command_from(request, caller);
  if (!command) {
    TOCSIN_CHECK(command.error().code == ErrorCode::invalid_argument ||
                 command.error().code == ErrorCode::permission_denied);
    TOCSIN_CHECK(!command.error().message.empty());
    return 0;
  }
  TOCSIN_CHECK(command->principal == caller);
  TOCSIN_CHECK(!std::holds_alternative<std::monostate>(command->act));
  TOCSIN_CHECK(command->note.size() <= limits::kText);
  TOCSIN_CHECK(clean_text(command->note, command->note.size()) == command->note);
  const auto journaled = wire::decode_journal(wire::encode_journal(*command));
  const auto* back = journaled ? std::get_if<model::Command>(&*journaled) : nullptr;
  TOCSIN_CHECK(back != nullptr && *back == *command);
  return 0;
}
