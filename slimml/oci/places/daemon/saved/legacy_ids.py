"""The version 1 IDs by which Docker up to 24 names the layers in a saved archive (moby, image/v1/imagev1.go, CreateID).

Such an archive tells which layer a directory holds only at its end, in manifest.json. But each directory's name is the
SHA-256 of a JSON object made of its `json` file, which comes before its `layer.tar`, and of the layer's chain ID; so
the layer is the one whose chain ID gives the name.
"""

import hashlib
import json
from collections.abc import Mapping

from slimml.oci.digest import Digest

_DECODER = json.JSONDecoder()


def layer_of(directory: str, document: bytes, chains: Mapping[Digest, Digest]) -> Digest | None:
    """The diff ID of the layer in `directory`, given its `json` and the image's diff IDs by chain ID; None if unknown.

    Raises ValueError for what is not JSON.
    """
    members = _raw_members(document.decode())
    members.pop("id", None)
    parent = members.pop("parent", None)
    if parent is not None:
        members["parent"] = f'"sha256:{json.loads(parent)}"'
    # Of all but the topmost layer the operating system was added after the name had been made.
    for dropped in ("", "os"):
        members.pop(dropped, None)
        for chain, diff_id in chains.items():
            if _name(members | {"layer_id": f'"{chain}"'}) == directory:
                return diff_id
    return None


def _name(members: Mapping[str, str]) -> str:
    text = ",".join(f'"{key}":{members[key]}' for key in sorted(members))
    return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


def _raw_members(text: str) -> dict[str, str]:
    """The members of a compact JSON object, each value as it is written: the name is a hash of these bytes."""
    found: dict[str, str] = {}
    position = 1
    while position < len(text) and text[position - 1] in "{,":
        if text[position] == "}":
            break
        key, colon = _DECODER.raw_decode(text, position)
        _, end = _DECODER.raw_decode(text, colon + 1)
        found[str(key)] = text[colon + 1 : end]
        position = end + 1
    return found
