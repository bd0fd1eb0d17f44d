"""Running containers: Docker, Podman, a bare OCI runtime, a plain process on this machine."""
