"""What Python says of its imports is read as it nests, and joined to distributions; checked on a real interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_image import tiny

import slimml.bench
from slimml.bench.import_times import costs_by_owner, read_import_times
from slimml.bench.module_owners import APPLICATION, STANDARD, owners_of_modules
from slimml.inventory.take import take_inventory

INJECTED = Path(slimml.bench.__file__).parent / "injected"

STREAM = b"""\
import time:       100 |        100 |   encodings
slimml-start 7 1000000000 up \n\
import time:       900 |       1000 | site
a line of the program
slimml-start 7 1100000000 import app
import time:       200 |        200 |     numpy.core
import time:       300 |        500 |   numpy
slimml-start 7 1200000000 open 300000 /app/model.bin
import time:        50 |         50 |     numpy.random
import time:       150 |        200 |   scipy
import time:      1000 |       1700 | app
"""


def run(*words, hidden=None, **environment):
    """Standard error of a Python that has the injected module on its path."""
    path = f"{INJECTED}:{hidden}" if hidden else str(INJECTED)
    variables = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    ended = subprocess.run([sys.executable, *words], capture_output=True, env=variables, check=True)
    return ended.stderr


def test_imports_of_the_interpreter_itself_are_told_apart():
    found = read_import_times(STREAM)
    assert found.interpreter == pytest.approx(0.001)
    assert [one.module for one in found.imports] == ["numpy.core", "numpy", "numpy.random", "scipy", "app"]


def test_an_import_knows_what_it_was_part_of():
    found = read_import_times(STREAM).imports
    above = {one.module: found[one.within].module if one.within is not None else None for one in found}
    assert above == {"numpy.core": "numpy", "numpy": "app", "numpy.random": "scipy", "scipy": "app", "app": None}


def test_told_lines_have_their_time_on_the_clock_of_this_machine():
    told = read_import_times(STREAM).told
    assert [(one.process, one.at, one.what, one.words) for one in told] == [
        (7, 1.0, "up", ""),
        (7, 1.1, "import", "app"),
        (7, pytest.approx(1.2), "open", "300000 /app/model.bin"),
    ]


def test_own_times_of_all_owners_add_up_and_cumulative_counts_nested_ones_once():
    found = read_import_times(STREAM)
    costs = {cost.owner: cost for cost in costs_by_owner(found.imports, lambda module: module.partition(".")[0])}
    assert sum(cost.own for cost in costs.values()) == pytest.approx(0.0017)
    assert costs["numpy"].own == pytest.approx(0.00055)
    assert costs["numpy"].cumulative == pytest.approx(0.00055)
    assert costs["scipy"].cumulative == pytest.approx(0.0002)
    assert costs["app"].cumulative == pytest.approx(0.0017)


def test_a_real_python_tells_when_it_is_up_and_what_it_imports():
    stream = run("-c", "import wave", PYTHONPROFILEIMPORTTIME="1", SLIMML_START="imports")
    found = read_import_times(stream)
    assert found.processes == 1
    assert found.told[0].what == "up"
    assert "wave" in {one.module for one in found.imports}
    assert "wave" in {one.words for one in found.told if one.what == "import"}
    assert "site" not in {one.module for one in found.imports}


def test_large_data_is_told_and_code_is_not(tmp_path):
    for name in ("model.bin", "small.bin", "code.py"):
        (tmp_path / name).write_bytes(b"#" * (300_000 if name != "small.bin" else 10))
    program = "import sys; [open(path, 'rb').close() for path in sys.argv[1:]]"
    stream = run("-c", program, *map(str, tmp_path.iterdir()), SLIMML_START="imports")
    opened = [one.words for one in read_import_times(stream).told if one.what == "open"]
    assert opened == [f"300000 {tmp_path}/model.bin"]


def test_the_images_own_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.stderr.write('the image is customized\\n')")
    assert b"the image is customized" in run("-c", "", hidden=tmp_path)


def test_the_program_does_not_see_the_injected_directory():
    assert str(INJECTED).encode() not in run("-c", "import sys; sys.stderr.write(repr(sys.path))")


def test_cuda_is_timed_when_the_program_first_uses_it(tmp_path):
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("from torch import cuda\n")
    (package / "cuda.py").write_text(
        "done = False\ndef is_initialized(): return done\ndef _lazy_init():\n    global done\n    done = True\n"
    )
    program = "import torch; torch.cuda._lazy_init(); torch.cuda._lazy_init()"
    told = read_import_times(run("-c", program, hidden=tmp_path, SLIMML_START="cuda")).told
    assert [one.what for one in told] == ["up", "cuda-begin", "cuda-end"]


def test_modules_belong_to_the_distributions_of_the_image():
    site = "usr/lib/python3/dist-packages"
    image = tiny(
        {
            f"{site}/Numerics-1.0.dist-info/METADATA": b"Name: Numerics\nVersion: 1.0\n\n",
            f"{site}/Numerics-1.0.dist-info/RECORD": b"num/__init__.py,,\nnum/_core.cpython-311-x86_64-linux-gnu.so,,\n"
            b"num_one.py,,\n",
            f"{site}/num/__init__.py": b"",
            f"{site}/num/_core.cpython-311-x86_64-linux-gnu.so": b"",
            f"{site}/num_one.py": b"",
            f"{site}/lonely.py": b"",
            "app/service.py": b"",
        }
    )
    owner_of = owners_of_modules(take_inventory(image))
    asked = ("num", "num._core", "num._core.made_up", "num_one", "json.decoder", "service", "lonely")
    assert [owner_of(module) for module in asked] == [*["numerics"] * 4, STANDARD, APPLICATION, APPLICATION]


def test_without_an_inventory_the_first_part_of_the_name_stands_for_the_distribution():
    owner_of = owners_of_modules(None)
    assert (owner_of("torch.nn.functional"), owner_of("asyncio.events")) == ("torch", STANDARD)
