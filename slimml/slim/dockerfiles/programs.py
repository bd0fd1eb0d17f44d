"""The programs that build images: docker, given a context that we pack, or podman or buildah, given the directory."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from slimml.dockerfile.context import IGNORE_FILE
from slimml.errors import SlimmlError, Unavailable

if TYPE_CHECKING:
    from slimml.dockerfile.context import BuildContext

_PROGRAMS = ("docker", "podman", "buildah")
_NAME = "Dockerfile.slimml"
_TOLD_LINES = 12


class BuildFailed(SlimmlError):
    """A builder does not build a Dockerfile; the message ends with its last words."""


@dataclass(frozen=True)
class Builder:
    """A program that builds. `host` is the engine's address, "" for the usual one; `arguments` are build arguments,
    `options` further words of the command line, `buildkit` that the file cannot do without BuildKit.
    """

    program: str
    host: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    buildkit: bool = False

    def build(self, dockerfile: bytes, context: BuildContext, name: str) -> None:
        """Build the image and give it `name`; raises BuildFailed, Unavailable."""
        words = [word for key, value in self.arguments.items() for word in ("--build-arg", f"{key}={value}")]
        words = ["build", *words, *self.options, "-t", name]
        if self.program != "docker":
            self._build_in_place(words, dockerfile, context)
            return
        with tempfile.TemporaryFile() as archive:
            _pack(archive, dockerfile, context)
            archive.seek(0)
            self._run([*words, "-f", _NAME, "-"], archive)

    def _build_in_place(self, words: list[str], dockerfile: bytes, context: BuildContext) -> None:
        """Podman and buildah take no packed context, but Dockerfile and .dockerignore from elsewhere."""
        if others := sorted(context.written.keys() - {IGNORE_FILE}):
            raise Unavailable(
                f"{self.program} builds from the directory itself, which has no {others[0]}; install docker"
            )
        with tempfile.TemporaryDirectory(prefix="slimml-context-") as place:
            recipe, ignored, nothing = (Path(place, part) for part in (_NAME, "ignored", "nothing"))
            recipe.write_bytes(dockerfile)
            ignored.write_text(context.text(IGNORE_FILE) or "", "utf-8")
            nothing.mkdir()
            directory = context.directory or nothing
            self._run([*words, "-f", str(recipe), "--ignorefile", str(ignored), str(directory)], None)

    def remove(self, name: str) -> None:
        """Take an image's name away; what has no other name goes."""
        command = [self.program, "rmi", name]
        subprocess.run(command, env=self._environment(), capture_output=True, check=False)

    def output(self, name: str, script: str) -> str:
        """What a shell script prints in the image, without a network; "" where the image cannot run it."""
        if self.program == "buildah":
            return ""
        command = [
            self.program,
            "run",
            "--rm",
            "--network",
            "none",
            "--user",
            "0",
            "--entrypoint",
            "/bin/sh",
            name,
            "-c",
        ]
        ended = subprocess.run([*command, script], env=self._environment(), capture_output=True, check=False)
        return ended.stdout.decode("utf-8", "replace")

    def rename(self, name: str, new: str) -> None:
        """Give an image a further name."""
        subprocess.run([self.program, "tag", name, new], env=self._environment(), capture_output=True, check=True)

    def _environment(self) -> dict[str, str]:
        told = {"DOCKER_HOST": self.host} if self.host else {}
        return {
            **os.environ,
            **told,
            **({} if self.buildkit else {"DOCKER_BUILDKIT": "0", "DOCKER_CLI_HINTS": "false"}),
        }

    def _run(self, words: list[str], archive: IO[bytes] | None) -> None:
        last: deque[str] = deque(maxlen=_TOLD_LINES)
        process = subprocess.Popen(
            [self.program, *words],
            stdin=archive or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            errors="replace",
        )
        with process:
            for line in process.stdout or ():
                if line.strip():
                    last.append(line.strip())
        if process.returncode:
            raise BuildFailed(f"{self.program} build ends with {process.returncode}: {' / '.join(last)}")


def find_program() -> str:
    """The first of docker, podman and buildah that is installed; raises Unavailable."""
    for name in _PROGRAMS:
        if shutil.which(name):
            return name
    raise Unavailable("no program that builds images is installed; install docker, podman or buildah")


def fresh_name() -> str:
    """A name for an image of ours."""
    return f"slimml-build/{secrets.token_hex(6)}:trial"


def _pack(archive: IO[bytes], dockerfile: bytes, context: BuildContext) -> None:
    """The context as a tar: what .dockerignore leaves of the directory, the files that rules made, the Dockerfile."""
    directory = context.directory
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        # Docker's program knows a tar by its first 512 bytes alone, which have to be a whole entry's header.
        _add(tar, _NAME, dockerfile)
        if directory is not None:
            for path in _paths(directory, context):
                tar.add(directory / path, path, recursive=False, filter=_owned_by_root)
        for path, text in context.written.items():
            _add(tar, path, text.encode())


def _paths(directory: Path, context: BuildContext) -> list[str]:
    found = []
    for place, directories, names in os.walk(directory):
        below = Path(place).relative_to(directory)
        for name in [*directories, *names]:
            path = (below / name).as_posix()
            if path not in context.written and not context.ignored.matches(path):
                found.append(path)
    return sorted(found)


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """As builders send it: the owner is root; sockets and pipes stay here."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if member.isreg() or member.isdir() or member.issym() else None


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(data)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(data))
