"""Opens each shared object that standard input names, each in a fresh process, and prints what came of it as JSON.

    find DIR -name '*.so*' | python strip_load.py

One line a file: [path, null or the loader's words or the signal that ended it].
"""

import ctypes
import json
import os
import signal
import sys

SECONDS = 120


def opened(path: str) -> str | None:
    """Open `path` with RTLD_NOW in a child of this process, which has nothing loaded but ctypes."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW)
        except OSError as error:
            os.write(writing, str(error).encode()[:500])
            os._exit(1)
        # without the libraries' own farewells: what is asked is whether they load
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"ended by signal {os.WTERMSIG(status)}"
    return words or None


for line in sys.stdin:
    print(json.dumps([line.rstrip("\n"), opened(line.rstrip("\n"))]), flush=True)
