#!/bin/bash
# Does a service answer (procedure M-03), asked by another host with the real programs? Python's web
# server, openssl's TLS server and sshd as systemd runs them: up is not enough, a hung server is a
# finding while systemd calls it active.
#
# answers.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Answers "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

on() { hosts exec web1 "$@"; }
far=10.77.0.11
# asked URL WORDS: what web2 says of it.
asked() { says web2 "answer $1 $2"; }
unit() {
  printf '[Service]\nExecStart=%s\n' "$2" >"$work/unit"
  hosts put web1 "$work/unit" "/etc/systemd/system/$1.service"
}
# The standard library too, without its tests.
bring_python() {
  hosts bring web1 /usr/bin/python3 || return 1
  local folder
  folder=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
  tar -C / --exclude=test --exclude=__pycache__ --exclude=ensurepip --exclude=idlelib -chf - "${folder#/}" |
    on tar -C / -xf -
}
# certificate BEGIN END: of these days, in place of the one that was there.
certificate() {
  local folder=$work/ca
  mkdir -p "$folder"
  : >"$folder/issued"
  printf '[ca]\ndefault_ca=it\n[it]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n' \
    "$folder/issued" "$folder" >"$folder/conf"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=web1 \
    -keyout "$folder/key" -out "$folder/request" 2>>"$work/log/openssl" || return 1
  openssl ca -batch -notext -selfsign -config "$folder/conf" -in "$folder/request" -keyfile "$folder/key" \
    -startdate "$1" -enddate "$2" -out "$folder/pem" 2>>"$work/log/openssl" || return 1
  hosts put web1 "$folder/pem" /srv/tls.pem
  hosts put web1 "$folder/key" /srv/tls.key 600
}

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1 web2)
hosts up web1 $far &
hosts up web2 10.77.0.12 &
wait
check "Two hosts are up" hosts wait web1 web2 || exit 1
bring_python && hosts bring web1 /usr/bin/openssl || exit 1
cat >"$work/www.py" <<'PY'
import http.server
import os

class Pages(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if os.path.exists("/run/broken"):
            self.send_error(500)
        else:
            super().do_GET()

os.chdir("/srv/www")
http.server.ThreadingHTTPServer(("", 8080), Pages).serve_forever()
PY
hosts put web1 "$work/www.py" /srv/www.py
on mkdir /srv/www
certificate "$(date -u -d yesterday +%Y%m%d%H%M%SZ)" "$(date -u -d 'next month' +%Y%m%d%H%M%SZ)" || exit 1
unit www '/usr/bin/python3 /srv/www.py'
unit tls '/usr/bin/openssl s_server -accept 8443 -cert /srv/tls.pem -key /srv/tls.key -www -quiet'
on systemctl daemon-reload
on systemctl start www tls
install_agent web2 || exit 1
install_agent web1 || exit 1
for name in www tls ssh; do
  printf '\n[[checks]]\nkind = "service"\ntarget = "%s.service"\ninterval = "1s"\ndeadline = "1s"\n' "$name"
done >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
urls=("tcp://$far:8080" "http://$far:8080/" "http://$far:8080/not-there" "tls://$far:8443" "banner://$far:22")
begin_site ANSWERS <<TOML || exit 1
[grading]
stable = "3s"

[[hosts]]
host = "web1"
address = "$far"

[[hosts]]
host = "web2"
address = "10.77.0.12"
$(printf '\n[[hosts.checks]]\nkind = "answer"\ntarget = "%s"\ninterval = "2s"\ndeadline = "2s"\n' "${urls[@]}")
TOML
start_agents || exit 1

# ---- they answer

for url in "${urls[@]}"; do
  check "It answers: $url" within 20 asked "$url" 'normal answer.ok'
done
check "SSH says who it is" asked "banner://$far:22" 'normal answer.ok … said=SSH-2.0…'
check "A page that is not there is an answer" asked "http://$far:8080/not-there" 'normal answer.ok … said=HTTP/1.0 404…'
certificate 20200101000000Z 20200102000000Z || exit 1
on systemctl restart tls
sleep 5
# The probe sends no key and reads nothing after the server's hello: it cannot judge a certificate.
check "and so is an expired certificate, which this probe does not judge" asked "tls://$far:8443" 'normal answer.ok'
check "Nobody was told anything" finds_nothing web1

missed() { asked "http://$far:8080/" 'abnormal answer.failed'; }
on systemctl stop www
check "A service that is being restarted is missed by the probe" within 10 missed
on systemctl start www
check "and answers at the next one" within 10 asked "http://$far:8080/" 'normal answer.ok'
sleep 4
check "which is no incident" finds_nothing web1

# ---- hung: up, and mute

running() { says web1 "service $1.service normal service.running" && [ "$(on systemctl is-active "$1")" = active ]; }
hosts hang web1 www
hosts hang web1 tls
check "A web server that hangs is found" within 20 finds web1 answer.failed "http://$far:8080/"
check "as connected, and silent" asked "http://$far:8080/" 'abnormal answer.failed … why=@answer.why.no_answer'
check "and so is a TLS server" within 10 finds web1 answer.failed "tls://$far:8443"
check "systemd calls both active" running www
check "and the other" running tls
hosts undo hang web1 www
hosts undo hang web1 tls
check "They answer again, which ends it" within 20 finds_nothing web1
hosts hang web1 ssh
check "An SSH server that hangs is found" within 20 finds web1 answer.failed "banner://$far:22"
check "and systemd calls it active" running ssh
hosts undo hang web1 ssh
check "and it is over when it goes on" within 20 finds_nothing web1

# ---- up, and wrong

on touch /run/broken
check "One that says that it cannot is found" within 20 finds web1 answer.error_status "http://$far:8080/"
check "with its status" asked "http://$far:8080/" 'abnormal answer.error_status … status=500'
on rm /run/broken
on systemctl stop tls
check "One that was stopped is refused" within 20 asked "tls://$far:8443" 'abnormal answer.failed … why=@answer.why.refused'
unit tls '/usr/bin/socat TCP-LISTEN:8443,fork,reuseaddr SYSTEM:"echo 220 here"'
on systemctl daemon-reload
on systemctl start tls
check "Another protocol on its port is no answer" within 20 asked "tls://$far:8443" 'abnormal answer.failed … why=@answer.why.wrong_answer'
check "though systemd calls it active" within 5 running tls
unit tls '/usr/bin/openssl s_server -accept 8443 -cert /srv/tls.pem -key /srv/tls.key -www -quiet'
on systemctl daemon-reload
on systemctl restart tls
check "What answers as it should ends it all" within 20 finds_nothing web1
cases_end
