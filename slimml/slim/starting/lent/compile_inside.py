"""Compiles sources with the Python that runs this, for the image that it belongs to; standard library only.

    python compile_inside.py LIST OUT LEVEL

LIST has absolute paths, one to a line; OUT/N gets the code of path N, counted from 0, as marshal writes it, OUT/magic
the number that marks this Python's bytecode. Each file is compiled in a process of its own, made from the same one:
what marshal writes depends on what else a process did before.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys

_SEVERAL = 64


def _compile(path: str, target: str, level: int) -> None:
    with open(path, "rb") as source:
        content = source.read()
    code = compile(content, path, "exec", dont_inherit=True, optimize=level)
    with open(target + ".part", "wb") as out:
        out.write(marshal.dumps(code))
    os.rename(target + ".part", target)


def _in_a_child(paths: list[tuple[int, str]], out: str, level: int) -> int:
    """Compile a few files, each in a child of a child: the outer one keeps our memory out of their way."""
    child = os.fork()
    if child:
        return child
    for number, path in paths:
        grandchild = os.fork()
        if grandchild == 0:
            try:
                _compile(path, os.path.join(out, str(number)), level)
            except BaseException:
                os._exit(1)
            os._exit(0)
        os.waitpid(grandchild, 0)
    os._exit(0)


def main(words: list[str]) -> None:
    """Compile all, as many at once as there are processors."""
    with open(words[0], "rb") as file:
        lines = os.fsdecode(file.read()).split("\0")
    paths = list(enumerate(line for line in lines if line))
    with open(os.path.join(words[1], "magic"), "wb") as magic:
        magic.write(importlib.util.MAGIC_NUMBER)
    running: set[int] = set()
    most = len(os.sched_getaffinity(0))
    for start in range(0, len(paths), _SEVERAL):
        if len(running) >= most:
            running.discard(os.wait()[0])
        running.add(_in_a_child(paths[start : start + _SEVERAL], words[1], int(words[2])))
    while running:
        running.discard(os.wait()[0])


main(sys.argv[1:])
