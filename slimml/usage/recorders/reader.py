"""The other side of a reader: a process of slimml's own that gathers uses, asked in lines of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import slimml
from slimml.errors import Unavailable
from slimml.usage.recording import Operation, Use

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from importlib import import_module; "
    "import_module(sys.argv.pop()).main()"
)
_ENDING_SECONDS = 30


def reader_words(module: str, *words: str) -> list[str]:
    """The command line of a reader: not where a checkout may hold modules of any name, nor with a stranger's site."""
    home = str(Path(slimml.__file__).parents[1])
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *words, f"slimml.usage.recorders.{module}", home]


class Reader:
    """A reader that runs. Raises Unavailable where it cannot begin, saying why."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers
        self._asking = threading.Lock()
        try:
            self.greeting = self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Its answer; raises Unavailable with its own words where it fails."""
        with self._asking:
            try:
                self._requests.write(json.dumps({"do": do, **words}).encode() + b"\n")
                self._requests.flush()
            except (OSError, ValueError):
                raise Unavailable("the process that records has ended; record again") from None
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise Unavailable("the process that records has ended; record again")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Unavailable(f"uses of files cannot be recorded here: {found['error']}")
        return found

    def close(self) -> None:
        """Let it end. Closing twice is no error."""
        with suppress(OSError):
            self._requests.close()
        self._answers.close()


class OwnReader(Reader):
    """A reader that is a child of this process."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            reader_words(module), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/"
        )
        assert self._process.stdin
        assert self._process.stdout
        super().__init__(self._process.stdin, self._process.stdout)

    def close(self) -> None:
        """Let it end, and wait for that."""
        super().close()
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ReaderWatch:
    """A watch (`usage.recorder.Watch`) whose reader gathers what is used; when it has ended, what it had told last."""

    def __init__(self, reader: Reader) -> None:
        self._reader: Reader | None = reader
        self._begun = time.monotonic()
        self._told: dict[str, Any] = {}

    def end(self) -> None:
        """Take what is there; nothing is watched any more."""
        self.take()
        self._reader = None

    def take(self) -> dict[str, Any]:
        """What the reader has gathered; raises Unavailable where it has died."""
        if self._reader is not None:
            self._told = self._reader.ask("take")
        return self._told

    def uses(self) -> tuple[Use, ...]:
        """Everything that was used so far."""
        return uses_told(self.take()["uses"], self._begun)

    def syscalls(self) -> frozenset[str]:
        """None: a reader hears of some calls only, or of none."""
        return frozenset()


def uses_told(told: Iterable[list[Any]], begun: float) -> tuple[Use, ...]:
    """What a reader gathered, in order of first use; `begun` is the time that seconds count from (monotonic)."""
    ordered = sorted(told, key=lambda one: one[2])
    return tuple(
        Use(path, Operation(operations), round(seconds - begun, 6), order, process)
        for order, (path, operations, seconds, process) in enumerate(ordered)
    )
