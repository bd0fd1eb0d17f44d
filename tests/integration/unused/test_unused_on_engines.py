"""A recording made and an image slimmed by it, on a real runtime and a real Docker: what is left works, or says why."""

import json
import os

import pytest
from engines import engine_directory, missing, need, running_dockerd
from needy_image import SITE, make_service

from slimml.cli.main import main
from slimml.engine.choose import find_engine
from slimml.errors import SlimmlError
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image

PROBES = """
[probes.service]
port = 8000

[probes.ready]
http = "/health"

"""
ONE = '[[probes.http]]\npath = "/{}"\n'
LAZY = f"{SITE}/lazything/answer.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with the image `oci:layout:v1`, and its recording of the probes /data and /library."""
    need("runc")
    try:
        find_engine("runc", Access())
    except SlimmlError as error:
        missing(str(error))
    place = tmp_path_factory.mktemp("unused")
    make_service(place)
    for name, asked in (("recorded", ("data", "library")), ("lazy", ("lazy",)), ("certificates", ("certificates",))):
        (place / f"{name}.toml").write_text(PROBES + "".join(ONE.format(path) for path in asked))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(["record", "oci:layout:v1", "--runtime", "runc", "--probes", "recorded.toml", "-o", "use"]) == 0
    return place


@pytest.fixture
def slim(place, monkeypatch, capsys):
    """Run `slimml optimize` with the recording; the exit code, the document, standard error."""
    monkeypatch.chdir(place)
    monkeypatch.delenv("SLIMML_OPTIMIZE_VERIFY", raising=False)

    def run(name, *words, image="oci:layout:v1"):
        given = ["optimize", image, "-o", f"oci:{name}:slim", "--recording", "use", "--yes", "--json"]
        capsys.readouterr()
        code = main([*given, "--runtime", "runc", "--probes", "recorded.toml", *words])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return run


def contents(reference):
    """The live paths of an image, but for directories, and how many bytes they have."""
    inventory = take_inventory(open_image(parse_reference(reference)))
    sizes, kinds = inventory.column("size").tolist(), inventory.column("kind").tolist()
    return {path: sizes[row] for path, row in inventory.live.items() if kinds[row] != 2}


@pytest.fixture(scope="module")
def depths():
    """Images that tests of this module share, by depth."""
    return {}


@pytest.fixture(params=["distribution", "module", "strict"])
def depth(request, slim, depths):
    """Depth, document and contents of the image slimmed at that depth."""
    if request.param not in depths:
        code, found, said = slim(request.param, "--depth", request.param)
        assert code == 0, said
        depths[request.param] = (request.param, found, contents(f"oci:{request.param}:slim"))
    return depths[request.param]


def test_it_is_verified_and_nothing_had_to_be_put_back(depth):
    _, found, _ = depth
    assert found["optimized"]["verified"] is True
    assert found["optimized"]["proof"]["rewrites"] == 0


def test_most_of_the_bytes_go(depth, place):
    _, _, left = depth
    assert sum(left.values()) < 0.6 * sum(contents("oci:layout:v1").values())


def test_what_was_used_is_there(depth):
    _, _, left = depth
    assert "opt/app/data/words.txt" in left
    assert any("sqlite3" in path or "bz2" in path or "lzma" in path for path in left)


def test_what_a_request_imports_late_stays_but_at_the_depth_strict(depth):
    """Nobody asked for /lazy while it was recorded; the application's source names the distribution."""
    name, _, left = depth
    assert (LAZY in left) == (name != "strict")


def test_what_nobody_recorded_answers_the_same_at_the_default_depth(slim, depths, capsys):
    if "distribution" not in depths:
        slim("distribution", "--depth", "distribution")
    words = ["oci:layout:v1", "oci:distribution:slim", "--runtime", "runc", "--probes"]
    assert [main(["verify", *words, f"{probes}.toml"]) for probes in ("lazy", "certificates")] == [0, 0]


def test_a_deeper_depth_keeps_no_more(slim, depths):
    for name in ("distribution", "module", "strict"):
        if name not in depths:
            slim(name, "--depth", name)
    sizes = [sum(contents(f"oci:{name}:slim").values()) for name in ("distribution", "module", "strict")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2]


def test_all_of_it_can_be_put_back(slim, capsys):
    assert slim("kept", "--keep-removed")[0] == 0
    assert main(["restore", "oci:kept:slim", "-o", "oci:restored:v1"]) == 0
    assert contents("oci:restored:v1") == contents("oci:layout:v1")


def test_a_recording_of_another_image_is_refused(slim, depth, place):
    code, _, said = slim("other", image=f"oci:{depth[0]}:slim")
    assert (code, (place / "other").exists()) == (7, False), said
    assert said.startswith("slimml: error: ")


def test_docker_records_and_verifies_alike(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.delenv("SLIMML_OPTIMIZE_VERIFY", raising=False)
    need("docker")
    with engine_directory() as directory, running_dockerd(directory) as socket:
        host = f"unix://{socket}"
        assert main(["copy", "oci:layout:v1", "docker-daemon:needy:v1", "--engine", host]) == 0
        monkeypatch.setitem(os.environ, "DOCKER_HOST", host)
        capsys.readouterr()
        words = [
            "docker-daemon:needy:v1",
            "-t",
            "needy:slim",
            "--record",
            "--probes",
            "recorded.toml",
            "--yes",
            "--json",
        ]
        assert main(["optimize", *words, "--runtime", "docker"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["optimized"]["verified"] is True
        assert LAZY in contents("docker-daemon:needy:slim")
