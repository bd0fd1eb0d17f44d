"""Chain IDs: what names each layer together with those below it (image-spec config.md, section Layer ChainID)."""

import hashlib
from collections.abc import Iterator, Sequence

from slimml.oci.digest import Digest


def chain_ids(diff_ids: Sequence[Digest]) -> Iterator[Digest]:
    """The chain ID of each layer, lowest first."""
    chain: str | None = None
    for diff_id in diff_ids:
        chain = diff_id if chain is None else f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}"
        yield Digest(chain)
