"""The process that starts Spark's Python workers, with one change: it waits for them when it ends.

Spark's own lets the system reap them, and then Linux adds their time to nobody's.
"""

import os
import signal

from pyspark import daemon

# The signal that the daemon ignores, for Linux to reap its children; another one that does no harm.
daemon.SIGCHLD = signal.SIGWINCH
try:
    daemon.manager()
finally:
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
