"""What `optimize` is told of running images: which engine, which probes, and whether to prove anything at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.cli import probing
from slimml.cli.session import Session
from slimml.errors import Unavailable, Unsupported

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.inventory.table import Inventory
    from slimml.probes.probe import Suite
    from slimml.slim.mending.prove import Proving


@dataclass(frozen=True)
class Asked:
    """What the command line says of verifying."""

    verify: bool | None
    probes: Path | None
    requests: list[str] | None
    commands: list[str] | None
    ready: str | None
    runtime: probing.Runtime
    gpus: str | None
    guess: bool = True
    """whether probes may be guessed"""

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for it, so that being unable to is an error."""
        named = self.probes or self.requests or self.commands or self.ready or self.gpus
        return bool(self.verify or named or self.runtime is not probing.Runtime.AUTO)


@dataclass(frozen=True)
class Running:
    """What runs an image, and what is asked of it."""

    engine: "Engine"
    suite: "Suite"


def running(session: Session, inventory: "Inventory", asked: Asked) -> Running:
    """The engine and the suite that the command line means; raises what choosing them raises."""
    engine = probing.engine_for(session, asked.runtime)
    suite = probing.suite_for(
        session,
        inventory.image,
        probes=asked.probes,
        requests=asked.requests,
        commands=asked.commands,
        ready=asked.ready,
        gpus=asked.gpus,
        inventory=inventory,
        engine=engine,
        guess=asked.guess,
    )
    return Running(engine, suite)


def begin_proving(
    session: Session, inventory: "Inventory", asked: Asked, known: Running | None = None
) -> "Proving | str":
    """The original's answers, or the reason why nobody will ask. `known` is what ran it before.

    Raises Unproven when the original fails.
    """
    from slimml.slim.mending.prove import learn

    if asked.verify is False:
        return "--no-verify"
    if not (asked.wanted or session.settings.optimize.verify):
        return "the settings say so"
    try:
        run = known or running(session, inventory, asked)
        engine, suite = run.engine, run.suite
        session.remark(f"Asking the original with {engine.name}: {len(suite.probes)} probes, {suite.origin} …")
        return learn(engine, inventory, suite, session.progress)
    except (probing.NothingGuessed, Unavailable, Unsupported) as error:
        if asked.wanted:
            raise
        return str(error)
