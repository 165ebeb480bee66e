#!/bin/bash
# Evidence from real hosts, with the real programs: collected on one host with no collector, then by
# request with the link killed half way, and with the collector killed before the host was asked,
# verified with openssl and sha256sum alone, tampered with and found, and not to be had of a dead host.
# evidence.sh BUILD RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Evidence "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

heard() { [ "$(ctl status -o json | jq .agentsHeard)" = "$1" ]; }
silent() { [ "$(ctl status -o json | jq .agentsSilent)" = "$1" ]; }
officer() {
  "${lan[@]}" "$bin/tocsinctl" --collector 10.77.0.1:8443 --server-name collector \
    --ca "$work/site/ca.pem" --cert "$work/site/operators/chen.pem" \
    --key "$work/site/operators/chen.key" "$@"
}
evidence() { ctl evidence show "$1" -o json; }
state_is() { [ "$(evidence "$1" 2>/dev/null | jq -r .evidence.state)" = "STATE_$2" ]; }
acts_of() { evidence "$1" | jq -r '[.evidence.custody[].act | sub("CUSTODY_ACT_"; "")] | join(" ")'; }
# Bytes of what has not arrived as a whole.
arriving() { find "$store/parts" -type f -printf '%s\n' 2>/dev/null | awk '{s += $1} END {print s + 0}'; }
arrives() { [ "$(arriving)" -gt "$1" ]; }
signed() {
  (cd "$1" && openssl dgst -sha256 -verify agent.pub.pem -signature MANIFEST.sig MANIFEST) \
    >>"$work/log/openssl" 2>&1
}
summed() { (cd "$1" && sha256sum --check --strict --quiet MANIFEST) >>"$work/log/sha256sum" 2>&1; }
has_item() { grep -q "^# source $2\$" "$1/MANIFEST"; }
fails() { ! "$@" >>"$work/log/refused" 2>&1; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(tsm1 tsm2)
hosts up tsm1 10.77.0.11 &
hosts up tsm2 10.77.0.12 &
wait
check "Two hosts are up" hosts wait tsm1 tsm2 || exit 1
for host in tsm1 tsm2; do install_agent "$host" || exit 1; done

# ---- on the host, with no collector

hosts exec tsm1 mkdir -p /var/log/audit
hosts exec tsm1 sh -c 'echo "type=USER_LOGIN msg=audit(1:1): res=failed" >/var/log/audit/audit.log'
check "A host's administrator collects with no collector" \
  hosts exec tsm1 tocsin-agent evidence collect --to /root/evidence --reason "M-11" || exit 1
mkdir "$work/alone"
hosts exec tsm1 tar -C /root/evidence -cf - . | tar -C "$work/alone" -xf -
check "and sha256sum verifies it" summed "$work/alone"
check "with the audit log" has_item "$work/alone" /var/log/audit/audit.log
check "and what could not be had" grep -q '^# reason ' "$work/alone/MANIFEST"

# ---- a site

"$bin/tocsin-collector" init --dir "$work/site" --site EVIDENCE --dns collector --ip 10.77.0.1 \
  --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
  >"$work/log/init" || exit 1
"$bin/tocsin-collector" operator add --config "$work/site/collector.toml" chen --role officer \
  >>"$work/log/init" || exit 1
printf '[site]\nname = "EVIDENCE"\n\n[grading]\nagent_silent_after = "10s"\n' >"$work/site/site.toml"
store=$(sed -n 's/^directory = "\(.*\)"/\1/p' "$work/site/collector.toml")/evidence
# A console, as a machine with a screen has it.
hosts exec tsm1 mknod /dev/vcsa1 c 7 129
hosts exec tsm1 mknod /dev/vcsu1 c 7 65
start_collector
check "The collector answers" within 20 collector_answers || exit 1
for host in tsm1 tsm2; do
  check "$host enrols" enrol_agent "$host" || exit 1
  check "$host runs the agent" start_agent "$host" || exit 1
done
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- by request, killed half way

hosts exec tsm1 sh -c 'head -c 60000000 /dev/urandom >/var/log/large.log'
hosts slow tsm1 100
check "The desk asks a host for its evidence" ctl evidence collect tsm1 --reason "unexpected port"
check "It is on its way" within 60 arrives 5000000
kill_half tsm1 link
half=$(arriving)
say_step "killed the link after $half bytes had arrived"
check "It goes on from there and arrives" within 60 state_is E-1 RECEIVED
hosts undo slow tsm1
check "as asked for, collected and received" \
  test "$(acts_of E-1 | tr ' ' '\n' | sort -u | tr '\n' ' ')" = "ASKED COLLECTED RECEIVED "
check "The collector finds it as it was received" ctl evidence verify E-1
check "The desk may not export it" fails ctl evidence export E-1 --to "$work/refused"
check "An officer exports it" officer evidence export E-1 --to "$work/export" --reason "for the file" ||
  exit 1
check "openssl verifies the signature" signed "$work/export"
check "sha256sum verifies every file" summed "$work/export"
check "with the log that was on its way" has_item "$work/export" /var/log/large.log
check "and the host's journal" grep -q '^# what journal$' "$work/export/MANIFEST"
check "and the text of its console" grep -q '^# what console$' "$work/export/MANIFEST"
check "and the export is in its custody" test "$(acts_of E-1 | awk '{print $NF}')" = EXPORTED

# ---- a collector that is killed before the host was asked

hosts cut tsm1
check "The desk asks a host that cannot be reached" \
  ctl evidence collect tsm1 --within 3m --reason "cut off"
kill_collector
check "The collector is killed, and comes back" within 20 collector_answers
hosts undo cut tsm1
check "It asks again, and the host's evidence arrives" within 90 state_is E-2 RECEIVED

# ---- tampered with

large=$(awk '/large.log$/ {print $1}' "$work/export/MANIFEST" | tail -n 1)
object=$store/objects/${large:0:2}/$large
chmod 600 "$object"
printf x | dd of="$object" bs=1 seek=1000 conv=notrunc status=none
check "A changed byte is found" fails ctl evidence verify E-1
check "and its file is named" grep -q 'large.log' "$work/log/refused"
printf x | dd of="$work/export/MANIFEST" bs=1 seek=40 conv=notrunc status=none
check "and openssl finds a changed manifest" fails signed "$work/export"

# ---- a dead host

hosts down tsm2
check "A host dies" within 60 silent 1
check "Its evidence is asked for and cannot be had" \
  fails ctl evidence collect tsm2 --within 5s --wait --timeout 30s --reason "dead"
check "with the reason" state_is E-3 UNOBTAINABLE
check "which says that it does not answer" test \
  "$(evidence E-3 | jq -r '.evidence.problem.parameters[] | select(.name == "why") | .value')" = \
  "@evidence_why.silent"
check "and the journal's chain is whole" ctl audit verify
cases_end
