"""Cold pulls by an engine, timed: a salted copy is pushed, pulled over a link, compared, and removed again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bench.host_facts import measure_load
from slimml.bench.page_cache import make_cold
from slimml.bench.publish import publish, withdraw
from slimml.bench.results import ImageFacts, Measure, Measurement
from slimml.bench.salted import Saltable, salted
from slimml.bench.shaping import Link, Shaper, shaped
from slimml.engine.leftovers import this_run
from slimml.errors import InvalidImage, SlimmlError, Unsupported

if TYPE_CHECKING:
    from slimml.bench.pullers import Puller
    from slimml.bench.registry import Registry
    from slimml.bench.rounds import Turn
    from slimml.oci.digest import Digest
    from slimml.oci.image import Image
    from slimml.oci.reference import Name
    from slimml.oci.transfer import Access


@dataclass(frozen=True)
class Pulls:
    """Where images are pulled from and by whom. `shapers` are the proxies by the name of their link.

    `repository` is ours alone, and tells later runs whose images these are.
    """

    puller: Puller
    registry: Registry
    access: Access
    shapers: dict[str, Shaper]
    repository: str


@contextmanager
def ready_to_pull(puller: Puller, registry: Registry, links: Sequence[Link], access: Access) -> Iterator[Pulls]:
    """Proxies for all links, until the context ends. What killed runs left in the engine is removed first.

    Raises Unsupported for a shaped link to a registry that is not on this machine, and for an engine that is not.
    """
    if registry.storage is not None and not puller.local:
        raise Unsupported(
            "the engine is on another machine and cannot reach a registry here; name one that both reach with "
            "--registry HOST:PORT"
        )
    with ExitStack() as running:
        shapers = {}
        for link in links:
            if not link.direct and registry.storage is None:
                raise Unsupported(
                    f"--links {link.name}: a registry elsewhere is as far away as it is; leave --registry out, or say "
                    "--links loopback, which goes to it directly"
                )
            if registry.storage is not None:
                shapers[link.name] = running.enter_context(shaped(link, registry.address))
        puller.sweep()
        yield Pulls(puller, registry, access, shapers, f"slimml-bench/{this_run()}")


def measure_pull(pulls: Pulls, whole: Saltable, blocks: int, link: Link, turn: Turn[ImageFacts]) -> Measurement:
    """One cold pull of a copy of the image that ends in `blocks` blocks of salt.

    Timed is the engine's pull alone, from asking to its last word. A direct link has no proxy in between, so that only
    the warm-up, through one that holds nothing back, counts what passes there. Raises InvalidImage when the engine has
    other layers than were pushed, and what pushing and pulling raise; nothing of the copy is left in any case.
    """
    copy = salted(whole, blocks)
    shaper = pulls.shapers.get(link.name) if not link.direct or turn.warm_up else None
    here = pulls.registry.name(pulls.repository, str(blocks))
    there = pulls.registry.name(pulls.repository, str(blocks), shaper.address if shaper else None)
    digests = [layer.descriptor.digest for layer in copy.layers]
    try:
        publish(copy, here, pulls.access)
        cooling = make_cold()
        # Cold is the engine. A registry elsewhere would not read its disk on this machine's time.
        pulls.registry.warm(digests)
        load_before = measure_load()
        before = shaper.passed() if shaper else None
        began = time.perf_counter()
        pulls.puller.pull(there)
        seconds = time.perf_counter() - began
        passed = shaper.passed().since(before) if shaper and before else None
        _check(pulls.puller.diff_ids(there), copy, there)
    finally:
        with suppress(SlimmlError):
            pulls.puller.remove(there)
        kept = _forget(pulls, copy, here)
    return Measurement(
        Measure.PULL,
        turn.subject,
        phases={"pull": seconds},
        counters={
            "blob_bytes": sum({layer.descriptor.digest: layer.descriptor.size for layer in copy.layers}.values()),
            "wire_bytes": passed.bytes_down if passed else None,
            "requests": passed.requests if passed else None,
            "connections": passed.connections if passed else None,
        },
        engine=pulls.puller.facts(),
        link=link.name,
        page_cache=cooling.coldness.value,
        round=turn.round,
        warm_up=turn.warm_up,
        load_before=load_before,
        load_after=measure_load(),
        remarks=tuple(filter(None, (cooling.reason, kept))),
    )


def _forget(pulls: Pulls, copy: Image, here: Name) -> str | None:
    """Take the copy out of the registry; why that did not work, in words."""
    if pulls.registry.storage is None:
        return withdraw(copy, here, pulls.access)
    # Its manifests are a kilobyte each and go with it.
    pulls.registry.forget([layer.descriptor.digest for layer in copy.layers])
    return None


def _check(found: tuple[Digest, ...], copy: Image, name: Name) -> None:
    if found != copy.config.diff_ids:
        raise InvalidImage(f"{name}: the engine has other layers than were pushed, so its pull was not measured")
