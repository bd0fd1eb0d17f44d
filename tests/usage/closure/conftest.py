"""Small images, recordings of them, and what their closure keeps, in a few lines."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest
from dynamic_elf import elf
from layered_image import Item, file, folder, image_of, symlink

from slimml.inventory.read_rows import read_rows
from slimml.inventory.root import merged_root
from slimml.inventory.take import take_inventory
from slimml.usage.closure.close import close
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation, Recording, Seen, Use, Workload

SITE = "usr/lib/python3.11/site-packages"


def python(name: str, modules: dict[str, bytes], *, requires: tuple[str, ...] = (), more: str = "", site: str = SITE):
    """The items of an installed distribution; `modules` by their path in the site, `more` lines of its metadata."""
    info = f"{site}/{name.replace('-', '_')}-1.0.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    metadata = "\n".join([*lines, more, ""]) + "\n"
    listed = [*modules, f"{info.rpartition('/')[2]}/METADATA", f"{info.rpartition('/')[2]}/RECORD"]
    record = "".join(f"{path},,\n" for path in listed)
    items = [file(f"{site}/{path}", content) for path, content in modules.items()]
    return [
        *items,
        file(f"{info}/METADATA", metadata.encode()),
        file(f"{info}/INSTALLER", b"pip\n"),
        file(f"{info}/RECORD", record.encode()),
    ]


def debian(**packages: tuple[str, list[Item]]) -> list[Item]:
    """Packages of dpkg: by name (`_` for `-`) what each depends on, and its files."""
    status, items = "", []
    for key, (depends, files) in packages.items():
        name = key.replace("_", "-")
        needed = f"Depends: {depends}\n" if depends else ""
        status += f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n{needed}\n"
        listed = "".join(f"/{one.name}\n" for one in files)
        items += [*files, file(f"var/lib/dpkg/info/{name}.list", listed.encode())]
    return [*items, file("var/lib/dpkg/status", status.encode())]


class Closed:
    """A closure asked by paths."""

    def __init__(self, inventory, closure) -> None:
        self.inventory, self.closure = inventory, closure
        self.paths = {path for path, row in inventory.live.items() if closure.keep[row]}

    @property
    def inventory_root(self):
        return merged_root(self.inventory)

    def why(self, path: str) -> str:
        return self.closure.reasons[self.closure.why[self.inventory.live[path]]]

    @property
    def dropped(self) -> set[str]:
        return {self.inventory.owners[owner].label for owner in self.closure.owners_dropped}


def used(*paths: str, how: Operation = Operation.OPEN) -> tuple[Use, ...]:
    return tuple(Use(path, how, 0.0, order, "python3") for order, path in enumerate(paths))


def recording_of(inventory, uses, **more) -> Recording:
    config = inventory.image.config
    facts = {"seen": (Seen("strace", ()),), "workloads": (Workload("test", ()),)} | more
    return Recording(config.digest, config.diff_ids, "linux/amd64", tuple(uses), **facts)


def close_inventory(inventory, *recordings, depth=Depth.DISTRIBUTION) -> Closed:
    return Closed(inventory, close(inventory, recordings, depth, partial(read_rows, inventory)))


@pytest.fixture
def closed() -> Callable[..., Closed]:
    """What is kept of an image of these items when these paths were opened (or when there are these uses)."""

    def act(items, *uses, depth=Depth.DISTRIBUTION, runtime=None, **more):
        layers = items if items and isinstance(items[0], list) else [items]
        inventory = inventory_of(layers, runtime)
        found = [use for one in uses for use in (used(one) if isinstance(one, str) else [one])]
        return close_inventory(inventory, recording_of(inventory, found, **more), depth=depth)

    return act


def inventory_of(layers, runtime=None):
    return take_inventory(image_of(*layers, config={"config": runtime or {"Cmd": ["/bin/true"]}}))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders of this page."""
    return SimpleNamespace(
        elf=elf,
        python=python,
        debian=debian,
        file=file,
        folder=folder,
        symlink=symlink,
        site=SITE,
        used=used,
        inventory=inventory_of,
        recording=recording_of,
        close=close_inventory,
    )
