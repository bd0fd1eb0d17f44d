"""What strace -f -y writes, read: each call's name, the paths it names, whether it executed a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slimml.usage.recorders.path_calls import CALLS, absolute, opening

_CALL = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)", re.DOTALL)
_UNFINISHED = " <unfinished ...>"
_ARGUMENT = re.compile(
    r"""(?: "((?:[^"\\]|\\.)*)" (?:\.\.\.)?      # a text
        | ([^,()"<{\[]*) (?: <((?:[^>\\]|\\.)*)> )?  # a number or a name, with the path of a descriptor
        ) (?: ,[ ] | $ | \) | [ ] )""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-f]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_FLAG_NUMBERS = {
    "O_WRONLY": 0o1,
    "O_RDWR": 0o2,
    "O_CREAT": 0o100,
    "O_TRUNC": 0o1000,
    "O_PATH": 0o10000000,
}
_FLAG = re.compile("|".join(rf"\b{name}\b" for name in _FLAG_NUMBERS))
_ARGUMENTS = 4
_FAILED = re.compile(r"\) += -1 E")
_CHILD = re.compile(r"\) += (\d+)(?: /\* (\d+) in strace's PID NS \*/)?$")
_HERE = re.compile(r"AT_FDCWD<((?:[^>\\]|\\.)*)>")
FORKS = frozenset({"clone", "clone3", "fork", "vfork"})
"""calls that make a process or a thread"""


class Traced(NamedTuple):
    """One call: `paths` with the directory that each starts from ("" for an absolute one, None where not told),
    `failed` whether it gave an error, `child` the number of a process or thread that it made.

    `unfinished` says that this is its first half, with its name only. `directory` is what the process has as its
    current one, where the call tells.
    """

    pid: int
    name: str
    operations: int = 0
    paths: tuple[tuple[str | None, str], ...] = ()
    failed: bool = False
    child: int | None = None
    unfinished: bool = False
    directory: str | None = None

    def absolute(self, directory: str) -> Iterator[str]:
        """The paths without the first slash; `directory` is for relative ones whose start is not told."""
        for start, text in self.paths:
            yield absolute(directory if start is None else start, text)


class Lines:
    """Reads lines one after the other: calls of several threads are interleaved, and told in two halves then."""

    def __init__(self) -> None:
        self._begun: dict[int, str] = {}

    def read(self, line: str) -> Traced | None:
        """The call, or the first half of one, that a line tells of; None for a signal, an end."""
        found = _CALL.match(line)
        if found is None:
            return None
        pid, name, rest = int(found[1]), found[2] or found[3], found[4]
        if rest.endswith(_UNFINISHED):
            self._begun[pid] = rest.removesuffix(_UNFINISHED)
            return Traced(pid, name, unfinished=True)
        if found[2]:
            rest = self._begun.pop(pid, "") + rest
        failed = _FAILED.search(rest) is not None
        here = _HERE.search(rest)
        directory = None if here is None else _unescaped(here[1])
        if name in FORKS:
            made = _CHILD.search(rest)
            return Traced(pid, name, failed=failed, child=int(made[2] or made[1]) if made else None)
        if name == "fchdir":
            where = next(_arguments(rest), (None, None))[1]
            return Traced(pid, name, failed=failed, directory=None if failed else where)
        call = CALLS.get(name)
        if call is None:
            return Traced(pid, name, failed=failed, directory=directory)
        operations = call.operations
        if call.flags is not None:
            flags = sum(_FLAG_NUMBERS[flag] for flag in set(_FLAG.findall(rest)))
            operations = opening(operations, flags)
        paths = tuple(_places(call.places, list(_arguments(rest))))
        return Traced(pid, name, operations, paths, failed, directory=directory)


def _places(
    places: tuple[tuple[int | None, int], ...], arguments: list[tuple[str | None, str | None]]
) -> Iterator[tuple[str | None, str]]:
    for start, number in places:
        if number >= len(arguments):
            continue
        text, _ = arguments[number]
        if not text:
            continue  # no pointer, or an open descriptor is meant
        if text.startswith("/"):
            yield "", text
        else:
            yield (None if start is None else arguments[start][1]), text


def _arguments(rest: str) -> Iterator[tuple[str | None, str | None]]:
    """The first arguments: the text of each that is one, the path behind each that is a descriptor."""
    at = 0
    for _ in range(_ARGUMENTS):
        found = _ARGUMENT.match(rest, at)
        if found is None or found.end() == at:
            return
        yield (
            None if found[1] is None else _unescaped(found[1]),
            None if found[3] is None else _unescaped(found[3]),
        )
        at = found.end()


def _unescaped(text: str) -> str:
    def byte(match: re.Match[bytes]) -> bytes:
        word = match[1]
        if word.isdigit():
            return bytes([int(word, 8) & 0xFF])
        if len(word) > 1:
            return bytes([int(word[1:], 16)])
        return _LETTERS.get(word, word)

    return _ESCAPE.sub(byte, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
