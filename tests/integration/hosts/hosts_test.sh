#!/bin/bash
# The test hosts are what the other tests take them for: real systemd, their own network, and nothing
# left behind. hosts_test.sh RESULTS.xml
set -u
cd "$(dirname "$0")/../../.." || exit 1
# shellcheck source=../../support/cases.sh
. tests/support/cases.sh
cases_begin Hosts "${1:?results}"

hosts() { tests/support/hosts "$@"; }
export TOCSIN_LAB=ht$$ TOCSIN_LAB_OWNER=$$
work=$(mktemp -d)
cleanup() {
  hosts lan-down
  rm -rf "$work"
  [ -n "$cases_ended" ] || cases_write
}
trap cleanup EXIT

pings() { hosts exec "$1" ping -q -c 1 -W 1 "$2" >/dev/null; }
no_ping() { ! pings "$@"; }
service_state() { [ "$(hosts exec one systemctl show -P "$1" probe.service)" = "$2" ]; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
hosts up one 10.77.0.11 &
hosts up two 10.77.0.12 &
wait
check "Two hosts start real systemd side by side" hosts wait one two || exit 1
check "A host has a name of its own" test "$(hosts exec two hostname)" = two
check "Hosts reach each other" pings one 10.77.0.12
check "This machine reaches them from the lab's network" \
  hosts net lan timeout 5 bash -c ': </dev/tcp/10.77.0.11/22'
hosts cut two
check "A cut cable cuts" no_ping one 10.77.0.12
hosts undo cut two
check "A plugged cable heals" within 5 pings one 10.77.0.12

printf '[Service]\nExecStart=/bin/sleep 600\nDynamicUser=yes\n' >"$work/probe.service"
hosts put one "$work/probe.service" /etc/systemd/system/probe.service
hosts exec one systemctl daemon-reload
hosts exec one systemctl start probe.service
check "A unit that was put in runs" within 5 service_state ActiveState active
main=$(hosts exec one systemctl show -P MainPID probe.service)
hosts exec one kill -9 "$main"
check "Its end is seen by systemd" within 5 service_state Result signal

hosts down one two
check "A host that is down leaves no network" test ! -e "/run/netns/tocsin-$TOCSIN_LAB-one"
hosts lan-down
check "A lab that is down leaves nothing mounted" \
  bash -c "! grep -q '/run/tocsin-labs/$TOCSIN_LAB/' /proc/self/mounts"
check "and no folder" test ! -e "/run/tocsin-labs/$TOCSIN_LAB"
check "and no group of processes" \
  bash -c "! find /sys/fs/cgroup -maxdepth 2 -type d -name 'tocsin-$TOCSIN_LAB-*' | grep -q ."
cases_end
