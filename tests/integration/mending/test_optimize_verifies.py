"""`slimml optimize` as a user runs it: verified by default, mended, or refused with nothing written."""

import json

import jsonschema
import pytest
from engines import missing

from slimml.bloat import detect
from slimml.cli.main import main
from slimml.engine.choose import find_engine
from slimml.errors import SlimmlError
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.report.json import schema_text

PROBES = """
[probes.service]
port = 8000

[probes.ready]
http = "/health"

[[probes.http]]
path = "/lazy"

[[probes.http]]
path = "/zone"
"""


@pytest.fixture
def optimize(service, tmp_path, monkeypatch, capsys):
    """Run `slimml optimize` on the service with these breakages planted; the exit code, the document, the errors."""
    try:
        find_engine("runc", Access())
    except SlimmlError as error:
        missing(str(error))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLIMML_OPTIMIZE_VERIFY", raising=False)
    monkeypatch.setenv("SLIMML_WORK_DIR", str(tmp_path / "work"))
    (tmp_path / "probes.toml").write_text(PROBES)

    def run(*words, broken=(), runtime="runc"):
        monkeypatch.setattr(detect, "find_bloat", lambda inventory: service.breaking(*broken))
        given = [
            "optimize",
            service.reference,
            "-o",
            f"oci:{tmp_path}/out:slim",
            "--level",
            "likely",
            "--yes",
            "--json",
        ]
        capsys.readouterr()
        code = main([*given, "--runtime", runtime, *words])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return run


def test_a_broken_image_is_mended_and_says_so_everywhere(optimize, tmp_path):
    code, found, said = optimize("--probes", "probes.toml", "--ledger", "ledger.json", broken=("lazy", "zone"))
    assert found is not None, said
    jsonschema.validate(found, json.loads(schema_text("optimize")))
    proof = found["optimized"]["proof"]
    assert (code, found["optimized"]["verified"]) == (0, True)
    assert [probe["name"] for probe in proof["probes"]] == ["GET /lazy", "GET /zone"]
    assert 1 <= proof["rewrites"] <= 3
    assert proof["kept"] == found["plan"]["kept"]
    assert {reason.split("'")[1] for reason in (kept["reason"] for kept in proof["kept"])} == {"GET /lazy", "GET /zone"}
    assert sum(note.startswith("kept ") for note in json.loads((tmp_path / "ledger.json").read_text())["notes"]) == 2
    labels = open_image(parse_reference(f"oci:{tmp_path}/out:slim")).config.labels
    assert labels["org.slimml.verified"] == "2 probes"
    assert labels["org.slimml.verified.probes"] == "GET /lazy, GET /zone"


def test_without_verifying_a_broken_image_is_called_unverified(optimize, tmp_path):
    code, found, _ = optimize("--no-verify", runtime="auto", broken=("lazy",))
    assert (code, found["optimized"]["verified"], found["optimized"]["proof"]) == (0, False, None)
    assert found["optimized"]["verification"] == "unverified: slimml did not run the image: --no-verify"
    assert open_image(parse_reference(f"oci:{tmp_path}/out:slim")).config.labels["org.slimml.verified"] == "no"


def test_an_original_that_fails_its_probes_is_refused_and_nothing_is_written(optimize, tmp_path):
    code, _, said = optimize("--probe", "GET /health", "--probe-command", "/bin/false")
    assert (code, "--no-verify" in said) == (9, True)
    assert not (tmp_path / "out").exists()


def test_without_an_engine_it_is_delivered_unverified_unless_one_was_asked_for(optimize, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    code, found, _ = optimize(runtime="auto")
    assert (code, found["optimized"]["verified"]) == (0, False)
    assert optimize("--verify", runtime="auto")[0] == 5


def test_nothing_is_left_in_the_work_directory(optimize, tmp_path):
    optimize("--probes", "probes.toml", broken=("lazy",))
    assert list((tmp_path / "work").iterdir()) == []
