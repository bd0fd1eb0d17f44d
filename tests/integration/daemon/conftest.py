"""Engines that live as long as the tests of this directory, and an image with everything in it that a tar can hold."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from engines import EngineApi, engine_directory, running_dockerd, running_podman

from slimml.oci.transfer import Access


@dataclass(frozen=True)
class Engine:
    """A running engine: its API without slimml, its directory, and how slimml gets to it."""

    api: EngineApi
    directory: Path

    def access(self, *, read_store: bool = True) -> Access:
        return Access(engine=self.api.url, read_store=read_store)


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """Docker with overlay2, holding `motley:1`."""
    with engine_directory() as directory, running_dockerd(directory) as socket_path:
        api = EngineApi(socket_path)
        api.import_tar("base:1", motley_tar())
        api.build("motley:1", _DOCKERFILE, {"x": b"x" * 100_000, "empty": b""})
        yield Engine(api, directory)


@pytest.fixture(scope="session")
def podman(docker: Engine) -> Iterator[Engine]:
    """Podman with overlay, holding `motley:1` as Docker has it."""
    with engine_directory() as directory, running_podman(directory) as socket_path:
        api = EngineApi(socket_path)
        api.load(docker.api.save("motley:1"))
        yield Engine(api, directory)


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each of the engines in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Engine)
    return found


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLIMML_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))


_DOCKERFILE = """\
FROM base:1
COPY x /x
ENV ODD="a&b<c>"
COPY empty /empty
COPY x /again/x
LABEL one=two
COPY x /x
CMD ["/x"]
"""


def motley_tar() -> bytes:
    """A tar with every kind of entry, and names of every kind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name: str, content: bytes | None = None, kind: bytes = tarfile.REGTYPE, **fields: object) -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mtime, member.mode = kind, 1_600_000_000, 0o644
            member.size = len(content or b"")
            for key, value in fields.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content or b""))

        add("etc", kind=tarfile.DIRTYPE, mode=0o755)
        add("etc/one", b"1")
        add("etc/block", b"b" * 512)
        add("etc/block-and-one", b"c" * 513, mtime=1_600_000_000.25)
        add("etc/empty")
        add("etc/link", kind=tarfile.SYMTYPE, linkname="/etc/one")
        add("etc/hard", kind=tarfile.LNKTYPE, linkname="etc/block")
        add("etc/fifo", kind=tarfile.FIFOTYPE)
        add("etc/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3)
        add("long/" + "n" * 120 + "/" + "m" * 200, b"long name")
        add("long/link", kind=tarfile.SYMTYPE, linkname="t" * 150)
        add("latin-\udce9", b"not UTF-8", uid=70_000)
        add("größe", b"UTF-8", uid=5_000_000)
        add("set-id", b"#!", mode=0o4755)
        add("capable", b"ping", pax_headers={"SCHILY.xattr.user.note": "yes"})
        add("large", bytes(range(256)) * 12_000)
    return out.getvalue()
