"""Runs a command once and writes what it took, as JSON: `measure.py OUT -- COMMAND...`.

A process of its own, and a small one: Linux counts the memory of the process that starts another
into the other's peak. CPU seconds include the children that the command waited for; the peak is
that of the largest process, not a sum.
"""

import json
import os
import sys
import time


def main():
    out, _, *command = sys.argv[1:]
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    took = {
        "status": os.waitstatus_to_exitcode(status),
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(took, file)


main()
