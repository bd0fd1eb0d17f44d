"""A part of an image, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One part of the image: `rows` entries, content and compressed bytes."""

    label: str
    rows: int
    disk_bytes: int
    compressed_bytes: int
