"""Notes spans of time within spans, each thread's own, in lines; used by the sitecustomize.py beside it."""

from __future__ import annotations

import _thread
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
_OUT = os.environ.get("SLIMML_PROFILE_OUT", "")
_FLUSH_NS = 100_000_000
_AT_ONCE = ("listen", "inference", "model")
"""after these a program may wait for ever"""
_LEAST_NS = 1_000_000
"""a wait shorter than this is not worth a line"""
_MOST_LINES = 400_000

now = time.monotonic_ns
cpu_now = time.process_time_ns
_LOCK = _thread.RLock()
STACKS: dict[int, list[_Span]] = {}
STATE = {"file": -1, "next": 0, "flushed": 0, "lines": 0}
BUFFER: list[str] = []


class _Span:
    """Something that takes time. `told` says that its beginning was noted already."""

    __slots__ = ("begun", "cpu", "detail", "kind", "name", "number", "told", "where", "within")

    def __init__(self, kind: str, name: str, within: int, where: str) -> None:
        STATE["next"] += 1
        self.number, self.kind, self.name, self.within, self.where = STATE["next"], kind, name, within, where
        self.detail, self.told = "", False
        self.cpu, self.begun = cpu_now(), now()


def line(*words: Any) -> None:
    """Note one line of words."""
    text = "\t".join(str(word).replace("\t", " ").replace("\n", " ").replace("\r", " ") for word in words)
    BUFFER.append(text)


def begin(kind: str, name: str, where: str = "") -> _Span:
    """A span that begins now, within the one that this thread is in."""
    stack = STACKS.setdefault(_thread.get_ident(), [])
    span = _Span(kind, name, stack[-1].number if stack else 0, where)
    stack.append(span)
    return span


def end(span: _Span, least: int = 0) -> None:
    """The span is over; it is noted unless it took less than `least` nanoseconds."""
    ended, cpu = now(), cpu_now()
    thread = _thread.get_ident()
    stack = STACKS.setdefault(thread, [])
    while stack and stack.pop() is not span:
        pass
    if ended - span.begun >= least or span.told:
        words = (span.number, span.within, thread, span.kind, span.begun, ended, span.cpu, cpu)
        line("S", *words, span.name, span.where, span.detail)
    if not stack or span.kind in _AT_ONCE or ended - STATE["flushed"] > _FLUSH_NS:
        flush()


def flush() -> None:
    """Write what is noted, and the beginning of what goes on still."""
    with _LOCK:
        for thread, stack in list(STACKS.items()):
            for span in list(stack):
                if not span.told:
                    span.told = True
                    line("O", span.number, span.within, thread, span.kind, span.begun, span.cpu, span.name, span.where)
        lines, BUFFER[:] = BUFFER[:], []
        STATE["flushed"] = now()
        STATE["lines"] += len(lines)
        if not lines or STATE["lines"] > _MOST_LINES:
            return
        try:
            if STATE["file"] < 0:
                name = os.path.join(_OUT, f"{os.getpid()}-{now()}.notes")
                STATE["file"] = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            os.write(STATE["file"], ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
        except OSError:
            pass


def _caller() -> str:
    """The nearest line of a program that is neither ours nor the standard library's."""
    frame: FrameType | None = sys._getframe(2)
    nearest = ""
    library = os.path.dirname(os.__file__)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(HERE) and not file.startswith("<frozen"):
            place = f"{file}:{frame.f_lineno}"
            nearest = nearest or place
            if not file.startswith(library) or "-packages" in file:
                return place
        frame = frame.f_back
    return nearest


def timed(owner: Any, name: str, kind: str, describe: Any, least: int = _LEAST_NS, times: int | None = None) -> None:
    """Put a function that times `owner.name` in its place, for so many `times`; nested calls count as one."""
    original = getattr(owner, name, None)
    if original is None or getattr(original, "_slimml", False):
        return
    left = [times]

    def watched(*arguments: Any, **named: Any) -> Any:
        stack = STACKS.get(_thread.get_ident())
        if (stack and stack[-1].kind == kind) or left[0] == 0:
            return original(*arguments, **named)
        if left[0] is not None:
            left[0] -= 1
        span = begin(kind, "", "")
        try:
            return original(*arguments, **named)
        finally:
            if now() - span.begun >= least:
                try:
                    span.name, span.detail = describe(arguments, named)
                    span.where = _caller()
                except Exception:
                    span.name = name
            end(span, least)
            if left[0] == 0:
                setattr(owner, name, original)

    watched._slimml = True  # type: ignore[attr-defined]
    watched.__name__ = name
    watched.__doc__ = getattr(original, "__doc__", None)
    setattr(owner, name, watched)
