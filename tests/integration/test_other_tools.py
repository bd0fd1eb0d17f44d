"""skopeo, umoci, dive, Docker and Podman read what slimml writes into files, and slimml reads what they write."""

import json
import shutil
import subprocess

import pytest
from engines import engine_directory, missing, running_dockerd
from tiny_image import read_layers, tiny

from slimml.oci.media_types import Compression
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image

FORMS = ["oci:{}/image:tag", "oci-archive:{}/image:tag", "docker-archive:{}/image:app:tag"]


def run(*command, **more):
    if shutil.which(command[0]) is None:
        missing(f"{command[0]} is not installed")
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def image_of(compression, docker=False):
    return tiny({"etc/a": b"1"}, {"etc/b": b"2" * 50_000}, compression=compression, docker=docker)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compression", list(Compression))
def test_skopeo_copies_what_we_write(tmp_path, form, compression):
    image = image_of(compression)
    write_image(image, parse_reference(form.format(tmp_path)))
    run("skopeo", "copy", form.format(tmp_path), f"oci:{tmp_path}/copy:tag")
    assert read_layers(open_image(parse_reference(f"oci:{tmp_path}/copy:tag"))) == read_layers(image)


@pytest.mark.parametrize("form", FORMS)
def test_skopeo_inspects_what_we_write(tmp_path, form):
    image = image_of(Compression.GZIP)
    receipt = write_image(image, parse_reference(form.format(tmp_path)))
    told = json.loads(run("skopeo", "inspect", form.format(tmp_path)))
    assert told["Architecture"] == "amd64"
    if form.startswith("oci"):
        assert told["Digest"] == receipt.digest


@pytest.mark.parametrize("form", FORMS)
def test_we_read_what_skopeo_writes(tmp_path, form):
    image = image_of(Compression.GZIP)
    write_image(image, parse_reference(f"oci:{tmp_path}/ours:tag"))
    run("skopeo", "copy", f"oci:{tmp_path}/ours:tag", form.format(tmp_path))
    assert read_layers(open_image(parse_reference(form.format(tmp_path)))) == read_layers(image)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
@pytest.mark.parametrize("docker", [False, True])
def test_umoci_unpacks_what_we_write(tmp_path, compression, docker):
    write_image(image_of(compression, docker), parse_reference(f"oci:{tmp_path}/image:tag"))
    run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/image:tag", f"{tmp_path}/bundle")
    assert (tmp_path / "bundle" / "rootfs" / "etc" / "a").read_bytes() == b"1"


def test_umoci_changes_a_layout_that_we_wrote(tmp_path):
    write_image(image_of(Compression.GZIP), parse_reference(f"oci:{tmp_path}/image:tag"))
    run("umoci", "config", "--image", f"{tmp_path}/image:tag", "--config.workingdir", "/srv", "--tag", "changed")
    changed = open_image(parse_reference(f"oci:{tmp_path}/image:changed"))
    assert changed.config.runtime["WorkingDir"] == "/srv"


@pytest.mark.parametrize("compression", list(Compression))
def test_dive_reads_our_docker_archives(tmp_path, compression):
    write_image(image_of(compression), parse_reference(f"docker-archive:{tmp_path}/image.tar:app:tag"))
    run("dive", f"docker-archive://{tmp_path}/image.tar", "--json", f"{tmp_path}/told.json")
    layers = json.loads((tmp_path / "told.json").read_text())["layer"]
    assert [layer["sizeBytes"] for layer in layers] == [1, 50_000]


def test_docker_loads_our_archives_and_we_read_what_it_saves(tmp_path):
    with engine_directory() as directory, running_dockerd(directory, driver="vfs") as socket:
        docker = ("docker", "--host", f"unix://{socket}")
        for compression in Compression:
            image = image_of(compression)
            write_image(image, parse_reference(f"docker-archive:{tmp_path}/in.tar:app:{compression}"))
            assert f"app:{compression}" in run(*docker, "load", "--input", f"{tmp_path}/in.tar")
            run(*docker, "save", f"app:{compression}", "--output", f"{tmp_path}/out.tar")
            back = open_image(parse_reference(f"docker-archive:{tmp_path}/out.tar"))
            assert back.config.digest == image.config.digest


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("compression", list(Compression))
def test_podman_loads_our_archives(tmp_path, form, compression):
    write_image(image_of(compression), parse_reference(form.format(tmp_path)))
    with engine_directory() as directory:
        podman = ("podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run", "--storage-driver", "vfs")
        assert "Loaded image" in run(*podman, "load", "--input", f"{tmp_path}/image")
