#!/bin/bash
# Can somebody log in (procedure M-02, M-06)? Two real hosts: tsm1 logs in to itself through PAM, by the
# unit in its sandbox, and to bk1 over SSH. Each way to fail is made on the host and is its own finding;
# maintenance is none. The traces that the test itself leaves in the logs are counted apart, and the
# same lines of somebody else are found.
#
# login.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Login "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh
# shellcheck source=login_lab.sh
. tests/e2e/login_lab.sh

# ---- the hosts

# Of a host: its log tells of keys that were turned down, and each login of whoever it is is a finding.
report_each_login() {
  cat >"$work/logins.toml" <<'TOML'
[[message]]
id = "sshd.accepted"
level = "error"
programs = ["sshd"]
match = ["^Accepted publickey for *"]
meaning = "Somebody logged in"

[[message]]
id = "sshd.probe_turned_down"
level = "error"
programs = ["sshd"]
match = ["^Failed publickey for tocsin-probe *"]
meaning = "Somebody tried the account of the login test"

[[message]]
id = "sshd.turned_down"
level = "error"
programs = ["sshd"]
match = ["^Failed publickey for root *"]
meaning = "Somebody tried the account of the administrator"

# What LogLevel VERBOSE adds of each connection; most of it names no account, some nothing at all.
[[message]]
id = "sshd.verbose"
level = "error"
programs = ["sshd"]
match = ["^Connection from *", "^Accepted key *", "^User child is on pid *", "^Starting session: *", "^Close session: *", "^Connection closed by *", "^Transferred: *", "^Closing connection to *", "^pam_unix(sshd:session)*"]
meaning = "Somebody is connected"

# Instead of those that ship, which take ten within five minutes.
[[message]]
id = "sshd.failed_password"
level = "notice"
programs = ["sshd"]
match = ["^Failed password for *"]

[[message]]
id = "pam.auth_failure"
level = "error"
match = ["pam_unix(*authentication failure*"]
TOML
  hosts put "$1" "$work/logins.toml" /etc/tocsin/logins.toml || return 1
  hosts exec "$1" sh -c 'echo "LogLevel VERBOSE" >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh'
}
# stranger KEY ACCOUNT ADDRESS: a login that is none of the test's, from the lab's own network.
stranger_options=(-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
  -o IdentityAgent=none -o ConnectTimeout=10)
stranger() {
  "${lan[@]}" ssh "${stranger_options[@]}" -o BatchMode=yes -i "$1" "$2@$3" true 2>>"$work/log/stranger"
}
guess_password() {
  printf '#!/bin/sh\necho guessed\n' >"$work/askpass"
  chmod 755 "$work/askpass"
  SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force "${lan[@]}" ssh "${stranger_options[@]}" \
    -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 "root@$1" true 2>>"$work/log/stranger"
}
logged() { hosts exec "$1" journalctl --no-pager -o cat | grep -q "$2"; }
# warned HOST MESSAGE: a record of the host's log was a finding, by its meaning.
warned() {
  found "$1" --arg start "$2 " 'any(.[]; .code == "warning.access" and (.subject | startswith($start)))'
}

leaves_little_open() { tsm systemd-analyze security --threshold=45 --no-pager "$1" >"$work/log/security"; }
# What a person on the host is told of the login here: "normal login.ok".
diagnosed() {
  tsm tocsin-agent diagnose login --format json |
    jq -r '.items[].checks[] | select(.check == "login:local") | "\(.verdict) \(.reasons[0].code)"'
}
diagnose_says() { [ "$(diagnosed)" = "$1" ]; }
# holds_password FILE: of the host. grep says 2 where it could not look.
holds_password() { tsm grep -qaFf /etc/tocsin/login.password "$1"; }
holds_the_agent() { tsm grep -qa tocsin-agent "$1"; }
knows_no_password() {
  holds_password /etc/tocsin/login.password || return 1
  tsm sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >/run/told 2>/dev/null
    journalctl --no-pager >>/run/told'
  holds_the_agent /run/told && not holds_password /run/told && not holds_password /var/lib/tocsin-agent/spool.db
}
logs_in() { [ "$(tsm journalctl --no-pager -t tocsin-agent-login | grep -c 'session opened')" -ge 2 ]; }
reaches_bk() { bk journalctl --no-pager -t sshd | grep -q 'Accepted publickey for tocsin-probe'; }

begin_lab tsm1 bk1 || exit 1
install_agent bk1 || exit 1
cat >>"$work/agent.toml" <<'TOML'

[warnings]
catalogues = ["/etc/tocsin/logins.toml"]
probe_accounts = ["tocsin-probe"]
probe_addresses = ["10.77.0.11"]

[[checks]]
kind = "warnings"
target = "journal"
interval = "1s"
TOML
hosts put bk1 "$work/agent.toml" /etc/tocsin/agent.toml
install_agent tsm1 || exit 1
install_login || exit 1
make_accounts || exit 1
add_login_to_file || exit 1
cat >>"$work/agent.toml" <<'TOML'

[warnings]
catalogues = ["/etc/tocsin/logins.toml"]

[[checks]]
kind = "warnings"
target = "journal"
interval = "1s"
TOML
hosts put tsm1 "$work/agent.toml" /etc/tocsin/agent.toml
report_each_login tsm1 && report_each_login bk1 || exit 1
tsm systemctl daemon-reload
check "The login's units are good ones" tsm systemd-analyze verify tocsin-agent-login.socket \
  tocsin-agent-login@0.service
check "and leave little open" leaves_little_open tocsin-agent-login@0.service
check "The login's socket starts" tsm systemctl enable --now -q tocsin-agent-login.socket || exit 1

printf '[grading]\nstable = "5s"\n' | make_site LOGIN || exit 1
start_collector
check "The collector answers" within 30 collector_answers || exit 1
enrol_agent bk1 && start_agent bk1 || exit 1
enrol_agent tsm1 && start_agent tsm1 || exit 1
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- it works

check "It logs in here, twice and more" within 30 logs_in || exit 1
check "It logs in to the other host" within 30 reaches_bk || exit 1
check "Nothing is found" not finds tsm1 login
check "The password is in no argument, environment or log" knows_no_password
check "A person sees it too" diagnose_says 'normal login.ok'

# ---- each way to fail here

hosts lock tsm1 tocsin-probe
check "A locked account is found" within 30 finds tsm1 login.locked
tries=$(tsm journalctl --no-pager -t tocsin-agent-login | grep -c 'authentication failure')
check "A person is told the same, from what is remembered" diagnose_says 'abnormal login.locked'
hosts undo lock tsm1 tocsin-probe
renew_password
check "and over when it is unlocked" within 30 not finds tsm1 login.locked
check "having been tried once" test "$tries" = 1

tsm chage -E 0 tocsin-probe
check "An expired account is found as that" within 30 finds tsm1 login.expired
tsm chage -E -1 tocsin-probe
renew_password
check "and over when it is prolonged" within 30 not finds tsm1 login.expired

tsm sh -c 'echo tocsin-probe:stolen | chpasswd'
check "A password that somebody changed is found" within 30 finds tsm1 login.rejected
renew_password
check "and over with the right one" within 30 not finds tsm1 login.rejected

tsm mv /var/lib/tocsin-probe /var/lib/gone
check "A home that is gone is no session" within 30 finds tsm1 login.session_failed
tsm mv /var/lib/gone /var/lib/tocsin-probe
renew_password
check "and over when it is back" within 30 not finds tsm1 login.session_failed

# Maintenance: root says that nobody may log in (procedure M-02, a benign cause).
tsm sh -c 'echo "System is maintained." >/run/nologin'
cannot_tell() {
  holds hosts tsm1 -- 'any(.hosts[0].checks[]; .check.target == "local" and
    .verdict == "VERDICT_CANNOT_TELL" and any(.reasons[0].parameters[]; .value == "@why.no_logins"))'
}
check "A host that is maintained cannot tell" within 30 cannot_tell
check "and nothing is found" not finds tsm1 login
tsm rm /run/nologin
renew_password

# ---- and on the other host, whose incident it is

far=10.77.0.12

bk systemctl stop ssh.service ssh.socket
check "A stopped sshd is found" within 30 finds "$far" login.refused
bk systemctl start ssh.service
check "and over when it runs" within 30 not finds "$far" login.refused

bk usermod --shell /usr/sbin/nologin tocsin-probe
check "An account without a shell is no session" within 30 finds "$far" login.session_failed
bk usermod --shell /bin/sh tocsin-probe
renew_key
check "and over with one" within 30 not finds "$far" login.session_failed

bk sh -c 'mv /var/lib/tocsin-probe/.ssh/authorized_keys /tmp/keys; : >/var/lib/tocsin-probe/.ssh/authorized_keys'
check "A key that is not welcome any more is found" within 30 finds "$far" login.rejected
bk mv /tmp/keys /var/lib/tocsin-probe/.ssh/authorized_keys
renew_key
check "and over when it is" within 30 not finds "$far" login.rejected

# ---- its own traces in the logs that the procedure reads (M-04) are not a stranger's

far_probe='publickey for tocsin-probe from 10.77.0.11 '
check "The test's logins are in the other host's log" logged bk1 "^Accepted $far_probe"
check "and the one that was turned down" logged bk1 "^Failed $far_probe"
check "and what VERBOSE adds of them" logged bk1 '^Transferred: sent'
check "Of the test's connections nothing was found" not warned bk1 sshd.verbose ||
  findings_of bk1 >"$work/log/findings"
check "Those here are in this one's" logged tsm1 '^pam_unix(tocsin-probe:auth): authentication failure'
ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
hosts put tsm1 "$work/stranger" /root/stranger 600
tsm ssh "${stranger_options[@]}" -o BatchMode=yes -i /root/stranger "root@$far" true 2>>"$work/log/stranger"
stranger "$work/stranger" root 10.77.0.11
check "Somebody else who is turned down, later in the same log, is found" within 60 warned bk1 sshd.turned_down
check "and here" within 60 warned tsm1 sshd.turned_down
check "with his connection, though he comes from where the test does" within 60 warned bk1 sshd.verbose
check "Of the test's logins nothing was" not warned bk1 sshd.accepted
check "nor of the one that was turned down" not warned bk1 sshd.probe_turned_down
check "nor of those here" not warned tsm1 pam.auth_failure
stranger "$work/stranger" tocsin-probe "$far"
check "The test's account from elsewhere is found" within 60 warned bk1 sshd.probe_turned_down
bk useradd --create-home --shell /bin/sh visitor
hosts put bk1 "$work/stranger.pub" /home/visitor/.ssh/authorized_keys
check "A stranger logs in" stranger "$work/stranger" visitor "$far"
check "and is found" within 60 warned bk1 sshd.accepted
guess_password 10.77.0.11
check "A stranger's guess at a password here is found" within 60 warned tsm1 pam.auth_failure

bk sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh' >/dev/null 2>&1
check "Another host key is found" within 30 finds "$far" login.host_key_changed

cases_end
