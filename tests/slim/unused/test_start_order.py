"""The order of use is kept with the image: what is left of the files, first used first."""

import json

import jsonschema
from layered_image import file, image_of
from used_image import closure_of, recording_of

from slimml.inventory.take import take_inventory
from slimml.oci.artifact import ORDER
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
from slimml.report.json import schema_text
from slimml.slim.deliver import deliver
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.start_order import start_order, with_start_order
from slimml.slim.unused import unused_findings
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation


def plan_without(inventory, *going):
    return make_plan(inventory, unused_findings(inventory, closure_of(inventory, *going)), Options(depth=Depth.STRICT))


def test_files_stand_in_the_order_of_their_first_use_with_their_layers(inventory):
    recording = recording_of(inventory, "srv/app.py", "lib/libc.so", "srv")
    found = start_order(inventory, plan_without(inventory, "srv/notes.txt"), [recording])
    assert [(it.path, it.layer, it.size, it.first) for it in found] == [
        ("srv/app.py", 2, 5000, 0.0),
        ("lib/libc.so", 0, 9000, 0.1),
    ]


def test_of_several_recordings_the_first_comes_first_and_no_file_comes_twice(inventory):
    recordings = [recording_of(inventory, "lib/libc.so"), recording_of(inventory, "srv/app.py", "lib/libc.so")]
    found = start_order(inventory, plan_without(inventory, "srv/notes.txt"), recordings)
    assert [it.path for it in found] == ["lib/libc.so", "srv/app.py"]


def test_what_goes_and_what_was_only_asked_for_is_left_out(inventory):
    recordings = [
        recording_of(inventory, "srv/notes.txt"),
        recording_of(inventory, "srv/app.py", operations=Operation.STAT),
    ]
    assert start_order(inventory, plan_without(inventory, "srv/notes.txt"), recordings) == ()


def test_a_layer_of_which_nothing_is_left_is_not_counted():
    inventory = take_inventory(image_of([file("a")], [file("b")], [file("c")]))
    (found,) = start_order(inventory, plan_without(inventory, "b"), [recording_of(inventory, "c")])
    assert found.layer == 1


def test_a_layout_has_the_order_as_an_artifact_whose_digest_the_image_names(inventory, slim_unused, store, tmp_path):
    slimmed = with_start_order(slim_unused("srv/notes.txt"), inventory, [recording_of(inventory, "srv/app.py")], store)
    destination = parse_reference(f"oci:{tmp_path / 'layout'}")
    done = deliver(slimmed, destination)
    labels = open_image(destination).config.document["config"]["Labels"]
    assert done.order
    assert labels["org.slimml.start-order.digest"] == slimmed.order.digest
    assert labels["org.slimml.depth"] == "distribution"


def test_an_archive_has_the_order_in_a_file_beside_it(inventory, slim_unused, store, tmp_path):
    slimmed = with_start_order(slim_unused("srv/notes.txt"), inventory, [recording_of(inventory, "srv/app.py")], store)
    done = deliver(slimmed, parse_reference(f"oci-archive:{tmp_path / 'image.tar'}"))
    with open(done.order) as source:
        document = json.load(source)
    jsonschema.validate(document, json.loads(schema_text("start-order")))
    assert slimmed.order.media_type == ORDER
    assert [it["path"] for it in document["files"]] == ["srv/app.py"]
    assert document["diff_ids"] == [layer.diff_id for layer in slimmed.image.layers]
