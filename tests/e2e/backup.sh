#!/bin/bash
# The backup room (procedure G-06) with the real programs: Debian's restic with a repository on a real
# host, and TSM (IBM Storage Protect), whose client and server cannot run here. For it a stand-in takes
# the place of dsmadmc, and answers as IBM's documentation says that it does (tests/data/tsm): what is
# shown of TSM is the way from `[[backups]]` through the unit as it ships to the incident.
#
# backup.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Backup "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

on() { hosts exec bk1 "$@"; }
restic() { on restic --no-cache --repo /srv/restic --password-file /etc/tocsin/restic.password -q "$@" >>"$work/log/restic" 2>&1; }
hours_ago() { on date -d "$1 hours ago" '+%F %T'; }
# A new look, with both tests that belong to it.
settle() { sleep 8; }

# ---- the two backup systems

make_repository() {
  on sh -c 'mkdir -p /srv/data /srv/restic && head -c 300000 /dev/urandom >/srv/data/sample &&
    umask 027 && echo "correct horse" >/etc/tocsin/restic.password &&
    chgrp tocsin-agent /etc/tocsin/restic.password' || return 1
  restic init || return 1
  # The agent's account reads it, and whatever comes later.
  on sh -c 'chgrp -R tocsin-agent /srv/restic && chmod -R g+rX /srv/restic &&
    find /srv/restic -type d -exec chmod g+s {} +'
}
back_up() { restic backup --host "$1" "${@:2}" /srv/data; }

# In Taiwan's time, as a server there would say it.
make_tsm() {
  cat >"$work/dsmadmc" <<'SH'
#!/bin/sh
cd /var/lib/tsm-says || exit 2
for command; do :; done
[ ! -e down ] || { cat unreachable.txt; exit 206; }
[ ! -e closed ] || { cat login_refused.txt; exit 137; }
ago() { date -u -d "@$(($(date +%s) + 8 * 3600 - $1))" '+%Y-%m-%d %H:%M:%S.000000'; }
says() { cat "$1" 2>/dev/null || { cat no_match.txt; exit 11; }; }
case $command in
  *current_timestamp\ from*) ago 0 ;;
  *'from db') echo "409600,155296,$(ago 7200)" ;;
  *'from log') echo 65536,49830 ;;
  *stgpools) echo BACKUPPOOL,63.4 ;;
  *filespaces*) echo "DB01,$(ago 10800)" ;;
  *type=admin*) says admin ;;
  *'query event'*) says events ;;
  *actlog*) says activity ;;
  *drives*) says drives ;;
  *paths*) says paths ;;
  *volumes*) says volumes ;;
  *) exit 2 ;;
esac
SH
  hosts put bk1 "$work/dsmadmc" /usr/bin/dsmadmc 755
  local file
  for file in tests/data/tsm/*.txt; do hosts put bk1 "$file" "/var/lib/tsm-says/$(basename "$file")"; done
  on sh -c 'umask 027; echo "tocsin hunter2" >/etc/tocsin/tsm1.credentials; chgrp tocsin-agent /etc/tocsin/tsm1.credentials'
}
tsm_says() { hosts put bk1 "tests/data/tsm/$1.txt" "/var/lib/tsm-says/$2"; }

begin_lab bk1 || exit 1
install_agent bk1 || exit 1
hosts bring bk1 /usr/bin/restic || exit 1
check "It has a repository" make_repository || exit 1
make_tsm || exit 1
check "with backups of two hosts" back_up web1 || exit 1
pack=$(on sh -c 'ls -S /srv/restic/data/*/* | head -n 1')  # with the file that is restored
back_up db1 --time "$(hours_ago 5)" && back_up db1 || exit 1
cat >>"$work/agent.toml" <<'TOML'

[[backups]]
name = "files"
tool = "restic"
repository = "/srv/restic"
password_file = "/etc/tocsin/restic.password"
sources = ["web1", "db1"]
check_every = "1s"
check_read = "100%"
restore_file = "/srv/data/sample"
restore_host = "web1"
restore_every = "1s"

[[backups]]
name = "tsm1"
tool = "tsm"
credentials_file = "/etc/tocsin/tsm1.credentials"
sources = ["DB01"]

[[checks]]
kind = "backup_job"
target = "files"
interval = "3s"
deadline = "3s"

[[checks]]
kind = "backup_job"
target = "tsm1"
interval = "2s"
deadline = "2s"
TOML
hosts put bk1 "$work/agent.toml" /etc/tocsin/agent.toml
# policy [LINES]: with these limits of backups.
policy() {
  cat <<TOML
[grading]
stable = "3s"

[limits.backup]
${1-}
# Four hours where the site allows a day and more: the older backup of db1 is of five.
[[hosts]]
host = "bk1"
backup_rpo = "4h"
TOML
}
begin_site BACKUP < <(policy) || exit 1
start_agents || exit 1

check "A repository with new backups is normal once it was tested" within 30 says bk1 'backup_job files normal backup.ok' || exit 1
check "and so is a TSM server where nothing was missed" within 10 says bk1 'backup_job tsm1 normal backup.ok' || exit 1

# ---- what is no fault

# A backup that runs has read the repository's key, and waits for its data; one that was killed did.
begin_backup() {
  on systemd-run -q --collect --unit "$1" sh -c \
    'sleep 1000 | restic --no-cache --repo /srv/restic --password-file /etc/tocsin/restic.password backup --host web2 --stdin'
}
locks() { [ "$(on ls /srv/restic/locks | wc -l)" = "$1" ]; }
begin_backup killed
check "A backup that runs holds a lock" within 15 locks 1
on systemctl kill -s KILL killed
begin_backup running
check "and leaves it when it is killed" within 15 locks 2
on sh -c 'echo changed since >>/srv/data/sample'
on sh -c 'echo "11/23/2026 09:30:00,11/23/2026 09:31:02,HOURLY,DB02,In Progress
11/20/2026 22:00:00,,WEEKLY,NAS01,Uncertain" >/var/lib/tsm-says/events'
settle
check "Neither lock is a finding, nor a file that has changed since" says bk1 'backup_job files normal backup.ok'
check "nor is a schedule of TSM that is not over" says bk1 'backup_job tsm1 normal backup.ok'
check "Nobody was told anything" finds_nothing bk1
on systemctl kill -s KILL running
restic unlock --remove-all

# ---- old, missed, down

restic forget "$(on restic --no-cache --repo /srv/restic --password-file /etc/tocsin/restic.password \
  snapshots --json --host db1 --latest 1 | jq -r '.[0].id')"
tsm_says client_events events
tsm_says drives drives
check "A source whose newest backup is too old for this host is found" \
  within 20 finds bk1 backup.rpo 'files db1'
check "with its age and what is allowed" says bk1 'backup_job files abnormal backup.rpo … hours=5 limit=4'
check "and no other source is" not finds bk1 backup.rpo 'files web1'
check "A schedule of TSM that was missed is found" within 10 finds bk1 backup.missed 'tsm1 NIGHTLY WEB01'
check "one that failed" within 10 finds bk1 backup.failed 'tsm1 NIGHTLY MAIL01'
check "and a drive that is offline" within 10 finds bk1 backup.drive_offline
on touch /var/lib/tsm-says/down
check "A TSM server that is down is found" within 10 finds bk1 backup.unreachable tsm1
check "and what it had said before is still open" finds bk1 backup.missed 'tsm1 NIGHTLY WEB01'
on mv /var/lib/tsm-says/down /var/lib/tsm-says/closed
check "One that lets the agent not in cannot tell" within 10 says bk1 'backup_job tsm1 cannot_tell backup.login_refused'
check "and closes nothing" finds bk1 backup.missed 'tsm1 NIGHTLY WEB01'
on sh -c 'rm /var/lib/tsm-says/closed /var/lib/tsm-says/events /var/lib/tsm-says/drives'
back_up db1
check "A new backup ends the finding" within 20 not finds bk1 backup.rpo
check "and so does a TSM server that is well" within 20 says bk1 'backup_job tsm1 normal backup.ok'
check "of all of them" within 10 finds_nothing bk1

# ---- damaged

on sh -c 'cp -p "$1" /srv/saved && chmod u+w "$1" && printf damage | dd of="$1" conv=notrunc status=none' sh "$pack"
check "A damaged repository is found by its integrity check" within 30 finds bk1 backup.integrity_failed files
check "and by the restore test of a file that lay there" within 20 finds bk1 backup.restore_failed files
check "while its list of backups is as new as before" not says bk1 'backup_job files abnormal backup.rpo'
on sh -c 'cp -p /srv/saved "$1"' sh "$pack"
check "The repair ends the one" within 30 not finds bk1 backup.integrity_failed
check "and the other" within 30 not finds bk1 backup.restore_failed

restic backup --host web1 --exclude sample /srv/data
check "A file that is in the backup no more fails its restore test" within 30 finds bk1 backup.restore_failed files
check "and nothing else does" not finds bk1 backup.integrity_failed
back_up web1
check "until it is there again" within 30 finds_nothing bk1

# ---- not tested for too long: two hours later by the agent's clock, where an hour is allowed

sed -i 's/_every = "1s"/_every = "30d"/' "$work/agent.toml"
hosts put bk1 "$work/agent.toml" /etc/tocsin/agent.toml
{ printf '[site]\nname = "BACKUP"\n\n'; policy $'integrity = "1h"\nrestore_test = "1h"\n'; } >"$work/site/site.toml"
kill -HUP "$(cat "$work/collector.pid")"
hosts clock bk1 tocsin-agent-observer.service +7200
check "A repository whose integrity check is too old is found" within 30 finds bk1 backup.integrity_old files
check "and one whose restore test is" within 20 finds bk1 backup.restore_old files
check "while its backups are new enough" not finds bk1 backup.rpo
sed -i 's/_every = "30d"/_every = "1s"/' "$work/agent.toml"
hosts put bk1 "$work/agent.toml" /etc/tocsin/agent.toml
hosts undo clock bk1 tocsin-agent-observer.service +7200
check "New tests end both" within 40 finds_nothing bk1

told_nobody() {
  printf 'hunter2\ncorrect horse\n' >"$work/secrets"
  hosts put bk1 "$work/secrets" /run/secrets 600
  on sh -c 'journalctl --no-pager >/run/told; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>/run/told 2>/dev/null
    ! grep -qaFf /run/secrets /run/told /var/lib/tocsin-agent/spool.db'
}
check "No secret is in a log, an argument or the spool" told_nobody
cases_end
