"""Notes where a Python program's start goes; lent to images by `slimml profile`, and run inside of them.

In whatever Python 3.8 or newer is there: standard library only, and little of that. Notes are lines of words between
tabs in a file for each process in the directory that SLIMML_PROFILE_OUT names; times are nanoseconds on
CLOCK_MONOTONIC, which all containers of a machine share. SLIMML_PROFILE names what is wanted besides: use.
"""

from __future__ import annotations

import time

_UP, _UP_CPU = time.monotonic_ns(), time.process_time_ns()

import _thread  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

from slimml_libraries import HOOKS, hook  # type: ignore[import-not-found]  # noqa: E402
from slimml_spans import (  # type: ignore[import-not-found]  # noqa: E402
    BUFFER,
    HERE,
    STACKS,
    STATE,
    begin,
    cpu_now,
    end,
    flush,
    line,
    now,
    timed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CODE = (".py", ".pyc", ".pyi", ".so", ".pth")
_TOLD = ("MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LD_PRELOAD")

_OPENED: set[str] = set()
_USED: set[tuple[str, str, str]] = set()
_HOMES: dict[int, str | None] = {}


def _watch_imports() -> None:
    """Time what CPython's own -X importtime times: the finding and loading of modules that are not there yet."""
    bootstrap: Any = sys.modules["_frozen_importlib"]
    find_and_load = bootstrap._find_and_load

    def _find_and_load(name: Any, import_: Any) -> Any:
        span = begin("import", name)
        try:
            return find_and_load(name, import_)
        finally:
            file = getattr(sys.modules.get(name), "__file__", None)
            span.where = file if isinstance(file, str) else ""
            if name in HOOKS:
                hook(name)
            end(span)

    bootstrap._find_and_load = _find_and_load
    from importlib.machinery import SourceFileLoader

    # Only a source without good bytecode comes here.
    timed(SourceFileLoader, "source_to_code", "compile", lambda arguments, named: (str(arguments[2]), ""), 0)
    for name in list(HOOKS):
        hook(name)


def _listen(event: Any, arguments: Any) -> None:
    if event == "open":
        path = arguments[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and path not in _OPENED:
            _OPENED.add(path)
            real = path if path.endswith(_CODE) else os.path.realpath(path)
            line("F", now(), real)


def _note_use(file: Any, name: Any) -> None:
    """Note that a function of a file, or of a module without one, was called, and in whose import, if in any."""
    stack = STACKS.get(_thread.get_ident()) or ()
    within = next((span.name for span in reversed(stack) if span.kind == "import"), "")
    if (within, file, name) not in _USED:
        _USED.add((within, file, name))
        line("U", within, file, name)
        if not within:
            # No span may end any more that would let it be written.
            flush()


def _module_of(function: Any) -> str | None:
    """Where a function in C comes from, as far as it or the modules there are tell."""
    owner = getattr(function, "__module__", None)
    if owner is not None:
        return str(owner)
    whose = getattr(function, "__self__", None)
    if whose is not None:
        # Of a function it is the module itself, of a method the object.
        return str(whose.__name__) if isinstance(whose, type(sys)) else type(whose).__module__
    known = id(function)
    if known not in _HOMES:
        name = getattr(function, "__name__", "")
        homes = (
            key for key, module in list(sys.modules.items()) if getattr(module, "__dict__", {}).get(name) is function
        )
        _HOMES[known] = next(homes, None)
    return _HOMES[known]


def _watch_use() -> None:
    """Note which files' functions are called: for a run of its own, since that slows everything down."""
    import threading

    def called(frame: Any, event: Any, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code.co_name != "<module>" and code.co_filename[:1] != "<" and not code.co_filename.startswith(HERE):
                _note_use(code.co_filename, "")
        elif event == "c_call":
            owner = _module_of(argument)
            if isinstance(owner, str) and owner not in ("builtins", "_thread", "time"):
                _note_use("", owner)

    threading.setprofile(called)
    sys.setprofile(called)


def _birth() -> int:
    """When this process was made, to a hundredth of a second; 0 where the kernel does not tell."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b") ")[2].split()[19])
        since_boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - now()
        return int(ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK") - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def _facts(up: int, cpu: int) -> None:
    """Note the process, up since then, and what decides how many threads a library starts."""
    line("P", os.getpid(), os.getppid(), _birth(), up, cpu, "{}.{}.{}".format(*sys.version_info[:3]))
    line("X", "processors", len(os.sched_getaffinity(0)))
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            line("X", "limit", int(quota) / int(period))
    except (OSError, ValueError):
        pass
    for name in _TOLD:
        if name in os.environ:
            line("X", name, os.environ[name])


def _last_words() -> None:
    """Note what only the process itself can tell once it is over."""
    try:
        with open("/proc/self/maps") as file:
            for mapping in file:
                path = mapping.rstrip("\n").partition("/")[2]
                if path:
                    line("M", "/" + path)
        with open("/proc/self/stat", "rb") as file:
            words = file.read().rpartition(b") ")[2].split()
        line("R", cpu_now(), words[7].decode(), words[9].decode(), words[17].decode())
    except (OSError, IndexError):
        pass
    flush()


def _after_fork() -> None:
    STATE["file"] = -1
    del BUFFER[:]
    mine = _thread.get_ident()
    for thread in list(STACKS):
        if thread != mine:
            del STACKS[thread]
    for span in STACKS.get(mine, ()):
        span.told = False
    _facts(now(), cpu_now())


def _run_hidden() -> None:
    """Run the image's own sitecustomize, which this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    own = sys.modules.pop("sitecustomize")
    try:
        __import__("sitecustomize")
    except ImportError:
        # As site.py does: most have none. Who imports this one looks for it there.
        sys.modules["sitecustomize"] = own


def _start() -> None:
    import atexit

    _facts(_UP, _UP_CPU)
    flush()
    atexit.register(_last_words)
    os.register_at_fork(after_in_child=_after_fork)
    sys.addaudithook(_listen)
    _watch_imports()
    if "use" in os.environ.get("SLIMML_PROFILE", ""):
        _watch_use()
    timed(time, "sleep", "sleep", lambda arguments, named: (f"{arguments[0]:g} s", ""))
    line("S", -1, 0, _thread.get_ident(), "watch", _UP, now(), _UP_CPU, cpu_now(), "", "", "")
    _run_hidden()


_start()
