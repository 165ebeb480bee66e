#include "agent/login/ssh_login.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "agent/login/codes.hpp"
#include "agent/login/host_key.hpp"
#include "agent/login/shut_in.hpp"
#include "agent/login/tcp.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;

constexpr std::size_t kSaidBytes = 200;
constexpr std::size_t kOutputBytes = 4096;
constexpr std::size_t kNonceBytes = 16;
// Of the whole time: kept for the answer, so that whoever waits hears how far it went.
constexpr Duration kMargin = 200ms;

using Session = std::unique_ptr<ssh_session_struct, decltype(&::ssh_free)>;
using Key = std::unique_ptr<ssh_key_struct, decltype(&::ssh_key_free)>;
using Channel = std::unique_ptr<ssh_channel_struct, decltype(&::ssh_channel_free)>;

Result<Key> read_private_key(const std::string& pem) {
  ssh_key key = nullptr;
  const int code = ::ssh_pki_import_privkey_base64(pem.c_str(), nullptr, nullptr, nullptr, &key);
  if (code != SSH_OK) {
    return fail(ErrorCode::invalid_argument,
                "the key file holds no private key without passphrase");
  }
  return Key(key, ::ssh_key_free);
}

// The errors of one call of the library as they come. It keeps the last one only, and where it
// closes the socket because of one while it has not sent everything, it says of that that the
// socket is closed: how fast the machine is decides which of the two is left.
class ErrorsOfCall {
 public:
  ErrorsOfCall() {
    ::ssh_set_log_userdata(this);
    ::ssh_set_log_callback(&ErrorsOfCall::take);
    ::ssh_set_log_level(SSH_LOG_WARN);
  }
  ~ErrorsOfCall() {
    ::ssh_set_log_level(SSH_LOG_NOLOG);
    ::ssh_set_log_userdata(nullptr);
  }
  ErrorsOfCall(const ErrorsOfCall&) = delete;
  ErrorsOfCall& operator=(const ErrorsOfCall&) = delete;

  // From `words` on, what the first error says that has them; empty where none has.
  std::string with(std::string_view words) const {
    for (const std::string& error : errors_) {
      const std::size_t at = error.find(words);
      if (at != error.npos) return error.substr(at);
    }
    return {};
  }

 private:
  static void take(int, const char*, const char* text, void* self) {
    constexpr std::size_t kMost = 16;
    if (self == nullptr || text == nullptr) return;
    std::vector<std::string>& errors = static_cast<ErrorsOfCall*>(self)->errors_;
    if (errors.size() < kMost) errors.emplace_back(text);
  }
  std::vector<std::string> errors_;
};

// One login from the handshake to the forced command's answer. The steps go down the page; the one
// that fails says so in `answer` and the rest is not done.
class SshLogin {
 public:
  SshLogin(const SshRequest& request, MonoTime deadline, const time::TimeSource& time,
           LoginAnswer& answer)
      : request_(request), deadline_(deadline), time_(time), answer_(answer) {}

  void run(const os::Fd& socket, const HostKey& host_key, ssh_key key) {
    if (!shake_hands(socket, host_key)) return;
    if (!is_the_host(host_key)) return;
    if (!authenticate(key)) return;
    ask();
  }

 private:
  bool failed(LoginOutcome outcome, std::string_view said) {
    answer_.outcome = outcome;
    answer_.said = clean_text(said, kSaidBytes);
    return false;
  }
  std::string library_error() const { return ::ssh_get_error(session_.get()); }

  // Every call of the library waits until the deadline at most.
  void set_time_left() {
    const Duration left = std::max<Duration>(deadline_ - time_.steady(), 1ms);
    const long seconds = static_cast<long>(left / 1s);
    const long microseconds = static_cast<long>((left % 1s) / 1us);
    ::ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT, &seconds);
    ::ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT_USEC, &microseconds);
  }
  bool is_late() const { return time_.steady() >= deadline_; }

  bool shake_hands(const os::Fd& socket, const HostKey& host_key) {
    ssh_session session = session_.get();
    const bool no = false;
    socket_t fd = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0);  // The library closes it.
    ::ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
    ::ssh_options_set(session, SSH_OPTIONS_HOST, "pinned");
    ::ssh_options_set(session, SSH_OPTIONS_USER, request_.account.c_str());
    // Nothing of these is there: no file decides who is trusted or which key is offered.
    ::ssh_options_set(session, SSH_OPTIONS_SSH_DIR, "/nonexistent");
    ::ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/nonexistent");
    ::ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/nonexistent");
    ::ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, host_key.algorithms.c_str());
    ::ssh_options_set(session, SSH_OPTIONS_FD, &fd);
    set_time_left();
    const ErrorsOfCall errors;
    if (::ssh_connect(session) == SSH_OK) return true;
    // The host has no key of the kind that was agreed.
    const std::string other_kind = errors.with("no match for method server host key");
    if (!other_kind.empty()) return failed(LoginOutcome::host_key_changed, other_kind);
    return failed(LoginOutcome::banner_only, library_error());
  }

  bool is_the_host(const HostKey& host_key) {
    ssh_key shown = nullptr;
    if (::ssh_get_server_publickey(session_.get(), &shown) != SSH_OK) {
      return failed(LoginOutcome::banner_only, library_error());
    }
    const Key owner(shown, ::ssh_key_free);
    if (::ssh_key_cmp(shown, host_key.key.get(), SSH_KEY_CMP_PUBLIC) == 0) return true;
    unsigned char* hash = nullptr;
    std::size_t size = 0;
    std::string fingerprint = "unknown";
    if (::ssh_get_publickey_hash(shown, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == 0) {
      char* text = ::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
      if (text != nullptr) fingerprint = text;
      ::ssh_string_free_char(text);
      ::ssh_clean_pubkey_hash(&hash);
    }
    return failed(LoginOutcome::host_key_changed, fingerprint);
  }

  bool authenticate(ssh_key key) {
    set_time_left();
    const int code = ::ssh_userauth_publickey(session_.get(), nullptr, key);
    if (code == SSH_AUTH_SUCCESS) return true;
    if (code == SSH_AUTH_PARTIAL) {
      return failed(LoginOutcome::rejected, "the key alone is not enough there");
    }
    if (code != SSH_AUTH_DENIED && is_late()) {
      return failed(LoginOutcome::timed_out, "no answer to the key");
    }
    char* issued = ::ssh_get_issue_banner(session_.get());
    const std::string banner = issued == nullptr ? "" : issued;
    ::ssh_string_free_char(issued);
    const std::string error = library_error();
    const Refusal refusal = refusal_of(banner + "\n" + error);
    answer_.no_logins = refusal.no_logins;
    return failed(refusal.outcome, banner.empty() ? error : banner);
  }

  void ask() {
    const std::string nonce = to_hex(crypto::random_bytes(kNonceBytes));
    const Channel channel(::ssh_channel_new(session_.get()), ::ssh_channel_free);
    set_time_left();
    const bool opened =
        channel && ::ssh_channel_open_session(channel.get()) == SSH_OK &&
        ::ssh_channel_request_exec(channel.get(), ("tocsin-probe " + nonce).c_str()) == SSH_OK;
    if (!opened) {
      failed(LoginOutcome::session_failed, library_error());
      return;
    }
    read_command_answer(nonce, read_output(channel.get()), answer_);
  }

  // Both outputs, the first that says something; a host that never ends is left at the deadline.
  std::string read_output(ssh_channel channel) {
    std::string output;
    for (const int errors : {0, 1}) {
      std::array<char, 512> bytes;
      while (output.size() < kOutputBytes && !is_late()) {
        const int left = static_cast<int>((deadline_ - time_.steady()) / 1ms) + 1;
        const int count = ::ssh_channel_read_timeout(
            channel, bytes.data(), static_cast<std::uint32_t>(bytes.size()), errors, left);
        if (count <= 0) break;
        output.append(bytes.data(), static_cast<std::size_t>(count));
      }
      if (!output.empty()) break;
    }
    return output;
  }

  const SshRequest& request_;
  MonoTime deadline_;
  const time::TimeSource& time_;
  LoginAnswer& answer_;
  Session session_{::ssh_new(), ::ssh_free};
};

}  // namespace

Result<LoginAnswer> log_in_there(const SshRequest& request, const time::TimeSource& time) {
  const MonoTime deadline = time.steady() + std::max(request.limit - kMargin, request.limit / 2);
  const auto key = read_private_key(request.private_key);
  if (!key) return fail(key.error());
  const auto host_key = read_host_key(request.host_key);
  if (!host_key) return fail(host_key.error());
  LoginAnswer answer;
  const auto addresses = look_up(request.address);
  if (!addresses) {
    if (addresses.error().code != ErrorCode::not_found) return fail(addresses.error());
    answer.outcome = LoginOutcome::unreachable;
    answer.said = addresses.error().message;
    return answer;
  }
  give_up_files();  // Where the kernel cannot, the unit's sandbox is what there is.
  TcpEnd end = connect_and_wait_for_banner(*addresses, deadline, time);
  answer.outcome = end.outcome;
  answer.said = std::move(end.said);
  answer.own_end = std::move(end.own_end);
  answer.banner = std::move(end.banner);
  if (answer.outcome != LoginOutcome::succeeded) return answer;
  SshLogin(request, deadline, time, answer).run(end.socket, *host_key, key->get());
  return answer;
}

}  // namespace tocsin::agent
