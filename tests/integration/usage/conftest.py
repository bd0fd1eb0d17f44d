"""Docker and Podman as the tests of recording speak to them."""

from empty_engines import daemon, docker, podman

__all__ = ["daemon", "docker", "podman"]
