"""May these recordings drive a removal? They have to be of this image's layers, and complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.errors import Refused, UsageError
from slimml.usage.merged import merge

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.usage.recording import Recording


def usable_recording(inventory: Inventory, recordings: Sequence[Recording]) -> tuple[Recording, tuple[str, ...]]:
    """All `recordings` in one, and remarks on it.

    The same layers under another configuration are the same files, which is remarked on. Raises Refused for a
    recording of another image, for one that may have missed something, and for one in which nothing was used;
    UsageError where there is none.
    """
    name = inventory.image.reference
    if not recordings:
        raise UsageError(f"{name}: there is no recording to tell what is used; make one with slimml record {name}")
    diff_ids = tuple(layer.diff_id for layer in inventory.image.layers)
    config = str(inventory.image.manifest.config.digest)
    remarks = []
    for recording in recordings:
        if recording.diff_ids != diff_ids:
            raise Refused(
                f"{name}: the recording of {_origin(recording)} is of another image ({recording.image}), whose layers "
                f"are not the same; record this one: slimml record {name}"
            )
        if recording.image != config:
            remarks.append(
                f"the recording of {_origin(recording)} was made of the same layers with another configuration"
            )
    first = recordings[0]
    merged = merge([replace(it, image=first.image, platform=first.platform) for it in recordings])
    if not merged.complete:
        raise Refused(
            f"{name}: the recording of {_origin(merged)} is incomplete, so that nothing may be removed by it: "
            f"{'; '.join(merged.lost)}; record again, with another --recorder if it happens again"
        )
    if not merged.uses:
        raise Refused(f"{name}: the recording of {_origin(merged)} saw nothing used; record a workload that runs it")
    return merged, tuple(remarks)


def _origin(recording: Recording) -> str:
    return ", ".join(workload.origin for workload in recording.workloads) or "no workload"
