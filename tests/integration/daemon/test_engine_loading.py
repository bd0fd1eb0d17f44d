"""Images loaded into engines: what is there afterwards is what was meant, under the name that was meant."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tiny_image import tiny

from slimml.errors import InvalidImage, UsageError
from slimml.oci.digest import sha256
from slimml.oci.media_types import Compression
from slimml.oci.places.daemon import open_image, sink, write_image
from slimml.oci.reference import parse_reference


def daemon(name):
    return parse_reference(f"docker-daemon:{name}")


def diff_ids(api, name):
    return tuple(json.loads(api.call("GET", f"/images/{name}/json"))["RootFS"]["Layers"])


@pytest.mark.parametrize("compression", list(Compression))
def test_the_engine_has_the_config_as_it_was(engine, compression):
    image = tiny({"a": compression.encode(), "b": b"2" * 5000}, {"c": b"3"}, compression=compression)
    receipt = write_image(image, daemon(f"{compression}:1"), engine.access())
    assert engine.api.image_id(f"{compression}:1") == image.config.digest == receipt.digest


@pytest.mark.parametrize("compression", list(Compression))
def test_the_engine_has_the_layers_as_they_were(engine, compression):
    image = tiny({"d": compression.encode()}, {"e": b"3"}, compression=compression)
    write_image(image, daemon(f"layers-{compression}:1"), engine.access())
    assert diff_ids(engine.api, f"layers-{compression}:1") == image.config.diff_ids


def test_a_name_without_a_tag_becomes_latest(engine):
    write_image(tiny({"untagged": b""}), daemon("untagged"), engine.access())
    assert engine.api.has("untagged:latest")


def test_a_registry_in_the_name_is_kept(engine):
    write_image(tiny({"far": b""}), daemon("registry.example/team/far:2"), engine.access())
    assert engine.api.has("registry.example/team/far:2")


def test_a_name_in_use_goes_to_the_new_image(engine):
    first, second = tiny({"first": b"1"}), tiny({"second": b"2"})
    write_image(first, daemon("moved:1"), engine.access())
    write_image(second, daemon("moved:1"), engine.access())
    assert engine.api.image_id("moved:1") == second.config.digest


def test_an_image_with_the_same_layer_twice_is_loaded(engine):
    image = tiny({"twice": b"1"}, {"between": b"2"}, {"twice": b"1"})
    write_image(image, daemon("twice:1"), engine.access())
    assert engine.api.image_id("twice:1") == image.config.digest


def test_an_image_without_layers_is_loaded(docker):
    image = tiny()
    write_image(image, daemon("nothing:1"), docker.access())
    assert docker.api.image_id("nothing:1") == image.config.digest


def test_an_engine_takes_an_image_out_of_another(docker, podman):
    image = open_image(daemon("motley:1"), docker.access(read_store=False))
    write_image(image, daemon("copied:1"), podman.access())
    assert podman.api.image_id("copied:1") == docker.api.image_id("motley:1")


def test_docker_is_not_sent_the_lowest_layers_that_it_has(docker):
    base = {"base": b"b" * 200_000}
    write_image(tiny(base), daemon("lower:1"), docker.access())
    receipt = write_image(tiny(base, {"more": b"m"}), daemon("higher:1"), docker.access())
    assert receipt.written_bytes < 20_000


def test_layers_not_sent_count_as_reused(docker):
    below = tiny({"counted": b"c" * 200_000}, compression=Compression.NONE)
    write_image(below, daemon("counted:1"), docker.access())
    above = tiny({"counted": b"c" * 200_000}, {"above": b"a"}, compression=Compression.NONE)
    receipt = write_image(above, daemon("counted:2"), docker.access())
    assert receipt.reused_bytes == above.layers[0].descriptor.size


def test_a_layer_above_a_new_one_is_sent_although_the_engine_has_it(docker):
    shared = {"shared": b"s" * 1000}
    write_image(tiny({"one": b"1"}, shared), daemon("shared:1"), docker.access())
    image = tiny({"two": b"2"}, shared)
    write_image(image, daemon("shared:2"), docker.access())
    assert docker.api.image_id("shared:2") == image.config.digest


def damaged(image):
    """The image with other bytes in its top layer's blob."""
    digest = image.layers[-1].descriptor.digest
    blob = image.layers[-1].blobs.content[digest]
    image.layers[-1].blobs.content[digest] = blob[:-30] + b"?" * 30
    return image


@pytest.mark.parametrize("compression", list(Compression))
def test_of_a_damaged_image_nothing_is_loaded(engine, compression):
    image = damaged(tiny({"whole": b"1"}, {"damaged": b"2" * 9000}, compression=compression))
    with pytest.raises(InvalidImage):
        write_image(image, daemon(f"damaged-{compression}:1"), engine.access())
    assert not engine.api.has(f"damaged-{compression}:1")


def test_a_failed_load_leaves_the_name_where_it_was(engine):
    before = tiny({"before": b"1"})
    write_image(before, daemon("kept:1"), engine.access())
    with pytest.raises(InvalidImage):
        write_image(damaged(tiny({"after": b"2" * 9000})), daemon("kept:1"), engine.access())
    assert engine.api.image_id("kept:1") == before.config.digest


def test_a_wrong_diff_id_is_not_loaded(engine):
    image = tiny({"right": b"1"})
    wrong = replace(image.layers[0], diff_id=sha256(b"wrong"))
    with pytest.raises(InvalidImage):
        write_image(replace(image, layers=(wrong,)), daemon("wrong:1"), engine.access())
    assert not engine.api.has("wrong:1")


@pytest.mark.parametrize("target", ["sha256:" + "0" * 64, "name@sha256:" + "0" * 64])
def test_an_image_is_not_written_to_a_digest(engine, target):
    with pytest.raises(UsageError, match="under a name"):
        write_image(tiny({"x": b""}), daemon(target), engine.access())


def test_what_was_loaded_opens_as_the_same_image(engine):
    image = tiny({"round": b"trip"}, {"and": b"back"}, compression=Compression.ZSTD)
    write_image(image, daemon("round-trip:1"), engine.access())
    found = open_image(daemon("round-trip:1"), engine.access())
    assert (found.config.raw, [layer.diff_id for layer in found.layers]) == (
        image.config.raw,
        [layer.diff_id for layer in image.layers],
    )


def test_layers_wrongly_believed_to_be_there_are_sent_after_all(docker, monkeypatch):
    monkeypatch.setattr(sink, "_held_layers", lambda engine, image: 1)
    image = tiny({"believed": b"to be there"}, {"top": b"1"})
    write_image(image, daemon("believed:1"), docker.access())
    assert docker.api.image_id("believed:1") == image.config.digest


def test_progress_is_told_of_every_byte_sent(engine):
    told: list[int] = []

    class Counting:
        @contextmanager
        def task(self, title, total=None):
            self.total = total
            yield self

        def advance(self, amount):
            told.append(amount)

    progress = Counting()
    write_image(tiny({"counted": engine.api.url.encode() * 100}), daemon("progress:1"), engine.access(), progress)
    assert sum(told) == progress.total > 0
