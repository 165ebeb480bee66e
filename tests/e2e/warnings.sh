#!/bin/bash
# Are there abnormal warnings (procedure M-04)? On a real host with its journal and files: what each kind
# of warning is, what a site's own catalogue says of its messages, what could not be read, and that no
# record is left out or counted twice while a log is rotated, copied and truncated, and the observer killed.
#
# warnings.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Warnings "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

logs=/var/log
lines=600 # of the log that is rotated

on() { hosts exec web1 "$@"; }
# logged FILE RECORD: as a program appends it.
logged() { on sh -c 'printf "%s\n" "$2" >>"$1"' sh "$logs/$1" "$2"; }
# record PROGRAM WORDS: as syslog writes it to a file.
record() { printf 'Nov 22 22:14:55 web1 %s: %s' "$1" "$2"; }
# warned CODE ID LOG: that was found, whether or not it is over by now.
warned() {
  found web1 --arg code "$1" --arg subject "$2 $3" 'any(.[]; .code == $code and .subject == $subject)'
}
warning() { says web1 "warnings $1"; }

add_catalogue() {
  cat >"$work/messages.toml" <<'TOML'
[[message]]
id = "payroll.export_failed"
level = "error"
programs = ["payroll"]
match = ["^export of * failed"]
meaning = { "zh-TW" = "薪資匯出失敗：請通知薪資組", en = "The payroll export failed: tell the payroll group" }
TOML
  hosts put web1 "$work/messages.toml" /etc/tocsin/messages.toml
}
add_checks() {
  local log
  printf '\n[warnings]\ncatalogues = ["/etc/tocsin/messages.toml"]\n'
  for log in journal "$logs"/{app,dsmerror,numbers,typo}.log; do
    printf '\n[[checks]]\nkind = "warnings"\ntarget = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$log"
  done
  # Slow enough that each of its verdicts stands for a while.
  printf '\n[[checks]]\nkind = "warnings"\ntarget = "%s"\ninterval = "4s"\ndeadline = "4s"\n' "$logs/big.log"
}
policy() {
  printf '[grading]\nstable = "5s"\n'
  mail_to_duty
  cat <<'TOML'

[[contacts]]
name = "night shift"
role = "duty"
channel = "mail"
address = "night@site.example"
language = "zh-TW"
TOML
}

begin_lab web1 || exit 1
install_agent web1 || exit 1
add_catalogue
add_checks >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
on touch $logs/{dsmerror,numbers,big}.log
logged app.log "$(record kernel 'Kernel panic - not syncing: of yesterday')"
on logger -t kernel 'Kernel panic - not syncing: of yesterday'
start_mailbox
begin_site WARNINGS < <(policy) || exit 1
start_agents || exit 1

# ---- before the first look, and where there is nothing to look at

for log in journal "$logs"/{app,dsmerror,numbers}.log; do
  check "$log is well" within 20 warning "$log normal warning.ok"
done
check "What was logged before is not reported" finds_nothing web1
check "A log that is not there cannot be told" within 10 warning "$logs/typo.log cannot_tell warning.no_log"
logged typo.log "$(record dsmc 'ANS1512E Scheduled event DAILY failed. Return code = 12.')"
check "When it comes its first record is found" within 10 warned warning.backup ANS1512E "$logs/typo.log"
check "and it is well" within 10 warning "$logs/typo.log normal warning.ok"

# ---- what the site says of its own

on logger -t payroll 'export of May failed'
check "A message of the site's catalogue is found" within 10 warned warning.system payroll.export_failed journal
check "Who reads English is told in the site's words" within 15 has_mail 'tell the payroll group'
check "and who reads Chinese" within 15 has_mail '請通知薪資組'
explained() { "$@" >"$work/explained" 2>&1 && grep -q '請通知薪資組' "$work/explained" && grep -q 'tell the payroll group' "$work/explained"; }
check "The desk can ask what it means" explained ctl explain payroll.export_failed
check "and so can who is on the host" explained on tocsin-agent explain payroll.export_failed

# ---- each kind

logged app.log "$(record kernel 'Out of memory: Killed process 4242 (dsmserv)')"
check "What breaks now is found" within 10 warned warning.critical kernel.oom "$logs/app.log"
logged dsmerror.log '11/22/2026 22:14:54 ANS1311E (RC11)   Server out of data storage space'
check "A backup that failed is found" within 10 warned warning.backup ANS1311E "$logs/dsmerror.log"
on systemd-run -q --unit hasty -p Restart=always -p RestartSec=10ms -p StartLimitBurst=2 /bin/false
check "A service that systemd gives up is found" within 10 warned warning.system systemd.start_limit journal
logged app.log "$(record sshd 'Too many authentication failures for root')"
check "An access that was tried is found" within 10 warned warning.access sshd.too_many_failures "$logs/app.log"
check "What was logged before the first look still is not" not warned warning.critical kernel.panic "$logs/app.log"
check "nor of the journal" not warned warning.critical kernel.panic journal

# ---- what was not read is said

many() { on sh -c 'seq -f "ANR%04.0fW of many" 1 400 >>"$1"' sh "$logs/big.log"; }
check "Of more kinds than one look lists" many
check "the rest is counted" within 15 warning "$logs/big.log cannot_tell warning.more … count=144"
flood() { on sh -c 'yes "nothing of interest" | head -c 20000000 >>"$1"' sh "$logs/big.log"; }
check "Of more than is read at once" flood
check "what is left is said" within 15 warning "$logs/big.log cannot_tell warning.behind"
on truncate -s 0 $logs/big.log
check "and what went before it was read" within 15 warning "$logs/big.log cannot_tell warning.lost"
on sh -c 'head -c 100000 /dev/zero | tr "\0" x >>"$1"; echo >>"$1"' sh "$logs/big.log"
check "That a long record was cut is said" within 15 warning "$logs/big.log normal warning.cut … count=1"
check "It is well afterwards" within 15 warning "$logs/big.log normal warning.ok"

# ---- nothing is left out, nothing is counted twice

# A line a number, each a kind of its own; it opens its log anew when it is told to.
cat >"$work/write-numbers" <<'SH'
#!/bin/sh
log=/var/log/numbers.log
trap 'exec >>$log' HUP
exec >>$log
i=0
while [ $i -lt "$1" ]; do
  i=$((i + 1))
  printf 'ANR%04dW\n' $i
  sleep 0.03
done
SH
hosts put web1 "$work/write-numbers" /usr/local/bin/write-numbers 755
# told_counts LOG: what the collector's journal has of it, a line "id count" for each observation, and
# "lost bytes" where there were any.
told_counts() {
  /usr/bin/python3 - "$1" "$work"/site/data/journal/journal-*.db <<'PY'
import sqlite3, sys

def fields(data):
    at = 0
    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = number()
        kind = tag & 7
        if kind == 0:
            value = number()
        else:
            size = number() if kind == 2 else {1: 8, 5: 4}[kind]
            value = data[at:at + size]
            at += size
        yield tag >> 3, value

def first(data, *path):
    for name in path:
        data = dict(reversed(list(fields(data)))).get(name, b"")
    return data

source = sys.argv[1].encode()
for path in sys.argv[2:]:
    journal = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for (body,) in journal.execute("SELECT body FROM entry ORDER BY pos"):
        # JournalEntry.fact, AgentFact.fact, Fact.observation, Observation.warnings
        warnings = first(body, 1, 4, 10, 16)
        if first(warnings, 1) != source:
            continue
        for name, value in fields(warnings):
            if name == 9:
                group = dict(fields(value))
                print(group[1].decode(), group[3])
            if name in (6, 10) and value:
                print("lost", value)
PY
}
told() { told_counts $logs/numbers.log | awk '{ sum += $2 } END { print sum + 0 }'; }
all_told() { [ "$(told)" = "$lines" ]; }
each_once() {
  seq -f 'ANR%04.0fW 1' "$lines" >"$work/wanted"
  told_counts $logs/numbers.log | sort >"$work/told"
  diff "$work/wanted" "$work/told" >"$work/log/told"
}
grown() { [ "$(told)" -gt "$1" ]; }
is_writing() { on systemctl -q is-active numbers; }
push_down() {
  on sh -c 'for i in $(seq 60 -1 1); do [ ! -e "$1.$i" ] || mv "$1.$i" "$1.$((i + 1))"; done' sh "$logs/numbers.log"
}
# As logrotate does with `create`, and the program told afterwards: it writes to the old one until then.
rotate() {
  push_down
  hosts rotate web1 "$logs/numbers.log"
  on systemctl kill --kill-who=main -s HUP numbers
}
# As with `copytruncate`; held still meanwhile, because what is written between copy and truncation is
# lost to everybody.
copytruncate() {
  on systemctl kill -s STOP numbers
  push_down
  hosts copytruncate web1 "$logs/numbers.log"
  on systemctl kill -s CONT numbers
}
on systemd-run -q --collect --unit numbers /usr/local/bin/write-numbers "$lines"
while is_writing; do
  case $((RANDOM % 4)) in
    0) kill_half web1 observer ;;
    1) copytruncate ;;
    2) rotate ;;
    *) rotate && kill_half web1 observer ;;
  esac
  # The next blow falls when more is told, or in the middle of its way there.
  before=$(told)
  if [ $((RANDOM % 2)) = 0 ]; then within 5 grown "$before"; fi
done
check "All that was written is told" within 20 all_told
check "each once, and none is lost" each_once
check "The log is well" within 10 warning "$logs/numbers.log normal warning.ok"
check "Each fact of the host is counted once" within 10 counts_each_fact web1
cases_end
