"""The benchmark of the strip: copies whose libraries are changed, and what of them loads."""

import importlib.util
import sys
from pathlib import Path

import pytest
from tiny_elf import tiny_library

HERE = Path(__file__).resolve().parents[2] / "benchmarks/native"


@pytest.fixture(scope="module")
def strip():
    spec = importlib.util.spec_from_file_location("strip_benchmark", HERE / "strip.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "strip_benchmark", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def site(tmp_path):
    site = tmp_path / "site-packages"
    (site / "package").mkdir(parents=True)
    (site / "package/library.so").write_bytes(tiny_library())
    (site / "package/broken.so.1").write_bytes(tiny_library()[:500])
    (site / "package/script.so").write_text("INPUT(library.so)")
    (site / "package/link.so").symlink_to("library.so")
    return site


LIBRARY, BROKEN = Path("package/library.so"), Path("package/broken.so.1")


def test_libraries_are_found_by_what_they_are(strip, site):
    assert strip.shared_objects(site) == [BROKEN, LIBRARY]


def test_a_copy_has_changed_libraries_and_says_which_are_not(strip, site, tmp_path):
    left = strip.copy_changed(site, tmp_path / "copy", [BROKEN, LIBRARY], strip.ours)
    assert (tmp_path / "copy" / LIBRARY).stat().st_size < (site / LIBRARY).stat().st_size
    assert (tmp_path / "copy" / BROKEN).samefile(site / BROKEN)
    assert left == {"its section table does not lie within the file": 1}


def test_what_loads_is_told(strip, site):
    found = strip.loads(Path(sys.executable), site, [BROKEN, LIBRARY])
    assert found[str(LIBRARY)] is None
    assert found[str(BROKEN)] is not None


def test_the_table_counts_from_the_original(strip):
    way = {"bytes": 800, "left": {}, "lost": {"a.so": "words"}, "differ": {"numpy": "words"}}
    told = strip.told({"libraries": 2, "load": 1, "bytes": 1000, "ways": {"GNU strip": way}})
    assert "| GNU strip | 0.0 | -20.0% | 1 | numpy |" in told
