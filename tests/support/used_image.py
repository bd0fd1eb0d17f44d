"""An image with packages of dpkg and distributions of Python; closures and recordings of it by path."""

import random

import numpy as np
from layered_image import file, folder, image_of

from slimml.usage.closure_result import Closure, Depth
from slimml.usage.recording import Operation, Recording, Seen, Use, Workload

SITE = "usr/lib/python3/site-packages"
INFO = "var/lib/dpkg/info"
STATUS = "var/lib/dpkg/status"


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def stanza(name, depends=""):
    needs = f"Depends: {depends}\n" if depends else ""
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n{needs}Description: x\n"


def package(name, *paths):
    """The files of a package of dpkg, and what records it."""
    items = [file(path, noise(9000, path)) for path in paths]
    return [*items, file(f"{INFO}/{name}.list", "".join(f"/{path}\n" for path in paths).encode())]


def distribution(name, *paths):
    """A distribution of Python with these files beneath site-packages."""
    place = f"{SITE}/{name}-1.dist-info"
    record = "".join(f"{path},,\n" for path in (*paths, f"{name}-1.dist-info/METADATA", f"{name}-1.dist-info/RECORD"))
    return [
        *(file(f"{SITE}/{path}", noise(9000, path)) for path in paths),
        file(f"{place}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n".encode()),
        file(f"{place}/RECORD", record.encode()),
    ]


def used_image():
    """Packages in the lowest layer, distributions above, the application on top."""
    status = "\n".join([stanza("git", "perl"), stanza("perl"), stanza("libc")])
    return image_of(
        [
            file(STATUS, status.encode()),
            *package("git", "usr/bin/git"),
            *package("perl", "usr/bin/perl", "usr/share/perl/x.pm"),
            *package("libc", "lib/libc.so", "lib/libm.so"),
            folder("srv"),
        ],
        [*distribution("black", "black/main.py"), *distribution("numpy", "numpy/core.py", "numpy/testing.py")],
        [file("srv/app.py", noise(5000, "app")), file("srv/notes.txt", noise(5000, "notes"))],
    )


def owner_of(inventory, name):
    return next(position for position, owner in enumerate(inventory.owners) if owner.name == name)


def closure_of(inventory, *going, depth=Depth.DISTRIBUTION, owners=()):
    """Everything is kept but these paths."""
    keep = np.array([path not in going for path in inventory.paths])
    dropped = tuple(owner_of(inventory, name) for name in owners)
    return Closure(depth, keep, keep.astype(np.int32), ("", "used"), dropped, ())


def recording_of(inventory, *paths, operations=Operation.OPEN, **more):
    image = inventory.image
    uses = tuple(Use(path, operations, 0.1 * number, number) for number, path in enumerate(paths))
    given = {
        "image": image.manifest.config.digest,
        "diff_ids": tuple(layer.diff_id for layer in image.layers),
        "platform": "linux/amd64",
        "uses": uses,
        "seen": (Seen("fanotify", ("stat",)),),
        "workloads": (Workload("probes.toml", ("health",)),),
    }
    return Recording(**(given | more))
