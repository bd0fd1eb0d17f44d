"""OCI layouts for each attack case of docs/hostile-images.md, written byte by byte, without slimml's writers.

`ATTACKS` says of each how the commands have to end. What is legal, but meant to mislead, ends well: then the meaning is
the documented one. Each layout also holds a package cache, so that `optimize` has something to do.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import raw_tar
from tiny_image import compress, put_layout, tiny

from slimml.oci.digest import hex_of, sha256
from slimml.oci.media_types import (
    DOCKER_FOREIGN_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Compression,
)

INVALID, MISSING = 6, 3
MIB = 1 << 20
CACHE = raw_tar.file(b"var/cache/apt/archives/some_1_amd64.deb", bytes(range(256)) * 256)
SECRET = b"the host's secret"


@dataclass(frozen=True)
class Attack:
    """`put` writes the layout to a directory. `analyze` and `optimize` are the exit codes that are right."""

    case: int
    put: Callable[[Path], None]
    analyze: int = INVALID
    optimize: int = INVALID


def layer(*parts: bytes, closing: bytes = raw_tar.END) -> bytes:
    """A tar that begins with the package cache."""
    return CACHE + b"".join(parts) + closing


def tars(*layers: bytes) -> Callable[[Path], None]:
    """A well-formed image of these tars."""

    def put(path: Path) -> None:
        put_layout(path, tiny(*layers))

    return put


def blob(data: bytes, diff_id: str = "", media_type: str = f"{OCI_LAYER}+gzip", **fields: object) -> Callable:
    """An image of one layer whose blob is `data`; `fields` are added to its descriptor."""

    def put(path: Path) -> None:
        store = path / "blobs/sha256"
        store.mkdir(parents=True)
        descriptor = {"mediaType": media_type, "digest": sha256(data), "size": len(data)} | fields
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [diff_id or sha256(data)]}}
        manifest = {"schemaVersion": 2, "config": keep(path, OCI_CONFIG, config), "layers": [descriptor]}
        (store / hex_of(sha256(data))).write_bytes(data)
        put_index(path, keep(path, OCI_MANIFEST, manifest))

    return put


def keep(path: Path, media_type: str, document: object) -> dict[str, object]:
    """Store a document (or bytes) as a blob; its descriptor."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    (path / "blobs/sha256" / hex_of(sha256(raw))).write_bytes(raw)
    return {"mediaType": media_type, "digest": sha256(raw), "size": len(raw)}


def put_index(path: Path, *entries: object) -> None:
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


HONEST = layer(raw_tar.file(b"etc/motd", b"hello"))


def changed(change: Callable[[Path, dict], object]) -> Callable[[Path], None]:
    """An honest layout whose manifest `change(path, manifest)` gives anew; None leaves it as it is."""

    def put(path: Path) -> None:
        image = tiny(HONEST)
        put_layout(path, image)
        manifest = json.loads(image.manifest.raw)
        new = change(path, manifest)
        if new is not None:
            put_index(path, keep(path, OCI_MANIFEST, new))

    return put


def forged(where: str, digest: str) -> Callable[[Path], None]:
    def change(path: Path, manifest: dict) -> object:
        if where == "index":
            put_index(path, {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(SECRET)})
            return None
        target = manifest["config"] if where == "config" else manifest["layers"][0]
        target["digest"] = digest
        return manifest

    return changed(change)


def linked(name: str) -> Callable[[Path], None]:
    """A file of the layout lies outside, behind a symbolic link."""

    def change(path: Path, manifest: dict) -> object:
        digests = {"config": manifest["config"]["digest"], "layer": manifest["layers"][0]["digest"]}
        inside = path / "blobs/sha256" / hex_of(digests[name]) if name in digests else path / name
        outside = path.parent / f"outside-{name}"
        inside.rename(outside)
        inside.symlink_to(outside)

    return changed(change)


def damaged(which: str, how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def change(path: Path, manifest: dict) -> object:
        digest = manifest["config"]["digest"] if which == "config" else manifest["layers"][0]["digest"]
        inside = path / "blobs/sha256" / hex_of(digest)
        inside.write_bytes(how(inside.read_bytes()))

    return changed(change)


def indexes(depth: int) -> Callable[[Path], None]:
    def change(path: Path, manifest: dict) -> object:
        entry = keep(path, OCI_MANIFEST, manifest)
        for _ in range(depth):
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
            entry = keep(path, OCI_INDEX, document)
        put_index(path, entry)

    return changed(change)


def index_bytes(raw: bytes) -> Callable[[Path], None]:
    return changed(lambda path, _: (path / "index.json").write_bytes(raw) and None)


def long_index(path: Path) -> None:
    put_layout(path, tiny(HONEST))
    with open(path / "index.json", "r+b") as document:
        document.truncate(64 << 30)


def steps(created_by: str) -> Callable[[Path], None]:
    """An image whose one build step says `created_by`."""
    history = [{"created": created_by, "created_by": created_by, "comment": created_by}]
    env = {"Env": [f"A={created_by}"], "Cmd": [created_by], "User": created_by, "Labels": {created_by: created_by}}
    named = raw_tar.pax((b"path", f"app/{created_by}/x"[:200].encode())) + raw_tar.file(b"x", b"hello" * 9999)
    status = (
        "Package: {0}\nStatus: install ok installed\nArchitecture: {0}\nVersion: {0}\nSection: {0}\nDescription: {0}\n"
    )
    package = raw_tar.file(b"var/lib/dpkg/status", status.format(created_by.replace("\n", " ")).encode())
    hostile = layer(named, raw_tar.file(b"app/\xff\xfe\x1b[2J", b"hello" * 9999), package)

    def put(path: Path) -> None:
        put_layout(path, tiny(hostile, config={"history": history, "config": env}))

    return put


def gzip_bomb() -> bytes:
    """Four gigabytes of zeros in four megabytes."""
    return gzip.compress(CACHE + raw_tar.header(b"zeros", 4 << 30)) + gzip.compress(bytes(MIB)) * 4096


def zstd_frame(window_exponent: int, content: bytes) -> bytes:
    """A zstd frame (RFC 8878, 3.1.1) of one raw block that asks for a window of 2 ** window_exponent bytes."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window_exponent - 10) << 3]) + block


def sparse(*records: tuple[bytes, bytes], content: bytes = b"x") -> bytes:
    return raw_tar.pax(*records) + raw_tar.file(b"holes", content)


def record(content: bytes) -> bytes:
    """A PAX header with this content."""
    return raw_tar.header(b"PaxHeaders/x", len(content), b"x") + raw_tar.padded(content)


def sized_through_long_name() -> bytes:
    long_name = raw_tar.header(b"././@LongLink", 5, b"L") + raw_tar.padded(b"name\0")
    return raw_tar.pax((b"size", b"1024")) + long_name + raw_tar.header(b"a", 0) + b"x" * 1024


def link(name: bytes, target: bytes) -> bytes:
    return raw_tar.header(name, kind=b"2", link=target)


def hard_link(name: bytes, target: bytes) -> bytes:
    return raw_tar.header(name, kind=b"1", link=target)


def both_lists(_: Path, manifest: dict) -> object:
    return manifest | {"manifests": []}


def other_type(_: Path, manifest: dict) -> object:
    return manifest | {"mediaType": DOCKER_MANIFEST}


def large(*layers: bytes) -> Callable[[Path], None]:
    """An image that is large enough for several processes to read it."""

    def put(path: Path) -> None:
        most = layer(raw_tar.file(b"large", bytes(34 * MIB)))
        put_layout(path, tiny(most, *layers, compression=Compression.NONE))

    return put


def many_members(path: Path) -> None:
    """A hundred thousand empty files in less than a megabyte."""
    tar = layer(*(raw_tar.header(b"many/%d" % number) for number in range(100_000)))
    blob(gzip.compress(tar, 1), sha256(tar))(path)


SHELL = "$(touch owned); `touch owned`; touch owned; ' touch owned \" | touch owned"
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[1A\r\nslimml: all is well\n\x9b31m\u202egnp.exe\u2028\x7f[bold]x[/bold] :bomb:"
SETUID = raw_tar.header(b"su", 3, mode=b"0007777\0") + raw_tar.padded(b"su!")
NINE_MILLION = b"9000000\n" + b"0\n0\n" * 2000
PETABYTE = (b"GNU.sparse.size", b"%d" % 10**15)
SPARSE_1_0 = (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")
RANDOM_TAIL = b"".join(sha256(b"%d" % number).encode() for number in range(2000))

ATTACKS: dict[str, Attack] = {
    "name-climbs": Attack(1, tars(layer(raw_tar.file(b"../owned")))),
    "name-climbs-inside": Attack(1, tars(layer(raw_tar.file(b"a/../../owned")))),
    "name-climbs-in-parallel": Attack(1, large(layer(raw_tar.file(b"../owned")), layer(raw_tar.file(b"a")))),
    "name-absolute": Attack(1, tars(layer(raw_tar.file(b"/etc/passwd"))), 0, 0),
    "write-through-link": Attack(2, tars(layer(link(b"way", b"/tmp"), raw_tar.file(b"way/owned"))), 0, 0),
    "write-through-link-above": Attack(
        2, tars(layer(link(b"way", b"../../..")), raw_tar.file(b"way/owned") + raw_tar.END), 0, 0
    ),
    "link-is-dot": Attack(3, tars(layer(link(b".", b"/tmp")))),
    "link-is-slash": Attack(3, tars(layer(link(b"/", b"/tmp")))),
    "hard-link-climbs": Attack(4, tars(layer(hard_link(b"a", b"../../etc/shadow")))),
    "hard-link-to-link": Attack(4, tars(layer(link(b"a", b"/etc/shadow"), hard_link(b"b", b"a"))), 0, 0),
    "hard-link-to-nothing": Attack(4, tars(layer(hard_link(b"b", b"etc/shadow"))), 0, 0),
    "mode-climbs": Attack(5, tars(layer(raw_tar.header(b"../../tmp", kind=b"5", mode=b"0007777\0")))),
    "mode-set-user-id": Attack(5, tars(layer(SETUID)), 0, 0),
    "digest-path-index": Attack(6, forged("index", "sha256:../../../secret")),
    "digest-path-config": Attack(6, forged("config", "sha256:../../../secret")),
    "digest-path-layer": Attack(6, forged("layer", "sha256:" + "../" * 21 + "x")),
    "linked-index": Attack(7, linked("index.json")),
    "linked-marker": Attack(7, linked("oci-layout")),
    "linked-config": Attack(7, linked("config")),
    "linked-layer": Attack(7, linked("layer")),
    "linked-blobs": Attack(7, linked("blobs")),
    "other-config": Attack(8, damaged("config", lambda data: data.replace(b"linux", b"Linux"))),
    "other-layer": Attack(8, damaged("layer", lambda data: data[:-1] + bytes([data[-1] ^ 1]))),
    "longer-layer": Attack(8, damaged("layer", lambda data: data + b"\0")),
    "shorter-layer": Attack(8, damaged("layer", lambda data: data[:-1])),
    "other-size": Attack(8, blob(gzip.compress(HONEST), sha256(HONEST), size=7)),
    "other-diff-id": Attack(8, blob(gzip.compress(HONEST), sha256(b"other")), analyze=0),
    "manifests-and-layers": Attack(9, changed(both_lists)),
    "other-media-type": Attack(9, changed(other_type)),
    "huge-json": Attack(10, long_index),
    "deep-json": Attack(10, index_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
    "endless-text": Attack(10, index_bytes(b'{"a": "' + b'\\"' * (4 * MIB - 8))),
    "long-number": Attack(10, index_bytes(b'{"a": ' + b"9" * MIB + b"}")),
    "indexes-in-indexes": Attack(10, indexes(20)),
    "sparse-petabyte": Attack(
        11, tars(layer(sparse((b"GNU.sparse.size", b"%d" % 10**15), (b"GNU.sparse.map", b"0,1"))))
    ),
    "sparse-long-map": Attack(
        11, tars(layer(sparse(*SPARSE_1_0, (b"GNU.sparse.realsize", b"1"), content=NINE_MILLION)))
    ),
    "pax-digits": Attack(12, tars(layer(record(b"1" * 1_000_000), raw_tar.file(b"a")))),
    "pax-huge": Attack(12, tars(layer(raw_tar.header(b"PaxHeaders/x", 300_000_000, b"x")))),
    "pax-nul": Attack(12, tars(layer(raw_tar.pax((b"path", b"etc/pass\0wd")) + raw_tar.file(b"a")))),
    "pax-size-between": Attack(12, tars(layer(sized_through_long_name())), 0, 0),
    "cut-tar": Attack(13, tars(layer(raw_tar.header(b"a", 5000), b"x" * 100, closing=b""))),
    "no-tar": Attack(13, tars(RANDOM_TAIL)),
    "cut-gzip": Attack(13, blob(gzip.compress(HONEST + RANDOM_TAIL)[:-5000], sha256(HONEST))),
    "cut-tar-in-parallel": Attack(13, large(layer(raw_tar.header(b"a", 5000), closing=b""), layer(raw_tar.file(b"a")))),
    "no-gzip": Attack(13, blob(b"no gzip at all", sha256(HONEST))),
    "bomb-gzip": Attack(13, blob(gzip_bomb(), sha256(HONEST))),
    "bomb-zstd": Attack(
        13, blob(compress(HONEST + bytes(1 << 28), Compression.ZSTD), sha256(HONEST), f"{OCI_LAYER}+zstd")
    ),
    "window-zstd": Attack(13, blob(zstd_frame(31, HONEST), sha256(HONEST), f"{OCI_LAYER}+zstd")),
    "many-members": Attack(13, many_members, 0, 0),
    "name-too-long": Attack(14, tars(layer(raw_tar.pax((b"path", b"d/" * 4000)) + raw_tar.file(b"a")))),
    "component-too-long": Attack(14, tars(layer(raw_tar.pax((b"path", b"n" * 256)) + raw_tar.file(b"a")))),
    "path-too-deep": Attack(14, tars(layer(raw_tar.pax((b"path", b"d/" * 600)) + raw_tar.file(b"a")))),
    "attribute-too-long": Attack(
        14, tars(layer(raw_tar.pax((b"SCHILY.xattr.user." + b"n" * 300, b"v")) + raw_tar.file(b"a")))
    ),
    "whiteout-of-nothing": Attack(15, tars(layer(raw_tar.file(b"a/.wh.", b"")))),
    "whiteout-opaque-last": Attack(
        15, tars(layer(raw_tar.file(b"a/old")), raw_tar.file(b"a/new") + raw_tar.file(b"a/.wh..wh..opq", b"")), 0, 0
    ),
    "whiteout-beneath-link": Attack(
        15, tars(layer(link(b"a", b"b"), raw_tar.file(b"b/c")), raw_tar.file(b"a/.wh.c", b"")), 0, 0
    ),
    "whiteout-of-own": Attack(15, tars(layer(raw_tar.file(b"a"), raw_tar.file(b".wh.a", b""))), 0, 0),
    "devices": Attack(
        16, tars(layer(*(raw_tar.header(b"dev/%c" % kind, 4096, bytes([kind])) for kind in b"346"))), 0, 0
    ),
    "linked-dev": Attack(16, tars(layer(link(b"dev", b"/etc"), link(b"proc", b".."), raw_tar.file(b"dev/x"))), 0, 0),
    "foreign-layer": Attack(
        17,
        blob(HONEST, media_type=DOCKER_FOREIGN_LAYER, digest=sha256(b"elsewhere"), urls=["http://127.0.0.1:9/layer"]),
        MISSING,
        MISSING,
    ),
    "terminal": Attack(18, steps(ESCAPES), 0, 0),
    "shell": Attack(18, steps(SHELL), 0, 0),
}
