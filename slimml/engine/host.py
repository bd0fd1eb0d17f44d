"""This machine as an engine: a root unpacked in a directory (`--host-root`), or a virtual environment (`--host-venv`).

For hosts without Docker or Podman, a GPU box say. A root runs in runc or crun where one is installed and allowed, else
by chroot(2) in namespaces of our own. A virtual environment's programs run as they would for the user: in a directory,
on this machine's network, so that two services on one port clash, unless a spec asks for no network.
"""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.engine.bare.accounts import find_account, read_beneath
from slimml.engine.bare.control_group import group_named, groups_writable, make_group, remove_group
from slimml.engine.bare.engine import BareEngine, fresh_root
from slimml.engine.bare.process import command_of, main_process
from slimml.engine.container import Container, EngineFacts, Prepared, RunSpec
from slimml.engine.gpus import ALL, cdi_names, parse_gpus
from slimml.engine.host_container import HostContainer, Running
from slimml.engine.keeper.ground import keeper_on_ground, namespace_user, place_of, sweep_grounds
from slimml.errors import NotFound, SlimmlError, Unavailable, Unsupported, UsageError
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.keeper.ask import Keeper
    from slimml.oci.image import Image

OWNER = "SLIMML_OWNER"
"""variable that tells, in every process of ours, which run it belongs to"""
_SHOWN = ("/proc", "/dev", "/sys")


class HostEngine:
    """See `engine.container.Engine`; exactly one of `root` and `venv`. What is made lies in `place`, by default as
    for BareEngine.

    `directory` is where a virtual environment's programs run, by default the current one. Raises UsageError, NotFound.
    """

    name = "host"

    def __init__(
        self,
        *,
        root: Path | None = None,
        venv: Path | None = None,
        directory: Path | None = None,
        place: Path | None = None,
    ) -> None:
        if (root is None) == (venv is None):
            raise UsageError("name either a root (--host-root) or a virtual environment (--host-venv)")
        for path in (root, venv, directory):
            if path is not None and not path.is_dir():
                raise NotFound(f"{path} is not a directory")
        if venv is not None and not (venv / "bin/python").exists():
            raise NotFound(f"{venv} is not a virtual environment: it has no bin/python")
        self._root = root and root.resolve()
        # Not resolved: the path by which it is named may be what its scripts were written for.
        self._venv = venv and venv.absolute()
        self._directory = (directory or Path.cwd()).absolute()
        self._place = place

    @cached_property
    def _bare(self) -> BareEngine | None:
        """A runtime for the root, None where none works here."""
        for name in ("runc", "crun"):
            try:
                engine = BareEngine(name, place=self._place)
                engine.facts()
            except SlimmlError:
                continue
            return engine
        return None

    def facts(self) -> EngineFacts:
        """What it is."""
        bare = self._bare.facts() if self._root and self._bare else None
        return EngineFacts(
            name=self.name,
            version=platform.release(),
            storage_driver=bare.storage_driver if bare else "directory",
            rootless=os.geteuid() != 0,
            runtime=bare.runtime if bare else "chroot" if self._root else "process",
        )

    @cached_property
    def image(self) -> Image:
        """What stands for an image where there is none: no layers, an empty configuration."""
        return _image_of(self._root or self._venv or Path())

    @contextmanager
    def prepare(self, image: Image, progress: Progress = SILENT) -> Iterator[Prepared]:
        """The directory as it is, with the command, variables and user that `image` says (`HostEngine.image`: none)."""
        del progress
        if self._root and self._bare:
            with self._bare.over(image, self._root) as prepared:
                yield prepared
        else:
            yield Prepared(image, str(self._root or self._venv))

    @contextmanager
    def create(self, prepared: Prepared, spec: RunSpec) -> Iterator[Container]:
        """A container; a root gets a writable layer of its own, a virtual environment runs as it is."""
        if self._root and self._bare:
            with self._bare.create(prepared, spec) as bare:
                yield bare
            return
        if spec.mounts:
            raise Unsupported("mounts need a container runtime; install runc or crun")
        user = namespace_user() if self._root else None
        network = not spec.network or self._root is not None
        if not network:
            _need_free(spec.ports)
        if network and not self._root and os.geteuid() != 0:
            user = "self"
        place = place_of(self._place)
        with keeper_on_ground(place, user=user, mounts=self._root is not None, network=network) as keeper:
            name = keeper.ground.name
            limits, group = _limits(name, spec)
            try:
                if self._root:
                    running = _in_root(keeper, self._root, prepared.image, spec)
                else:
                    running = self._in_venv(keeper, prepared.image, spec)
                yield _container(name, keeper, running, limits, group)
            finally:
                keeper.close()
                remove_group(name)

    def _in_venv(self, keeper: Keeper, image: Image, spec: RunSpec) -> Running:
        if spec.user is not None:
            raise Unsupported(f"user {spec.user!r}: programs on this machine run as who started slimml")
        path = os.environ.get("PATH", os.defpath)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
        environment |= {"VIRTUAL_ENV": str(self._venv), "PATH": f"{self._venv}/bin{os.pathsep}{path}"}
        environment |= (
            {"CUDA_VISIBLE_DEVICES": visible} if (visible := _visible(spec.resources.gpus)) is not None else {}
        )
        environment |= {OWNER: keeper.ground.name, **spec.environment}
        directory = os.path.join(self._directory, spec.directory or "")
        return Running(command_of(image, spec), environment, directory)

    def sweep(self) -> tuple[str, ...]:
        """Remove what runs that were killed left behind, processes too; the names of what was removed."""
        return self._bare.sweep() if self._root and self._bare else sweep_grounds(place_of(self._place))


def _need_free(ports: tuple[int, ...]) -> None:
    """Raises Unavailable where somebody listens on one of them: his answers would be taken for the program's."""
    for port in ports:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                raise Unavailable(
                    f"port {port} of this machine is in use; end what listens there, or give the service a network of "
                    "its own (network = false in its probes)"
                )


def _container(name: str, keeper: Keeper, running: Running, limits: Mapping[str, Any], counted: bool) -> HostContainer:
    words = {**running.words, **limits}
    group = group_named(name) if counted else None
    made = Running(running.argv, running.environment, running.directory, running.root, words, group)
    return HostContainer(name, keeper, made)


def _in_root(keeper: Keeper, root: Path, image: Image, spec: RunSpec) -> Running:
    """Without a runtime: an overlay of `root` to change the root to."""
    if spec.resources.gpus is not None:
        raise Unavailable("GPUs in a root need a container runtime; install runc or crun, or use --host-venv")
    process = main_process(image, spec, root)
    merged = fresh_root(keeper, root, keeper.ground, rootless=keeper.user is not None)
    for path in _SHOWN:
        keeper.call("bind", source=path, target=f"{merged}{path}")
    keeper.chore("make directory", root=str(merged), path=process.directory)
    words: dict[str, Any] = {}
    if keeper.user != "root":
        account = find_account(read_beneath(root), spec.user) if spec.user else process.account
        words = {"user": account.user, "group": account.group, "groups": list(account.groups)}
    environment = {**process.environment, OWNER: keeper.ground.name}
    return Running(process.argv, environment, process.directory, merged, words)


def _limits(name: str, spec: RunSpec) -> tuple[dict[str, Any], bool]:
    """Words of `keeper.spawn` that limit a process, and whether a control group counts; raises Unavailable."""
    memory, cpus = spec.resources.memory, spec.resources.cpus
    if groups_writable():
        try:
            return {"join": [str(path) for path in make_group(name, memory=memory, cpus=cpus)]}, True
        except OSError as error:
            remove_group(name)
            if cpus is not None:
                raise Unavailable(f"processors cannot be limited here: {error}") from None
    if cpus is not None:
        raise Unavailable("processors cannot be limited here: control groups are not writable; run as root")
    import resource

    # Of address space, programs that use a GPU or map a model take far more than memory.
    return {"limits": [[resource.RLIMIT_DATA, memory]]} if memory is not None else {}, False


def _visible(gpus: str | None) -> str | None:
    """CUDA_VISIBLE_DEVICES for a request, None to leave it as it is (all)."""
    if gpus is None:
        return ""
    request = parse_gpus(gpus)
    return None if request.count == ALL else ",".join(name.partition("=")[2] for name in cdi_names(request))


def _image_of(directory: Path) -> Image:
    from slimml.oci import documents, media_types
    from slimml.oci.blobs import BlobStore
    from slimml.oci.config import parse_config
    from slimml.oci.descriptor import Descriptor
    from slimml.oci.image import assemble
    from slimml.oci.manifest import build_manifest
    from slimml.oci.platform import host_platform
    from slimml.oci.reference import Reference, Transport

    here = host_platform()
    document = {
        "architecture": here.architecture,
        "os": here.os,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    config = parse_config(documents.dump_canonical(document))
    described = Descriptor(media_types.OCI_CONFIG, config.digest, len(config.raw))
    manifest = build_manifest(config=described, layers=[])
    return assemble(Reference(Transport.HOST, path=str(directory)), manifest, config, BlobStore(directory))
