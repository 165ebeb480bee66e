#!/bin/bash
# What becomes of baselines that somebody decides against, or that come to their end (procedure M-07,
# M-28), with the real programs: one that is rejected changes nothing and says why; an approval's end is
# an incident before it comes, and past it the answer is that nobody can tell. The collector's clock is
# moved to get there.
#
# decide.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Decide "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

# ports_are VERDICT [REASON]: what holds for web1, and why.
ports_are() {
  holds hosts web1 -- --arg verdict "VERDICT_$1" --arg reason "${2:-}" 'any(.hosts[0].checks[];
    .check.kind == "CHECK_KIND_SOCKETS" and .verdict == $verdict and
    ($reason == "" or any(.reasons[]; .code == $reason)))'
}
is_in_force() { holds baseline show web1 -- --argjson version "$1" '.baseline.version == $version and .baseline.status == "STATUS_APPROVED"'; }
lists_port() { holds baseline show web1 -- --argjson port "$1" 'any(.baseline.entries[]; .entry.port == $port)'; }
is_rejected() {
  holds baseline review "$1" -- '.baseline.status == "STATUS_REJECTED" and .baseline.version == 0 and
    .baseline.decided.by.name == "chen" and .baseline.decided.reason == "nobody asked for 4444"'
}
# reads LANGUAGE WORDS COMMAND…: a person who asks so is told these words, wherever the lines break.
reads() {
  local language=$1 words=$2
  shift 2
  ctl --lang "$language" "$@" | tr -s ' \n' ' ' | grep -q -- "$words"
}
ends_soon() { holds incidents -- '[.incidents[] | select(.title.code == "baseline.ends")] | length == 1 and .[0].recoveredAt == null'; }
has_recovered() { holds incidents -- '[.incidents[] | select(.title.code == "baseline.ends")] | length == 1 and .[0].recoveredAt != null'; }

# The collector's wall clock, by the library that hosts have for theirs. It looks every ten seconds.
preload=$(cd "$(hosts rootfs)" && echo "$PWD"/usr/lib/*/faketime/libfaketime.so.1) || exit 1
collector_environment=("LD_PRELOAD=$preload" "FAKETIME_TIMESTAMP_FILE=$work/clock"
  FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1)
clock_is() {
  echo "$1" >"$work/clock.new"
  mv "$work/clock.new" "$work/clock"
}
clock_is +0

hosts lan || exit 1
agents=(web1)
hosts up web1 10.77.0.11
check "A host is up" hosts wait web1 || exit 1
install_agent web1 || exit 1
make_site DECIDE <<'TOML' || exit 1
[grading]
stable = "5s"

[[hosts]]
host = "web1"

[[hosts.checks]]
kind = "sockets"
interval = "1s"
deadline = "1s"
TOML
{ add_person lee duty && add_person chen officer; } || exit 1
start_collector
check "The collector answers" within 30 collector_answers || exit 1
check "web1 enrols" enrol_agent web1 || exit 1
check "web1 runs the agent" start_agent web1 || exit 1
check "Nothing is approved" within 60 ports_are CANNOT_TELL baseline.none || exit 1
check "lee proposes what web1 showed" as lee baseline propose web1 --reason "new host" || exit 1
check "chen approves it for an hour" \
  as chen baseline approve "$(proposed HOST)" --for 1h --reason "until the review" || exit 1
check "web1's ports are normal" within 30 ports_are NORMAL

# ---- rejected

listen_on web1 4444
check "A new listener is abnormal" within 30 ports_are ABNORMAL port.unexpected
check "lee proposes what web1 shows now" as lee baseline propose web1 --reason "as it is" || exit 1
id=$(proposed HOST)
check "which waits for somebody else" reads en "tocsinctl baseline approve $id" baseline review "$id"
check "lee may not reject it" declined command.not_permitted as lee baseline reject "$id" --reason "mine"
check "nor chen without a reason" refused reason as chen baseline reject "$id"
check "chen rejects it" as chen baseline reject "$id" --reason "nobody asked for 4444" || exit 1
check "It says by whom and why" is_rejected "$id"
check "in English" reads en "Rejected by chen.*nobody asked for 4444" baseline review "$id"
check "and in Chinese" reads zh-TW "退回者.*chen.*nobody asked for 4444" baseline review "$id"
check "Nothing waits any more" holds baseline review -- '.baselines == []'
check "It cannot be approved later" \
  declined command.no_proposal as chen baseline approve "$id" --for 1h --reason "after all"
check "The one before is in force" is_in_force 1
check "which does not have the listener" not lists_port 4444
check "and the listener stays abnormal" ports_are ABNORMAL port.unexpected
stop_listening_on web1 4444
check "until it goes" within 30 ports_are NORMAL

# ---- an approval that ends

check "Nobody is told of an end that is far" not has_incident baseline.ends
clock_is +3000
check "Ten minutes before the end there is an incident" within 60 ends_soon
check "and the ports are still compared" within 30 ports_are NORMAL
check "with what is in force" reads en "in force" baseline list web1
clock_is +3900
check "Past its end nobody can tell" within 60 ports_are CANNOT_TELL baseline.expired
check "which the list says in English" reads en expired baseline list web1
check "and in Chinese" reads zh-TW 已到期 baseline list web1
check "The incident is still open" ends_soon
check "lee proposes it anew" as lee baseline propose web1 --reason "as before" || exit 1
check "chen approves it" \
  as chen baseline approve "$(proposed HOST)" --for 30d --reason "looked at it" || exit 1
check "The ports are normal again" within 30 ports_are NORMAL
check "by the second version" is_in_force 2
check "and the incident has recovered" within 60 has_recovered
check "The journal's chain is whole" ctl audit verify
cases_end
