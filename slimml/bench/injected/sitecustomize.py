"""Tells on standard error when Python is up, what it imports and which data it opens; lent to images by slimml bench.

It runs inside the image, in whatever Python 3.8 or newer is there: standard library only, and little of that. A line is
`slimml-start PROCESS NANOSECONDS WHAT WORDS`, the time on CLOCK_MONOTONIC, which all containers of a machine share.
SLIMML_START names what is wanted besides `up`: imports, cuda.
"""

import os
import sys
import time

_DATA_BYTES = 262144
_CODE = (".py", ".pyc", ".pyi", ".so", ".pth", ".toml", ".txt", ".json")


def _tell(what: str, words: str = "") -> None:
    line = f"slimml-start {os.getpid()} {time.monotonic_ns()} {what} {words}\n"
    try:  # noqa: SIM105 - contextlib would be one more import of ours
        # In one piece: other threads and processes write to the same pipe.
        os.write(2, line.encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def _listen(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
    if event == "import":
        _tell("import", arguments[0])
    elif event == "open":
        path = arguments[0]
        if isinstance(path, str) and not path.endswith(_CODE):
            try:
                size = os.stat(path).st_size
            except (OSError, ValueError):
                return
            if size >= _DATA_BYTES:
                _tell("open", f"{size} {os.path.realpath(path)}")


def _time_cuda() -> None:
    """Time torch's first use of CUDA, once the program itself imports torch."""
    from importlib.machinery import PathFinder

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
            if name != "torch.cuda":
                return None
            sys.meta_path.remove(Finder)
            spec = PathFinder.find_spec(name, path, target)
            if spec is None or spec.loader is None:
                return spec
            execute = spec.loader.exec_module

            def executed(module):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                execute(module)
                _wrap(module)

            spec.loader.exec_module = executed  # type: ignore[method-assign]
            return spec

    sys.meta_path.insert(0, Finder)


def _wrap(module) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    original = getattr(module, "_lazy_init", None)
    if original is None:
        return

    def timed() -> None:
        if module.is_initialized():
            original()
            return
        _tell("cuda-begin")
        try:
            original()
        finally:
            _tell("cuda-end")

    module._lazy_init = timed


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
    _tell("up")
    wanted = os.environ.get("SLIMML_START", "")
    if "cuda" in wanted:
        _time_cuda()
    if "imports" in wanted:
        sys.addaudithook(_listen)
    _run_hidden()


_begin()
