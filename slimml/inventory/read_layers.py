"""Reads layers into inventories; several at once in forked processes, where the layers lie on this machine.

Each process takes the next layer that nobody has taken. What a forked one does not deliver, for whatever reason, the
first one reads itself; it then meets the same error and can tell it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from slimml.inventory.collect import LayerCollector
from slimml.inventory.layer_file import dump_layer, load_layer
from slimml.inventory.table import LayerInventory
from slimml.oci.digest import Digest
from slimml.oci.image import Image, Layer
from slimml.oci.limits import MIB, Limits
from slimml.oci.media_types import Compression
from slimml.oci.reference import FILES
from slimml.oci.scan import scan_image
from slimml.progress import SILENT, Progress

_MOST_PROCESSES = 8
_WORTH_A_FORK = 32 * MIB
_NUMBER_BYTES = 2
_PR_SET_PDEATHSIG = 1


def read_layers(
    image: Image, limits: Limits, progress: Progress = SILENT, meanwhile: Callable[[], object] = bool
) -> dict[Digest, LayerInventory]:
    """The inventories of an image's layers by diff ID, each layer read and verified once.

    `meanwhile` is called when other processes have begun to read, if there are any.
    Raises InvalidImage, LimitExceeded, and what reading the image raises.
    """
    distinct = {layer.diff_id: layer for layer in image.layers}
    # The largest first: who is left with one at the end would let the others wait.
    layers = sorted(distinct.values(), key=_weight(image), reverse=True)
    count = min(len(layers), _MOST_PROCESSES, _processors())
    if count < 2 or not _apart(image, layers):
        return _read_here(image, limits, progress)
    with _Queue(len(layers)) as queue:
        helpers = [_Helper(image, layers, queue, limits) for _ in range(count - 1)]
        try:
            found: dict[Digest, LayerInventory] = {}
            meanwhile()
            with progress.task("reading layers", len(layers)) as task:
                for number in queue:
                    found |= _read_here(replace(image, layers=(layers[number],)), limits, SILENT, threaded=False)
                    task.advance(1)
                for helper in helpers:
                    for number, layer in helper.results():
                        found[layers[number].diff_id] = layer
                        task.advance(1)
        finally:
            for helper in helpers:
                helper.stop()
    missing = tuple(layer for layer in layers if layer.diff_id not in found)
    return found | (_read_here(replace(image, layers=missing), limits, progress) if missing else {})


def _weight(image: Image) -> Callable[[Layer], int]:
    """What tells how long reading a layer takes, compared with another one."""
    return image.listing.weight if image.listing is not None else lambda layer: layer.descriptor.size


def _processors() -> int:
    """How many may be used; one where forking is not safe: a lock that another thread holds stays locked in a fork."""
    safe = sys.platform == "linux" and threading.active_count() == 1
    return len(os.sched_getaffinity(0)) if safe else 1


def _apart(image: Image, layers: list[Layer]) -> bool:
    """Whether the layers lie on this machine, each for itself, and are large enough to be worth it."""
    if image.listing is not None:
        return image.listing.separate
    return image.reference.transport in FILES and sum(layer.descriptor.size for layer in layers) > _WORTH_A_FORK


def _read_here(
    image: Image, limits: Limits, progress: Progress, *, threaded: bool = True
) -> dict[Digest, LayerInventory]:
    collectors: dict[Digest, LayerCollector] = {}

    def collector_of(layer: Layer) -> LayerCollector:
        plain = layer.compression is Compression.NONE
        return collectors.setdefault(layer.diff_id, LayerCollector(limits, sample=plain))

    facts = scan_image(image, collector_of, limits=limits, progress=progress, threaded=threaded)
    return {diff_id: collectors.pop(diff_id).inventory(facts[diff_id]) for diff_id in list(collectors)}


class _Queue:
    """Numbers that several processes take from, each once: a pipe, of which the kernel gives no byte twice."""

    def __init__(self, count: int) -> None:
        self._reader, writer = os.pipe()
        numbers = b"".join(number.to_bytes(_NUMBER_BYTES, "little") for number in range(count))
        os.write(writer, numbers)  # a few hundred bytes: far below what a pipe holds
        os.close(writer)

    def __iter__(self) -> Iterator[int]:
        while taken := os.read(self._reader, _NUMBER_BYTES):
            yield int.from_bytes(taken, "little")

    def __enter__(self) -> _Queue:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._reader)


class _Helper:
    """A forked process that takes layers from the queue and hands their inventories back through a pipe."""

    def __init__(self, image: Image, layers: list[Layer], queue: _Queue, limits: Limits) -> None:
        reader, writer = os.pipe()
        first = os.getpid()
        collects = gc.isenabled()
        # What the first process left to be collected may wait, as it goes, for threads that a fork does not have:
        # zstd's compressors do, for ever.
        gc.disable()
        self._pid = os.fork()
        if self._pid:
            if collects:
                gc.enable()
            os.close(writer)
            self._results = os.fdopen(reader, "rb")
            return
        try:
            os.close(reader)
            _end_with(first)
            with os.fdopen(writer, "wb") as results:
                _deliver(image, layers, queue, limits, results)
        finally:
            os._exit(0)  # nothing of the first process may be flushed, closed or waited for twice

    def results(self) -> Iterator[tuple[int, LayerInventory]]:
        """What the process has delivered, until it ends."""
        while number := self._results.read(_NUMBER_BYTES):
            try:
                layer = load_layer(self._results)
            except (OSError, ValueError, KeyError):  # it died in the middle; Arrow's errors are ValueErrors or OSErrors
                return
            yield int.from_bytes(number, "little"), layer

    def stop(self) -> None:
        """End the process if it still runs, and wait for it."""
        self._results.close()
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _end_with(first: int) -> None:
    """Let the kernel end this process with the one that forked it, however that one ends (prctl(2))."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != first:
        os._exit(0)


def _deliver(image: Image, layers: list[Layer], queue: _Queue, limits: Limits, results: BinaryIO) -> None:
    """Deliver what was read when nothing is left to take: until then the first process does not listen."""
    found: list[tuple[int, LayerInventory]] = []
    for number in queue:
        (layer,) = _read_here(replace(image, layers=(layers[number],)), limits, SILENT, threaded=False).values()
        found.append((number, layer))
    for number, layer in found:
        results.write(number.to_bytes(_NUMBER_BYTES, "little"))
        dump_layer(results, layer)
