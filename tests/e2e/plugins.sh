#!/bin/bash
# What other programs say of a host, with the real programs: Debian's monitoring plugins and a UPS that
# NUT simulates, plugins that crash or cannot be run, and what the host says of itself (disks, memory,
# clock). What these programs print is hostile until shown otherwise.
#
# plugins.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Plugins "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

on() { hosts exec web1 "$@"; }
plugin() { says web1 "plugin $1 $2"; }

# ---- what is installed there

bring_plugins() {
  local plugins=/usr/lib/nagios/plugins
  hosts bring web1 "$plugins"/check_{load,disk,procs,ups} /lib/nut/dummy-ups /lib/nut/upsd || return 1
  cat >"$work/noisy" <<'SH'
#!/bin/sh
printf '\033[2J\033]0;owned\007evil \377\376 \342\200\256 text | x=1;;;; \033[31m=5 '
head -c 1000000 /dev/zero | tr '\0' A
exit 1
SH
  hosts put web1 "$work/noisy" /usr/local/bin/noisy 755 || return 1
  broken 'echo fine' 755
}
# broken WORDS MODE: what one of the plugins does, a script of this test's.
broken() {
  printf '#!/bin/sh\n%s\n' "$1" >"$work/broken"
  hosts put web1 "$work/broken" /usr/local/bin/broken "$2"
}
# The UPS of the room, as NUT's server tells of it. ups WORDS: what it says, read again every second.
start_ups() {
  on mkdir -p /etc/nut
  printf '[room]\ndriver = dummy-ups\nport = room.dev\n' >"$work/ups.conf"
  printf 'LISTEN 127.0.0.1 3493\n' >"$work/upsd.conf"
  : >"$work/upsd.users"
  local name
  for name in ups.conf upsd.conf upsd.users; do hosts put web1 "$work/$name" "/etc/nut/$name" 640; done
  ups OL
  local places=(-E NUT_CONFPATH=/etc/nut -E NUT_STATEPATH=/etc/nut -E NUT_PIDPATH=/etc/nut -E NUT_ALTPIDPATH=/etc/nut)
  on systemd-run -q "${places[@]}" --unit ups /lib/nut/dummy-ups -a room -u root -D || return 1
  on systemd-run -q "${places[@]}" --unit upsd /lib/nut/upsd -u root -D
}
ups() {
  printf 'ups.status: %s\nups.load: 31\nbattery.charge: 98\ninput.voltage: 220\nTIMER 1\n' "$1" >"$work/room.dev"
  hosts put web1 "$work/room.dev" /etc/nut/room.dev
  # The driver reads it again when its time, in whole seconds, is another one.
  upses=$((${upses-0} + 1))
  on touch -d "$upses minutes" /etc/nut/room.dev
}
plugin_settings() {
  local plugins=/usr/lib/nagios/plugins name
  cat <<TOML

[[plugins]]
name = "load"
command = ["$plugins/check_load", "-w", "1000,1000,1000", "-c", "2000,2000,2000"]

[[plugins]]
name = "disk"
command = ["$plugins/check_disk", "-w", "20%", "-c", "10%", "-p", "/srv/data"]

[[plugins]]
name = "victims"
command = ["$plugins/check_procs", "-w", "0", "-c", "1", "-C", "victim"]

[[plugins]]
name = "confused"
command = ["$plugins/check_load", "-w", "what"]

[[plugins]]
name = "room"
command = ["$plugins/check_ups", "-H", "127.0.0.1", "-u", "room"]

[[plugins]]
name = "endless"
command = ["/bin/sh", "-c", "sleep 4711 & sleep 4711"]

[[plugins]]
name = "noisy"
command = ["/usr/local/bin/noisy"]

[[plugins]]
name = "broken"
command = ["/usr/local/bin/broken"]
TOML
  for name in load disk victims confused room endless noisy broken; do
    printf '\n[[checks]]\nkind = "plugin"\ntarget = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$name"
  done
  printf '\n[[checks]]\nkind = "metrics"\ninterval = "1s"\ndeadline = "1s"\n'
}
begin_lab web1 || exit 1
hosts disk web1 /srv/data 8 200
on cp /usr/bin/sleep /usr/local/bin/victim
check "with Debian's plugins" bring_plugins || exit 1
check "and a UPS" start_ups || exit 1
install_agent web1 || exit 1
plugin_settings >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
limits() {
  cat <<TOML
[grading]
stable = "3s"

# Whatever else is full on the machine that tests.
[limits.metrics]
disk_low_permille = 1000
disk_full_permille = 1000
memory_available_permille = $1
memory_stalled_permille = $2
TOML
}
begin_site PLUGINS < <(limits 50 100) || exit 1
start_agents || exit 1

# ---- what they say

check "A plugin that is content is normal" within 20 plugin load 'normal plugin.ok' || exit 1
check "So is a UPS on line" within 20 plugin room 'normal plugin.ok … output=UPS OK'
check "a disk with room" within 5 plugin disk 'normal plugin.ok'
check "and a count of none" within 5 plugin victims 'normal plugin.ok'
check "One that cannot tell cannot tell" within 5 plugin confused 'cannot_tell plugin.unknown'
check "One that never ends is killed and cannot tell" within 10 plugin endless 'cannot_tell run.past_deadline'
check "and finds nothing" not finds web1 plugin endless
left() { on sh -c 'pgrep -xf "sleep 4711" | wc -l'; }
few_left() { [ "$(left)" -le 2 ]; }
check "and nothing that it started is left" within 5 few_left

check "One of the site's own is normal" within 5 plugin broken 'normal plugin.ok … output=fine'
broken 'kill -SEGV $$' 755
check "When it crashes nobody can tell, and the signal is said" within 10 plugin broken 'cannot_tell run.error what=signal 11'
broken 'echo fine' 644
check "nor where it may not be executed" within 10 plugin broken 'cannot_tell run.error … Permission denied'
on rm /usr/local/bin/broken
check "nor where it is not there" within 10 plugin broken 'cannot_tell run.error … No such file'
broken 'no-such-program' 755
check "nor where what it calls is not there" within 10 plugin broken 'cannot_tell run.error what=status 127;…not found'
check "None of that is a finding" not finds web1 plugin broken
broken 'echo fine' 755
check "It is normal again when it is repaired" within 10 plugin broken 'normal plugin.ok'

on systemd-run -q --collect --unit victim1 /usr/local/bin/victim 3701
check "A plugin that warns is found" within 15 finds web1 plugin.warning victims
on systemd-run -q --collect --unit victim2 /usr/local/bin/victim 3702
check "one that is alarmed is found worse" within 15 finds web1 plugin.critical victims
on systemctl stop victim1 victim2
check "and over when it is content" within 15 not finds web1 plugin.critical victims
check "both" not finds web1 plugin.warning victims

ups OB
check "A room on battery is found" within 15 finds web1 plugin.warning room
ups 'OB LB'
check "and worse when the battery is low" within 15 finds web1 plugin.critical room
check "with the UPS's words" plugin room 'abnormal plugin.critical … output=UPS CRITICAL - Status=On Battery, Low Battery…'
ups OL
check "and over when the power is back" within 15 not finds web1 plugin.critical room

# ---- what is hostile

check "One that prints a megabyte of control characters is found" within 10 finds web1 plugin.warning noisy
printed() { ctl "$@" >"$work/printed" 2>&1 && iconv -f utf-8 -t utf-8 "$work/printed" >/dev/null; }
harmless() { printed "$@" && ! grep -q $'[\e\a]\|\xe2\x80\xae' "$work/printed"; }
check "Its words reach no terminal as they are" harmless hosts web1
check "nor a program" harmless hosts web1 -o json
check "nor who reads of the incident" harmless incidents
check "and are cut" test "$(wc -c <"$work/printed")" -lt 20000

# ---- how the host fares

hosts fill web1 /srv/data
check "A disk that fills is found" within 15 finds web1 disk.space_full /srv/data
check "by a plugin too" within 15 finds web1 plugin.critical disk
hosts undo fill web1 /srv/data
hosts crowd web1 /srv/data
check "One that can have no more files is found" within 15 finds web1 disk.inodes_full /srv/data
check "and has room again" not finds web1 disk.space_full
hosts undo crowd web1 /srv/data
check "Room ends it" within 15 not finds web1 disk
check "and what the plugin found" within 15 not finds web1 plugin.critical disk
# The memory is the whole machine's, so the limit is moved in place of it.
reload_limits() {
  { printf '[site]\nname = "PLUGINS"\n\n'; limits "$@"; } >"$work/site/site.toml"
  kill -HUP "$(cat "$work/collector.pid")"
}
reload_limits 1000 0
check "Memory below the site's limit is found" within 15 finds web1 memory.exhausted
# Little memory that no program waits for hinders nobody.
if [ -e /proc/pressure/memory ]; then
  reload_limits 1000 1000
  check "and over when no program waits for it, however little there is" within 15 not finds web1 memory.exhausted
fi
reload_limits 0 1000
check "and over above it" within 15 not finds web1 memory.exhausted
# A file system is the kernel's, its mounts have options of their own: one that is given up after an
# error is read-only below a mount for writing, as here by another mount of it.
on sh -c 'mkdir -p /srv/calm /srv/other && mount -t tmpfs -o ro,size=1m calm /srv/calm && mount --bind /srv/data /srv/other'
read_only() { on sh -c "findmnt -n -o FS-OPTIONS $1 | grep -qw ro && findmnt -n -o VFS-OPTIONS $1 | grep -qw $2"; }
check "A disk is mounted read-only" read_only /srv/calm ro
on mount -o remount,ro /srv/other
check "and another turns read-only" read_only /srv/data rw
check "which is found" within 15 finds web1 disk.read_only /srv/data
check "while what was mounted so is none" not finds web1 disk.read_only /srv/calm
on mount -o remount,rw /srv/other
check "It is over when it can be written to again" within 15 not finds web1 disk.read_only
# So is the count of programs that were ended for lack of it: this one has a limit of its own, outside.
end_for_memory() {
  local group=/sys/fs/cgroup/memory/outofmemory$$ limit=memory.limit_in_bytes swap=memory.swappiness
  if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    group=/sys/fs/cgroup/outofmemory$$ limit=memory.max swap=memory.swap.max
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
  fi
  mkdir "$group" && echo 16M >"$group/$limit" || return 1
  [ ! -e "$group/$swap" ] || echo 0 >"$group/$swap"
  { (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec /usr/bin/python3 -c 'x = bytearray(64 << 20)'
  ); } 2>>"$work/log/memory"
  local status=$?
  rmdir "$group"
  [ "$status" = 137 ]
}
check "The kernel ends a program for lack of memory" end_for_memory
check "which is found" within 15 finds web1 memory.killed
# Nothing here may set the machine's clock: what its kernel says is told.
kept_right() {
  /usr/bin/python3 -c 'import ctypes, sys
clock = (ctypes.c_char * 256)()
sys.exit(ctypes.CDLL(None).adjtimex(clock) == 5 or bool(int.from_bytes(clock[40:44], sys.byteorder) & 0x40))'
}
if kept_right; then
  check "A clock that is kept right is no finding" not finds web1 clock
else
  check "A clock that nothing keeps right is found" within 15 finds web1 clock.unsynchronized
fi
cases_end
