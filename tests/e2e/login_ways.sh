#!/bin/bash
# Can somebody log in (procedure M-02, M-06), where something between the two hosts is wrong, or the
# settings: a service that takes no connection, or takes one and is silent, or says its name only; a
# cable that is pulled, a key that was never welcome, a restart after which nobody gets in any more.
#
# login_ways.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin LoginWays "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh
# shellcheck source=login_lab.sh
. tests/e2e/login_lab.sh

far=10.77.0.12
# here WORDS / there WORDS: what the check of the login on this host, or on the other one, says.
here() { says tsm1 "login local $1"; }
there() { says tsm1 "login ssh://$far:22 $1"; }
works() { there 'normal login.ok'; }
# turned_down: how often the other host turned the test's key down.
turned_down() { bk journalctl --no-pager -o cat -t sshd | grep -c 'tocsin-probe.*\[preauth\]'; }
# graded LETTER: the incident of the login on this host.
graded() {
  holds incidents -- --arg grade "SEVERITY_$1" \
    'any(.incidents[]; .hostName == "tsm1" and .title.code == "login.rejected" and .live == $grade)'
}

begin_lab tsm1 bk1 || exit 1
install_agent bk1 && install_agent tsm1 && install_login && make_accounts || exit 1
add_login_to_file || exit 1
# A sandbox mounts /proc/sys anew, without what the lab has laid over it.
printf '[Service]\nBindReadOnlyPaths=/dev/.boot_id:/proc/sys/kernel/random/boot_id\n' >"$work/boot_id.conf"
hosts put tsm1 "$work/boot_id.conf" /etc/systemd/system/tocsin-agent-observer.service.d/boot_id.conf
tsm systemctl daemon-reload
tsm systemctl enable --now -q tocsin-agent-login.socket || exit 1
begin_site WAYS < <(printf '[grading]\nstable = "3s"\n') || exit 1
start_agents || exit 1
check "It logs in to the other host" within 30 works || exit 1
check "and here" within 10 here 'normal login.ok'

# ---- the way to the other host

# A firewall on the way that drops what comes, which says nothing of the account.
hosts block bk1 tcp/22
check "A service whose packets are dropped is found as one that gives no answer" within 20 finds "$far" login.timed_out
hosts undo block bk1 tcp/22
check "and over when they come through" within 20 not finds "$far" login

hosts hang bk1 ssh.service
check "A service that hangs is found" within 20 finds "$far" login.timed_out
check "as one that takes the connection and is silent" there 'abnormal login.timed_out … said=connected, then silence'
hosts undo hang bk1 ssh.service
check "and over when it goes on" within 20 not finds "$far" login

bk systemctl stop ssh.service ssh.socket
bk systemd-run -q --collect --unit half /usr/bin/socat TCP-LISTEN:22,fork,reuseaddr \
  'SYSTEM:echo SSH-2.0-OpenSSH_9.2; sleep 60'
check "A service that says its name and then nothing is found as that" within 20 finds "$far" login.banner_only
bk systemctl stop half
bk systemctl start ssh.service
check "and over when sshd is back" within 20 not finds "$far" login

# The kernel goes on sending to who was there a moment ago, so it is made to forget; and then asks three
# times, a second apart, before it says that nobody is there.
tsm systemctl stop tocsin-agent-observer
hosts cut bk1
hosts net tsm1 sysctl -q -w net.ipv4.neigh.eth0.mcast_solicit=1
hosts net tsm1 ip neigh flush to "$far"
tsm systemctl start tocsin-agent-observer
check "Without a way to the host nobody can tell" within 20 there 'cannot_tell login.cannot_tell … why=@why.unreachable'
check "and of the login nothing is found" not finds "$far" login
hosts undo cut bk1
check "It works again with the cable in" within 20 works

# ---- the settings, and the account

ssh-keygen -q -t ed25519 -N '' -f "$work/other"
hosts put tsm1 "$work/other" /etc/tocsin/login.key 600
check "A new key that was never welcome is a mistake in the settings" \
  within 20 there 'cannot_tell login.cannot_tell … why=@why.never_worked'
check "and no finding" not finds "$far" login
hosts put tsm1 "$work/key" /etc/tocsin/login.key 600
check "The right one works" within 20 works

bk mv /var/lib/tocsin-probe/.ssh/authorized_keys /var/lib/kept
before=$(turned_down)
check "One that is not welcome any more is found" within 20 finds "$far" login.rejected
check "as one that worked before" there 'abnormal login.rejected … why=@why.worked_before'
check "and is held, so that no account is locked by it" there 'abnormal login.held account=tocsin-probe tried=20…'
sleep 4
check "tried once and not again" test "$(($(turned_down) - before))" = 1
bk mv /var/lib/kept /var/lib/tocsin-probe/.ssh/authorized_keys
renew_key
check "until the key is written anew" within 20 not finds "$far" login

# ---- a restart

tsm systemctl stop tocsin-agent-observer
tsm sh -c 'echo tocsin-probe:stolen | chpasswd'
hosts reboot tsm1
check "The host starts anew" hosts wait tsm1
check "That nobody gets in since is said" within 20 here 'abnormal login.rejected … why=@why.since_boot'
check "and found" within 10 finds tsm1 login.rejected
check "as graver than it would be without the restart" graded C
renew_password
check "It is over with the right password" within 20 not finds tsm1 login
hosts reboot tsm1
check "A restart" hosts wait tsm1
check "after which the login works is none" within 20 here 'normal login.ok'
check "and as well on the other host" within 20 works
cases_end
