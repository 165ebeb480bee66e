#!/usr/bin/python3
"""Starts Debian's clamd with one signature (EICAR) in FOLDER; prints the socket's path when it answers.

clamd.py FOLDER [MADE]    ends clamd when standard input closes. With MADE, seconds since 1970, the
                          signature lies in a database of ClamAV's daily kind that was made then
"""
import hashlib
import io
import pathlib
import signal
import socket
import subprocess
import sys
import tarfile
import time

folder = pathlib.Path(sys.argv[1])
(folder / "db").mkdir()
# MD5, size and name of the EICAR test file.
SIGNATURE = b"44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n"


def database(made):
    """Its name (.cud) says that nobody signed it, which clamd takes for a site's own."""
    head = f"ClamAV-VDB:{time.strftime('%d %b %Y %H-%M +0000', time.gmtime(made))}:27000:1:90:X:X:site:{made}"
    info = f"{head}\ndaily.hdb:{len(SIGNATURE)}:{hashlib.sha256(SIGNATURE).hexdigest()}\n".encode()
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (("daily.info", info), ("daily.hdb", SIGNATURE)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return head.encode().ljust(512) + body.getvalue()


if len(sys.argv) > 2:
    (folder / "db/daily.cud").write_bytes(database(int(sys.argv[2])))
else:
    (folder / "db/eicar.hdb").write_bytes(SIGNATURE)
path = folder / "clamd.socket"
configuration = folder / "clamd.conf"
configuration.write_text(f"LocalSocket {path}\nForeground yes\nDatabaseDirectory {folder}/db\n")
with open(folder / "clamd.log", "w") as log:
    clamd = subprocess.Popen(["/usr/sbin/clamd", f"--config-file={configuration}"],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
# Whoever started this closes our input first, then signals: clamd must be gone before we are.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    for _ in range(600):
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"zPING\0")
                if client.recv(16).startswith(b"PONG"):
                    break
        except OSError:
            pass
        if clamd.poll() is not None:
            sys.exit("clamd ended: " + (folder / "clamd.log").read_text())
        time.sleep(0.1)
    else:
        sys.exit("clamd does not answer")
    print(path, flush=True)
    sys.stdin.read()
finally:
    clamd.kill()
    clamd.wait()
