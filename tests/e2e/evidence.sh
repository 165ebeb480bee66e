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

silent() { holds status -- --argjson count "$1" '.agentsSilent == $count'; }
evidence() { ask evidence show "$1" -- "$2"; }
state_is() { [ "$(evidence "$1" .evidence.state)" = "STATE_$2" ]; }
acts_of() { evidence "$1" '[.evidence.custody[].act | sub("CUSTODY_ACT_"; "")] | join(" ")'; }
# Bytes of what has not arrived as a whole.
arriving() { find "$store/parts" -type f -printf '%s\n' 2>/dev/null | awk '{s += $1} END {print s + 0}'; }
arrives() { [ "$(arriving)" -gt "$1" ]; }
signed() {
  (cd "$1" && openssl dgst -sha256 -verify agent.pub.pem -signature MANIFEST.sig MANIFEST) \
    >>"$work/log/openssl" 2>&1
}
summed() { (cd "$1" && sha256sum --check --strict --quiet MANIFEST) >>"$work/log/sha256sum" 2>&1; }
# kept FOLDER WORDS: "HASH FILE" of each item whose block of the manifest has the line. What is missing
# has such lines too, and no file.
kept() {
  awk -v line="# $2" '$0 == "#" {item = has = 0}
    $0 == "# item" {item = 1}
    $0 == line {has = item}
    /^[^#]/ && has {print $1, substr($0, 67)}' "$1/MANIFEST"
}
is_missing() {
  awk -v line="# $2" '$0 == "#" {missing = 0}
    $0 == "# missing" {missing = 1}
    $0 == line && missing {there = 1}
    END {exit !there}' "$1/MANIFEST"
}
# has_item FOLDER WORDS: such an item, with something in it.
has_item() {
  local hash file
  read -r hash file < <(kept "$1" "$2")
  [ -n "$hash" ] && [ -s "$1/$file" ]
}
# has_in_store FOLDER WORDS: the same, and the collector has it.
has_in_store() {
  local hash
  has_item "$1" "$2" || return 1
  hash=$(kept "$1" "$2" | head -n 1 | cut -d ' ' -f 1)
  [ -s "$store/objects/${hash:0:2}/$hash" ]
}
# In the export format of the host's journal, with what the host wrote there.
has_journal() {
  local hash file
  read -r hash file < <(kept "$1" "what journal")
  grep -aqx "MESSAGE=$marker" "$1/$file"
}
# A machine without a screen has none, and the evidence says so.
has_console() {
  if [ "$(hosts exec tsm1 head -c 4 /dev/vcsa1 2>/dev/null | wc -c)" = 4 ]; then
    has_in_store "$1" "what console"
  else
    is_missing "$1" "what console"
  fi
}

begin_lab tsm1 tsm2 || exit 1
for host in tsm1 tsm2; do install_agent "$host" || exit 1; done

# ---- on the host, with no collector

hosts exec tsm1 mkdir -p /var/log/audit
hosts exec tsm1 sh -c 'echo "type=USER_LOGIN msg=audit(1:1): res=failed" >/var/log/audit/audit.log'
check "A host's administrator collects with no collector" \
  hosts exec tsm1 tocsin-agent evidence collect --to /root/evidence --reason "M-11" || exit 1
mkdir "$work/alone"
hosts exec tsm1 tar -C /root/evidence -cf - . | tar -C "$work/alone" -xf -
check "and sha256sum verifies it" summed "$work/alone"
check "with the audit log" has_item "$work/alone" "source /var/log/audit/audit.log"
check "and that it has no console yet" is_missing "$work/alone" "what console"

# ---- a site

printf '[grading]\nagent_silent_after = "10s"\n' | make_site EVIDENCE || exit 1
add_person chen officer || exit 1
store=$(sed -n 's/^directory = "\(.*\)"/\1/p' "$work/site/collector.toml")/evidence
# A console, as a machine with a screen has it.
hosts exec tsm1 mknod /dev/vcsa1 c 7 129
hosts exec tsm1 mknod /dev/vcsu1 c 7 65
start_collector
check "The collector answers" within 30 collector_answers || exit 1
for host in tsm1 tsm2; do
  check "$host enrols" enrol_agent "$host" || exit 1
  check "$host runs the agent" start_agent "$host" || exit 1
done
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- by request, killed half way

hosts exec tsm1 sh -c 'head -c 60000000 /dev/urandom >/var/log/large.log'
hosts slow tsm1 100
marker="evidence of $$"
hosts exec tsm1 logger "$marker"
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
check "The desk may not export it" refused "may not" ctl --lang en evidence export E-1 --to "$work/export"
check "An officer exports it" as chen evidence export E-1 --to "$work/export" --reason "for the file" ||
  exit 1
check "openssl verifies the signature" signed "$work/export"
check "sha256sum verifies every file" summed "$work/export"
check "with the log that was on its way" has_in_store "$work/export" "source /var/log/large.log"
check "and the host's journal" has_in_store "$work/export" "what journal"
check "with what was written there" has_journal "$work/export"
check "and the text of its console" has_console "$work/export"
for what in sockets processes network kernel services; do
  check "and its $what" has_in_store "$work/export" "what $what"
done
check "and the export is in its custody" test "$(acts_of E-1 | awk '{print $NF}')" = EXPORTED

# ---- a collector that is killed before the host was asked

hosts cut tsm1
check "The desk asks a host that cannot be reached" \
  ctl evidence collect tsm1 --within 3m --reason "cut off"
kill_collector
check "The collector is killed, and comes back" within 30 collector_answers
hosts undo cut tsm1
check "It asks again, and the host's evidence arrives" within 90 state_is E-2 RECEIVED

# ---- tampered with

large=$(kept "$work/export" "source /var/log/large.log" | cut -d ' ' -f 1)
object=$store/objects/${large:0:2}/$large
chmod 600 "$object"
printf x | dd of="$object" bs=1 seek=1000 conv=notrunc status=none
check "A changed byte is found, and its file is named" refused large.log ctl evidence verify E-1
printf x | dd of="$work/export/MANIFEST" bs=1 seek=40 conv=notrunc status=none
check "and openssl finds a changed manifest" not signed "$work/export"

# ---- a dead host

hosts down tsm2
check "A host dies" within 60 silent 1
check "Its evidence is asked for and cannot be had" \
  refused "E-3" ctl evidence collect tsm2 --within 5s --wait --timeout 30s --reason "dead"
check "with the reason" state_is E-3 UNOBTAINABLE
check "which says that it does not answer" test \
  "$(evidence E-3 '.evidence.problem.parameters[] | select(.name == "why") | .value')" = \
  "@evidence_why.silent"
# evidence_says LANGUAGE ID WORDS: on the screen of who reads that language.
evidence_says() { ctl --lang "$1" evidence show "$2" | grep -q "$3"; }
last=$(evidence E-3 '.evidence.problem.parameters[] | select(.name == "last_seen") | .value')
check "In Chinese it is 無法取得" evidence_says zh-TW E-3 '^狀態 .*無法取得'
check "with the reason, when it was last heard and who asked" \
  evidence_says zh-TW E-3 "tsm2 的證據無法取得：主機失聯。.* 最後回報 $last，要求者 admin"
check "and the same in English" \
  evidence_says en E-3 "tsm2 could not be had: the host does not answer. .*Last heard $last, asked for by admin"
check "Somebody who stood before it says so earlier" ctl evidence collect tsm2 --reason "dead"
check "as an officer, with a witness" as chen evidence give-up E-4 --witness "Lin" --reason "the disk is gone"
check "which is how it is recorded" state_is E-4 UNOBTAINABLE
check "in Chinese" evidence_says zh-TW E-4 '無法取得：the disk is gone　宣告者 chen，見證人 Lin'
check "in English" evidence_says en E-4 'cannot be had: the disk is gone Said by chen, seen by Lin'
check "and in its custody" test "$(acts_of E-4)" = "ASKED UNOBTAINABLE"
check "and the journal's chain is whole" ctl audit verify
cases_end
