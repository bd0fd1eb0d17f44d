"""Which engine runs containers here: the one that was asked for, else the first that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.errors import AccessDenied, SlimmlError, Unavailable, UsageError

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.engine.daemon import DaemonEngine
    from slimml.oci.transfer import Access

AUTO = "auto"
DAEMONS = ("docker", "podman")
RUNTIMES = ("runc", "crun")


def find_engine(wanted: str, access: Access) -> Engine:
    """The engine `wanted`: auto (Docker, Podman, runc, crun, whichever works first), docker, podman, runc or crun.

    `access.engine`, DOCKER_HOST and the like say where Docker and Podman are; with an address given, auto takes what
    answers there. Raises Unavailable naming what was tried, AccessDenied when the only engine refuses us, UsageError.
    """
    if wanted not in (AUTO, *DAEMONS, *RUNTIMES):
        raise UsageError(f"{wanted!r} is no engine; use auto, docker, podman, runc or crun")
    failures: list[SlimmlError] = []
    if wanted in (AUTO, *DAEMONS):
        found = find_daemon(wanted, access, failures)
        if found is not None:
            return found
    for name in RUNTIMES if wanted == AUTO else (wanted,):
        engine = _bare(name, access, failures) if name in RUNTIMES else None
        if engine is not None:
            return engine
    if len(failures) == 1:
        raise failures[0]
    raise Unavailable(f"no engine runs containers here: {'; '.join(map(str, failures))}")


def find_daemon(wanted: str, access: Access, failures: list[SlimmlError]) -> DaemonEngine | None:
    """The first Docker or Podman that answers; why the others do not is added to `failures`."""
    from slimml.engine.daemon import open_daemon
    from slimml.oci.places.daemon.api.address import addresses, usual_sockets

    tried = addresses(access.engine)
    for address in tried:
        try:
            engine = open_daemon(address, access)
        except (Unavailable, AccessDenied) as error:
            failures.append(error)
            continue
        if wanted in (AUTO, engine.name):
            return engine
        failures.append(Unavailable(f"{address} is {engine.name}, not {wanted}; name another with --engine"))
    if not tried:
        name = "Docker or Podman" if wanted == AUTO else wanted.capitalize()
        looked = ", ".join(usual_sockets())
        failures.append(
            Unavailable(f"no {name} is running (looked at {looked}); start it (`systemctl start docker`, or "
                        "`systemctl start podman.socket`), or set DOCKER_HOST")
        )  # fmt: skip
    return None


def _bare(name: str, access: Access, failures: list[SlimmlError]) -> Engine | None:
    from slimml.engine.bare.engine import BareEngine

    try:
        engine = BareEngine(name, access.limits)
        engine.facts()  # tells whether this kernel lets it run
    except (Unavailable, AccessDenied) as error:
        failures.append(error)
        return None
    return engine
