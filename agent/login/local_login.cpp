#include "agent/login/local_login.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <shadow.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/login/codes.hpp"
#include "agent/os/files.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using model::Tristate;

constexpr const char* kService = "tocsin-probe";
constexpr std::size_t kSaidBytes = 200;
constexpr int kHomeFailed = 3;

struct Account {
  AccountEntry entry;
  gid_t group = 0;
  std::string home;
  std::optional<ShadowEntry> shadow;
};

void add_groups(gid_t group, AccountEntry& entry) {
  const auto numbers = all_groups([&](std::uint32_t* into, int* count) {
    return ::getgrouplist(entry.name.c_str(), group, into, count);
  });
  entry.groups_known = numbers.has_value();
  if (!numbers) return;
  for (const gid_t number : *numbers) {
    const struct group* one = ::getgrgid(number);
    if (one != nullptr) entry.groups.emplace_back(one->gr_name);
  }
}

// Nothing where there is no such account.
std::optional<Account> find_account(const std::string& name) {
  const struct passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  Account account;
  account.entry.name = entry->pw_name;
  account.entry.uid = entry->pw_uid;
  account.group = entry->pw_gid;
  account.home = entry->pw_dir;
  add_groups(account.group, account.entry);
  if (const struct spwd* shadow = ::getspnam(name.c_str())) {
    account.shadow =
        ShadowEntry{shadow->sp_pwdp, shadow->sp_lstchg, shadow->sp_max, shadow->sp_expire};
  }
  return account;
}

// What the modules ask and say; lives as long as the handle.
struct Conversation {
  std::string account;
  std::string password;
  std::string said;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Of one question; nullptr where it needs no answer.
char* answer_to(int style, Conversation& with) {
  if (style == PAM_PROMPT_ECHO_OFF) return ::strdup(with.password.c_str());
  if (style == PAM_PROMPT_ECHO_ON) return ::strdup(with.account.c_str());
  return nullptr;
}

int converse(int count, const pam_message** messages, pam_response** responses, void* data) {
  auto& with = *static_cast<Conversation*>(data);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  // PAM frees what it is given.
  auto* given = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (given == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const pam_message& message = *messages[i];
    given[i].resp = answer_to(message.msg_style, with);
    const bool tells = message.msg_style == PAM_TEXT_INFO || message.msg_style == PAM_ERROR_MSG;
    if (tells && message.msg != nullptr && with.said.size() < kSaidBytes) {
      with.said.append(with.said.empty() ? "" : " ").append(trimmed(message.msg));
    }
  }
  *responses = given;
  return PAM_SUCCESS;
}

// One handle from pam_start to pam_end.
class PamLogin {
 public:
  explicit PamLogin(Conversation& with) : with_(with) {
    code_ = ::pam_start(kService, with.account.c_str(), &conversation_, &handle_);
  }
  ~PamLogin() {
    if (session_) ::pam_close_session(handle_, PAM_SILENT);
    if (credentials_) ::pam_setcred(handle_, PAM_DELETE_CRED | PAM_SILENT);
    if (handle_ != nullptr) ::pam_end(handle_, code_);
  }
  PamLogin(const PamLogin&) = delete;
  PamLogin& operator=(const PamLogin&) = delete;

  // PAM_SUCCESS, or the code of the first step that failed.
  int run() {
    if (code_ != PAM_SUCCESS) return code_;
    step_ = PamStep::authenticate;
    if ((code_ = ::pam_authenticate(handle_, 0)) != PAM_SUCCESS) return code_;
    step_ = PamStep::account;
    if ((code_ = ::pam_acct_mgmt(handle_, 0)) != PAM_SUCCESS) return code_;
    step_ = PamStep::session;
    if ((code_ = ::pam_setcred(handle_, PAM_ESTABLISH_CRED)) != PAM_SUCCESS) return code_;
    credentials_ = true;
    if ((code_ = ::pam_open_session(handle_, 0)) != PAM_SUCCESS) return code_;
    session_ = true;
    return code_;
  }
  PamStep step() const { return step_; }
  std::string what_failed() const {
    const char* reason = ::pam_strerror(handle_, code_);
    const std::string text = reason == nullptr ? "no reason" : reason;
    return with_.said.empty() ? text : text + "; " + with_.said;
  }

 private:
  Conversation& with_;
  pam_conv conversation_{converse, &with_};
  pam_handle_t* handle_ = nullptr;
  int code_ = PAM_SUCCESS;
  PamStep step_ = PamStep::start;
  bool credentials_ = false;
  bool session_ = false;
};

// True where the account can be in its home. One without a home (a system account's /nonexistent)
// has nothing to try.
bool can_enter_home(const Account& account) {
  if (account.home.empty() || account.home == "/nonexistent") return true;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool entered = ::initgroups(account.entry.name.c_str(), account.group) == 0 &&
                         ::setgid(account.group) == 0 && ::setuid(account.entry.uid) == 0 &&
                         ::chdir(account.home.c_str()) == 0;
    ::_exit(entered ? 0 : kHomeFailed);
  }
  int status = 0;
  if (child < 0) return false;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Tristate any_full(const std::string& home) {
  Tristate full = Tristate::no;
  for (const std::string& path : {std::string("/"), std::string("/var/log"), home}) {
    const auto one = os::file_system_full(path);
    if (one && *one) return Tristate::yes;
    if (!one && path == "/") full = Tristate::unknown;
  }
  return full;
}

Tristate lets_nobody_in() {
  return model::tristate(::access("/run/nologin", F_OK) == 0 ||
                         ::access("/etc/nologin", F_OK) == 0);
}

// Without its file PAM takes the service "other", which says nothing of a login here.
bool has_service() {
  for (const char* folder : {"/etc/pam.d/", "/usr/lib/pam.d/"}) {
    if (::access((std::string(folder) + kService).c_str(), R_OK) == 0) return true;
  }
  return false;
}

Result<std::string> read_password(const std::string& file) {
  auto password = config::read_secret_file(file);
  if (!password) return password;
  password->resize(trimmed(*password).size());
  if (password->empty()) return fail(ErrorCode::invalid_argument, file + ": no password in it");
  return password;
}

LoginAnswer answer_of(const Account& account, PamLogin& login, Instant now) {
  LoginAnswer answer;
  const int code = login.run();
  if (code == PAM_SUCCESS) {
    answer.outcome =
        can_enter_home(account) ? LoginOutcome::succeeded : LoginOutcome::session_failed;
    if (answer.outcome != LoginOutcome::succeeded) {
      answer.said = fmt::format("its home {} cannot be entered", account.home);
    }
    return answer;
  }
  const long today = static_cast<long>((now - Instant{}) / 24h);
  const bool locked = account.shadow && is_locked(*account.shadow);
  const bool expired = account.shadow && has_expired(*account.shadow, today);
  answer.outcome = outcome_of_pam(login.step(), code, locked, expired);
  answer.said = clean_text(login.what_failed(), kSaidBytes);
  return answer;
}

}  // namespace

Result<LoginAnswer> log_in_here(const LocalRequest& request, Instant now) {
  if (request.account.empty()) {
    return fail(ErrorCode::failed_precondition, "[login] names no account of this host");
  }
  Conversation with{request.account, {}, {}};
  auto password = read_password(request.password_file);
  if (!password) return fail(password.error());
  with.password = *std::move(password);
  LoginAnswer answer;
  const auto account = find_account(request.account);
  if (account) {
    TOCSIN_TRY(may_probe(account->entry));
    if (!has_service()) {
      return fail(ErrorCode::failed_precondition, "/etc/pam.d/tocsin-probe is not installed");
    }
    PamLogin login(with);
    answer = answer_of(*account, login, now);
  } else {
    answer.outcome = LoginOutcome::rejected;
    answer.said = "no such account";
  }
  ::explicit_bzero(with.password.data(), with.password.size());
  answer.disk_full = any_full(account ? account->home : "/");
  answer.no_logins = lets_nobody_in();
  return answer;
}

}  // namespace tocsin::agent
