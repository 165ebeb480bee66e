#!/usr/bin/python3
"""Passes frames on between two network interfaces, late or not at all; see tests/support/hosts.

slow_cable.py ONE OTHER DELAY_MS LOSS_PERMILLE

Frames that the kernel left unfinished (one large one for several, no checksum yet) are passed on as
they are: PACKET_VNET_HDR carries what is missing. ARP is late but never lost, or a loss would be
seconds of silence. Prints "ready"; ends when it is killed.
"""

import heapq
import random
import select
import socket
import sys
import time

SOL_PACKET = 263
PACKET_VNET_HDR = 15
PACKET_OUTGOING = 4
ETH_P_ALL = 3
VNET_HDR_BYTES = 10
ARP = b"\x08\x06"
MOST_WAITING = 10_000  # Frames; more are lost, as on a full queue.


def opened(name):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    end.bind((name, ETH_P_ALL))
    end.setblocking(False)
    return end


def received(end):
    while True:
        try:
            frame, (_, _, kind, *_) = end.recvfrom(1 << 17)
        except (BlockingIOError, OSError):  # Nothing more, or its cable is cut.
            return
        if kind != PACKET_OUTGOING:
            yield frame


def main():
    one, other = opened(sys.argv[1]), opened(sys.argv[2])
    delay, loss = int(sys.argv[3]) / 1000, int(sys.argv[4])
    to = {one: other, other: one}
    waiting = []
    count = 0
    print("ready", flush=True)
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for end in select.select([one, other], [], [], patience)[0]:
            for frame in received(end):
                may_be_lost = frame[VNET_HDR_BYTES + 12 : VNET_HDR_BYTES + 14] != ARP
                if may_be_lost and random.randrange(1000) < loss or len(waiting) >= MOST_WAITING:
                    continue
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay, count, to[end], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(waiting)
            try:
                end.send(frame)
            except OSError:  # Its cable is cut, or its queue is full.
                pass


main()
