"""What to ask of an image that nobody wrote probes for: guessed from its configuration and its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slimml.probes.application import imported_modules, python_of
from slimml.probes.healthcheck import healthcheck_of
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Probe, Ready, Suite
from slimml.probes.programs import command_words, service_of

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image

GUESSED = "guessed"
IMPORTS = "imports of the application"
FRONT = "GET /"
_READY_SECONDS = 300.0
"""a service that loads a model may take its time"""


@dataclass(frozen=True)
class Guess:
    """A guessed suite; `notes` say by a probe's name what to check of it, `remarks` what could not be guessed or was
    dropped, and why. `written` are paths that the image's command names and the image does not have.
    """

    suite: Suite
    notes: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    def with_probes(self, *probes: Probe, notes: Mapping[str, str] | None = None) -> Guess:
        """The guess and more probes; those of a name that is there already are left out."""
        names = {probe.name for probe in self.suite.probes}
        added = tuple(probe for probe in probes if probe.name not in names)
        suite = replace(self.suite, probes=(*self.suite.probes, *added))
        return replace(self, suite=suite, notes={**self.notes, **(notes or {})})

    def without(self, reasons: Mapping[str, str]) -> Guess:
        """The guess without some probes, by name, each with the reason why."""
        kept = tuple(probe for probe in self.suite.probes if probe.name not in reasons)
        dropped = tuple(f"{name}: {reason}" for name, reason in reasons.items())
        return replace(self, suite=replace(self.suite, probes=kept), remarks=(*self.remarks, *dropped))


def guess_suite(image: Image, inventory: Inventory) -> Suite:
    """The suite guessed without running anything; its probes are few. `guess` tells how sure it is."""
    return guess(image, inventory).suite


def guess(image: Image, inventory: Inventory) -> Guess:
    """The guess without running anything: a service that becomes ready, or a batch; HEALTHCHECK; imports."""
    service, health = service_of(image), healthcheck_of(image)
    port = service.port if service else health.port if health else None
    path = (health.path if health else None) or (service.ready if service else None)
    found = Guess(Suite((), GUESSED))
    if port is not None:
        found = _of_service(port, path, health.port if health and health.path else None)
    elif words := command_words(image):
        batch = BatchProbe("the image's command")
        written = (word for word in words if word.startswith("/") and "." in word.rpartition("/")[2])
        found = replace(found, written=tuple(path for path in written if path.strip("/") not in inventory.live))
        found = found.with_probes(
            batch, notes={batch.name: "taken for a program that ends by itself: check that, and name its outputs"}
        )
    if health and health.argv:
        check = CommandProbe("HEALTHCHECK", health.argv, code=0, alone=port is None, timeout=30)
        found = found.with_probes(check)
    modules, python = imported_modules(inventory), python_of(inventory)
    return found.with_probes(imports_probe(python, modules, alone=port is None)) if modules and python else found


def imports_probe(python: str, modules: tuple[str, ...], *, alone: bool) -> CommandProbe:
    """A command that imports modules, all in one process."""
    return CommandProbe(IMPORTS, (python, "-c", f"import {', '.join(modules)}"), code=0, alone=alone)


def _of_service(port: int, path: str | None, path_port: int | None) -> Guess:
    if path is None:
        suite = Suite((), GUESSED, ready=Ready(tcp=port, timeout=_READY_SECONDS))
        note = "nothing is known of its paths: put those here that its users ask"
        return Guess(suite).with_probes(HttpProbe(FRONT, "/", port), notes={FRONT: note})
    asked = path_port or port
    suite = Suite((), GUESSED, ready=Ready(http=path, port=asked, timeout=_READY_SECONDS))
    return Guess(suite).with_probes(HttpProbe(f"GET {path}", path, asked))
