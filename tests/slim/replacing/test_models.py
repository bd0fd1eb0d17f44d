"""Models in images: what the tiers change, what they leave, and what they read to know it."""

from functools import partial

import pytest
from layered_image import file, image_of, root_of

from slimml.inventory.read_rows import read_rows
from slimml.inventory.take import take_inventory
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.replacing.choose import Wanted, choose_shrinkers
from slimml.slim.replacing.gentler import GentlerModels
from slimml.slim.replacing.models import Models, model_shrinkers
from slimml.slim.replacing.replace import make_offers

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def graph():
    """An ONNX file with the same weight as a constant twice, which the first tier writes once; and what it answers."""
    import tiny_models

    noise = np.random.default_rng(1)
    weight = noise.normal(size=(200, 200)).astype(np.float32)
    return tiny_models.branches(weight).SerializeToString()


@pytest.fixture
def slimmed(tmp_path, remembered, store):
    def act(image, models, **options):
        inventory = take_inventory(image)
        chosen = choose_shrinkers(inventory, Options(**options), Wanted(models=models), partial(read_rows, inventory))
        plan = make_plan(inventory, (), Options(**options))
        offers = make_offers(inventory, plan, chosen.shrinkers, tmp_path / "place", remembered)
        if not offers.taken:
            return None
        return carry_out(inventory, make_plan(inventory, (), plan.options, offers=offers.taken), store)

    return act


def test_the_first_tier_is_lossless(slimmed, graph):
    found = slimmed(image_of([file("app/model.onnx", graph), file("y")]), "lossless")
    new = root_of(found.image)["app/model.onnx"][1]
    assert len(new) < len(graph)
    onnx.checker.check_model(onnx.load_from_string(new))


@pytest.mark.parametrize(("models", "options"), [("off", {}), ("lossless", {"skip": frozenset({"models"})})])
def test_models_stay_where_that_was_said(slimmed, graph, models, options):
    assert slimmed(image_of([file("app/model.onnx", graph)]), models, **options) is None


def test_what_only_looks_like_a_model_stays(slimmed):
    assert slimmed(image_of([file("app/model.onnx", b"no model at all" * 9000)]), "lossless") is None


def test_configurations_beside_weights_tell_the_type():
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    weights = len(header).to_bytes(8, "little") + header + bytes(70_000)
    layers = [
        file("m/bf16/model.safetensors", weights),
        file("m/bf16/config.json", b'{"torch_dtype": "bfloat16"}'),
        file("m/none/model.safetensors", weights),
    ]
    inventory = take_inventory(image_of(layers))
    found = model_shrinkers(inventory, "compact", partial(read_rows, inventory))
    assert {one.half: [inventory.paths[row] for row in one.rows] for one in found} == {
        None: ["m/none/model.safetensors"],
        "BF16": ["m/bf16/model.safetensors"],
    }


def test_another_tier_is_another_result():
    assert len({Models(tier, ()).key for tier in ("lossless", "compact", "quantize")}) == 3


def test_another_type_is_another_result():
    assert len({Models("compact", (), half).key for half in (None, "F16", "BF16")}) == 3


def test_less_is_offered_of_a_model_that_was_refused_tier_by_tier(tmp_path, remembered):
    """int8 in the graph, then weights stored in int8, then nothing lost, then nothing; no content is offered twice."""
    import tiny_models

    weight = np.random.default_rng(1).normal(size=(400, 400)).astype(np.float32)
    model = tiny_models.branches(weight).SerializeToString()
    inventory = take_inventory(image_of([file("app/model.onnx", model), file("app/data.bin", b"x" * 100_000)]))
    plan = make_plan(inventory, (), Options())
    make = partial(make_offers, inventory, plan, place=tmp_path / "place", remembered=remembered)
    read = partial(read_rows, inventory)
    offered = make(model_shrinkers(inventory, "quantize", read)).taken
    gentler = GentlerModels(inventory, "quantize", read, make)
    sizes, reasons = [], []
    while offered:
        ((row, offer),) = offered.items()
        assert inventory.paths[row] == "app/model.onnx"
        sizes.append(offer.content.size)
        reasons.append(offer.why.reason)
        offered = gentler(offered)
    assert len(set(sizes)) == len(sizes) == 3
    assert max(sizes) < len(model)
    assert ["int8" in reasons[0], "fp32 again" in reasons[1], "bit for bit" in reasons[2]] == [True] * 3
    assert gentler({row: offer}) == {}
