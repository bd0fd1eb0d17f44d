"""Recordings in a line."""

import pytest

from slimml.usage.recording import Operation, Recording, Seen, Use, Workload

IMAGE = "sha256:" + "a" * 64
LAYER = "sha256:" + "b" * 64


@pytest.fixture
def recording():
    """A recording of these paths, in this order, a second apart; `more` are other members."""

    def make(*paths, operations=Operation.OPEN, **more):
        known = {
            "image": IMAGE,
            "diff_ids": (LAYER,),
            "platform": "linux/amd64",
            "seen": (Seen("fanotify", ("stat",)),),
            "workloads": (Workload("probes.toml", ("health",)),),
            "users": (1000,),
            "hosts": ("here",),
        }
        uses = tuple(Use(path, operations, float(number), number, "python3") for number, path in enumerate(paths))
        return Recording(uses=uses, **(known | more))

    return make
