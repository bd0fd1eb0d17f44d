"""The demo's image, step by step, as a hurried Dockerfile would make it; nothing in it is larger than in real life.

The interpreter, its libraries and the distributions are this machine's own, pip's cache holds what pip would have
kept of them. Only apt's leftovers and the training data are stand-ins: bytes of the same kind and less of them.
"""

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from slimml.demo import this_python
from slimml.demo.layer import LayerContent
from slimml.demo.model import write_model
from slimml.errors import Unsupported

APPLICATION = "opt/app"
VENV = "opt/venv"
USER = 1000
_DATA = "tmp/training-data.csv.gz"


@dataclass(frozen=True)
class Step:
    """A line of the Dockerfile; `fill` tells the layer's content, None for a line that makes no layer."""

    line: str
    fill: Callable[[LayerContent], None] | None = None
    owner: int = 0


def steps(work: Path) -> list[Step]:
    """All steps; `work` is a directory for what has to be a file first. Raises Unsupported."""
    distributions = this_python.closure(("numpy", "onnxruntime", "onnx"))
    tools = _installed_of(("pip", "setuptools", "pytest"))
    checkout = _checkout(work)

    def install(layer: LayerContent) -> None:
        layer.file(f"{VENV}/pyvenv.cfg", b"home = /usr/local/bin\ninclude-system-site-packages = false\n")
        layer.tree(this_python.virtual_environment(VENV, {**tools, **distributions}))
        for name, content in _pip_cache(distributions):
            layer.file(f"root/.cache/pip/http-v2/{name}", content)

    def copy(layer: LayerContent) -> None:
        for name, content in checkout.items():
            layer.file(f"{APPLICATION}/{name}", content)

    return [
        Step("ADD rootfs.tar.xz /", _base),
        Step("RUN apt-get update && apt-get install -y curl", _apt),
        Step(f"RUN python3 -m venv /{VENV} && /{VENV}/bin/pip install numpy onnxruntime onnx pytest", install),
        Step(f"COPY . /{APPLICATION}", copy),
        Step(f"RUN curl -o /{_DATA} https://data.example.org/training-data.csv.gz", _download),
        Step(f"RUN rm /{_DATA}", lambda layer: layer.whiteout(_DATA)),
        Step(f"RUN useradd app && chown -R app /{APPLICATION}", copy, owner=USER),
        Step("USER app"),
        Step(f'CMD ["/{VENV}/bin/python", "application.py"]'),
    ]


def _base(layer: LayerContent) -> None:
    layer.directory("tmp", 0o1777)
    layer.file("etc/passwd", f"root:x:0:0::/root:/bin/sh\napp:x:{USER}:{USER}::/home/app:/bin/sh\n".encode())
    layer.file("etc/group", f"root:x:0:\napp:x:{USER}:\n".encode())
    layer.file("etc/os-release", b'ID=demo\nPRETTY_NAME="the demo of slimml"\n')
    layer.tree(this_python.interpreter(("numpy", "onnxruntime")))


def _apt(layer: LayerContent) -> None:
    source = random.Random(1)
    stanza = "Package: demo-{0}\nVersion: 1.{0}\nArchitecture: amd64\nDescription: a stand-in\nMD5sum: {1:032x}\n\n"
    lists = "".join(stanza.format(number, source.getrandbits(128)) for number in range(20_000))
    layer.file("var/lib/apt/lists/mirror.example.org_dists_stable_main_Packages", lists.encode())
    layer.file("var/cache/apt/archives/curl_1.0_amd64.deb", b"!<arch>\ndebian-binary" + source.randbytes(2_000_000))
    layer.file("var/log/dpkg.log", b"2024-01-01 00:00:00 install curl:amd64 <none> 1.0\n" * 2000)


def _download(layer: LayerContent) -> None:
    layer.file(_DATA, b"\x1f\x8b" + random.Random(2).randbytes(8_000_000))


def _installed_of(names: tuple[str, ...]) -> dict[str, Distribution]:
    """Those of the distributions that are installed here, with what they require."""
    found: dict[str, Distribution] = {}
    for name in names:
        try:
            found |= this_python.closure((name,))
        except Unsupported:
            continue
    return found


def _checkout(work: Path) -> dict[str, bytes]:
    """The author's checkout, all of which `COPY .` takes along."""
    write_model(work / "model.onnx", work / "checkpoint.npz")
    source = Path(__file__).with_name("application.py").read_bytes()
    commit = b"tree 0\nauthor A. Author <author@example.org> 0 +0000\n\nFirst version\n"
    return {
        "application.py": source,
        "model.onnx": (work / "model.onnx").read_bytes(),
        "checkpoint.npz": (work / "checkpoint.npz").read_bytes(),
        "requirements.txt": b"numpy\nonnxruntime\nonnx\npytest\n",
        "notebooks/explore.ipynb": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
        "tests/test_application.py": b"def test_nothing():\n    assert True\n",
        ".git/HEAD": b"ref: refs/heads/main\n",
        ".git/config": b"[core]\n\trepositoryformatversion = 0\n",
        ".git/objects/00/commit": zlib.compress(b"commit %d\0" % len(commit) + commit),
        ".git/objects/00/source": zlib.compress(b"blob %d\0" % len(source) + source),
    }


def _pip_cache(distributions: Mapping[str, Distribution]) -> Iterator[tuple[str, bytes]]:
    """What pip keeps of each download: the wheel, which is a zip of the same files, under a name that is a hash."""
    for place, (name, distribution) in enumerate(distributions.items()):
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for target, here in this_python.files_of(distribution):
                if not target.as_posix().startswith("..") and target.suffix != ".pyc":
                    archive.write(here, str(target))
        number = f"{zlib.crc32(name.encode()):08x}{place:048x}"
        yield "/".join((*number[:5], f"{number}.body")), wheel.getvalue()
