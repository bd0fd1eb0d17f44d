"""The lent module, in a Python of its own: its import tree is CPython's, it leaves the program as it is, forks too."""

import os
import subprocess
import sys
from statistics import median

import pytest

from slimml.bench.import_times import read_import_times
from slimml.startup.import_tree import import_tree
from slimml.startup.lending import INJECTED
from slimml.startup.notes import read_notes


def run(place, code, **environment):
    """Run `code` with the module lent; what it noted, and the finished process."""
    variables = {**os.environ, "PYTHONPATH": str(INJECTED), "SLIMML_PROFILE_OUT": str(place), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, timeout=60, check=False)
    files = sorted(place.glob("*.notes"), key=lambda file: int(file.stem.partition("-")[2]))
    return read_notes([file.read_bytes() for file in files]), done


CODE = "import email.mime.multipart, http.client, xml.dom.minidom, decimal, numpy"
ROUNDS = 5


@pytest.fixture(scope="module")
def rounds(tmp_path_factory):
    """The imports of some runs, each as told by CPython's -X importtime and as noted."""
    found = []
    for _ in range(ROUNDS):
        notes, done = run(tmp_path_factory.mktemp("notes"), CODE, PYTHONPROFILEIMPORTTIME="1")
        tree = [node for root in import_tree(notes, str, float("inf")) for node in root.walk()]
        found.append((read_import_times(done.stderr).imports, tree))
    return found


@pytest.fixture(scope="module")
def both(rounds):
    """For each run the seconds of each module, own and whole, by either."""
    return [
        (
            _by_name((one.module, one.own, one.cumulative) for one in lines),
            _by_name((node.name, node.own, node.total) for node in tree),
        )
        for lines, tree in rounds
    ]


def _by_name(lines):
    """A module that is imported within its own import has two lines, of which the longer one is the whole."""
    found = {}
    for name, own, whole in lines:
        before = found.get(name, (0, 0))
        found[name] = (before[0] + own, max(before[1], whole))
    return found


def test_every_import_of_cpython_s_tree_is_noted(both):
    cpython, noted = both[0]
    ours = {"slimml_spans", "slimml_libraries", "sitecustomize", "importlib", "importlib.machinery", "atexit"}
    assert set(cpython) - ours - set(noted) == set()
    assert len(cpython) > 100


def test_times_are_those_of_cpython(both):
    large = [name for name, (_, whole) in both[0][0].items() if whole > 0.002 and name in both[0][1]]
    assert len(large) > 3
    off = []
    for name in large:
        # The nearest round: the processor may be taken away between the two clocks, what they measure apart stays.
        whole = median(cpython[name][1] for cpython, _ in both)
        apart = min(abs(noted[name][1] - cpython[name][1]) for cpython, noted in both)
        if apart > max(0.1 * whole, 0.002):
            off.append((name, whole, apart))
    assert len(off) <= len(large) * 0.15, off


def test_own_times_are_those_of_cpython_on_the_whole(both):
    ratios = []
    for cpython, noted in both:
        common = cpython.keys() & noted.keys()
        ratios.append(sum(noted[name][0] for name in common) / sum(cpython[name][0] for name in common))
    assert min(ratios, key=lambda ratio: abs(ratio - 1)) == pytest.approx(1, rel=0.1)


def test_imports_stand_within_those_that_cpython_has_them_in(rounds):
    _, tree = rounds[0]
    noted = {node.name: node for node in tree}
    assert "numpy" in noted["numpy._core"].chain
    assert noted["email.mime.multipart"].chain[0] == "email.mime.multipart"


def test_the_program_s_output_and_code_stay_as_they_are(tmp_path):
    _, done = run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)


def test_an_import_that_fails_fails_as_before(tmp_path):
    _, done = run(tmp_path, "try:\n    import nowhere\nexcept ModuleNotFoundError as error: print(error.name)")
    assert done.stdout == b"nowhere\n"


def test_the_image_s_own_sitecustomize_still_runs(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('mine')")
    path = f"{INJECTED}{os.pathsep}{own}"
    _, done = run(tmp_path, "pass", PYTHONPATH=path)
    assert done.stdout == b"mine\n"


def test_a_forked_worker_notes_for_itself(tmp_path):
    code = "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse:\n    import decimal\n"
    notes, _ = run(tmp_path, code)
    workers = {span.process for span in notes.spans if span.name == "decimal"}
    assert len(notes.processes) == 2
    assert workers == {2}


def test_sources_without_bytecode_are_noted_as_compiled(tmp_path):
    (tmp_path / "fresh.py").write_text("x = 1")
    notes, _ = run(
        tmp_path, f"import sys; sys.path.append({str(tmp_path)!r}); import fresh", PYTHONDONTWRITEBYTECODE="1"
    )
    assert [span.name for span in notes.spans if span.kind == "compile"] == [str(tmp_path / "fresh.py")]


def test_calls_are_noted_where_they_are_wanted(tmp_path):
    notes, _ = run(tmp_path, "import json; json.dumps([1])", SLIMML_PROFILE="use")
    assert any(within == "" and file.endswith("json/__init__.py") for within, file, _ in notes.used)


def test_calls_of_functions_in_c_are_noted_by_their_module(tmp_path):
    notes, _ = run(tmp_path, "import math, zlib; zlib.crc32(b'x'); zlib.compressobj().flush()", SLIMML_PROFILE="use")
    assert ("", "", "zlib") in notes.used


def test_calls_are_written_before_a_program_that_never_ends_is_killed(tmp_path):
    notes, _ = run(tmp_path, "import json, os; json.dumps([1]); os._exit(0)", SLIMML_PROFILE="use")
    assert any(within == "" and file.endswith("json/__init__.py") for within, file, _ in notes.used)


def test_a_place_that_cannot_be_written_to_does_not_disturb(tmp_path):
    _, done = run(tmp_path / "nowhere", "print(1)")
    assert (done.stdout, done.stderr, done.returncode) == (b"1\n", b"", 0)


def test_a_library_of_another_form_is_left_alone_and_said(tmp_path):
    package = tmp_path / "libraries" / "transformers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "modeling_utils.py").write_text("answer = 42\n")
    (tmp_path / "notes").mkdir()
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import transformers.modeling_utils as it"
    notes, done = run(tmp_path / "notes", f"{code}; print(it.answer)")
    told = [span.name for span in notes.spans if span.kind == "missed"]
    assert (done.stdout, told) == (b"42\n", ["transformers.modeling_utils: AttributeError"])
