"""What writing a layer gives."""

from dataclasses import dataclass

from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest


@dataclass(frozen=True)
class WrittenLayer:
    """`descriptor` names the blob, with the annotations of its format; `tar_bytes` is its length uncompressed."""

    descriptor: Descriptor
    diff_id: Digest
    tar_bytes: int
