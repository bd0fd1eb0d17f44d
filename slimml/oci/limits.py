"""What an image may cost us. Each limit ends a hostile image early, in a clear error; all can be raised by name."""

from dataclasses import dataclass, fields, replace

from slimml.errors import UsageError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Upper bounds; sizes are bytes. Defaults leave an order of magnitude above the largest images seen."""

    json_bytes: int = 8 * MIB
    """one manifest, index or config (containerd CVE-2023-25153)"""
    json_depth: int = 64
    """nesting of such a document"""
    index_depth: int = 4
    """an index inside an index"""
    layers: int = 1000
    """layers of an image"""
    members: int = 10_000_000
    """entries of one layer"""
    header_bytes: int = 1 * MIB
    """one PAX, GNU long name or sparse record (CVE-2024-6232, CVE-2025-58183)"""
    name_bytes: int = 4096
    """a path or link target, PATH_MAX"""
    component_bytes: int = 255
    """one component of a path, NAME_MAX"""
    path_depth: int = 512
    """components of a path"""
    xattr_name_bytes: int = 255
    """XATTR_NAME_MAX"""
    sparse_segments: int = 65_536
    """extents of a sparse file"""
    file_bytes: int = 256 * GIB
    """one file, sparse files by their real size"""
    layer_bytes: int = 512 * GIB
    """one layer, decompressed"""
    ratio: int = 200
    """decompressed / compressed of a layer, looked at from 64 MiB decompressed on"""
    zstd_window_bytes: int = 128 * MIB
    """memory a zstd frame may ask for"""
    toc_bytes: int = 150 * MIB
    """the table of contents of an eStargz or zstd:chunked layer; decoded, it takes a few times as much"""
    capture_bytes: int = 160 * MIB
    """contents kept from one layer for the package databases"""

    def with_overrides(self, overrides: dict[str, int]) -> "Limits":
        """These limits with some replaced; raises UsageError for a name that is none."""
        known = {f.name for f in fields(self)}
        for name, value in overrides.items():
            if name not in known:
                raise UsageError(f"--limit {name}: no such limit; known: {', '.join(sorted(known))}")
            if value < 1:
                raise UsageError(f"--limit {name}={value}: must be at least 1")
        return replace(self, **overrides)


DEFAULT_LIMITS = Limits()
