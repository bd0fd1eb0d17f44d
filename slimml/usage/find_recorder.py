"""Which recorder watches: the one that was asked for, else the first that works with this engine on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slimml.engine.container import Engine
    from slimml.usage.recorder import Recorder

AUTO = "auto"


def _fanotify() -> Recorder:
    from slimml.usage.recorders.fanotify import FanotifyRecorder

    return FanotifyRecorder()


def _notify() -> Recorder:
    from slimml.usage.recorders.notify import NotifyRecorder

    return NotifyRecorder()


def _strace() -> Recorder:
    from slimml.usage.recorders.strace import StraceRecorder

    return StraceRecorder()


def _audit() -> Recorder:
    from slimml.usage.recorders.audit import AuditRecorder

    return AuditRecorder()


_RECORDERS: dict[str, Callable[[], Recorder]] = {
    "fanotify": _fanotify,
    "notify": _notify,
    "strace": _strace,
    "audit": _audit,
}
"""the one that sees every opening at no cost first, the one that sees least last"""
NAMES = tuple(_RECORDERS)


def find_recorder(engine: Engine, wanted: str = AUTO) -> Recorder:
    """The recorder `wanted`, or for `auto` the first of NAMES that works with `engine` on this host.

    Raises Unavailable saying why none, or the one that was wanted, does; UsageError for a name that is none.
    """
    if wanted not in (AUTO, *NAMES):
        raise UsageError(f"{wanted!r} is no recorder; use auto, {', '.join(NAMES)}")
    reasons = []
    for name in NAMES if wanted == AUTO else (wanted,):
        recorder = _RECORDERS[name]()
        reason = recorder.usable(engine)
        if reason is None:
            return recorder
        reasons.append(reason)
    raise Unavailable(f"nothing records here: {'; '.join(reasons)}")
