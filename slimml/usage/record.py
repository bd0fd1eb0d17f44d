"""Makes recordings: of a suite of probes, of what somebody does by hand, of a container that runs already."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.inventory.take import take_inventory
from slimml.oci import documents
from slimml.probes.ask import ask
from slimml.probes.probe import ConfigProbe, FileProbe
from slimml.progress import SILENT, Progress
from slimml.usage.recording import RUNNING, Operation, Recording, Use, Workload
from slimml.usage.settled import beneath, settle
from slimml.usage.watched_engine import WatchedEngine

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, RunSpec
    from slimml.engine.mounted_root import MountedRoot
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.probes.answer import Asked
    from slimml.probes.probe import Suite
    from slimml.usage.recorder import Recorder
    from slimml.usage.recorders.fanotify import FanotifyRecorder

_RESOLVING = ("fanotify",)
"""recorders that tell paths as the kernel resolved them"""


def record(
    engine: Engine,
    image: Image,
    suite: Suite,
    recorder: Recorder,
    progress: Progress = SILENT,
    *,
    inventory: Inventory | None = None,
) -> Recording:
    """What `image` uses while `suite` is asked of it: the service from its start to its end, batches and commands in
    containers of their own. A probe that gets no right answer makes the recording incomplete.

    `inventory` spares taking it where it is known. Raises what the engine raises.
    """
    watched = WatchedEngine(engine, recorder)
    run = tuple(probe for probe in suite.probes if not isinstance(probe, FileProbe | ConfigProbe))
    with progress.task(f"recording {image.reference}"), engine.prepare(image, progress) as prepared:
        asked = ask(watched, prepared, replace(suite, probes=run), progress)
    watched.lost += _failures(asked)
    # Nothing runs for these, and yet they say what has to be there.
    watched.uses += [
        Use(probe.path.strip("/"), Operation.OPEN, 0.0, 0, "probe")
        for probe in suite.probes
        if isinstance(probe, FileProbe) and probe.there
    ]
    workload = Workload(suite.origin, tuple(probe.name for probe in suite.probes))
    return _recording(watched, engine, image, recorder, workload, inventory)


def record_while(
    engine: Engine,
    image: Image,
    spec: RunSpec,
    recorder: Recorder,
    drive: Callable[[Container], Iterable[str]],
    progress: Progress = SILENT,
    *,
    workload: Workload,
    inventory: Inventory | None = None,
) -> Recording:
    """What one container uses from its start until `drive`, which is given the started container, returns.

    `drive` tells in words what went wrong, if anything did: that makes the recording incomplete.
    """
    watched = WatchedEngine(engine, recorder)
    with engine.prepare(image, progress) as prepared, watched.create(prepared, spec) as container:
        container.start()
        watched.lost += drive(container)
    return _recording(watched, engine, image, recorder, workload, inventory)


def record_running(
    engine: Engine,
    image: Image,
    root: MountedRoot,
    recorder: FanotifyRecorder,
    drive: Callable[[], None],
    *,
    workload: Workload,
    inventory: Inventory | None = None,
) -> Recording:
    """What a container uses that runs already, from now until `drive` returns. Such a recording is incomplete."""
    watched = WatchedEngine(engine, recorder)
    begun = time.monotonic()
    with recorder.attach(root) as watch:
        drive()
        watched.take(watch, begun)
    watched.lost.append(RUNNING)
    return _recording(watched, engine, image, recorder, workload, inventory)


def _recording(
    watched: WatchedEngine,
    engine: Engine,
    image: Image,
    recorder: Recorder,
    workload: Workload,
    inventory: Inventory | None,
) -> Recording:
    known = inventory or take_inventory(image)
    uses = [*watched.uses, *_in_volumes(watched, engine, image, recorder, known)]
    return Recording(
        image=str(image.config.digest),
        diff_ids=tuple(str(diff_id) for diff_id in image.config.diff_ids),
        platform=str(image.config.platform),
        uses=settle(uses, known, resolved=recorder.seen.recorder in _RESOLVING),
        seen=(recorder.seen,),
        workloads=(workload,),
        lost=tuple(dict.fromkeys(watched.lost)),
        syscalls=tuple(sorted(watched.syscalls)),
        users=tuple(sorted(watched.users)),
        hosts=(platform.node(),),
    )


def _in_volumes(
    watched: WatchedEngine, engine: Engine, image: Image, recorder: Recorder, inventory: Inventory
) -> Iterable[Use]:
    """Docker and Podman copy what the image has in a VOLUME to another file system, which a mark does not watch."""
    if recorder.seen.recorder not in _RESOLVING or engine.name not in ("docker", "podman") or not watched.uses:
        return ()
    volumes = documents.mapping(image.config.runtime, "Volumes", "the image config")
    return beneath(volumes, inventory, max(use.first for use in watched.uses), "volume")


def _failures(asked: Asked) -> Iterable[str]:
    if asked.failure is not None:
        yield f"the service did not work: {asked.failure}"
    for answer in asked.answers:
        if answer.failure is not None and answer.failure != asked.failure:
            yield f"the probe {answer.probe!r} got no answer: {answer.failure}"
        for complaint in answer.complaints:
            yield f"the probe {answer.probe!r} got a wrong answer: {complaint}"
