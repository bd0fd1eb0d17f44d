"""Compiles modules with the image's own Python, in a container of it; the same image gives the same bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slimml.engine.container import Mount, RunSpec
from slimml.errors import SlimmlError, Unsupported
from slimml.oci.work_place import work_place
from slimml.probes.ending import last_words
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.container import Engine, Prepared
    from slimml.inventory.table import Inventory
    from slimml.slim.starting.missing import Interpreter, Uncompiled

_LENT = Path(__file__).parent / "lent"
_LENT_AT, _OUT_AT = "/slimml-compile", "/slimml-compiled"
_SECONDS = 900
_BY_TIME = 0
"""PEP 552: bytecode that holds as long as its source has this time and size, which the image's own tar fixes"""


@dataclass(frozen=True)
class Bytecode:
    """A file to be added for `module`."""

    module: Uncompiled
    content: bytes


@dataclass(frozen=True)
class Compiled:
    """What was compiled, by path, and the sources that do not compile (templates, code of another version)."""

    files: tuple[Bytecode, ...]
    failed: tuple[str, ...]


def compile_modules(
    engine: Engine,
    prepared: Prepared,
    inventory: Inventory,
    modules: Sequence[Uncompiled],
    level: int = 0,
    progress: Progress = SILENT,
) -> Compiled:
    """Compile `modules` at a level of optimisation. Raises SlimmlError where the image's Python does not run, and what
    the engine raises.
    """
    files: list[Bytecode] = []
    failed: list[str] = []
    by_interpreter: dict[Interpreter, list[Uncompiled]] = {}
    for module in modules:
        by_interpreter.setdefault(module.interpreter, []).append(module)
    with progress.task("compiling modules"):
        for interpreter, own in by_interpreter.items():
            magic, codes = _run(engine, prepared, interpreter, own, level)
            for module, code in zip(own, codes, strict=True):
                if code is None:
                    failed.append(f"/{module.source}")
                else:
                    files.append(Bytecode(module, _header(inventory, module, magic) + code))
    return Compiled(tuple(sorted(files, key=lambda one: one.module.target)), tuple(sorted(failed)))


def _header(inventory: Inventory, module: Uncompiled, magic: bytes) -> bytes:
    """The sixteen bytes before the code; time and size are cut to 32 bits as Python does."""
    time, size = (int(inventory.column(name)[module.row]) & 0xFFFFFFFF for name in ("mtime", "size"))
    return magic + struct.pack("<III", _BY_TIME, time, size)


def _run(
    engine: Engine, prepared: Prepared, interpreter: Interpreter, modules: Sequence[Uncompiled], level: int
) -> tuple[bytes, list[bytes | None]]:
    if engine.name == "host":
        raise Unsupported("bytecode is compiled in a container of the image: Docker, Podman, runc or crun is needed")
    place = work_place()
    with TemporaryDirectory(prefix="slimml-compile-", dir=place, ignore_cleanup_errors=True) as directory:
        out = Path(directory)
        out.chmod(0o1777)
        listed = "\0".join(f"/{module.source}" for module in modules)
        (out / "list").write_bytes(listed.encode("utf-8", "surrogateescape"))
        words = (f"/{interpreter.path}", "-S", "-s", "-B", "-W", "ignore", f"{_LENT_AT}/compile_inside.py")
        spec = RunSpec(
            entrypoint=(*words, f"{_OUT_AT}/list", _OUT_AT, str(level)),
            # Sets among constants are written in the order of their hashes.
            environment={"PYTHONHASHSEED": "0", "PYTHONPATH": "", "PYTHONOPTIMIZE": "", "PYTHONSTARTUP": ""},
            user="0:0",
            mounts=(Mount(_LENT, _LENT_AT), Mount(out, _OUT_AT, writable=True)),
            network=False,
        )
        with engine.create(prepared, spec) as container:
            container.start()
            exited = container.wait(_SECONDS)
            if exited is None or exited.code:
                said = last_words(container.logs())
                how = f"ended with {exited.code}" if exited else f"did not end within {_SECONDS} s"
                raise SlimmlError(f"{prepared.image.reference}: compiling with /{interpreter.path} {how}: {said}")
        codes = [_content(out / str(number)) for number in range(len(modules))]
        return (out / "magic").read_bytes(), codes


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None
