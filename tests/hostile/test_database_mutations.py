"""Damaged package databases, metadata and native code in an image: it is analysed and slimmed, or one of our errors."""

import gzip
import json
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from layered_image import file, image_of, symlink
from mutations import damaged, damaged_bytes

from slimml.bloat.detect import find_bloat
from slimml.errors import Refused, SlimmlError
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.optimize import carry_out
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan

FIXTURES = Path(__file__).resolve().parents[1] / "inventory/fixtures"
SITE = "usr/lib/python3.11/site-packages"
INFO = "var/lib/dpkg/info"
BALLAST = [file(f"var/cache/apt/archives/{number}.deb", bytes(2000)) for number in range(3)]
STATUS = "".join(
    f"""Package: {name}
Status: install ok installed
Architecture: amd64
Version: 1:2-3
Depends: libc6 (>= 2), gcc | b
Section: devel
Conffiles:
 /etc/{name}.conf 0123456789abcdef0123456789abcdef
Description: a
 b

"""
    for name in ("gcc", "libc6", "make", "libx-dev")
)
APK = """C:Q1abc=
P:gcc
V:1-r0
A:x86_64
D:so:libc.so.1>=1 !x
p:so:libx.so=1
F:usr/bin
R:cc
a:0:0:755
Z:Q1def=

"""
ALTERNATIVES = """auto
/usr/bin/cc
cc.1.gz
/usr/share/man/man1/cc.1.gz

/usr/bin/gcc
20
/usr/share/man/man1/gcc.1.gz
/usr/bin/clang
-5
/usr/share/man/man1/clang.1.gz

"""
RECORD = """numpy/core.py,sha256=x,1
"numpy/a,""b"".py",,
numpy/tests/test_a.py,,
numpy-1.0.dist-info/RECORD,,
"""
METADATA = "Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\nRequires-Dist: torch[x]>=2 ; extra == 'y'\n\ntext\n"
CONDA = {
    "name": "zlib",
    "version": "1",
    "build": "0",
    "files": ["lib/libz.so", "lib/libz.a"],
    "depends": ["libc >=2"],
    "paths_data": {"paths": [{"_path": "lib/libz.a", "size_in_bytes": 1}]},
    "link": {"source": "/opt/conda/pkgs/z"},
}
NPM = {"name": "left-pad", "version": "1.0.0", "dependencies": {"a": "^1"}, "bin": {"a": "./a.js"}, "files": ["x"]}

GCC = {f"{INFO}/gcc.list": b"/usr/bin/gcc\n", f"{INFO}/make.list": b"/usr/bin/make\n"}
TEXTS = {
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/diversions": "/usr/bin/cc\n/usr/bin/cc.real\ngcc\n",
    f"{INFO}/gcc.list": "/.\n/usr\n/usr/bin\n/usr/bin/gcc\n/etc/gcc.conf\n",
    f"{INFO}/gcc.md5sums": "0123456789abcdef0123456789abcdef  usr/bin/gcc\n",
    f"{INFO}/libc6:amd64.list": "/.\n/usr/lib/libc.so\n",
    "var/lib/dpkg/alternatives/cc": ALTERNATIVES,
    "var/lib/apt/extended_states": "Package: gcc\nAuto-Installed: 1\n\n",
    "lib/apk/db/installed": APK,
    "etc/apk/world": "gcc\nmake>1\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    f"{SITE}/numpy-1.0.dist-info/RECORD": RECORD,
    f"{SITE}/numpy-1.0.dist-info/METADATA": METADATA,
    f"{SITE}/numpy-1.0.dist-info/direct_url.json": '{"url": "file:///app/src", "dir_info": {"editable": true}}',
    f"{SITE}/old.egg-info/PKG-INFO": METADATA.replace("numpy", "old"),
    f"{SITE}/old.egg-info/SOURCES.txt": "old/a.py\n",
    f"{SITE}/old.egg-info/installed-files.txt": "../old/a.py\n",
    f"{SITE}/easy.egg-link": "/app/src\n.\n",
    f"{SITE}/__editable__.app-1.pth": "/app/src\n",
    "opt/venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n",
}
DOCUMENTS = {
    "opt/conda/conda-meta/zlib-1-0.json": CONDA,
    "app/node_modules/left-pad/package.json": NPM,
}
BINARIES = {
    "usr/lib/sysimage/rpm/rpmdb.sqlite": gzip.decompress((FIXTURES / "rpmdb.sqlite.gz").read_bytes()),
    "var/lib/rpm/Packages": gzip.decompress((FIXTURES / "Packages.gz").read_bytes()),
}
PLAIN = [
    "usr/bin/gcc",
    "usr/lib/libc.so",
    f"{SITE}/numpy/core.py",
    f"{SITE}/numpy/tests/test_a.py",
    "opt/conda/lib/libz.a",
]


def elf(chance):
    """A 64-bit ELF file with a section table, whose numbers may be anything."""
    sections = b"\0.text\0.debug_info\0.symtab\0.shstrtab\0"
    table = b"".join(
        (n).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(16) + (64).to_bytes(8, "little")
        + len(sections).to_bytes(8, "little") + bytes(24)
        for n in (0, 1, 7, 19, 27)
    )  # fmt: skip
    header = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    header[40:48] = (64 + len(sections)).to_bytes(8, "little")
    header[58:64] = b"".join(number.to_bytes(2, "little") for number in (64, 5, 4))
    return damaged_bytes(bytes(header) + sections + table, chance, chance.randint(0, 6))


def hurt_texts(chance):
    texts = {path: text.encode() for path, text in TEXTS.items()}
    documents = {path: json.dumps(document).encode() for path, document in DOCUMENTS.items()}
    for path in chance.sample(sorted(texts), 4):
        texts[path] = damaged_bytes(texts[path], chance, chance.randint(1, 5))
    for path, document in DOCUMENTS.items():
        documents[path] = damaged(document, chance)
    return texts | documents | {"usr/lib/libc.so": elf(chance)}


def hurt_binary(path):
    def make(chance):
        return {path: damaged_bytes(BINARIES[path], chance, chance.choice([1, 5, 50, 500])), "usr/bin/bash": b"x"}

    return make


def look_and_slim(files, directory):
    """All that `analyze` and `optimize` do with what is in an image."""
    contents = dict.fromkeys(PLAIN, b"x" * 100) | files
    items = [file(path, content) for path, content in contents.items()]
    inventory = take_inventory(image_of(BALLAST, [*items, symlink("etc/alternatives/cc", "/usr/bin/gcc")]))
    assert len(inventory.owner) == inventory.table.num_rows
    plan = make_plan(inventory, find_bloat(inventory), Options(level=Level.ALL))
    carry_out(inventory, plan, BlobStore(directory))


@pytest.mark.parametrize(
    ("inputs", "make"),
    [(600, hurt_texts), *((150, hurt_binary(path)) for path in BINARIES)],
    ids=["texts", "rpm-sqlite", "rpm-berkeley"],
)
def test_damaged_databases_break_nothing(tmp_path, inputs, make):
    chance = random.Random(6)
    refused = 0
    for _ in range(inputs):
        try:
            look_and_slim(make(chance), tmp_path)
        except SlimmlError:
            refused += 1
    assert refused < inputs / 2


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (f"{SITE}/numpy-1.0.dist-info/RECORD", b'"' + b"x" * 200_000 + b'",,\nnumpy/tests/test_a.py,,\n'),
        (f"{SITE}/numpy-1.0.dist-info/METADATA", b"Name: n\nVersion: 1\nRequires-Dist: " + b"a[" * 300_000 + b"\n"),
        (f"{SITE}/numpy-1.0.dist-info/METADATA", b"Name: " + b"-_." * 1_000_000 + b"\nVersion: 1\n"),
        (f"{SITE}/easy.egg-link", b"/" * 1_000_000),
        ("var/lib/dpkg/status", b"Package: a\nStatus: install ok installed\nDepends: " + b"a, " * 300_000 + b"\n"),
        ("lib/apk/db/installed", b"P:a\nD:" + b"x<>=~ " * 300_000 + b"\n"),
        ("opt/conda/conda-meta/a-1-0.json", b'{"files": ' + b"[" * 100_000),
        ("app/node_modules/left-pad/package.json", b'{"dependencies": ' + b'{"a": ' * 100_000),
        ("var/lib/dpkg/alternatives/cc", ALTERNATIVES.replace("-5", "--5").encode()),
        ("var/lib/dpkg/alternatives/cc", ALTERNATIVES.replace("20", "²").encode()),
        ("etc/os-release", b'ID="' + b"\\" * 1_000_000),
    ],
)
def test_odd_databases_are_read_in_little_time(tmp_path, path, content):
    began = time.process_time()
    with suppress(Refused):
        look_and_slim({"var/lib/dpkg/status": STATUS.encode()} | GCC | {path: content}, tmp_path)
    assert time.process_time() - began < 20
