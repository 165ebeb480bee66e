#!/bin/bash
# A virus scanner (procedure M-10) on a real host: ClamAV that is absent, of unknown age, old and new, with
# Debian's real daemon, and one of another make. What it finds, and folders that are gone or not mounted
# any more, which are not folders without a virus.
#
# antivirus.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Antivirus "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh
# shellcheck source=benign_events.sh
. tests/e2e/benign_events.sh

on() { hosts exec web1 "$@"; }
scan() { says web1 "antivirus - $1"; }

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
on mkdir -p /var/spool/inbox /var/spool/clamd
install_agent web1 || exit 1
cat >>"$work/agent.toml" <<'TOML'

[antivirus]
socket = "/var/spool/clamd/socket"
folders = ["/tmp", "/var/spool/inbox"]

[[checks]]
kind = "antivirus"
interval = "2s"
deadline = "2s"
TOML
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
begin_site ANTIVIRUS < <(printf '[grading]\nstable = "3s"\n') || exit 1
start_agents || exit 1

# ---- how old it is, and what it finds

check "Without a scanner nobody can tell" within 20 scan 'cannot_tell antivirus.no_scanner'
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
check "One that has ended is missed" within 15 scan 'cannot_tell antivirus.no_scanner'
on mkfifo /var/spool/inbox/pipe
on systemd-run -q --collect --unit fleeting sh -c 'while :; do echo >/tmp/fleeting; sleep .02; rm /tmp/fleeting; sleep .05; done'
check "One with signatures of two days ago answers" start_scanner web1
check "and is normal, whatever comes and goes meanwhile" within 15 scan 'normal antivirus.clean'
# clean_looks: it is normal at each look of the next three seconds.
clean_looks() {
  local end=$((SECONDS + 3))
  while [ "$SECONDS" -lt "$end" ]; do
    scan 'normal antivirus.clean' && continue
    page web1 >"$work/log/page"
    return 1
  done
}
check "at each look" clean_looks
on systemctl stop fleeting
on rm /var/spool/inbox/pipe
hosts eicar web1 /var/spool/inbox/letter
check "It finds the next" within 15 finds web1 malware.found /var/spool/inbox/letter
# A folder that is not there any more is not one without a virus.
on mv /var/spool/inbox /var/spool/outbox
check "A folder that is gone is said" within 15 scan 'cannot_tell antivirus.folder_unseen folder=/var/spool/inbox why=@antivirus.why.absent'
check "and what was found there stays found" finds web1 malware.found /var/spool/inbox/letter
on mv /var/spool/outbox /var/spool/inbox
hosts undo eicar web1 /var/spool/inbox/letter
check "until it was looked at" within 15 not finds web1 malware
hosts disk web1 /var/spool/inbox 1
hosts eicar web1 /var/spool/inbox/letter
check "So is it of a disk" within 15 finds web1 malware.found /var/spool/inbox/letter
on umount -l /var/spool/inbox
check "that is not mounted any more" within 15 scan 'cannot_tell antivirus.folder_unseen folder=/var/spool/inbox why=@antivirus.why.unmounted'
check "and what was found on it stays found" finds web1 malware.found /var/spool/inbox/letter
# A host that starts anew without its disk has not become clean by that.
on systemctl restart tocsin-agent-observer
hosts eicar web1 /tmp/anew
check "An agent that starts anew finds what is new" within 15 finds web1 malware.found /tmp/anew
check "and still misses the disk" \
  within 15 scan 'abnormal antivirus.folder_unseen folder=/var/spool/inbox why=@antivirus.why.unmounted'
check "with what was found on it" finds web1 malware.found /var/spool/inbox/letter
hosts undo eicar web1 /tmp/anew
on mount -t tmpfs disk /var/spool/inbox
check "until another is mounted" within 15 not finds web1 malware
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
# Where the site names the file that tells it, an old scanner is told from one of today.
sed -i 's|^infected_status = 9|&\nsignatures = ["/var/lib/scan/pattern"]|' "$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
on sh -c 'mkdir /var/lib/scan && touch -d "10 days ago" /var/lib/scan/pattern'
on systemctl restart tocsin-agent-observer
check "One whose signatures lie in a file is as old as that" \
  within 15 scan 'cannot_tell antivirus.signatures_old … days=10'
on touch /var/lib/scan/pattern
check "and normal when it is new" within 15 scan 'normal antivirus.clean'
cases_end
