#!/bin/bash
# Ping from other machines (procedure M-01) with the real programs: a host that filters ICMP is not
# down, a broken path between two and a vantage that is cut off call nobody, and a host that nobody
# reaches is confirmed, with who reaches whom, to the network management group.
#
# reach.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Reach "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

target=10.77.0.11
# What the check of the target says on a host: a filter of jq on it.
ping_on() { holds hosts "$1" -- --arg target "$target" --arg wanted "$2" "any(.hosts[0].checks[] | select(.check.target == \$target); $3)"; }
says() { ping_on "$1" "$2" 'any(.reasons[]; .code == $wanted)'; }
answers_by() { ping_on "$1" "PING_METHOD_$2" '.observation.ping.method == $wanted'; }
incidents() { ask incidents -- ".incidents[] | $1"; }
no_incident() { holds incidents -- '.incidents == []'; }
is_down() { [ "$(incidents 'select(.kind == "network" and .hostName == "db1" and .closedAt == null) | .title.code' | tail -n 1)" = reach.host_down ]; }
has_recovered() { holds incidents -- '[.incidents[] | select(.kind == "network")] | length == 1 and .[0].recoveredAt != null'; }
ctl_says() {
  local wanted=$1
  shift
  ctl "$@" | grep -q "$wanted"
}
explains() { ctl explain "$1" | tr -s ' \n' ' ' | grep -q "$2"; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(db1 web1 web2)
hosts up db1 10.77.0.11 &
hosts up web1 10.77.0.12 &
hosts up web2 10.77.0.13 &
hosts up old1 10.77.0.14 &
wait
check "Three hosts are up" hosts wait "${agents[@]}" || exit 1
check "and one that gets no agent" hosts wait old1 || exit 1
for host in "${agents[@]}"; do
  install_agent "$host" || exit 1
done

{
  cat <<'TOML'
[grading]
stable = "5s"
agent_silent_after = "6s"

[[baselines]]
name = "ssh"
version = 1

[[baselines.listeners]]
protocol = "tcp"
port = 22

TOML
  printf '[[hosts]]\nbaseline = "ssh"\nhost = "nt-print"\naddress = "10.77.0.14"\n\n'
  for host in db1:11:A web1:12:B web2:13:C; do
    IFS=: read -r name number rack <<<"$host"
    printf '[[hosts]]\nbaseline = "ssh"\nhost = "%s"\naddress = "10.77.0.%s"\nrack = "%s"\ntcp_port = 22\n\n' \
      "$name" "$number" "$rack"
    if [ "$name" = db1 ]; then
      printf '[[hosts.checks]]\nkind = "sockets"\ninterval = "2s"\ndeadline = "2s"\n\n'
    else
      printf '[[hosts.checks]]\nkind = "ping"\ntarget = "%s"\npackets = 2\ntcp_port = 22\n' "$target"
      printf 'interval = "4s"\ndeadline = "4s"\n\n'
      printf '[[hosts.checks]]\nkind = "answer"\ntarget = "banner://10.77.0.14:22"\n'
      printf 'interval = "4s"\ndeadline = "4s"\n\n'
    fi
  done
  mail_to_duty
  cat <<'TOML'

[[contacts]]
name = "network management"
role = "working_group"
channel = "mail"
address = "network@site.example"
language = "zh-TW"
group = "network"
TOML
} | make_site REACH || exit 1
start_mailbox
start_collector
check "The collector answers" within 30 collector_answers || exit 1
for host in "${agents[@]}"; do
  enrol_agent "$host" || exit 1
  start_agent "$host" || exit 1
done
check "All agents are heard" within 30 heard 3 || exit 1
check "web1 reaches db1" within 30 says web1 ping.ok
check "and so does web2" within 30 says web2 ping.ok

# ---- what is no break

hosts block db1 icmp
check "A host that filters ICMP answers by its port" within 30 answers_by web1 TCP
check "and is no break" says web1 ping.ok
hosts block db1 tcp/22
check "One that filters everything still answers ARP" within 30 says web1 ping.neighbour_only
hosts undo block db1 tcp/22
hosts undo block db1 icmp
check "It answers as before" within 30 says web1 ping.ok

hosts part web1 db1
check "A path that is broken between two is called that" within 30 says web1 reach.path
hosts undo part web1 db1
check "and heals" within 30 says web1 ping.ok

hosts part web1 db1
hosts exec web1 ip route replace default via 10.77.0.99
check "A vantage without its gateway is called that" within 30 says web1 reach.vantage
hosts exec web1 ip route replace default via 10.77.0.1
hosts undo part web1 db1
check "and sees again" within 30 says web1 ping.ok
check "None of this is an incident" no_incident
check "and nobody was told" no_mail

# ---- a break

hosts cut db1
check "A host that nobody reaches is confirmed down" within 40 is_down || exit 1
incident=$(incidents 'select(.kind == "network") | .id')
check "It is one incident" test "$(incidents .id | wc -l)" = 1
check "The network management group has mail" within 30 has_mail network@site.example
network_mail_says() { deploy/mailbox.py "$work/mailbox" network@site.example | grep -qF "$1"; }
check "in its language" network_mail_says '斷線確認'
check "with who reaches whom" network_mail_says 'web1 [B] ✗ (GW ✓)'
check "from another rack too" network_mail_says 'web2 [C] ✗ (GW ✓)'
check "and from the collector, which has no gateway" network_mail_says 'collector ✗ (LAN ✓)'
check "The duty desk has it too" within 30 has_mail duty@site.example
check "explain shows the matrix" explains "$incident" 'web1 \[B\] ✗'
hosts undo cut db1
check "It recovers when the host is back" within 60 has_recovered

# ---- a break behind a gateway that answers no ping

is_down_now() {
  holds incidents -- 'any(.incidents[]; .kind == "network" and .hostName == "db1" and
    .recoveredAt == null and .title.code == "reach.host_down")'
}
is_up_again() { holds incidents -- '[.incidents[] | select(.kind == "network" and .recoveredAt == null)] == []'; }
"${lan[@]}" nft 'add table inet deaf; add chain inet deaf heard { type filter hook input priority 0; };
  add rule inet deaf heard icmp type echo-request drop'
gateway_is_deaf() { not hosts exec web1 ping -c 1 -W 1 10.77.0.1 >/dev/null; }
check "The gateway answers no ping any more" gateway_is_deaf
hosts cut db1
check "A host that is gone is confirmed all the same" within 60 is_down_now
hosts undo cut db1
check "and recovers" within 60 is_up_again
"${lan[@]}" nft delete table inet deaf

# ---- a host without an agent (procedure M-01, M-02, M-07 as far as others can see)

page() { ask hosts nt-print -- ".hosts[0].checks[] | $1"; }
outside() { [ "$(page 'select(.check.kind == "CHECK_KIND_ANSWER") | .verdict' | sort -u)" = "$1" ]; }
inside() { page 'select(.reasons[0].code == "agentless.not_seen") | .verdict' | sort -u; }
its_incidents() { incidents 'select(.hostName == "nt-print") | .title.code'; }
is_old_broken() { [ "$(its_incidents)" = answer.failed ]; }
check "A host without an agent has a page of what others see" within 30 outside VERDICT_NORMAL
check "whose inside nobody can tell" test "$(inside)" = VERDICT_CANNOT_TELL
check "and which is said to have no agent" ctl_says 'no agent' hosts
hosts quit old1 ssh.service
check "Its service that does not answer is its incident" within 30 is_old_broken
check "and one, though two see it" test "$(its_incidents | wc -l)" = 1

# ---- looked at from outside

saw() {
  holds hosts web2 -- --arg target "$1" --arg code "$2" \
    'any(.hosts[0].checks[] | select(.check.target == $target); any(.reasons[]; .code == $code))'
}
scan() { ctl run-check web2 "port_scan:$target" >/dev/null; }
# One scan at a time: a thousand of them asked for at once would keep the host from its own checks.
finds() { scan && within 6 saw "$target" "$1"; }
check "A scan finds what was approved" within 30 finds port_scan.ok
hosts listen db1 999
check "and a port that nobody approved" within 30 finds port.answers
hosts undo listen db1 999
check "which goes" within 30 finds port_scan.ok
hosts exec db1 nft 'add table ip hide; add chain ip hide in { type nat hook prerouting priority -100; }; add rule ip hide in tcp dport 777 redirect to :22'
check "A port that answers and that the host does not list is found" within 30 finds port.hidden
hosts exec db1 nft delete table ip hide
check "The SSH server says who it is" ctl run-check web2 "answer:banner://$target:22"
check "as it should" within 30 saw "banner://$target:22" answer.ok
hosts quit db1 ssh.service
check "One that was stopped does not answer" ctl run-check web2 "answer:banner://$target:22"
check "which is said" within 30 saw "banner://$target:22" answer.failed
check "What a host's own file does not allow is not probed" ctl run-check web2 'answer:tcp://10.78.0.1:22'
check "and that is said" within 30 saw 'tcp://10.78.0.1:22' probe.not_allowed

# ---- a check that the policy takes away

is_left() {
  holds incidents -- '[.incidents[] | select(.hostName == "nt-print")] |
    length == 1 and .[0].undecided == true and .[0].recoveredAt == null'
}
without_answers() { awk 'BEGIN { RS = ""; ORS = "\n\n" } !/kind = "answer"/' "$work/site/site.toml"; }
without_answers >"$work/shorter.toml" && cp "$work/shorter.toml" "$work/site/site.toml"
kill -HUP "$(cat "$work/collector.pid")"
check "What nobody looks at any more is not over" within 30 is_left
check "and the duty desk is asked to decide" within 30 has_mail 'not watched any more, decide'

# ---- everything is dark

dark() { incidents 'select(.recoveredAt == null and .title.code == "collector.dark") | .title.code'; }
is_dark() { [ "$(dark)" = collector.dark ]; }
silences() { holds incidents -- '[.incidents[] | select(.title.code == "agent.silent")] == []'; }
cuts=()
for host in "${agents[@]}"; do
  hosts cut "$host" &
  cuts+=($!)
done
wait "${cuts[@]}"
check "A collector that hears nobody suspects itself" within 40 is_dark
check "with mail to the duty desk" within 30 has_mail 'the collector itself may be cut off'
check "and without an incident for each host" silences
cases_end
