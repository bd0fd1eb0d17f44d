"""A registry to pull from: one that the user names, or docker-registry on this machine for as long as is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench.mortal import mortal
from slimml.errors import SlimmlError, Unavailable, UsageError
from slimml.oci.digest import Digest, hex_of
from slimml.oci.reference import Name, parse_name

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore

PROGRAMS = ("docker-registry", "registry")
"""as Debian calls it, and as it calls itself"""

_LISTENING = "listening on "
_END_SECONDS = 20


@dataclass(frozen=True)
class Registry:
    """`address` is host:port as engines are told; `prefix` begins the names of repositories ("" or `team/`).

    `storage` is where a registry of ours keeps its files, None for one that is not; `words` name it in results.
    """

    address: str
    prefix: str
    words: str
    storage: Path | None

    def name(self, repository: str, tag: str, address: str | None = None) -> Name:
        """The name of an image here, at another `address` where a proxy stands before it."""
        return Name(address or self.address, f"{self.prefix}{repository}", tag)

    def warm(self, digests: list[Digest]) -> None:
        """Have blobs of a registry of ours in the page cache, so that a pull does not measure its disk."""
        for path in map(self._blob, digests):
            if path is not None:
                with suppress(OSError), path.open("rb", buffering=0) as file:
                    while file.read(1 << 20):
                        pass

    def forget(self, digests: list[Digest]) -> None:
        """Remove blobs from the disk of a registry of ours; no manifest may need them any more."""
        for path in map(self._blob, digests):
            if path is not None:
                shutil.rmtree(path.parent, ignore_errors=True)

    def _blob(self, digest: Digest) -> Path | None:
        """Where registries keep a blob (distribution, registry/storage/paths.go)."""
        if self.storage is None:
            return None
        found = hex_of(digest)
        return self.storage / "docker/registry/v2/blobs/sha256" / found[:2] / found / "data"


def named_registry(text: str) -> Registry:
    """The registry at `host[:port][/prefix]`; raises UsageError."""
    host, _, prefix = text.removeprefix("docker://").rstrip("/").partition("/")
    name = parse_name(f"{host}/{prefix + '/' if prefix else ''}x:x")
    if name.registry != host:
        raise UsageError(f"--registry {text}: say HOST:PORT or HOST/PREFIX, with a dot or a port in the host")
    return Registry(host, f"{prefix}/" if prefix else "", host, None)


@contextmanager
def own_registry(work: BlobStore) -> Iterator[Registry]:
    """A registry on a free port of 127.0.0.1, plain HTTP, no logins; its files lie in the directory of `work`.

    It ends with the context, and is killed by the kernel when the thread that started it dies. Raises Unavailable
    where no registry is installed or it does not start.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise Unavailable(
            f"measuring pulls needs a registry: install docker-registry ({' or '.join(PROGRAMS)} on PATH), "
            "or name one with --registry HOST:PORT"
        )
    work.make()
    directory = Path(work.path) / "registry"
    directory.mkdir(exist_ok=True)
    config = directory / "config.yml"
    config.write_text(_configuration(directory), "utf-8")
    process = subprocess.Popen(
        mortal([program, "serve", str(config)]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
        start_new_session=True,
    )
    try:
        yield Registry(_address(process, program), "", _version(program), directory)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _configuration(directory: Path) -> str:
    """YAML, of which JSON is a part. Logs of level info say where it listens."""
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(directory)}, "delete": {"enabled": True}},
            "http": {"addr": "127.0.0.1:0", "secret": "of one run"},
        }
    )


def _address(process: subprocess.Popen[str], program: str) -> str:
    """Where it listens, as its log says; the rest of the log is read and dropped, so that it never waits for us."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said = line
        if _LISTENING in line:
            threading.Thread(target=_drop, args=(process,), daemon=True).start()
            return line.partition(_LISTENING)[2].partition('"')[0].partition(",")[0].strip()
    raise Unavailable(f"{program} did not start: {' '.join(said.split())[-300:]}")


def _drop(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    with suppress(OSError, ValueError):
        while process.stderr.read(1 << 16):
            pass


def _version(program: str) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SlimmlError(f"{program} cannot be run: {error}") from None
    return f"{Path(program).name} {said.split()[-1] if said.split() else ''}".strip()
