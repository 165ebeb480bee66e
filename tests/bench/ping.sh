#!/bin/bash
# Pings against what one would run instead, in two network namespaces of its own joined by a cable.
# Needs root. ping.sh BUILD fping|nmap ROUNDS: a line "peer_ms=… ours_ms=…" for each round.
#
# fping: 4,096 addresses, all of them answer. nmap: 254, of which every second one is silent.
set -eu
bin=$(realpath "$1")/bin
here=tocsin-bench-$$-here
there=tocsin-bench-$$-there
list=$(mktemp "${TMPDIR:-/tmp}/tocsin-ping.XXXXXX")
cleanup() {
  ip netns del "$here" 2>/dev/null || true
  ip netns del "$there" 2>/dev/null || true
  rm -f "$list" "$list.output"
}
trap cleanup EXIT
ip netns add "$here"
ip netns add "$there"
ip -n "$here" link add cable type veth peer name cable netns "$there"
for side in here there; do
  ip -n "${!side}" link set lo up
  ip -n "${!side}" link set cable up
  ip netns exec "${!side}" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
done
ip -n "$here" addr add 10.98.0.1/30 dev cable
ip -n "$there" addr add 10.98.0.2/30 dev cable
ip -n "$here" route add 10.99.0.0/16 via 10.98.0.2
ip -n "$there" route add blackhole 10.99.0.0/16
case $2 in
  fping)
    ip -n "$there" route add local 10.99.0.0/20 dev lo
    for a in $(seq 0 15); do for b in $(seq 0 255); do echo "10.99.$a.$b"; done; done >"$list"
    live=4096 ;;
  nmap)
    for b in $(seq 1 254); do
      echo "10.99.16.$b"
      [ $((b % 2)) = 0 ] || echo "route add local 10.99.16.$b/32 dev lo" >&3
    done >"$list" 3>"$list.output"
    ip -n "$there" -batch "$list.output"
    live=127 ;;
esac
ip netns exec "$here" "$bin/bench_ping" "$2" "$list" "$live" "$3"
