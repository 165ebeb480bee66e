#!/bin/bash
# Each fault of tests/support/hosts does to a real host what it says, and is taken back by `undo`.
# verbs_test.sh RESULTS.xml
set -u
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=../../support/cases.sh
. tests/support/cases.sh
cases_begin HostsVerbs "${1:?results}"

hosts() { tests/support/hosts "$@"; }
export TOCSIN_LAB=hv$$ TOCSIN_LAB_OWNER=$$
work=$(mktemp -d)
cleanup() {
  hosts stop
  rm -rf "$work"
  [ -n "$cases_ended" ] || cases_write
}
trap cleanup EXIT
trap 'exit 130' INT TERM

not() { ! "$@"; }
refuses() { ! hosts "$@" >/dev/null 2>&1; }
on() { hosts exec "$@" 2>/dev/null; }
# says HOST WORDS COMMAND…: the command's output there is exactly these words.
says() { [ "$(on "$1" "${@:3}")" = "$2" ]; }
pings() { on "$1" ping -q -c 1 -W 1 "$2" >/dev/null; }
connects() { on "$1" nc -z -w 1 "$2" "$3"; }
round_trip_ms() { on "$1" ping -q -c 3 -i 0.1 -W 2 "$2" | sed -n 's|^rtt.* = [0-9.]*/\([0-9]*\).*|\1|p'; }
answers_of_100() { on h1 ping -q -c 100 -i 0.01 -W 1 10.77.0.12 | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }
is_slow() { [ "$(round_trip_ms h1 10.77.0.12)" -ge 60 ]; }
is_fast() { [ "$(round_trip_ms h1 10.77.0.12)" -lt 20 ]; }
between() { [ "$2" -le "$1" ] && [ "$1" -le "$3" ]; }
is() { says h1 "$1" systemctl is-active probe.service; }
has_state() { on h1 sh -c 'cut -d " " -f 3 "/proc/$(systemctl show -P MainPID probe)/stat"' | grep -q "$1"; }
bytes() { on h1 stat -c %s /var/log/probe.log; }
lines() { on h1 cat /var/log/probe.log; }
inode() { on h1 stat -c %i /var/log/probe.log; }

check "Three hosts start at once" hosts start 3 || exit 1
check "The first says its address" test "$(hosts address h1)" = 10.77.0.11
check "and its log shows what systemd did" bash -c "tests/support/hosts log h1 | grep -q 'Reached target'"
check "Each has a machine id of its own" \
  test "$(for host in h1 h2 h3; do on $host cat /etc/machine-id; done | sort -u | wc -l)" = 3

# ---- the network

hosts cut h2
check "A host that is cut off is not reached" not pings h1 10.77.0.12
hosts undo cut h2
check "and is again" within 5 pings h1 10.77.0.12
hosts part h1 h2
check "Two that are parted do not meet" not pings h1 10.77.0.12
check "but others meet the one" pings h3 10.77.0.11
check "and the other" pings h3 10.77.0.12
hosts undo part h1 h2
check "and they meet again" within 5 pings h1 10.77.0.12
hosts slow h2 40
check "A slow cable delays each way" is_slow
check "and TCP still works over it" connects h1 10.77.0.12 22
hosts slow h2 0 300
got=$(answers_of_100)
check "A cable that loses 30 % each way answers about half ($got of 100)" between "$got" 25 75
hosts cut h2
check "It can be cut too" not pings h1 10.77.0.12
hosts undo cut h2
hosts undo slow h2
check "and is fast again" within 5 is_fast
check "without loss" test "$(answers_of_100)" = 100
hosts block h2 icmp
check "A host can be deaf to ICMP" not pings h1 10.77.0.12
check "while TCP answers" connects h1 10.77.0.12 22
hosts undo block h2 icmp
check "and hear it again" pings h1 10.77.0.12
hosts block h2 tcp/22
check "A port can be blocked" not connects h1 10.77.0.12 22
hosts undo block h2 tcp/22
check "and be open again" connects h1 10.77.0.12 22

# ---- services and processes

cat >"$work/probe.service" <<'UNIT'
[Service]
ExecStart=/usr/bin/perl -e 'for (;;) { open F, ">/run/n"; print F time; close F; rename "/run/n", "/run/now"; select undef, undef, undef, 0.1 }'
UNIT
hosts put h1 "$work/probe.service" /etc/systemd/system/probe.service
on h1 systemctl daemon-reload
on h1 systemctl start probe
for verb in kill quit; do
  hosts "$verb" h1 probe.service
  check "A service that was told to $verb does not run" within 5 not is active
  hosts undo "$verb" h1 probe.service
  check "and runs again" within 5 is active
done
check "Its end was a signal" bash -c "tests/support/hosts log h1 probe | grep -q 'status=9/KILL'"
hosts hang h1 probe.service
check "One that hangs still counts as active" is active
check "and does nothing" within 5 has_state T
hosts undo hang h1 probe.service
check "and goes on" within 5 has_state '[RS]'
hosts listen h1 4444 backdoor
check "A program listens under its name" \
  within 5 bash -c "tests/support/hosts exec h1 ss -ltnp 'sport = 4444' | grep -q '\"backdoor\"'"
hosts undo listen h1 4444 backdoor
check "and no more" within 5 not connects h2 10.77.0.11 4444
hosts odd h1
odd_name() { on h1 sh -c 'cat /proc/[0-9]*/comm' | grep -aq '^a) R 1$'; }
odd_argument() { on h1 sh -c 'cat /proc/[0-9]*/cmdline' | grep -aq $'\e\[31m'; }
check "A process has a name with a bracket and a line break" within 5 odd_name
check "and colours in its arguments" odd_argument
hosts undo odd h1
check "It is gone" within 5 not odd_name

hidden_pid() { on h1 systemctl show -P MainPID probe; }
reads_folder() { on h1 test -e "/proc/$covered/comm"; }
covered=$(hidden_pid)
check "A process has its folder in /proc" reads_folder
hosts cover h1 "$covered"
check "which is another when it is covered" not reads_folder
check "though its number is listed" on h1 sh -c "ls /proc | grep -qx $covered"
hosts undo cover h1 "$covered"
check "and its own again" reads_folder

hosts bring h2 /usr/bin/jq
check "A program of this machine runs on a host" says h2 '"it"' jq -n '"it"'

# ---- logs

on h1 sh -c 'echo first >/var/log/probe.log; chmod 640 /var/log/probe.log'
file=$(inode)
hosts truncate h1 /var/log/probe.log
check "A truncated log is empty" test "$(bytes)" = 0
check "and the same file" test "$(inode)" = "$file"
on h1 sh -c 'echo second >>/var/log/probe.log'
hosts undo truncate h1 /var/log/probe.log
check "Its lines come back before the newer ones" test "$(lines)" = $'first\nsecond'
check "in the same file" test "$(inode)" = "$file"
hosts rotate h1 /var/log/probe.log
check "A rotated log is another file" test "$(inode)" != "$file"
check "with the same rights" says h1 640 stat -c %a /var/log/probe.log
check "and the old one is beside it" says h1 "$file" stat -c %i /var/log/probe.log.1
hosts undo rotate h1 /var/log/probe.log
check "It is the old one again" test "$(inode)" = "$file"
hosts copytruncate h1 /var/log/probe.log
check "A log that was copied and truncated is empty and the same file" test "$(bytes) $(inode)" = "0 $file"
check "and a copy has its lines" says h1 $'first\nsecond' cat /var/log/probe.log.1
hosts undo copytruncate h1 /var/log/probe.log
check "Its lines are back" test "$(lines)" = $'first\nsecond'

# ---- auditing

audited_write() {
  local before
  before=$(on h1 grep -c 'key="tocsin"' /var/log/audit/audit.log)
  on h1 sh -c 'echo "$0" >>/etc/probe' "$RANDOM"
  within 1 bash -c "[ \"\$(tests/support/hosts exec h1 grep -c 'key=\"tocsin\"' /var/log/audit/audit.log)\" -gt '${before:-0}' ]"
}
auditd_runs() { on h1 pgrep -x auditd >/dev/null; }
check "The kernel audits a host" hosts audit h1
check "What is written in its /etc is in its audit log" audited_write
check "and it has an auditd to see" auditd_runs
check "The lock for the machine's one audit is taken" not flock -n /run/tocsin-labs/audit.lock true
hosts deaf h1
check "When auditing stops nothing is recorded" not audited_write
check "and no auditd runs" not auditd_runs
hosts undo deaf h1
check "It records again" audited_write
hosts down h1
check "The audit is free when the host is down" flock -n /run/tocsin-labs/audit.lock true
check "and off" bash -c "auditctl -s | grep -qx 'enabled 0'"

# ---- disks, accounts, clocks, viruses

writes() { on h2 sh -c 'head -c 100000 /dev/zero >/srv/spool/more'; }
on h2 sh -c 'mkdir -m 750 /srv/spool; echo kept >/srv/spool/old'
check "Only a small disk is filled" refuses fill h2 /srv
hosts disk h2 /srv/spool 2
check "A small disk keeps what was in the folder" says h2 kept cat /srv/spool/old
check "and its rights" says h2 750 stat -c %a /srv/spool
check "One can write there" writes
on h2 rm /srv/spool/more
hosts fill h2 /srv/spool
check "until it is full" not writes
on h2 rm -f /srv/spool/more
hosts undo fill h2 /srv/spool
check "and can write again" writes
hosts undo disk h2 /srv/spool
check "What was written stays in the folder" says h2 $'more\nold' ls /srv/spool

makes_a_file() { on h2 touch /srv/many/more; }
check "Only a disk with a number of files is crowded" refuses crowd h2 /srv
hosts disk h2 /srv/many 2 100
check "A disk for a hundred files takes one" makes_a_file
on h2 rm /srv/many/more
hosts crowd h2 /srv/many
check "until it is crowded" not makes_a_file
check "though it has room" on h2 sh -c '[ "$(stat -f -c %a /srv/many)" -gt 100 ]'
hosts undo crowd h2 /srv/many
check "and takes one again" makes_a_file

expires() { on h2 chage -l probe | sed -n 's/^Account expires.*: //p'; }
password_state() { on h2 passwd -S probe | cut -d ' ' -f 2; }
on h2 useradd probe
on h2 sh -c 'echo probe:open-sesame | chpasswd'
hosts lock h2 probe
check "A locked account has no password" test "$(password_state)" = L
check "and has expired" test "$(expires)" = 'Jan 01, 1970'
hosts undo lock h2 probe
check "It is open again" test "$(password_state) $(expires)" = 'P never'

clock_says() {
  local there
  there=$(on h2 cat /run/now) || return 1
  between $((there - $(date +%s))) $(($1 - 2)) $(($1 + 2))
}
hosts put h2 "$work/probe.service" /etc/systemd/system/probe.service
on h2 systemctl daemon-reload
on h2 systemctl start probe
check "A service has the machine's time" within 5 clock_says 0
hosts clock h2 probe.service +3600
check "Its clock is an hour ahead" within 5 clock_says 3600
main=$(on h2 systemctl show -P MainPID probe)
hosts clock h2 probe.service -600
check "and jumps back while it runs" within 5 clock_says -600
check "which is the same process" says h2 "$main" systemctl show -P MainPID probe
check "Nobody else's clock jumped" test $(($(on h2 date +%s) - $(date +%s))) -le 1
hosts undo clock h2 probe.service
check "It has the machine's time again" within 5 clock_says 0

hosts eicar h2 /srv/eicar.com
check "The virus pattern is the standard's 68 bytes" \
  says h2 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f \
  sh -c 'sha256sum /srv/eicar.com | cut -d " " -f 1'
hosts undo eicar h2 /srv/eicar.com
check "and goes" not on h2 test -e /srv/eicar.com

# ---- nothing stays behind, even if the maker is killed

check "An unknown fault is refused" refuses explode h2
check "So is the undoing of one" refuses undo explode h2
bash -c 'export TOCSIN_LAB=$1 TOCSIN_LAB_OWNER=$$
  tests/support/hosts start 1
  tests/support/hosts slow h1 1
  kill -9 $$' bash "hw$$" &
wait $! 2>/dev/null
check "A lab whose maker was killed is there" test -e "/run/tocsin-labs/hw$$"
hosts sweep
left_of() {
  [ -e "/run/tocsin-labs/$1" ] || grep -q "/run/tocsin-labs/$1/" /proc/self/mounts ||
    compgen -G "/run/netns/tocsin-$1*" >/dev/null ||
    find /sys/fs/cgroup -maxdepth 2 -type d -name "tocsin-$1-*" | grep -q .
}
check "and a sweep leaves nothing of it" not left_of "hw$$"
check "A lab whose maker lives stays" on h2 true
ip netns add "tocsin-hx$$-h1"
hosts sweep
check "A network namespace without a lab goes" test ! -e "/run/netns/tocsin-hx$$-h1"
boot_of() { on "$1" cat /proc/sys/kernel/random/boot_id; }
before=$(boot_of h2)
on h2 touch /etc/kept /run/gone
hosts reboot h2
check "A host that boots again is up soon" hosts wait h2
check "with another boot id" not test "$(boot_of h2)" = "$before"
check "what was on its disk" on h2 test -e /etc/kept
check "and nothing of what was in memory" not on h2 test -e /run/gone
hosts stop
check "A lab that was stopped leaves nothing" not left_of "$TOCSIN_LAB"
cases_end
