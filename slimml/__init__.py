"""slimml makes ML container images small and quick to start, and proves that they still work."""

__version__ = "0.1.0"
