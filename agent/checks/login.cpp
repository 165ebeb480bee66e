#include "agent/checks/login.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/checks/login_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/os/files.hpp"
#include "agent/os/local_socket.hpp"
#include "agent/os/procfs.hpp"
#include "agent/os/program.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

using model::LoginMethod;
using model::LoginOutcome;

constexpr std::string_view kSsh = "ssh://";
// The login is given up this long before the run's deadline, so that the run can still say so.
constexpr Duration kMargin = 300ms;

// Whether a secret is still the one that was tried: which file, when it was written. Never its
// content.
std::string secret_stamp(const std::string& file) {
  const auto stat = os::stat_of(file);
  if (!stat) return file;
  return fmt::format("{} {} {} {} {}", file, stat->device, stat->inode, stat->size,
                     stat->modified.ns);
}

const LoginTarget* target_named(std::string_view address, const LoginSettings& settings) {
  const auto found = std::find_if(settings.targets.begin(), settings.targets.end(),
                                  [&](const LoginTarget& t) { return t.address == address; });
  return found == settings.targets.end() ? nullptr : &*found;
}

// One login, of this host or another, as the host's own file names it.
class Login {
 public:
  Login(const Run& run, CheckContext& context, const LoginTarget* target)
      : run_(run),
        context_(context),
        settings_(context.settings.login),
        target_(target),
        boot_id_(os::boot_id(context.root)) {
    attempt_.method = target == nullptr ? LoginMethod::local : LoginMethod::ssh;
    attempt_.address = target == nullptr ? "" : target->address;
    attempt_.account = target == nullptr ? settings_.account : target->account;
  }

  model::Observation observe() {
    const std::string settings = settings_now();
    LoginPast past =
        (context_.cursor ? parse_login_past(*context_.cursor) : std::nullopt).value_or(LoginPast());
    if (past.settings != settings) past = LoginPast();
    // Where a boot id could not be read, every look would be the first one since a reboot.
    const bool both_known =
        !boot_id_.empty() && !past.tried_in.empty() && past.tried_in != kUnknownBoot;
    const bool rebooted = target_ == nullptr && both_known && past.tried_in != boot_id_;
    const LoginOccasion occasion{rebooted, context_.requested};
    if (must_wait(past, settings_, context_.time.wall(), occasion)) return seen(past, {});
    const MonoTime began = context_.time.steady();
    const auto answer = target_ == nullptr ? log_in_here() : log_in_there();
    if (!answer) return run_.unseen(answer.error());
    past.settings = settings;
    past = after(std::move(past), *answer, context_.time.wall(), boot_id_);
    context_.new_cursor = to_text(past);
    return seen(past, context_.time.steady() - began);
  }

 private:
  model::Observation seen(const LoginPast& past, Duration took) const {
    return run_.seen(login_facts(attempt_, past, boot_id_, took));
  }

  std::string settings_now() const {
    const std::string secret = target_ == nullptr ? settings_.password_file : target_->key_file;
    const std::string host_key = target_ == nullptr ? "" : target_->host_key;
    return to_hex(crypto::sha256(fmt::format("{}\n{}\n{}\n{}", attempt_.address, attempt_.account,
                                             host_key, secret_stamp(secret))));
  }

  Duration left() const {
    return std::max<Duration>(run_.deadline() - context_.time.steady() - kMargin, 10ms);
  }

  static LoginAnswer timed_out(const char* what) {
    LoginAnswer answer;
    answer.outcome = LoginOutcome::timed_out;
    answer.said = what;
    return answer;
  }

  Result<LoginAnswer> log_in_here() {
    auto text = os::read_local_socket(os::under(context_.root, settings_.socket), left(),
                                      kAnswerBytes, context_.time, context_.stop);
    if (text) return parse_answer(*text);
    const ErrorCode code = text.error().code;
    if (code == ErrorCode::deadline_exceeded) return timed_out("no answer of PAM in time");
    const bool no_unit = code == ErrorCode::not_found || code == ErrorCode::unavailable;
    // Root by hand needs no unit to be root.
    if (!no_unit || ::geteuid() != 0) return fail(text.error());
    return ask_program({settings_.program, "local", "--request"},
                       to_text(LocalRequest{settings_.account, settings_.password_file}));
  }

  Result<LoginAnswer> log_in_there() {
    auto key = config::read_secret_file(target_->key_file);
    if (!key) return fail(key.error());
    SshRequest request{target_->address, target_->account, target_->host_key, left(),
                       *std::move(key)};
    auto answer = ask_program({settings_.program, "ssh"}, to_text(request));
    ::explicit_bzero(request.private_key.data(), request.private_key.size());
    return answer;
  }

  Result<LoginAnswer> ask_program(std::vector<std::string> words, std::string input) {
    os::ProgramCall call;
    call.words = std::move(words);
    call.input = std::move(input);
    call.limit = left();
    call.output_limit = kAnswerBytes;
    const auto end = os::run_program(call, context_.time, context_.stop);
    ::explicit_bzero(call.input.data(), call.input.size());
    if (!end) return fail(end.error());
    if (end->timed_out) return timed_out("no answer in time");
    return parse_answer(end->output);
  }

  const Run& run_;
  CheckContext& context_;
  const LoginSettings& settings_;
  const LoginTarget* target_;  // nullptr: this host
  std::string boot_id_;
  LoginTry attempt_;
};

}  // namespace

model::Observation observe_login(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string_view where = check.check.target;
  const LoginSettings& settings = context.settings.login;
  if (where == "local" && !settings.account.empty()) {
    return Login(run, context, nullptr).observe();
  }
  if (where.starts_with(kSsh)) {
    const LoginTarget* target = target_named(where.substr(kSsh.size()), settings);
    if (target != nullptr) return Login(run, context, target).observe();
  }
  return run.unseen(model::Outcome::not_applicable, {"login.off", {}});
}

}  // namespace tocsin::agent
