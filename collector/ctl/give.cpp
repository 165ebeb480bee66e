#include "collector/ctl/give.hpp"

#include <algorithm>

#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::int64_t kAnswersBeforeMs = 500;
constexpr std::int64_t kShortestWaitMs = 100;

}  // namespace

v1::Command new_command(const std::string& note) {
  v1::Command command;
  command.set_id(to_hex(crypto::random_bytes(kIdBytes)));
  command.set_note(note);
  return command;
}

std::uint32_t seconds_field(std::chrono::seconds duration) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.count(), 0, UINT32_MAX));
}

Result<v1::ExecuteReply> execute(const v1::Command& command, const Settings& settings,
                                 Client& client) {
  v1::ExecuteRequest request;
  *request.mutable_command() = command;
  const std::int64_t wait = settings.timeout.count() - kAnswersBeforeMs;
  request.set_wait_ms(
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(wait, kShortestWaitMs, UINT32_MAX)));
  return client.execute(request);
}

Printed give(std::string_view what, const v1::Command& command, const Settings& settings,
             Client& client) {
  if (settings.dry_run) return printed_not_sent(what, command, settings);
  const auto reply = execute(command, settings, client);
  return reply ? printed_answer(what, *reply, settings) : printed(reply.error(), settings);
}

}  // namespace tocsin::ctl
