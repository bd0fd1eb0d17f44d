"""Which layer a member of a saved archive holds, told before its content comes.

Docker from 25 on and Podman name layers by digest. Docker's older archives are understood by `legacy_ids`; should that
fail (another engine's archive), manifest.json at the end tells, for a second reading.
"""

import json
from collections.abc import Mapping, Sequence

from slimml.oci.digest import Digest
from slimml.oci.places.daemon.saved.legacy_ids import layer_of
from slimml.oci.tar.events import Entry

_BLOBS = "blobs/sha256/"
_LEGACY_NAME, _LEGACY_JSON, _LEGACY_TAR = 64, "/json", "/layer.tar"


class LayerNames:
    """Learns from the small files of an archive. `digests` are those of the layers' blobs, lowest layer first."""

    def __init__(self, digests: Sequence[Digest], chains: Sequence[Digest]) -> None:
        self._digests = digests
        self._known = frozenset(digests)
        self._by_chain: Mapping[Digest, Digest] = dict(zip(chains, digests, strict=True))
        self._by_path: dict[str, Digest] = {}

    def layer_of(self, path: str) -> Digest | None:
        """The digest of the layer in the member `path`, None when it is none or not known to be one."""
        found = self._by_path.get(path)
        if found is not None:
            return found
        name = path.removeprefix(_BLOBS) if path.startswith(_BLOBS) else path.removesuffix(".tar")
        digest = Digest(f"sha256:{name}")
        return digest if name != path and digest in self._known else None

    def tells(self, entry: Entry) -> bool:
        """Whether `learn` wants the content of the member."""
        return entry.path == "manifest.json" or (
            entry.path.endswith(_LEGACY_JSON) and len(entry.path) == _LEGACY_NAME + len(_LEGACY_JSON)
        )

    def learn(self, path: str, content: bytes) -> None:
        """Take in one of those files; one that is malformed tells nothing."""
        try:
            if path == "manifest.json":
                self._learn_manifest(json.loads(content))
            else:
                directory = path.removesuffix(_LEGACY_JSON)
                digest = layer_of(directory, content, self._by_chain)
                if digest is not None:
                    self._by_path[directory + _LEGACY_TAR] = digest
        except (ValueError, KeyError, TypeError, RecursionError):
            return

    def _learn_manifest(self, images: Sequence[Mapping[str, Sequence[str]]]) -> None:
        for image in images:
            paths = image["Layers"]
            if len(paths) == len(self._digests):
                self._by_path.update(zip(paths, self._digests, strict=True))
