"""runc or crun on an unpacked image: containers for machines without a daemon, as root or as anybody (rootless)."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.bare.bundle import Surroundings, config_json
from slimml.engine.bare.container import BareContainer, Made
from slimml.engine.bare.control_group import group_named, groups_writable, remove_groups
from slimml.engine.bare.devices import gpu_additions
from slimml.engine.bare.onlooker import NOBODY, Onlooker
from slimml.engine.bare.process import HOSTNAME, main_process
from slimml.engine.bare.runtime import Runtime, find_runtime
from slimml.engine.bare.unpack import Unpacked, unpack_image
from slimml.engine.container import EngineFacts, Prepared, RunSpec
from slimml.engine.keeper.ask import Keeper
from slimml.engine.keeper.ground import ROOT_IN_NAMESPACE, keeper_on_ground, namespace_user, place_of, sweep_grounds
from slimml.engine.keeper.identity import SubIds
from slimml.engine.leftovers import own_name
from slimml.errors import SlimmlError, Unavailable
from slimml.oci import documents
from slimml.oci.limits import DEFAULT_LIMITS, GIB, Limits
from slimml.oci.media_types import Compression
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.image import Image

_RATIO = 2.2
"""bytes of a root for each compressed byte, rather too few: 2.5 to 3 for images with Python"""
_HOSTS = f"127.0.0.1\tlocalhost {HOSTNAME}\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class BareEngine:
    """See `engine.container.Engine`. `name` is runc or crun.

    Containers have a network of their own with nothing but a loopback, so that any number of them may listen on one
    port; with `share_network` they use this machine's instead, and ports may clash. Images are unpacked in `place`
    (by default SLIMML_WORK_DIR, TMPDIR). Raises Unavailable where the runtime is not installed or the kernel does
    not allow it. What differs from Docker: no seccomp profile, no way out to other hosts, device nodes of the image
    are left out; and rootless without ranges in /etc/subuid, everything runs and is owned as root.
    """

    def __init__(
        self,
        name: str = "runc",
        limits: Limits = DEFAULT_LIMITS,
        *,
        place: Path | None = None,
        share_network: bool = False,
    ) -> None:
        self.name = name
        self._limits, self._place, self._share_network = limits, place, share_network
        self._user = namespace_user()
        self._runtime: Runtime = find_runtime(name, groups=groups_writable())
        self._keepers: dict[str, Keeper] = {}

    def facts(self) -> EngineFacts:
        """What it is; raises Unavailable where this kernel does not let it run."""
        return EngineFacts(
            name=self.name,
            version=self._runtime.version,
            storage_driver=self._storage,
            rootless=self._user is not None,
            runtime=f"{self.name} {self._runtime.version}",
        )

    @cached_property
    def _storage(self) -> str:
        """How fresh layers come about here, found by trying."""
        with self._kept() as keeper:
            lower = keeper.ground / "root"
            lower.mkdir()
            found = keeper.call("overlay", lower=str(lower), directory=str(keeper.ground), user=self._user is not None)
            return {"overlay": "overlay", "memory": "overlay in memory"}.get(found[0]["kind"], "copy")

    @contextmanager
    def prepare(self, image: Image, progress: Progress = SILENT) -> Iterator[Prepared]:
        """Unpack `image` into a directory that goes when the context ends.

        Raises SlimmlError when there is no room for it, Unavailable, and what unpacking raises.
        """
        _check_room(image, place_of(self._place))
        with self._kept() as keeper:
            root = keeper.ground / "root"
            root.mkdir(mode=0o755)
            unpacked = unpack_image(image, root, self._limits, privileges=True, progress=progress)
            if isinstance(self._user, SubIds):
                _give_rights(keeper, root, unpacked)
            with self._known(root, keeper):
                yield Prepared(image, str(root))

    @contextmanager
    def over(self, image: Image, root: Path) -> Iterator[Prepared]:
        """Make a directory that is a root already runnable; it is not changed."""
        with self._kept() as keeper, self._known(root, keeper):
            yield Prepared(image, str(root))

    @contextmanager
    def _known(self, root: Path, keeper: Keeper) -> Iterator[None]:
        """Containers may be made over the directory `root` with this keeper, until the context ends."""
        self._keepers[str(root)] = keeper
        try:
            yield
        finally:
            del self._keepers[str(root)]

    @contextmanager
    def _kept(self) -> Iterator[Keeper]:
        place = place_of(self._place)
        # In a user namespace, only a network that belongs to it can be come back to from a container's.
        network = self._user is not None and not self._share_network
        hide = self._runtime.hides
        with keeper_on_ground(place, user=self._user, mounts=True, network=network, hide=hide) as keeper:
            yield keeper

    @contextmanager
    def create(self, prepared: Prepared, spec: RunSpec, onlooker: Onlooker = NOBODY) -> Iterator[BareContainer]:
        """A container with a writable layer of its own over the unpacked image, removed when the context ends."""
        keeper = self._keepers[prepared.handle]
        name = own_name()
        directory = keeper.ground / name
        directory.mkdir(mode=0o700)
        container = None
        try:
            container = self._made(name, keeper, directory, prepared, spec, onlooker)
            yield container
        finally:
            if container is not None:
                container.remove()
            else:
                keeper.call("unmount", path=str(directory))
                keeper.chore("remove", paths=[str(directory)])

    def keeper_of(self, prepared: Prepared) -> Keeper:
        """The keeper of a prepared image, in whose namespaces its containers are made."""
        return self._keepers[prepared.handle]

    def _made(
        self, name: str, keeper: Keeper, directory: Path, prepared: Prepared, spec: RunSpec, onlooker: Onlooker
    ) -> BareContainer:
        lower = Path(prepared.handle)
        self._check_limits(spec)
        process = main_process(prepared.image, spec, lower)
        additions = gpu_additions(spec.resources.gpus)
        surroundings = Surroundings(
            root_path="merged",
            cgroup=f"/{name}" if self._runtime.groups else None,
            rootless=self._user is not None,
            one_user=self._user == ROOT_IN_NAMESPACE,
            network=not self._share_network,
            unified=group_named("").unified,
        )
        root = fresh_root(keeper, lower, directory, rootless=self._user is not None)
        keeper.chore("make directory", root=str(root), path=process.directory)
        document = config_json(
            process,
            surroundings,
            mounts=spec.mounts,
            etc=_etc(directory, share_network=self._share_network),
            resources=spec.resources,
            additions=additions,
        )
        if onlooker.seccomp is not None:
            document["linux"]["seccomp"] = onlooker.seccomp
        (directory / "config.json").write_text(json.dumps(document))
        made = Made(
            directory=directory,
            root=root,
            state=keeper.ground / "state",
            process=process,
            surroundings=surroundings,
            additions=additions,
            mounts=spec.mounts,
            group=group_named(name) if self._runtime.groups else None,
            stop_signal=_stop_signal(prepared.image),
            onlooker=onlooker,
        )
        return BareContainer(name, keeper, self._runtime, made)

    def _check_limits(self, spec: RunSpec) -> None:
        if not self._runtime.groups and (spec.resources.memory is not None or spec.resources.cpus is not None):
            raise Unavailable(
                f"{self.name} cannot limit memory or processors here: control groups are not writable; run as root"
            )

    def sweep(self) -> tuple[str, ...]:
        """Remove what runs that were killed left behind; the names of what was removed."""
        removed = sweep_grounds(place_of(self._place))
        if self._runtime.groups:
            remove_groups()
        return removed


def fresh_root(keeper: Keeper, lower: Path, directory: Path, *, rootless: bool) -> Path:
    """A root that may be changed: an overlay, else a copy whose blocks are shared where the file system can."""
    kind = keeper.call("overlay", lower=str(lower), directory=str(directory), user=rootless)[0]["kind"]
    merged = directory / "merged"
    if kind == "none":
        log = directory / "copying"
        with open(log, "wb") as errors:
            words = ["cp", "-a", "--reflink=auto", f"{lower}/.", str(merged)]
            descriptor = errors.fileno()
            copied = keeper.ended(keeper.spawn(words, (descriptor, descriptor, descriptor)))
        if copied:
            said = log.read_text("utf-8", errors="replace").strip().splitlines()
            raise SlimmlError(f"copying the image's root for a container failed: {said[0] if said else copied}")
    return merged


def _give_rights(keeper: Keeper, root: Path, unpacked: Unpacked) -> None:
    """Owners that only the namespace's root can give."""
    with tempfile.TemporaryFile(dir=keeper.ground) as lines:
        for path, rights in unpacked.rights.items():
            lines.write(json.dumps([path, *rights[:3], rights.capability.hex()]).encode() + b"\n")
        lines.seek(0)
        keeper.chore("own", (lines.fileno(),), root=str(root))


def _etc(directory: Path, *, share_network: bool) -> dict[str, str]:
    """The files that Docker brings into every container, by target."""
    resolver = ""
    if share_network:
        try:
            resolver = Path("/etc/resolv.conf").read_text("utf-8", errors="replace")
        except OSError:
            resolver = ""
    found = {}
    for name, text in (("hosts", _HOSTS), ("hostname", f"{HOSTNAME}\n"), ("resolv.conf", resolver)):
        path = directory / name
        path.write_text(text)
        path.chmod(0o644)
        found[f"/etc/{name}"] = str(path)
    return found


def _stop_signal(image: Image) -> int:
    wanted = documents.text(image.config.runtime, "StopSignal", "the image config", default="")
    if wanted.isdigit() and int(wanted) in {*signal.Signals}:
        return int(wanted)
    name = wanted if wanted.startswith("SIG") else f"SIG{wanted}"
    return int(getattr(signal, name, signal.SIGTERM)) if wanted else signal.SIGTERM


def _check_room(image: Image, place: Path) -> None:
    """Raise SlimmlError when `place` certainly has no room for the root of `image`."""
    sizes = [
        layer.descriptor.size * (1.0 if layer.compression is Compression.NONE else _RATIO)
        for layer in image.layers
        if layer.descriptor.size > 0
    ]
    needed, free = sum(sizes), shutil.disk_usage(place).free
    if needed > free:
        raise SlimmlError(
            f"unpacking {image.reference} takes about {needed / GIB:.1f} GiB, and {place} has {free / GIB:.1f} GiB"
            " free; make room, or name another directory in SLIMML_WORK_DIR"
        )
