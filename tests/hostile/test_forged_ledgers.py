"""Ledgers and removed content from strangers: what belongs together comes back, or nothing (attack cases 1, 8)."""

import json
import random

import pytest
from layered_image import file, folder, hardlink, image_of, root_of, symlink
from mutations import damaged, damaged_bytes

from slimml.bloat.detect import find_bloat
from slimml.errors import InvalidImage, LimitExceeded, SlimmlError
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.limits import Limits
from slimml.oci.validate import validate
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import optimize
from slimml.slim.options import Options
from slimml.slim.restore import restore

CACHE = "var/cache/apt/archives"
IMAGE = image_of(
    [
        folder("var/cache/apt"),
        *(file(f"{CACHE}/{number}.deb", bytes([number]) * 3000) for number in range(4)),
        hardlink(f"{CACHE}/h.deb", f"{CACHE}/1.deb"),
        symlink(f"{CACHE}/s.deb", "0.deb"),
        file("app/main", b"stays"),
    ]
)


class Slimmed:
    """IMAGE slimmed, its ledger as lines and what was removed; `restore` brings back what a ledger's lines say."""

    def __init__(self, directory):
        inventory, self.store = take_inventory(IMAGE), BlobStore(directory)
        slimmed = optimize(inventory, find_bloat(inventory), Options(keep_removed=True), self.store)
        self.image, self.removed = slimmed.image, slimmed.removed
        with self.store.open_blob(slimmed.ledger) as blob:
            self.lines = blob.read().splitlines()

    def restore(self, lines, limits=None):
        ledger = read_ledger(lines, limits or Limits())
        return restore(self.image, ledger, self.removed, self.store, self.store).image

    def saying(self, **forged):
        """The lines with members of the first entry replaced."""
        entry = json.loads(self.lines[1].rstrip(b",")) | forged
        return [self.lines[0], json.dumps(entry).encode() + b",", *self.lines[2:]]


@pytest.fixture
def slimmed(tmp_path):
    return Slimmed(tmp_path)


def test_the_true_ledger_brings_the_image_back(slimmed):
    assert root_of(slimmed.restore(slimmed.lines)) == root_of(IMAGE)


@pytest.mark.parametrize(
    "forged",
    [
        *({"path": path} for path in ("../owned", "/etc/passwd", "a\0b", "\ud800", "x" * 100_000, "app/main")),
        *({"mode": mode} for mode in (1 << 62, 0o10000, -1)),
        *({"mtime": time} for time in (10**400, 1 << 70, "now", None)),
        *({"layer": layer} for layer in (-1, 9, 1 << 62)),
        *({"uid": uid} for uid in (-1, 1 << 70, "root")),
        {"sha256": "sha256:" + "0" * 64},
        {"sha256": "sha256:../../x"},
        {"done": "owned"},
    ],
    ids=str,
)
def test_a_forged_entry_is_refused(slimmed, forged):
    with pytest.raises(InvalidImage):
        slimmed.restore(slimmed.saying(**forged))


def test_a_ledger_of_too_many_entries_is_refused(slimmed):
    with pytest.raises(LimitExceeded, match="limit: members"):
        slimmed.restore(slimmed.lines, Limits(members=3))


def test_a_ledger_of_another_image_is_refused(slimmed):
    head = json.loads(slimmed.lines[0] + b"]}")
    head["result"]["diff_ids"] = [IMAGE.layers[0].diff_id]
    forged = json.dumps(head, separators=(",", ":")).encode().removesuffix(b"]}")
    with pytest.raises(InvalidImage, match="another image"):
        slimmed.restore([forged, *slimmed.lines[1:]])


def test_other_removed_content_is_found_out(slimmed):
    with open(f"{slimmed.store.path}/sha256/{slimmed.removed.digest[7:]}", "r+b") as blob:
        blob.seek(100)
        blob.write(b"owned")
    with pytest.raises(InvalidImage):
        slimmed.restore(slimmed.lines)


def test_what_damaged_ledgers_bring_back_is_a_valid_image(slimmed):
    chance = random.Random(8)
    whole = refused = 0
    for _ in range(1000):
        lines = list(slimmed.lines)
        at = chance.randrange(1, len(lines) - 1)
        entry = lines[at].rstrip(b",")
        hurt = damaged_bytes(entry, chance, 1) if chance.random() < 0.3 else damaged(json.loads(entry), chance)
        lines[at] = hurt + lines[at][len(entry) :]
        try:
            image = slimmed.restore(lines)
        except SlimmlError:
            refused += 1
            continue
        assert not validate(image).problems
        whole += 1
    assert min(whole, refused) > 20
