#!/bin/bash
# What other programs say of a host, with the real programs: Debian's monitoring plugins and a UPS that
# NUT simulates, a virus scanner (procedure M-10) that is absent, of unknown age, old and new, and what
# the host says of itself (disks, memory, clock). What these programs print is hostile until shown
# otherwise.
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
# shellcheck source=benign_events.sh
. tests/e2e/benign_events.sh

on() { hosts exec web1 "$@"; }
plugin() { says web1 "plugin $1 $2"; }
scan() { says web1 "antivirus - $1"; }

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
  hosts put web1 "$work/noisy" /usr/local/bin/noisy 755
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

[antivirus]
socket = "/var/spool/clamd/socket"
folders = ["/tmp", "/var/spool/inbox"]
TOML
  for name in load disk victims confused room endless noisy; do
    printf '\n[[checks]]\nkind = "plugin"\ntarget = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$name"
  done
  for name in antivirus metrics; do
    printf '\n[[checks]]\nkind = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$name"
  done
}
# signatures_of DAYS: a database of ClamAV's daily kind with one signature, that many days old. Its name
# says that nobody signed it, which the scanner takes for a site's own.
signatures_of() {
  rm -f "$work/clamd/db"/*
  /usr/bin/python3 - "$work/clamd/db/daily.cud" "$1" <<'PY'
import hashlib, io, sys, tarfile, time
path, days = sys.argv[1], int(sys.argv[2])
made = int(time.time()) - days * 86400
signature = b"44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"
info = (f"ClamAV-VDB:{time.strftime('%d %b %Y %H-%M +0000', time.gmtime(made))}:27000:1:90:X:X:site:{made}\n"
        f"daily.hdb:{len(signature)}:{hashlib.sha256(signature).hexdigest()}\n").encode()
body = io.BytesIO()
with tarfile.open(fileobj=body, mode="w", format=tarfile.USTAR_FORMAT) as tar:
    for name, data in (("daily.info", info), ("daily.hdb", signature)):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
head = f"ClamAV-VDB:{time.strftime('%d %b %Y %H-%M +0000', time.gmtime(made))}:27000:1:90:X:X:site:{made}"
with open(path, "wb") as out:
    out.write(head.encode().ljust(512) + body.getvalue())
PY
}

begin_lab web1 || exit 1
hosts disk web1 /srv/data 8 200
on sh -c 'mkdir -p /var/spool/inbox /var/spool/clamd && cp /usr/bin/sleep /usr/local/bin/victim'
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

# ---- a virus scanner

check "Without a scanner nobody can tell" scan 'cannot_tell antivirus.no_scanner'
signatures() {
  mkdir -p "$work/clamd/db"
  rm -f "$work/clamd/db"/*
  echo 44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature >"$work/clamd/db/eicar.hdb"
}
signatures
check "A scanner answers" start_scanner web1
check "With signatures of unknown age nobody can tell" within 10 scan 'cannot_tell antivirus.signatures_unknown'
stop_scanner
signatures_of 10
check "One with old signatures answers" start_scanner web1
check "and cannot tell" within 10 scan 'cannot_tell antivirus.signatures_old … days=10'
hosts eicar web1 /tmp/letter
check "though what it finds is found, where anybody may write" within 15 finds web1 malware.found /tmp/letter
hosts undo eicar web1 /tmp/letter
stop_scanner
signatures_of 0
check "One with signatures of today answers" start_scanner web1
check "and is normal where it finds nothing" within 15 scan 'normal antivirus.clean'
check "which ends what was found" not finds web1 malware
# What is no fault: signatures of a weekend, a pipe that nobody writes to, files that come and go.
stop_scanner
signatures_of 2
on mkfifo /var/spool/inbox/pipe
on systemd-run -q --collect --unit fleeting sh -c 'while :; do echo >/tmp/fleeting; sleep .01; rm /tmp/fleeting; done'
check "One with signatures of two days ago answers" start_scanner web1
check "and is normal, whatever comes and goes meanwhile" within 15 scan 'normal antivirus.clean'
# clean_looks: it is normal at each look of the next three seconds.
clean_looks() {
  local end=$((SECONDS + 3))
  while [ "$SECONDS" -lt "$end" ]; do
    scan 'normal antivirus.clean' || return 1
  done
}
check "at each look" clean_looks
on systemctl stop fleeting
on rm /var/spool/inbox/pipe
hosts eicar web1 /var/spool/inbox/letter
check "It finds the next" within 15 finds web1 malware.found /var/spool/inbox/letter
hosts undo eicar web1 /var/spool/inbox/letter
stop_scanner

# Another make, by its exit code: a program of this test's, no other is in Debian.
cat >"$work/scan" <<'SH'
#!/bin/sh
grep -q 'EICAR-STANDARD' "$1" 2>/dev/null || exit 0
echo "$1: Test.File FOUND"
exit 9
SH
hosts put web1 "$work/scan" /usr/local/bin/scan 755
sed -i 's|^socket = "/var/spool/clamd/socket"|command = ["/usr/local/bin/scan"]\ninfected_status = 9|
  s|^folders = .*|folders = ["/var/spool/inbox"]|' "$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
on systemctl restart tocsin-agent-observer
check "Another scanner does not say how old it is, so nobody can tell" \
  within 15 scan 'cannot_tell antivirus.signatures_unknown engine=/usr/local/bin/scan'
hosts eicar web1 /var/spool/inbox/other
check "and what it finds is found" within 15 finds web1 malware.found /var/spool/inbox/other
check "by the name that it gives" scan 'abnormal malware.found … signature=Test.File'
hosts undo eicar web1 /var/spool/inbox/other
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
