"""Rewriting keeps what it does not change, byte for byte, and what a container sees but for what was to go."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layered_image import (
    file,
    finding,
    folder,
    hardlink,
    image_of,
    opaque,
    root_of,
    rows_at,
    symlink,
    tar_of,
    whiteout,
)
from tiny_image import read_layers

from slimml.bloat.finding import Action
from slimml.errors import InvalidImage, Refused, Unsupported
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.codec import Encoding
from slimml.oci.digest import sha256
from slimml.oci.media_types import Compression
from slimml.slim.ledger import Done, read_ledger
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.restore import restore

BIG = bytes(range(256)) * 40


def test_what_goes_is_gone_and_nothing_else(slim):
    image = image_of([folder("app"), file("app/model", BIG), file("app/cache", BIG * 2)])
    expected = root_of(image)
    del expected["app/cache"]
    assert root_of(slim(image, "app/cache").image) == expected


def test_entries_that_stay_keep_their_bytes(slim):
    before = file("a", BIG, pax=(("SCHILY.xattr.user.note", "kept"),))
    after = folder("z" * 120)
    image = image_of([before, file("gone", BIG), after])
    (written,) = read_layers(slim(image, "gone").image)
    assert written == entries_of([before]) + entries_of([after]) + bytes(1024)


def entries_of(items):
    """A tar without its end, which is a run of zero blocks."""
    data = tar_of(items)
    end = max(at for at in range(0, len(data), 512) if any(data[at : at + 512])) + 512
    return data[:end]


def test_a_layer_that_does_not_change_is_the_same_blob(slim):
    image = image_of([file("a", BIG)], [file("gone", BIG * 9)])
    slimmed = slim(image, "gone").image
    assert slimmed.manifest.layers[0].digest == image.manifest.layers[0].digest


def test_a_layer_with_nothing_left_goes_and_its_step_stays_in_the_history(slim):
    image = image_of([file("a", BIG)], [file("gone", BIG * 9)], [file("b")])
    slimmed = slim(image, "gone").image
    assert [entry.created_by for entry in slimmed.config.layer_history] == ["RUN step 0", "RUN step 2"]
    assert [entry.empty for entry in slimmed.config.history] == [False, True, False, True]


def test_older_copies_do_not_come_to_light(slim):
    image = image_of([file("d/x", b"old")], [whiteout("d/x")], [file("d/x", BIG), file("y")])
    assert set(root_of(slim(image, "d/x").image)) == {"y", "d"}  # d had no entry and was seen all the same


def test_a_directory_beneath_a_file_does_not_come_to_light(slim):
    image = image_of([folder("x"), file("x/inner", BIG)], [file("x", BIG), file("y")])
    assert set(root_of(slim(image, "x").image)) == {"y"}


def test_a_whiteout_stays_where_it_hides_something(slim):
    image = image_of([folder("d"), file("d/x", b"old")], [whiteout("d/x"), file("cache", BIG * 9)])
    assert set(root_of(slim(image, "cache").image)) == {"d"}


def test_a_directory_in_use_stays(slim):
    image = image_of([folder("d", mode=0o700), file("d/x", BIG), file("d/y")])
    assert root_of(slim(image, "d", "d/x").image)["d"][2] == 0o700


def test_a_directory_without_an_entry_does_not_vanish_with_its_files(slim):
    image = image_of([file("var/cache/app/x", BIG), file("y")])
    found = root_of(slim(image, "var/cache/app/x").image)
    assert set(found) == {"y", "var", "var/cache", "var/cache/app"}


@pytest.mark.parametrize("gone", [("a",), ("b",), ("a", "b"), ("a", "c"), ("b", "c")])
def test_hard_links_keep_their_content(slim, gone):
    links = [file("a", BIG, mode=0o755), hardlink("b", "a", mode=0o755), hardlink("c", "b", mode=0o755)]
    image = image_of([*links, file("z", BIG * 3)])
    expected = root_of(image)
    for path in gone:
        del expected[path]
    del expected["z"]
    assert root_of(slim(image, *gone, "z").image) == expected


def test_content_that_a_link_of_another_layer_names_stays(slim):
    image = image_of([file("a", BIG)], [hardlink("b", "a"), file("z", BIG * 3)])
    assert set(root_of(slim(image, "a", "z").image)) == {"a", "b"}


def test_identical_files_become_names_of_one(store):
    image = image_of([file("a", BIG), file("b", BIG), file("c", BIG)])
    inventory = take_inventory(image)
    duplicates = finding([1, 2], Action.LINK, targets=np.array([0, 0]))
    slimmed = carry_out(inventory, make_plan(inventory, [duplicates], Options()), store)
    assert root_of(slimmed.image) == root_of(image)
    with tarfile.open(fileobj=io.BytesIO(read_layers(slimmed.image)[0])) as tar:
        assert [member.islnk() for member in tar] == [False, True, True]


def test_files_with_other_attributes_do_not_become_links(store):
    other = file("c", BIG, pax=(("SCHILY.xattr.security.capability", "x"),))
    image = image_of([file("a", BIG), file("b", BIG), other])
    inventory = take_inventory(image)
    duplicates = finding([1, 2], Action.LINK, targets=np.array([0, 0]))
    slimmed = carry_out(inventory, make_plan(inventory, [duplicates], Options()), store)
    with tarfile.open(fileobj=io.BytesIO(read_layers(slimmed.image)[0])) as tar:
        assert [member.islnk() for member in tar] == [False, True, False]


def test_globs_keep_paths(slim):
    image = image_of([folder("opt"), file("opt/a/x", BIG), file("opt/b/x", BIG)])
    slimmed = slim(image, "opt/a/x", "opt/b/x", keep=("/opt/**/a",))
    assert "opt/a/x" in root_of(slimmed.image)
    assert "opt/b/x" not in root_of(slimmed.image)


def test_flattening_gives_one_layer_with_the_same_root(slim):
    image = image_of(
        [file("a", BIG), folder("d"), file("d/x", BIG)], [whiteout("d/x")], [file("d/y"), file("a", b"new")]
    )
    slimmed = slim(image, flatten=True).image
    assert len(slimmed.layers) == 1
    assert root_of(slimmed) == root_of(image)


def test_flattening_refuses_a_hidden_file_that_a_link_of_another_layer_needs(slim):
    image = image_of([file("a", BIG)], [hardlink("b", "a")], [whiteout("a")])
    with pytest.raises(Unsupported, match="flatten"):
        slim(image, flatten=True)


def test_the_same_plan_gives_the_same_image_and_ledger(slim):
    image = image_of([file("a", BIG), file("gone", BIG * 4)])
    first, second = slim(image, "gone"), slim(image, "gone")
    assert (first.image.manifest.digest, first.ledger) == (second.image.manifest.digest, second.ledger)


def test_zstd_is_written_where_it_is_asked_for(slim):
    image = image_of([file("a", BIG), file("gone", BIG * 4)], docker=True)
    slimmed = slim(image, "gone", encoding=Encoding(Compression.ZSTD, 3)).image
    assert slimmed.layers[0].compression is Compression.ZSTD
    assert slimmed.manifest.media_type.startswith("application/vnd.oci.image.manifest")


def test_a_docker_image_stays_one(slim):
    image = image_of([file("a", BIG), file("gone", BIG * 4)], docker=True)
    slimmed = slim(image, "gone").image
    assert slimmed.manifest.media_type == image.manifest.media_type
    assert slimmed.manifest.config.media_type == image.manifest.config.media_type


def test_plain_layers_stay_plain(slim):
    image = image_of([file("a", BIG), file("gone", BIG * 4)], compression=Compression.NONE)
    assert slim(image, "gone").image.layers[0].compression is Compression.NONE


def test_the_config_keeps_its_meaning(slim):
    runtime = {"Cmd": ["/x"], "Env": ["A=1"], "Labels": {"own": "1"}, "Unheard": [1]}
    image = image_of([file("a", BIG), file("gone", BIG * 4)], config={"config": runtime, "os.version": "12"})
    document = slim(image, "gone").image.config.document
    labels = document["config"].pop("Labels")
    assert document["config"] == {"Cmd": ["/x"], "Env": ["A=1"], "Unheard": [1]}
    assert (document["os.version"], labels["own"]) == ("12", "1")
    assert labels["org.slimml.source.digest"] == image.manifest.digest


def test_the_time_of_creation_is_bound_by_the_epoch(slim):
    image = image_of([file("a", BIG), file("gone", BIG * 4)], config={"created": "2024-01-01T00:00:00Z"})
    assert slim(image, "gone", source_date_epoch=0).image.config.document["created"] == "1970-01-01T00:00:00Z"


def test_nothing_to_gain_is_refused(slim):
    with pytest.raises(Refused, match="nothing to gain"):
        slim(image_of([file("a", BIG)]))


def test_a_result_that_is_not_smaller_is_refused(store):
    image = image_of([file("a", b"")], compression=Compression.ZSTD)
    inventory = take_inventory(image)
    plan = make_plan(inventory, [], Options(encoding=Encoding(Compression.GZIP, 1)))
    with pytest.raises(Refused, match="compressed bytes"):
        carry_out(inventory, plan, store)


def test_an_image_that_is_not_what_its_digests_say_leaves_nothing(store):
    image = image_of([file("a", BIG), file("gone", BIG)])
    inventory = take_inventory(image)
    plan = make_plan(inventory, [finding(rows_at(inventory, "gone"))], Options())
    other = gzip.compress(tar_of([file("b", BIG), file("gone", BIG)]), mtime=0)
    image.layers[0].blobs.content[image.layers[0].descriptor.digest] = other
    with pytest.raises(InvalidImage):
        carry_out(inventory, plan, store)
    assert not [path for path in Path(store.path).rglob("*") if path.is_file()]


def ledger_of(slimmed):
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        return read_ledger(stream.read().splitlines(keepends=True))


def test_the_ledger_tells_of_every_path_that_went(slim):
    image = image_of([file("a", b"old" * 999)], [file("a", BIG), file("b", BIG), file("keep")])
    entries = ledger_of(slim(image, "a", "b")).entries
    assert [(entry.layer, entry.path, entry.size, entry.live) for entry in entries] == [
        (0, "a", 2997, False),
        (1, "a", len(BIG), True),
        (1, "b", len(BIG), True),
    ]
    assert {entry.done for entry in entries} == {Done.DROPPED}
    assert entries[1].sha256 == sha256(BIG)


def test_the_ledger_has_the_digest_of_hard_links_that_went(slim):
    image = image_of([file("a", BIG), hardlink("b", "a"), file("keep")])
    assert {entry.sha256 for entry in ledger_of(slim(image, "a", "b")).entries} == {sha256(BIG)}


def test_a_path_that_is_not_text_comes_back_from_the_ledger(slim):
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    image = image_of([file(name, BIG), file("keep")])
    assert [entry.path for entry in ledger_of(slim(image, name)).entries] == [name]


# Random layered trees

_names = st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/a", "d/e/b", "f/a", "f/b"])
_contents = st.sampled_from([b"", b"one", b"two" * 500, BIG])
_modes = st.sampled_from([0o644, 0o600, 0o755])


@st.composite
def _layers(draw):
    root = {}
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        layer, here = [], {}
        for name in draw(st.lists(_names, max_size=6, unique=True)):
            kind = draw(st.sampled_from(["file", "file", "link", "hard", "hidden", "opaque", "folder"]))
            parents = [name[:cut] for cut in range(len(name)) if name[cut] == "/"]
            if any(here.get(parent, "dir") != "dir" for parent in parents) or here.get(name):
                continue
            if kind in ("hidden", "opaque"):
                if layers:
                    layer.append(whiteout(name) if kind == "hidden" else opaque(name))
                continue
            for parent in parents:
                if parent not in here and (root.get(parent) != "dir" or draw(st.booleans())):
                    layer.append(folder(parent, mode=draw(st.sampled_from([0o755, 0o700]))))
                    here[parent] = "dir"
            regular = [item for item in layer if here.get(item.name) in ("file", "hard")]
            if kind == "hard" and regular:
                target = draw(st.sampled_from(regular))
                layer.append(hardlink(name, target.name, mode=target.mode))
            elif kind == "folder":
                layer.append(folder(name))
            elif kind == "link":
                layer.append(symlink(name, draw(_names)))
            else:
                kind = "file"
                layer.append(file(name, draw(_contents), mode=draw(_modes)))
            here[name] = {"folder": "dir", "hard": "hard" if regular else "file"}.get(kind, kind)
        layers.append(layer)
        root |= here
    return layers


@settings(max_examples=150)
@given(layers=_layers(), data=st.data(), flatten=st.booleans())
def test_random_removals_change_the_root_as_they_say(layers, data, flatten):
    layers = [*layers, [file("ballast", BIG * 3)]]
    image = image_of(*layers)
    inventory = take_inventory(image)
    rows = [row for row in range(inventory.table.num_rows) if data.draw(st.booleans())]
    rows = sorted({*rows, inventory.live["ballast"]})
    rows = [row for row in rows if inventory.state[row] != 3]
    options = Options(flatten=flatten, keep_removed=True)
    plan = make_plan(inventory, [finding(rows)], options)
    with tempfile.TemporaryDirectory() as directory:
        slimmed = carry_out(inventory, plan, BlobStore(directory))
        again = carry_out(inventory, plan, BlobStore(directory))
        ledger = ledger_of(slimmed)
        expected = root_of(image)
        for entry in ledger.entries:
            if entry.live:
                del expected[entry.path]
        assert root_of(slimmed.image) == expected
        asked = {inventory.paths[row] for row in rows if inventory.state[row] == 0}
        assert {entry.path for entry in ledger.entries if entry.live} <= asked
        assert slimmed.image.manifest.digest == again.image.manifest.digest
        restored = restore(slimmed.image, ledger, slimmed.removed, slimmed.store, slimmed.store)
        assert root_of(restored.image) == root_of(image)
