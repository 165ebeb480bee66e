#!/usr/bin/python3
"""Reads the mails of a Maildir as a person would, decoded: mailbox.py FOLDER TEXT [--count]

Prints the first mail that holds TEXT, or with --count how many do. Exit 1 when none does.
Used by the quickstart and the end-to-end tests; Tocsin itself needs no Python.
"""
import email
import email.policy
import pathlib
import sys


def read(path):
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    lines = [f"{name}: {mail[name]}" for name in ("From", "To", "Subject")]
    return "\n".join(lines) + "\n\n" + mail.get_body(("plain",)).get_content()


folder = pathlib.Path(sys.argv[1]) / "new"
paths = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
mails = [mail for mail in map(read, paths) if sys.argv[2] in mail]
if "--count" in sys.argv[3:]:
    print(len(mails))
elif mails:
    print(mails[0])
sys.exit(0 if mails else 1)
