"""Probes that run nothing: files of the image, and what its configuration says."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from slimml.engine.container import OUTPUT_BYTES, RunSpec
from slimml.oci import documents
from slimml.probes import expect
from slimml.probes.answer import Answer
from slimml.probes.variables import image_variables

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, FileStatus, Prepared
    from slimml.oci.image import Image
    from slimml.probes.probe import ConfigProbe, FileProbe, Suite

_EXECUTABLE = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}
_GO_KINDS = ((stat.S_ISDIR, "d"), (stat.S_ISLNK, "L"), (stat.S_ISBLK, "D"), (stat.S_ISFIFO, "p"), (stat.S_ISSOCK, "S"))
_GO_BITS = ((stat.S_ISUID, "u"), (stat.S_ISGID, "g"), (stat.S_ISVTX, "t"))


class Still:
    """An image that is looked at and not run: one container, made when the first file is asked for, never started."""

    def __init__(self, engine: Engine, prepared: Prepared, suite: Suite) -> None:
        self._engine, self._prepared, self._suite = engine, prepared, suite
        self._stack = ExitStack()
        self._container: Container | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def file(self, probe: FileProbe) -> Answer:
        """The status and, up to OUTPUT_BYTES or where a pattern asks for it, the content of a file."""
        if self._container is None:
            spec = RunSpec(user=self._suite.user, network=False)
            self._container = self._stack.enter_context(self._engine.create(self._prepared, spec))
        found = self._container.status(probe.path)
        if found is None:
            return Answer(probe.name, None, complaints=(f"{probe.path} is not there",) if probe.there else ())
        wanted = bool(probe.contains or probe.excluded) or found.size <= OUTPUT_BYTES
        files = self._container.files(probe.path) if stat.S_ISREG(found.mode) and wanted else {}
        content = next(iter(files.values()), b"")
        complaints = [
            *_attributes(probe, found),
            *expect.of_text("the content", content, probe.contains, probe.excluded),
        ]
        if not probe.there:
            complaints = [f"{probe.path} is there"]
        told = f"{stat.filemode(found.mode)} {found.uid}:{found.gid}\n"
        named = {probe.path: content} if files else {}
        return Answer(probe.name, None, body=told.encode(), files=named, complaints=tuple(complaints))

    def config(self, probe: ConfigProbe) -> Answer:
        """The parts of the image's configuration that a probe asks for, a line each; raises InvalidImage."""
        known = dict(_parts(self._prepared.image))
        told, complaints = [], []
        for part in probe.parts:
            value = known.get(part.part)
            if value is not None:
                told.append(f"{part.part}={value}\n")
            if part.matches is None and value is not None:
                complaints.append(f"the configuration has {part.part}")
            if part.matches is not None and (value is None or not re.search(part.matches, value)):
                said = "is not there" if value is None else f"is {value!r}"
                complaints.append(f"the configuration's {part.part} {said}")
        return Answer(probe.name, None, body="".join(told).encode(), complaints=tuple(complaints))


def go_mode(mode: int) -> str:
    """A mode as Go's FileMode prints it, which is how container-structure-test compares permissions."""
    kind = "".join(letter for test, letter in _GO_KINDS if test(mode))
    kind = "Dc" if stat.S_ISCHR(mode) else kind
    bits = "".join(letter for bit, letter in _GO_BITS if mode & bit)
    return (kind + bits or "-") + stat.filemode(stat.S_IMODE(mode) & 0o777)[1:]


def _attributes(probe: FileProbe, found: FileStatus) -> list[str]:
    complaints = []
    if probe.permissions not in (None, stat.filemode(found.mode), go_mode(found.mode)):
        complaints.append(f"permissions are {stat.filemode(found.mode)}, not {probe.permissions}")
    if probe.uid not in (None, found.uid):
        complaints.append(f"the owner is {found.uid}, not {probe.uid}")
    if probe.gid not in (None, found.gid):
        complaints.append(f"the group is {found.gid}, not {probe.gid}")
    if probe.executable_by is not None and not found.mode & _EXECUTABLE[probe.executable_by]:
        complaints.append(f"not executable by {probe.executable_by}")
    return complaints


def _parts(image: Image) -> Iterator[tuple[str, str]]:
    what, runtime = "the image config", image.config.runtime
    for name, value in image_variables(image).items():
        yield f"env:{name}", value
    for name, value in image.config.labels.items():
        yield f"label:{name}", value
    for port in documents.mapping(runtime, "ExposedPorts", what):
        yield f"port:{port}", port
        yield f"port:{port.removesuffix('/tcp')}", port
    for path in documents.mapping(runtime, "Volumes", what):
        yield f"volume:{path}", path
    for part, key in (("entrypoint", "Entrypoint"), ("cmd", "Cmd")):
        yield part, json.dumps(list(documents.sequence(runtime, key, what)))
    for part, key in (("workdir", "WorkingDir"), ("user", "User")):
        yield part, documents.text(runtime, key, what, default="")
