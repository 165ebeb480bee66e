#!/bin/bash
# Ports and who uses them (procedure M-07, M-08) where a single look would miss it: connections that are
# over before anybody looks, a listener in a network namespace of its own, a service over UDP. What
# everybody may use, and what stays inside the host, is no finding.
#
# sources.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Sources "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

on() { hosts exec web1 "$@"; }
# serve PORT: a service that answers and goes on; of the host, in the namespace of the unit's options.
serve() { on systemd-run -q --collect --unit "serve-$1" "${@:2}" /usr/bin/socat "TCP-LISTEN:$1,fork,reuseaddr" SYSTEM:"echo here"; }
# call COUNT ADDRESS HOST_ADDRESS PORT: so many connections one after the other, over as soon as they answer.
call() {
  "${lan[@]}" /usr/bin/python3 -c 'import socket, sys
for _ in range(int(sys.argv[1])):
    with socket.create_connection((sys.argv[3], int(sys.argv[4])), 5, (sys.argv[2], 0)) as there:
        there.recv(16)' "$@" 2>>"$work/log/callers"
}
open_sources() { found web1 --argjson count "$1" '[.[] | select(.closedAt == null and .code == "source.unexpected")] | length == $count'; }

begin_lab web1 || exit 1
hosts net lan ip addr replace 10.99.9.1/24 dev bridge0
hosts net lan ip addr replace 10.77.0.2/24 dev bridge0
for address in fd00:77::1 fd00:77::2; do hosts net lan ip addr replace "$address/64" dev bridge0 nodad; done
on ip addr replace fd00:77::11/64 dev eth0 nodad
for port in 7001 7002 7003; do serve "$port" || exit 1; done
on systemd-run -q --collect --unit serve-7004 /usr/bin/socat TCP6-LISTEN:7004,fork,reuseaddr,ipv6only SYSTEM:"echo here" || exit 1
on systemd-run -q --collect --unit takes-logs /usr/bin/socat -u UDP-RECV:514 STDOUT || exit 1
install_agent web1 || exit 1
printf '\n[[checks]]\nkind = "sockets"\ninterval = "2s"\ndeadline = "2s"\n' >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
begin_site ROOM <<TOML || exit 1
[grading]
stable = "3s"

$(on tocsin-agent baseline propose --name plain)

[[baselines.sources]]
protocol = "tcp"
port = 7001
networks = ["10.77.0.0/24"]

[[baselines.sources]]
protocol = "tcp"
port = 7003
networks = ["10.77.0.1/32"]

[[baselines.sources]]
protocol = "tcp"
port = 7004
networks = ["fd00:77::1/128"]

[[baselines.sources]]
protocol = "udp"
port = 514
networks = ["10.77.0.0/24"]

[[hosts]]
host = "*"
baseline = "plain"
TOML
start_agents || exit 1
# ---- what nobody can tell

check "Who sends to a service over UDP cannot be told, and that is said" within 20 says web1 'sockets - cannot_tell source.udp_unseen port=514' || { page web1; exit 1; }
on systemctl stop takes-logs
check "Without it all is normal" within 20 says web1 'sockets - normal port.ok' || { page web1; exit 1; }

# ---- who comes

call 3 10.77.0.1 10.77.0.11 7001
on bash -c 'exec 3<>/dev/tcp/127.0.0.1/7001 && read -r line <&3' || exit 1
call 3 10.99.9.1 10.77.0.11 7002
sleep 6
check "Who comes from an approved network, from the host itself, or to a service that everybody may use is no finding" open_sources 0
call 20 10.99.9.1 10.77.0.11 7001
check "Connections that were over at once are seen" within 20 finds web1 source.unexpected 'tcp 7001 10.99.9.0/24'
sleep 4
check "as one finding for the service and the source, however many they were" open_sources 1

# ---- who listens, where only that namespace's tables show it

serve 4444 -p PrivateNetwork=yes || exit 1
check "A listener in a network namespace of its own is found" within 30 finds web1 port.unexpected 'tcp any 4444'
on systemctl stop serve-4444
check "and over when it has ended" within 30 not finds web1 port.unexpected

# ---- rules that are finer than a network

on bash -c 'exec 3<>/dev/tcp/127.0.0.1/7003 && read -r line <&3' || exit 1
call 3 10.77.0.1 10.77.0.11 7003
call 3 fd00:77::1 fd00:77::11 7004
sleep 6
check "The one address that may use it is no finding" not finds web1 source.unexpected 'tcp 7003'
check "and nothing about it cannot be told" not says web1 'sockets - … source.too_coarse'
call 3 10.77.0.2 10.77.0.11 7003
check "Its neighbour in the same network is one" within 60 finds web1 source.unexpected 'tcp 7003 10.77.0.2'
call 3 fd00:77::2 fd00:77::11 7004
check "of IPv6 too" within 60 finds web1 source.unexpected 'tcp 7004 fd00:77::2'
check "who may is none still" not finds web1 source.unexpected 'tcp 7003 10.77.0.1'
cases_end
