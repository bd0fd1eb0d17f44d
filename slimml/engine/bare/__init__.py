"""Containers without a daemon: an unpacked image, a bundle (runtime-spec), and runc or crun."""
