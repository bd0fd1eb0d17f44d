"""Becomes another program that the kernel kills when who started it dies. Standard library only, run as a script.

    python -I -S mortal.py PARENT PROGRAM [WORD…]

PARENT is the process ID of who starts it. The wish (PR_SET_PDEATHSIG, prctl(2)) outlives exec; asking for it here, and
not between fork and exec of a process with threads, is what this script is for.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def mortal(command: list[str]) -> list[str]:
    """The command line that runs `command` so; the thread that starts it has to live as long as it is needed."""
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *command]


def main(words: list[str]) -> None:
    """Ask the kernel, look whether the parent is still there, become the program."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(words[0]):
        sys.exit(1)
    os.execv(words[1], words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
