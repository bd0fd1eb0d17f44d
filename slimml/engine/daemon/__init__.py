"""Docker and Podman, spoken to through their API."""

from slimml.engine.daemon.engine import DaemonEngine, open_daemon

__all__ = ["DaemonEngine", "open_daemon"]
