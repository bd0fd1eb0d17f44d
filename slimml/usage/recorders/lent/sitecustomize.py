"""Writes down what this Python opens, lists, loads and starts; lent to images by slimml record.

It runs inside the image, in whatever Python 3.8 or newer is there: standard library only, and no import that Python has
not made itself. A line is `NANOSECONDS OPERATION HEX`: the time on CLOCK_MONOTONIC, the number of an operation as
slimml numbers them (0: this program's name and user), and a path.
"""

import os
import sys
import time

_OPEN, _EXEC, _LIST, _WRITE = 1, 2, 4, 32
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PATH = os.environ.get("SLIMML_RECORD", "")
_told: "set[tuple[int, bytes]]" = set()
_loaded = [True]


def _tell(operation: int, path: object) -> None:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    place = os.path.abspath(os.fsencode(path))
    if place.startswith((b"/proc/", b"/sys/", b"/dev/")) or (operation, place) in _told:
        return
    _told.add((operation, place))
    _write(operation, place)


def _write(operation: int, data: bytes) -> None:
    try:  # noqa: SIM105 - contextlib would be one more import of ours
        # In one piece: other threads and children write to the same file.
        os.write(_log, f"{time.monotonic_ns()} {operation} {data.hex()}\n".encode("ascii"))
    except OSError:
        pass


def _tell_libraries() -> None:
    """What is mapped by now: libraries that came with what was loaded."""
    _loaded[0] = False
    try:
        with open("/proc/self/maps", "rb") as file:
            for line in file:
                fields = line.split(None, 5)
                if len(fields) > 5 and fields[5].startswith(b"/"):
                    _tell(_OPEN, fields[5].rstrip(b"\n"))
    except OSError:
        pass


def _opened(path: object, _: object, flags: object) -> None:
    _tell(_OPEN | (_WRITE if isinstance(flags, int) and flags & _WRITING else 0), path)


def _listen(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
    if event == "open":
        _opened(*arguments)
    elif event in ("import", "ctypes.dlopen"):
        if event == "import" and not arguments[1]:
            return
        _loaded[0] = True
        return
    elif event in ("os.listdir", "os.scandir", "glob.glob"):
        _tell(_LIST, arguments[0] or ".")
    elif event in ("os.exec", "os.posix_spawn", "subprocess.Popen"):
        _tell_libraries()
        if os.sep in os.fsdecode(arguments[0] or ""):
            _tell(_OPEN | _EXEC, arguments[0])
    elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown"):
        _tell(_WRITE, arguments[0])
    elif event in ("os.rename", "os.link", "os.symlink"):
        _tell(_WRITE, arguments[1])
    else:
        return
    if _loaded[0] and event == "open":
        _tell_libraries()


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


def _begin() -> None:
    """What this process has open and loaded already, and from now on all it does."""
    with open("/proc/self/comm", "rb") as file:
        _write(0, file.read().strip() + b" %d" % os.geteuid())
    _tell(_OPEN | _EXEC, os.path.realpath("/proc/self/exe"))
    for module in list(sys.modules.values()):
        for path in (getattr(module, "__file__", None), getattr(module, "__cached__", None)):
            if path and path != __file__:
                _tell(_OPEN, path)
    _tell_libraries()
    sys.addaudithook(_listen)
    import atexit

    atexit.register(_tell_libraries)


if _PATH:
    try:
        _log = os.open(
            os.path.join(_PATH, f"{os.getpid()}-{time.monotonic_ns()}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
        )
        _begin()
    except OSError:
        pass
_run_hidden()
