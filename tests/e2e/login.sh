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

tsm() { hosts exec tsm1 "$@"; }
bk() { hosts exec bk1 "$@"; }

# ---- what is asked of the collector

heard() { [ "$(ctl status -o json 2>/dev/null | jq .agentsHeard)" = "$1" ]; }
detail() { ctl incidents show "$1" -o json; }
# The codes of a host's findings that are open, in all of its incidents.
open_codes() {
  local id
  for id in $(ctl incidents -o json | jq -r --arg host "$1" '.incidents[] | select(.hostName == $host) | .id'); do
    detail "$id" | jq -r '.findings[] | select(.closedAt == null) | .code'
  done | sort -u
}
finds() { open_codes "$1" | grep -qx "$2"; }
finds_not() { ! open_codes "$1" | grep -q "$2"; }

# ---- the hosts

# The test's program, as its package would bring it, with the shared libraries it depends on.
install_login() {
  hosts put tsm1 "$bin/tocsin-agent-login" /usr/bin/tocsin-agent-login 755 || return 1
  ldd "$bin/tocsin-agent-login" | awk '$3 ~ /^\// {print $3}' | sort -u |
    tar -C / -chf - -T - 2>/dev/null | tsm tar -C / --skip-old-files -xf - || return 1
  hosts put tsm1 deploy/pam.d/tocsin-probe /etc/pam.d/tocsin-probe || return 1
  hosts put tsm1 deploy/systemd/tocsin-agent-login.socket \
    /usr/lib/systemd/system/tocsin-agent-login.socket || return 1
  hosts put tsm1 deploy/systemd/tocsin-agent-login@.service \
    /usr/lib/systemd/system/tocsin-agent-login@.service
}
set_password() {
  tsm sh -c 'umask 077; printf "%s\n" "$1" >/etc/tocsin/login.password' sh "$1"
  tsm sh -c 'echo "tocsin-probe:$(cat /etc/tocsin/login.password)" | chpasswd'
}
# The account tsm1 has for itself: no shell. The one that bk1 has for tsm1: nothing but one command.
make_accounts() {
  tsm useradd --system --create-home --home-dir /var/lib/tocsin-probe --shell /usr/sbin/nologin \
    tocsin-probe || return 1
  set_password "of-$RANDOM-$RANDOM-nobody" || return 1
  bk useradd --system --create-home --home-dir /var/lib/tocsin-probe --shell /bin/sh tocsin-probe ||
    return 1
  hosts put bk1 deploy/login/tocsin-probe-answer /usr/lib/tocsin/tocsin-probe-answer 755
  ssh-keygen -q -t ed25519 -N '' -C tocsin -f "$work/key" || return 1
  hosts put tsm1 "$work/key" /etc/tocsin/login.key 600
  echo "restrict,command=\"/usr/lib/tocsin/tocsin-probe-answer\" $(cat "$work/key.pub")" >"$work/keys"
  hosts put bk1 "$work/keys" /var/lib/tocsin-probe/.ssh/authorized_keys
}
host_key_of_bk() { bk cat /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 1,2; }
# As in deploy/examples/agent.toml, but in a hurry.
add_login_to_file() {
  cat >>"$work/agent.toml" <<TOML

[login]
account = "tocsin-probe"
password_file = "/etc/tocsin/login.password"
least_interval = "1s"
hold = "10s"

[[login.targets]]
address = "10.77.0.12:22"
account = "tocsin-probe"
key_file = "/etc/tocsin/login.key"
host_key = "$(host_key_of_bk)"

[[checks]]
kind = "login"
target = "local"
interval = "3s"

[[checks]]
kind = "login"
target = "ssh://10.77.0.12:22"
interval = "2s"
TOML
  hosts put tsm1 "$work/agent.toml" /etc/tocsin/agent.toml
}
# What a person does after a fault was taken away: the secret is written anew, so the hold ends.
renew_password() { set_password "again-$RANDOM-$RANDOM"; }
renew_key() { tsm touch /etc/tocsin/login.key; }

leaves_little_open() { tsm systemd-analyze security --threshold=45 --no-pager "$1" >"$work/log/security"; }
# What a person on the host is told of the login here: "normal login.ok".
diagnosed() {
  tsm tocsin-agent diagnose login --format json |
    jq -r '.items[].checks[] | select(.check == "login:local") | "\(.verdict) \(.reasons[0].code)"'
}
diagnose_says() { [ "$(diagnosed)" = "$1" ]; }
told_nobody() { tsm sh -c '! grep -qaFf /etc/tocsin/login.password "$@" 2>/dev/null' sh "$@"; }
knows_no_password() {
  tsm sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >/run/told 2>/dev/null
    journalctl --no-pager >>/run/told'
  told_nobody /run/told && told_nobody /var/lib/tocsin-agent/spool.db
}
logs_in() { [ "$(tsm journalctl --no-pager -t tocsin-agent-login | grep -c 'session opened')" -ge 2 ]; }
reaches_bk() { bk journalctl --no-pager -t sshd | grep -q 'Accepted publickey for tocsin-probe'; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(tsm1 bk1)
hosts up tsm1 10.77.0.11 &
hosts up bk1 10.77.0.12 &
wait
check "Two hosts are up" hosts wait tsm1 bk1 || exit 1
install_agent bk1 || exit 1
cat >>"$work/agent.toml" <<'TOML'

[warnings]
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

[[checks]]
kind = "warnings"
target = "journal"
interval = "1s"
TOML
hosts put tsm1 "$work/agent.toml" /etc/tocsin/agent.toml
tsm systemctl daemon-reload
check "The login's units are good ones" tsm systemd-analyze verify tocsin-agent-login.socket \
  tocsin-agent-login@0.service
check "and leave little open" leaves_little_open tocsin-agent-login@0.service
check "The login's socket starts" tsm systemctl enable --now -q tocsin-agent-login.socket || exit 1

"$bin/tocsin-collector" init --dir "$work/site" --site LOGIN --dns collector --ip 10.77.0.1 \
  --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
  >"$work/log/init" || exit 1
printf '[site]\nname = "LOGIN"\n\n[grading]\nstable = "5s"\n' >"$work/site/site.toml"
start_collector
check "The collector answers" within 20 collector_answers || exit 1
for host in tsm1 bk1; do
  enrol_agent "$host" && start_agent "$host" || exit 1
done
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- it works

check "It logs in here, twice and more" within 20 logs_in || exit 1
check "It logs in to the other host" within 20 reaches_bk || exit 1
check "Nothing is found" finds_not tsm1 login
check "The password is in no argument, environment or log" knows_no_password
check "A person sees it too" diagnose_says 'normal login.ok'

# ---- each way to fail here

hosts lock tsm1 tocsin-probe
check "A locked account is found" within 20 finds tsm1 login.locked
tries=$(tsm journalctl --no-pager -t tocsin-agent-login | grep -c 'authentication failure')
check "A person is told the same, from what is remembered" diagnose_says 'abnormal login.locked'
hosts undo lock tsm1 tocsin-probe
renew_password
check "and over when it is unlocked" within 20 finds_not tsm1 login.locked
check "having been tried once" test "$tries" = 1

tsm chage -E 0 tocsin-probe
check "An expired account is found as that" within 20 finds tsm1 login.expired
tsm chage -E -1 tocsin-probe
renew_password
check "and over when it is prolonged" within 20 finds_not tsm1 login.expired

tsm sh -c 'echo tocsin-probe:stolen | chpasswd'
check "A password that somebody changed is found" within 20 finds tsm1 login.rejected
renew_password
check "and over with the right one" within 20 finds_not tsm1 login.rejected

tsm mv /var/lib/tocsin-probe /var/lib/gone
check "A home that is gone is no session" within 20 finds tsm1 login.session_failed
tsm mv /var/lib/gone /var/lib/tocsin-probe
renew_password
check "and over when it is back" within 20 finds_not tsm1 login.session_failed

# Maintenance: root says that nobody may log in (procedure M-02, a benign cause).
tsm sh -c 'echo "System is maintained." >/run/nologin'
cannot_tell() {
  ctl hosts tsm1 -o json | jq -e '.hosts[0].checks[] | select(.check.target == "local") |
    .verdict == "VERDICT_CANNOT_TELL" and any(.reasons[0].parameters[]; .value == "@why.no_logins")' >/dev/null
}
check "A host that is maintained cannot tell" within 20 cannot_tell
check "and nothing is found" finds_not tsm1 login
tsm rm /run/nologin
renew_password

# ---- and on the other host, whose incident it is

far=10.77.0.12

bk systemctl stop ssh.service ssh.socket
check "A stopped sshd is found" within 20 finds "$far" login.refused
bk systemctl start ssh.service
check "and over when it runs" within 20 finds_not "$far" login.refused

bk usermod --shell /usr/sbin/nologin tocsin-probe
check "An account without a shell is no session" within 20 finds "$far" login.session_failed
bk usermod --shell /bin/sh tocsin-probe
renew_key
check "and over with one" within 20 finds_not "$far" login.session_failed

bk sh -c 'mv /var/lib/tocsin-probe/.ssh/authorized_keys /tmp/keys; : >/var/lib/tocsin-probe/.ssh/authorized_keys'
check "A key that is not welcome any more is found" within 20 finds "$far" login.rejected
bk mv /tmp/keys /var/lib/tocsin-probe/.ssh/authorized_keys
renew_key
check "and over when it is" within 20 finds_not "$far" login.rejected

# ---- its own traces in the log that the procedure reads (M-04)

bk sh -c 'echo "LogLevel VERBOSE" >/etc/ssh/sshd_config.d/verbose.conf; systemctl reload ssh'
# Ten within five minutes are a finding. From tsm1, with a key that is not welcome.
fail_often() {
  {
    printf 'address 10.77.0.12:22\naccount %s\nhost_key %s\nlimit_ms 5000\n\n' "$1" "$(host_key_of_bk)"
    cat "$work/stranger"
  } >"$work/request"
  hosts put tsm1 "$work/request" /run/request 600
  tsm sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do tocsin-agent-login ssh </run/request & done; wait' >/dev/null
}
failed_often() { [ "$(bk journalctl --no-pager -t sshd | grep -c "Failed publickey for $1 ")" -ge 10 ]; }
ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
fail_often tocsin-probe
check "The test's own traces are in the log" within 10 failed_often tocsin-probe
fail_often root
check "The same of another account are in the log" within 10 failed_often root
check "and are found" within 20 finds bk1 warning.access
names_the_test() {
  local id
  for id in $(ctl incidents -o json | jq -r '.incidents[] | select(.hostName == "bk1") | .id'); do
    detail "$id" | grep -q 'publickey for tocsin-probe' && return
  done
  return 1
}
never_named() { ! names_the_test; }
check "where the test's are not" never_named

bk sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh' >/dev/null 2>&1
check "Another host key is found" within 20 finds "$far" login.host_key_changed

cases_end
