"""An image of a small application with distributions and weights, of whatever versions."""

from random import Random

from layered_image import file, folder, image_of

SITE = "usr/local/lib/python3.11/site-packages"


def noise(name, size):
    """Bytes that do not compress, the same for the same name."""
    return Random(name).randbytes(size)


def distribution(name, version, size):
    """The entries of a Python distribution of about `size` bytes."""
    info = f"{SITE}/{name}-{version}.dist-info"
    inner = {f"{name}/__init__.py": b"", f"{name}/part.so": noise(f"{name}{version}", size)}
    record = "".join(f"{path},,\n" for path in [*inner, f"{name}-{version}.dist-info/METADATA"])
    return [
        folder(f"{SITE}/{name}"),
        *(file(f"{SITE}/{path}", content) for path, content in inner.items()),
        folder(info),
        file(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()),
        file(f"{info}/RECORD", record.encode()),
    ]


SIZES = {"large": 400_000, "middle": 120_000, "small": 30_000, "other": 50_000}


def application(versions=(), code=b"print(1)\n", base=b"base", weights=b"1", **more):
    """An image of a base, four distributions, weights and code; `versions` are those that are not 1."""
    versions = dict.fromkeys(SIZES, "1") | dict(versions)
    installed = [item for name, version in versions.items() for item in distribution(name, version, SIZES[name])]
    return image_of(
        [folder("etc"), file("etc/os-release", base), file("usr/bin/tool", noise("base", 60_000))],
        [folder(SITE), *installed],
        [folder("srv"), file("srv/model.onnx", noise("weights", 1_200_000) + weights)],
        [folder("srv"), file("srv/app.py", code), file("srv/other.py", b"# other\n" * 50)],
        **more,
    )
