"""slimml reads no Dockerfile, so that none can choose a frontend or mount anything (attack case 19)."""

import typer.main
from warm import Warm

from slimml.cli.main import app

HOSTILE = "# syntax=attacker.example/frontend:latest\nFROM scratch\nRUN --mount=type=bind,source=/,target=/host id\n"


def test_19_no_command_takes_a_dockerfile():
    commands = typer.main.get_command(app).commands
    parameters = {parameter.name for command in commands.values() for parameter in command.params}
    assert commands
    assert {name for name in parameters if "dockerfile" in name or name in ("file", "context", "build")} == set()


def test_19_a_dockerfile_given_as_an_image_is_not_read(tmp_path):
    (tmp_path / "Dockerfile").write_text(HOSTILE)
    with Warm() as slimml:
        ends = [slimml.run("analyze", f"{kind}:Dockerfile", cwd=tmp_path) for kind in ("oci", "oci-archive")]
    assert all(end.code not in (0, 70) and end.err.count("\n") == 1 for end in ends)
    assert not any("attacker" in end.err for end in ends)
