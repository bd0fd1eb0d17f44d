"""A layout: what lies where, the same bytes each time, a history and a ledger that tell of it."""

import os
import subprocess
from dataclasses import replace

import pytest
from application_image import SITE, application, noise
from layered_image import file, folder, hardlink, image_of, symlink, tar_of, whiteout
from seen_root import seen
from tiny_image import read_layers, tiny

from slimml.errors import Refused, Unsupported, UsageError
from slimml.inventory.take import take_inventory
from slimml.oci.codec import Encoding
from slimml.oci.media_types import OCI_LAYER_NONDISTRIBUTABLE, Compression
from slimml.slim.ledger import read_ledger
from slimml.slim.restore import restore


def ledger_of(slimmed):
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        return read_ledger(stream.read().splitlines(keepends=True))


def titles(image):
    return [layer.history.created_by for layer in image.layers]


def paths_in(image, position):
    inventory = take_inventory(image)
    return set(inventory.paths[int(inventory.starts[position]) : int(inventory.starts[position + 1])])


def test_layers_come_in_the_order_in_which_they_change(lay_out):
    image = lay_out(application()).image
    assert titles(image) == ["RUN step 0", "distributions", "weights and data", "application"]


def test_the_base_stays_byte_for_byte(lay_out):
    image = application()
    assert lay_out(image).image.layers[0].descriptor == image.layers[0].descriptor


def test_a_named_base_stays_however_many_layers_it_has(lay_out):
    image = application()
    base = tiny(*read_layers(image)[:2])
    result = lay_out(image, base=base).image
    assert result.config.diff_ids[:2] == image.config.diff_ids[:2]


def test_a_base_of_another_image_is_refused(lay_out):
    with pytest.raises(UsageError, match="is no base of"):
        lay_out(application(), base=image_of([file("a")]))


def test_the_application_has_a_layer_of_its_own(lay_out):
    image = lay_out(application()).image
    assert {"srv/app.py", "srv/other.py"} < paths_in(image, 3)
    assert "srv/model.onnx" not in paths_in(image, 3)


def test_the_same_files_in_other_layers_make_the_same_image(lay_out):
    base = [folder("etc"), file("etc/os-release", noise("base", 500))]
    here = [folder("srv"), file("srv/a", noise("a", 9000)), folder(SITE), file(f"{SITE}/b.py", noise("b", 9000))]
    one = lay_out(image_of(base, here)).image
    other = lay_out(image_of(base, here[2:], [file("srv/a", b"older"), file("srv/c")], [whiteout("srv/c"), *here[:2]]))
    assert one.config.diff_ids == other.image.config.diff_ids
    assert one.manifest.layers == other.image.manifest.layers


def test_threads_do_not_change_a_byte(lay_out):
    one, four = (lay_out(application(), threads=threads).image for threads in (1, 4))
    assert one.manifest.layers == four.manifest.layers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs sched_getaffinity")
@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_threads_do_not_change_a_byte_of_large_layers(lay_out, compression):
    image = image_of([file("etc/a", b"a")], [file("srv/large", noise("x", 9_000_000) + bytes(range(256)) * 30_000)])
    made = [lay_out(image, encoding=Encoding(compression, 3, threads)).image for threads in (1, 2, 3)]
    assert made[0].manifest.layers == made[1].manifest.layers == made[2].manifest.layers


def test_what_was_replaced_is_in_one_layer_only(lay_out):
    image = image_of([file("etc/a", b"a")], [file("srv/x", noise("1", 9000))], [file("srv/x", noise("2", 9000))])
    result = lay_out(image).image
    assert sum("srv/x" in paths_in(result, position) for position in range(len(result.layers))) == 1


def test_names_of_one_file_are_in_one_layer(lay_out):
    content = noise("x", 50_000)
    links = [file("srv/a", content), hardlink(f"{SITE}/b", "srv/a"), hardlink("usr/bin/c", "srv/a")]
    image = image_of([file("etc/a", b"a")], links)
    result = lay_out(image).image
    holding = [position for position in range(len(result.layers)) if "srv/a" in paths_in(result, position)]
    assert {"srv/a", f"{SITE}/b", "usr/bin/c"} <= paths_in(result, holding[0])
    assert seen(result) == seen(image)


def test_history_and_diff_ids_belong_together(lay_out):
    config = lay_out(application()).image.config
    assert sum(not entry.empty for entry in config.history) == len(config.diff_ids)
    assert [entry.created_by for entry in config.history if entry.empty] == ["RUN step 1", "RUN step 2", "RUN step 3"]


def test_the_ledger_tells_what_later_layers_hid(lay_out):
    image = image_of([file("etc/a", b"a")], [file("srv/x", noise("1", 900))], [file("srv/x", noise("2", 900))])
    entries = ledger_of(lay_out(image)).entries
    assert [(entry.layer, entry.path, entry.live, entry.rule) for entry in entries] == [(1, "srv/x", False, "relayer")]


def test_removal_comes_before_the_layout(lay_out):
    image = application()
    result = lay_out(image, going=["srv/other.py"])
    expected = {path: told for path, told in seen(image).items() if path != "srv/other.py"}
    assert seen(result.image) == expected
    assert result.relaid.base == 1


def test_what_was_removed_comes_back_on_top_of_the_new_layers(lay_out):
    image = application()
    slimmed = lay_out(image, going=["srv/other.py"], keep_removed=True)
    back = restore(slimmed.image, ledger_of(slimmed), slimmed.removed, slimmed.store, slimmed.store)
    told, names = seen(back.image)["srv/other.py"]
    assert (told, names) == seen(image)["srv/other.py"]


def test_the_ledger_says_what_restoring_gives(lay_out):
    assert "slimml restore" in ledger_of(lay_out(application())).notes[-1]


def test_an_entry_beneath_a_link_is_refused(lay_out):
    image = image_of([file("etc/a")], [symlink("lib", "usr/lib"), file("lib/x", noise("x", 900))])
    with pytest.raises(Unsupported, match="/lib/x lies beneath /lib"):
        lay_out(image)


def test_a_larger_result_is_refused(lay_out):
    image = tiny(tar_of([file("srv/a", bytes(200_000))]), compression=Compression.ZSTD)
    with pytest.raises(Refused, match="nothing to gain"):
        lay_out(image, encoding=Encoding(Compression.NONE, 0))


def test_layers_come_out_no_larger_than_what_was_in_them_was(lay_out):
    text = b"".join(f"line {number * 7919 % 100_003} of a text\n".encode() for number in range(60_000))
    image = image_of([file("etc/a", b"a")], [file("srv/text", text)])  # stored by gzip at level 9
    result = lay_out(image, encoding=Encoding(Compression.GZIP, 1)).image
    assert result.compressed_bytes <= 1.01 * image.compressed_bytes


def test_the_root_directory_keeps_its_mode(lay_out):
    image = image_of([folder(".", mode=0o711), file("etc/a", b"a")], [file("srv/x", noise("x", 50_000))])
    result = lay_out(image).image
    assert seen(result) == seen(image)


def test_a_layer_that_may_not_be_distributed_is_left_alone(lay_out):
    image = application()
    foreign = replace(image.layers[2].descriptor, media_type=OCI_LAYER_NONDISTRIBUTABLE + "+gzip")
    layers = tuple(replace(layer, descriptor=foreign) if at == 2 else layer for at, layer in enumerate(image.layers))
    with pytest.raises(Unsupported, match="may not be distributed"):
        lay_out(replace(image, layers=layers))


def test_files_have_the_layer_that_they_are_in_now(lay_out):
    slimmed = lay_out(application())
    for path in ("etc/os-release", f"{SITE}/large/part.so", "srv/model.onnx", "srv/app.py"):
        assert path in paths_in(slimmed.image, slimmed.relaid.places[path])


def test_files_of_kept_layers_have_their_layer_too(lay_out):
    slimmed = lay_out(application({"small": "2"}), lay_out(application()).image)
    for path in slimmed.relaid.places:
        assert path in paths_in(slimmed.image, slimmed.relaid.places[path])


def sparse_tar(directory):
    with (directory / "sparse").open("wb") as hole:
        hole.truncate(1 << 20)
        hole.seek(1 << 19)
        hole.write(b"x" * 5000)
    made = ["tar", "--sparse", "--format=pax", "-C", str(directory), "-c", "sparse"]
    return subprocess.run(made, stdout=subprocess.PIPE, check=True).stdout


def test_a_sparse_file_cannot_be_moved(lay_out, tmp_path):
    with pytest.raises(Unsupported, match="/sparse is a sparse file"):
        lay_out(tiny(tar_of([file("a", b"a")]), sparse_tar(tmp_path)))


def test_a_sparse_file_of_the_base_stays(lay_out, tmp_path):
    base = sparse_tar(tmp_path)
    image = tiny(base, tar_of([file("srv/x", noise("x", 50_000))]))
    result = lay_out(image, base=tiny(base)).image
    assert read_layers(result)[0] == base
