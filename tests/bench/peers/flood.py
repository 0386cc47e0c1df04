"""Writes log lines at a given rate for some seconds: `flood.py RATE SECONDS`. Each line begins with @ and its time."""

import os
import sys
import time

TICK_S = 0.01
FILL = "a line of the length that lines of a log have, of which nobody reads each one"

rate, seconds = int(sys.argv[1]), float(sys.argv[2])
began = time.monotonic()
written = 0
while (gone := time.monotonic() - began) < seconds:
    due = int(gone * rate)
    if due > written:
        now = time.time()
        data = "".join(f"@{now:.3f} {n} {FILL}\n" for n in range(written, due)).encode()
        while data:
            data = data[os.write(1, data) :]
        written = due
    time.sleep(TICK_S)
