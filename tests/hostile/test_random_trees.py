"""Random trees with all that tars can say stay what they are in every kind of file, and through optimize."""

import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from layered_image import IMPLIED, apply, file, folder, hardlink, opaque, root_of, symlink, tar_of, whiteout
from tiny_image import put_layout, read_layers, tiny

from slimml.bloat.detect import find_bloat
from slimml.errors import Unsupported
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.media_types import Compression
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.oci.validate import validate
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import optimize
from slimml.slim.options import Options

# One that is not UTF-8, one that a tar has to say in a PAX record, and what shells and terminals stumble over.
NAMES = ["a", "b", "c", "ä", "\udcff", "with space", "-n", "$(x)", "a\nb", "\x1b[2J", "n" * 120, "~", ".hidden"]
CACHED = "var/cache/apt/archives/some_1_amd64.deb"

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
contents = st.sampled_from([b"", b"x", b"same " * 9, b"same " * 9, b"other " * 99, b"\x7fELF", b"#!sh"])
targets = st.one_of(paths, st.sampled_from(["/", "/etc", "../../..", "a/../b", "/\udcff", "t" * 150]))
attributes = st.fixed_dictionaries(
    {
        "mode": st.sampled_from([0o644, 0o755, 0o4755, 0o2711, 0o1777, 0]),
        "uid": st.sampled_from([0, 1000, 0o7777777 + 1, 2**31 + 5]),
        "mtime": st.sampled_from([1, 1_700_000_000, 2**33 + 1]),
        "pax": st.sampled_from([(), (("SCHILY.xattr.user.note", "ä"),), (("comment", "c"), ("SCHILY.xattr.x", "1"))]),
    }
)


def an_item(draw, files):
    """One entry; `files` are paths that a hard link may lead to."""
    path = draw(paths)
    others = [target for target in files if target != path]
    kinds = ["file"] * 4 + ["folder", "symlink", "whiteout", "opaque"] + ["hardlink"] * 2 * bool(others)
    match draw(st.sampled_from(kinds)):
        case "file":
            return file(path, draw(contents), **draw(attributes))
        case "folder":
            return folder(path, **draw(attributes))
        case "symlink":
            return symlink(path, draw(targets))
        case "hardlink":
            return hardlink(path, draw(st.sampled_from(others)))
        case "whiteout":
            return whiteout(path)
        case _:
            return opaque(path)


@st.composite
def trees(draw):
    """Layers of entries, in which every hard link leads to a file that is there."""
    layers, below = [], {}
    for _ in range(draw(st.integers(1, 3))):
        layer, root = [], dict(below)
        for _ in range(draw(st.integers(0, 8))):
            files = sorted(path for path, told in root.items() if told[0] == tarfile.REGTYPE)
            item = an_item(draw, files)
            # Engines disagree about what lies beneath a path that is first a file and then a directory of one tar.
            if any(other.name == item.name and other.type != item.type for other in layer):
                continue
            tried, after = [*layer, item], dict(below)
            try:
                apply(after, tar_of(tried))
            except KeyError:  # a whiteout took what a hard link of its own layer leads to
                continue
            layer, root = tried, after
        layers.append(layer)
        below = root
    return layers


def visible(image):
    """The merged root, extended attributes included, worked out without slimml."""
    extended = {}
    for data in read_layers(image):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                own = sorted(item for item in member.pax_headers.items() if "xattr" in item[0])
                extended[member.name] = extended[member.linkname] if member.islnk() else own
    return {path: (*told, extended.get(path)) for path, told in root_of(image).items() if told != IMPLIED}


def carried(image, directory, *places):
    """The image after it went from place to place."""
    for place in places:
        reference = parse_reference(place.format(directory))
        write_image(image, reference)
        image = open_image(reference)
    return image


@settings(max_examples=60)
@given(layers=trees(), compression=st.sampled_from(Compression))
def test_a_tree_comes_back_from_every_kind_of_file(layers, compression):
    image = tiny(*(tar_of(layer) for layer in layers), compression=compression)
    with tempfile.TemporaryDirectory() as directory:
        put_layout(Path(directory) / "0", image)
        first = open_image(parse_reference(f"oci:{directory}/0"))
        last = carried(
            first, directory, "docker-archive:{}/1:app:tag", "oci-archive:{}/2", "docker-archive:{}/3", "oci:{}/4:tag"
        )
        assert last.config.diff_ids == first.config.diff_ids
        assert read_layers(last) == read_layers(image)
        assert set(take_inventory(last).live) == set(visible(image))


@settings(max_examples=60)
@given(layers=trees(), flatten=st.booleans())
def test_a_tree_is_the_same_after_optimize_but_for_what_the_ledger_tells(layers, flatten):
    image = tiny(tar_of([file(CACHED, b"package" * 5000)]), *(tar_of(layer) for layer in layers))
    with tempfile.TemporaryDirectory() as directory:
        inventory, store = take_inventory(image), BlobStore(f"{directory}/store")
        try:
            slimmed = optimize(inventory, find_bloat(inventory), Options(flatten=flatten), store)
        except Unsupported:  # what is hidden cannot go where a hard link of a higher layer needs it
            assert flatten
            return
        with slimmed.store.open_blob(slimmed.ledger) as lines:
            ledger = read_ledger(lines.read().splitlines(keepends=True))
        last = carried(slimmed.image, directory, "oci:{}/1:tag", "docker-archive:{}/2", "oci:{}/3")
        gone = {entry.path for entry in ledger.entries if entry.live and entry.done == "dropped"}
        assert gone <= {CACHED}
        assert visible(last) == {path: told for path, told in visible(image).items() if path not in gone}
        assert {check.claim for check in validate(last).problems} <= {"unpacks the same everywhere"}
