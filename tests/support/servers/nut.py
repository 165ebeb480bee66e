#!/usr/bin/python3
"""Starts NUT's dummy UPS "room" and its server in FOLDER; prints the port when it answers.

nut.py FOLDER    what the UPS says stands in FOLDER/room.dev and is read again every second;
                 ends both when standard input closes
"""
import pathlib
import signal
import socket
import subprocess
import sys
import time

folder = pathlib.Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
(folder / "ups.conf").write_text('[room]\ndriver = dummy-ups\nport = room.dev\ndesc = "machine room"\n')
(folder / "room.dev").write_text("ups.status: OL\nups.load: 31\nbattery.charge: 98\n"
                                 "battery.runtime: 1820\nups.temperature: 24\ninput.voltage: 220\nTIMER 1\n")
(folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\n")
(folder / "upsd.users").write_text("")
for name in ("ups.conf", "upsd.conf", "upsd.users"):
    (folder / name).chmod(0o640)
environment = {name: str(folder) for name in
               ("NUT_CONFPATH", "NUT_STATEPATH", "NUT_PIDPATH", "NUT_ALTPIDPATH")}
log = open(folder / "nut.log", "w")


def start(*command):
    return subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log)


def status():
    """What the server says of the last that the UPS tells; empty while it does not know."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.sendall(b"GET VAR room input.voltage\n")
            return client.recv(256).decode()
    except OSError:
        return ""


# -D keeps both in the foreground, in any case as the user who runs this.
user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
driver = start("/lib/nut/dummy-ups", "-a", "room", "-u", user, "-D")
server = start("/lib/nut/upsd", "-u", user, "-D")
# Whoever started this closes our input first, then signals: both must be gone before we are.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    for _ in range(200):
        if status().startswith("VAR room input.voltage"):
            break
        for part in (driver, server):
            if part.poll() is not None:
                sys.exit("a part of NUT ended: " + (folder / "nut.log").read_text())
        time.sleep(0.1)
    else:
        sys.exit("NUT does not answer: " + (folder / "nut.log").read_text())
    print(port, flush=True)
    sys.stdin.read()
finally:
    for part in (server, driver):
        part.kill()
        part.wait()
