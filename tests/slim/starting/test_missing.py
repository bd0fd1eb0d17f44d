"""Which modules lack bytecode, for which Python, and where it belongs."""

import pytest
from layered_image import file, image_of, symlink, whiteout

from slimml.inventory.take import take_inventory
from slimml.slim.starting.missing import interpreters, mostly_uncompiled, optimisation, uncompiled

PYTHON = file("usr/bin/python3.11", mode=0o755)
SITE = "usr/lib/python3.11/site-packages"


def inventory_of(*items, config=None, above=()):
    return take_inventory(image_of([PYTHON, *items], *above, config={"config": config or {}}))


def targets(*items, **more):
    return [one.target for one in uncompiled(inventory_of(*items, **more))]


def test_a_module_without_bytecode_gets_it_beside_its_source():
    assert targets(file(f"{SITE}/a/b.py")) == [f"{SITE}/a/__pycache__/b.cpython-311.pyc"]


def test_bytecode_that_is_there_is_left_alone():
    assert targets(file(f"{SITE}/b.py"), file(f"{SITE}/__pycache__/b.cpython-311.pyc")) == []


def test_bytecode_of_another_version_does_not_count():
    assert len(targets(file(f"{SITE}/b.py"), file(f"{SITE}/__pycache__/b.cpython-39.pyc"))) == 1


def test_bytecode_that_a_later_layer_took_away_is_missing():
    items = (file(f"{SITE}/b.py"), file(f"{SITE}/__pycache__/b.cpython-311.pyc"))
    assert len(targets(*items, above=([whiteout(f"{SITE}/__pycache__")],))) == 1


@pytest.mark.parametrize("path", [f"{SITE}/a/tests/b.py", f"{SITE}/a/b.txt"])
def test_what_nobody_imports_is_left_alone(path):
    assert targets(file(path)) == []


def test_the_application_s_modules_count():
    assert targets(file("app/service.py")) == ["app/__pycache__/service.cpython-311.pyc"]


def test_an_image_without_python_has_none():
    assert uncompiled(take_inventory(image_of([file(f"{SITE}/b.py")]))) == ()


def test_a_source_is_compiled_by_the_python_of_its_version():
    both = (file("opt/py/bin/python3.12"), file("opt/py/lib/python3.12/site-packages/b.py"))
    (found,) = uncompiled(inventory_of(*both))
    assert found.interpreter.path == "opt/py/bin/python3.12"
    assert found.target.endswith("b.cpython-312.pyc")


def test_a_source_of_a_version_that_is_not_there_is_left_alone():
    assert targets(file("usr/lib/python3.9/site-packages/b.py")) == []


def test_of_several_pythons_the_nearest_compiles():
    module = file("opt/venv/lib/python3.11/site-packages/b.py")
    (found,) = uncompiled(inventory_of(symlink("opt/venv/bin/python3.11", "/usr/bin/python3.11"), module))
    assert found.interpreter.path == "opt/venv/bin/python3.11"


def test_interpreters_come_by_version():
    items = (file("opt/bin/python3.12"), file("usr/local/bin/python3.11"))
    found = [one.path for one in interpreters(inventory_of(*items))]
    assert found == ["usr/bin/python3.11", "usr/local/bin/python3.11", "opt/bin/python3.12"]


@pytest.mark.parametrize(
    ("config", "level"),
    [
        ({}, 0),
        ({"Env": ["PYTHONOPTIMIZE=2"]}, 2),
        ({"Cmd": ["python", "-O", "x"]}, 1),
        ({"Env": ["PYTHONOPTIMIZE=x"]}, 1),
    ],
)
def test_the_level_of_optimisation_is_the_image_s(config, level):
    assert optimisation(inventory_of(config=config)) == level


def test_an_image_that_optimises_reads_other_bytecode():
    config = {"Env": ["PYTHONOPTIMIZE=1"]}
    items = (file(f"{SITE}/b.py"), file(f"{SITE}/__pycache__/b.cpython-311.pyc"))
    assert targets(*items, config=config) == [f"{SITE}/__pycache__/b.cpython-311.opt-1.pyc"]


def test_bytecode_that_is_kept_elsewhere_is_nobody_s_business():
    assert targets(file(f"{SITE}/b.py"), config={"Env": ["PYTHONPYCACHEPREFIX=/tmp/x"]}) == []


@pytest.mark.parametrize(("compiled", "mostly"), [(0, True), (150, False)])
def test_an_image_made_without_bytecode_is_told_from_one_with_gaps(compiled, mostly):
    items = [file(f"{SITE}/m{n}.py") for n in range(200)]
    items += [file(f"{SITE}/__pycache__/m{n}.cpython-311.pyc") for n in range(compiled)]
    inventory = inventory_of(*items)
    assert mostly_uncompiled(inventory, uncompiled(inventory)) is mostly
