#!/bin/bash
# Services and processes of a real host (procedure M-03, M-09), with the real programs: services end,
# crash again and again, are restarted by systemd and by the agent; programs run that should not.
#
# services.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Services "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

on() { hosts exec web1 "$@"; }
chief() { as chief --lang en "$@"; }

# is_judged TARGET CODE: the first reason that the collector has for a check of the host.
is_judged() {
  holds hosts web1 -- --arg target "$1" --arg code "$2" \
    'any(.hosts[0].checks[]; .check.target == $target and .reasons[0].code == $code)'
}
incidents() { ask incidents -- '.incidents | length'; }
active() { [ "$(on systemctl is-active "$1")" = active ]; }
starts_of() { on sh -c "wc -l <'/run/starts-$1'"; }
says() {
  local words=$1
  shift
  "$@" 2>&1 | tee -a "$work/log/said" | grep -q "$words"
}

# unit NAME COMMAND [SETTING…]: a service of the host that notes each of its starts.
unit() {
  local name=$1 command=$2
  shift 2
  {
    printf '[Unit]\nStartLimitIntervalSec=%s\n[Service]\n' "${limit:-0}"
    printf 'ExecStartPre=/bin/sh -c "echo started >>/run/starts-%s"\nExecStart=%s\n' "$name" "$command"
    printf '%s\n' "$@"
  } >"$work/unit"
  hosts put web1 "$work/unit" "/etc/systemd/system/$name.service"
}

begin_lab web1 || exit 1
install_agent web1 || exit 1
unit victim '/bin/sleep 3601'
unit phoenix '/bin/sleep 3602' Restart=always RestartSec=100ms
unit loop '/bin/false' Restart=always RestartSec=200ms
limit=60 unit limited '/bin/true' Restart=always RestartSec=50ms
unit slow '/bin/sleep 3604' 'ExecStartPre=/bin/sleep 4'
unit changed '/usr/local/bin/changed 3605'
# Up, and mute; up, and there for who asks.
unit mute '/bin/sleep 3608'
unit lazy '/bin/sleep 3609' 'ExecStartPre=/bin/sleep 5'
unit rests '/bin/sleep 3610' Restart=always RestartSec=5s
unit once '/bin/true' Type=oneshot
unit masked '/bin/sleep 3611'
unit speaks '/usr/bin/socat TCP-LISTEN:4080,fork,reuseaddr SYSTEM:"echo 220 here"'
cat >>"$work/agent.toml" <<'TOML'

[[actions.restart]]
unit = "victim.service"
[[actions.restart]]
unit = "limited.service"
[[actions.restart]]
unit = "slow.service"
[[actions.restart]]
unit = "changed.service"
[[actions.restart]]
unit = "mute.service"
probe = "banner://127.0.0.1:4081"
probe_within = "2s"
[[actions.restart]]
unit = "speaks.service"
probe = "banner://127.0.0.1:4080"
[[actions.restart]]
unit = "healed.service"
automatic = true
[[actions.restart]]
unit = "cured.service"
automatic = true
TOML
unit healed '/bin/sleep 3606'
unit cured '/bin/sleep 3612'
for name in victim phoenix loop limited slow healed mute cured lazy rests once masked ghost; do
  printf '\n[[checks]]\nkind = "service"\ntarget = "%s.service"\ninterval = "1h"\n' "$name"
done >>"$work/agent.toml"
printf '\n[[checks]]\nkind = "processes"\ninterval = "2s"\ndeadline = "2s"\n' >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
# The rule that ships, with the same units.
sed 's/var units = \[\];/var units = ["victim.service", "limited.service", "slow.service", "changed.service", "mute.service", "speaks.service", "healed.service", "cured.service"];/' \
  deploy/polkit/50-tocsin-agent.rules >"$work/rules"
hosts put web1 "$work/rules" /etc/polkit-1/rules.d/50-tocsin-agent.rules
on systemctl daemon-reload
on systemctl start victim phoenix slow healed cured mute speaks rests once
on sh -c 'rm /etc/systemd/system/masked.service && systemctl -q mask masked'

printf '[grading]\nservice_minimum = "5s"\n' | make_site ROOM || exit 1
add_person chief officer || exit 1
start_collector
check "The collector answers" within 30 collector_answers || exit 1
check "The host enrols" enrol_agent web1 || exit 1
check "and runs the agent" start_agent web1 || exit 1
check "which is heard" within 30 heard 1 || exit 1
check "A service that runs is normal" within 30 is_judged victim.service service.running || exit 1

# ---- one that is not there, was never started, is masked, or has done its work

judged_with() {
  holds hosts web1 -- --arg target "$1" --arg code "$2" --arg why "$3" 'any(.hosts[0].checks[];
    .check.target == $target and .reasons[0].code == $code and
    any(.reasons[0].parameters[]; .name == "why" and .value == $why))'
}
check "One that does not exist is missing" within 10 is_judged ghost.service service.not_found
missed() { found web1 'any(.[]; .code == "service.not_found" and .subject == "ghost.service")'; }
check "which is an incident" within 10 missed
check "One that nobody ever started is stopped" within 10 judged_with lazy.service service.inactive @why.stopped
check "and one that is masked, masked" within 10 judged_with masked.service service.inactive @why.masked
check "One that runs once and has ended well is at rest" within 10 is_judged once.service service.finished
on systemctl start --no-block lazy
check "One that is being started is changing, neither well nor bad" within 10 is_judged lazy.service service.changing
check "and runs in the end" within 15 is_judged lazy.service service.running
hosts kill web1 rests
check "One that systemd starts again in a moment cannot be told" within 5 is_judged rests.service service.restarting
check "and is back" within 15 is_judged rests.service service.running
check "and was no finding" found web1 'all(.[]; .subject != "rests.service")'

# ---- a service ends (its check runs once an hour: only the event can tell)

hosts kill web1 victim
check "A killed service is seen" within 30 is_judged victim.service service.failed
is_incident() {
  found web1 --arg unit "$1.service" \
    'any(.[]; .code == "service.failed" and any(.message.parameters[]; .value == $unit))'
}
check "which is an incident" within 30 is_incident victim || ctl --lang en incidents
check "The desk's role may not restart it" refused "may not" ctl --lang en restart-service web1 victim.service
check "An officer's restart works" says "was restarted" chief restart-service web1 victim.service --wait
check "The service runs" active victim
check "and is seen to" within 30 is_judged victim.service service.running
check "after one start" test "$(starts_of victim)" = 2
kept=$(on sh -c 'ls /var/lib/tocsin-agent/snapshots/victim.service.*.txt')
check "What it was before is kept" on grep -q '^result signal' "$kept"
check "and only for the agent" test "$(on stat -c %a "$kept")" = 600
check "A second restart is refused" says "less than 15 minutes" \
  chief restart-service web1 victim.service --wait
check "and was not made" test "$(starts_of victim)" = 2
check "A service that the host's file does not name is not restarted" says "does not allow" \
  chief restart-service web1 ssh.service --wait

# ---- the account may restart what the rule names, and nothing else

as_observer() { on setpriv --reuid tocsin-observer --regid tocsin-agent --clear-groups "$@"; }
may_not() { refused "authentication required" as_observer systemctl --no-ask-password "$@"; }
check "The observer runs as its own account" \
  test "$(on ps -o user:32= -p "$(main_pid web1 observer)")" = tocsin-observer
check "which may not restart a service that the rule does not name" may_not restart ssh.service
check "nor stop one that it names" may_not stop victim.service
check "which goes on" active victim

# ---- up is not enough: does it answer?

check "A restart after which the service answers is said to help" says "answers at banner" \
  chief restart-service web1 speaks.service --wait
check "One after which it is up and mute is said not to help" says "did not help" \
  chief restart-service web1 mute.service --wait
check "though systemd calls it active" is_judged mute.service service.running
check "and nothing restarts it again" test "$(starts_of mute)" = 2
on systemctl stop speaks

# ---- evidence first: a program that changed is not started again

on cp /usr/bin/sleep /usr/local/bin/changed
on sh -c 'echo /usr/local/bin/changed >>/var/lib/dpkg/info/coreutils.list
  echo "00000000000000000000000000000000  usr/local/bin/changed" >>/var/lib/dpkg/info/coreutils.md5sums'
check "A program that is not its package's is not restarted" says "not what its package installed" \
  chief restart-service web1 changed.service --wait
check "and did not start" on test ! -e /run/starts-changed

# ---- killed between the request and its answer

chief restart-service web1 slow.service >>"$work/log/said" 2>&1
began() { [ "$(starts_of slow)" = 2 ]; }
check "A slow restart begins" within 30 began
kill_half web1 observer
check "The observer is killed meanwhile and comes back" within 30 active tocsin-agent-observer
check "The service ends up running" within 30 active slow
check "and was started once" test "$(starts_of slow)" = 2

# ---- systemd restarts by itself

before=$(incidents)
hosts kill web1 phoenix
check "One crash that systemd answers at once leaves it running" within 30 is_judged phoenix.service service.running
check "is mentioned" within 30 gives_reason web1 service.restarted phoenix
check "and is no incident" test "$before" = "$(incidents)"
on systemctl start loop || true
check "A service that crashes again and again is a crash loop" within 30 is_judged loop.service service.crash_loop
on systemctl stop loop
on systemctl start limited || true
check "One that systemd gave up is seen with the reason" within 30 gives_reason web1 service.failed start-limit-hit
before=$(starts_of limited)
check "A restart does not lift systemd's limit" says "does not run: failed start-limit-hit" \
  chief restart-service web1 limited.service --wait
check "and started nothing" test "$(starts_of limited)" = "$before"

# ---- the host may do it by itself

hosts kill web1 healed
healed() { active healed && [ "$(starts_of healed)" = 2 ]; }
check "A service that the host's file names is restarted by itself" within 30 healed
hosts kill web1 healed
check "Once: the second failure stays" within 30 is_judged healed.service service.failed
check "and nobody starts it" test "$(starts_of healed)" = 2

# ---- not while somebody works on the host

sed -i '0,/^\[\[actions.restart/s//[actions]\nmaintenance = true\n\n&/' "$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
hosts kill web1 cured
check "A service that fails meanwhile is found" within 30 is_judged cured.service service.failed
check "Nobody has it restarted from afar" says "somebody works on it" \
  chief restart-service web1 cured.service --wait
check "nor does the agent by itself" test "$(starts_of cured)" = 1

# ---- processes

on cp /usr/bin/sleep /tmp/odd
on systemd-run -q --unit strange /tmp/odd 3607
check "A program of a folder that anybody may write is found" within 30 gives_reason web1 process.unexpected /tmp/odd
on systemctl stop strange
on cp /usr/bin/socat /usr/bin/socat.new
on systemd-run -q --unit upgraded /usr/bin/socat TCP-LISTEN:4001 /dev/null
on mv /usr/bin/socat.new /usr/bin/socat
check "A program that an upgrade replaced is said to need a restart" within 30 gives_reason web1 process.upgraded 1
check "and is no finding" not gives_reason web1 process.unexpected socat
hosts odd web1 $'\e[2Jroot\n'"$(printf '名%.0s' {1..60})"
check "A name full of escapes and newlines harms nobody" within 30 gives_reason web1 process.unexpected /var/tmp/odd
printed() {
  ctl hosts web1 >"$work/printed" && grep -q /var/tmp/odd "$work/printed" || return 2
  grep -q $'\e\\[2J' "$work/printed"
}
check "and reaches no terminal" not printed
cases_end
